"""An Evaluation: problems written down, passes sampled as Syntheses, responses scored under their benchmarks' rules.

prepare     items and prompts, the template in force, pinned revisions; nothing is written before all checks passed
local       the whole path on one machine
scoring     every response of the passes' pools, by killable checkers
report      report/evaluation.json, table, figures; state/summary.json for a status
rescore     the same again with this program's verifier, without sampling
comparing   evaluations side by side, with what went into their models
"""
