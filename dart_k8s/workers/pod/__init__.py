"""What runs in the pods of a Synthesis: `python -m dart_k8s.workers.pod prepare|sample|curate|cleanup`.

Each reads the declaration that the operator wrote for it, says what happens as JSON lines on standard output, and ends
with an exit code by the contract of errors.py and a termination message: the finding that becomes a condition.
"""
