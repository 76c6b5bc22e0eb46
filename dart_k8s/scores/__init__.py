"""What verdicts on a benchmark's problems say of a model: accuracy, maj@k, pass@k, coverage, intervals, comparisons.

    numbers     arrays, and what an estimate is
    curves      unbiased pass@k; coverage against trials
    majority    maj@k, exactly
    bootstrap   intervals over problems, of a mean, of a mean of means, of paired differences
    benchmark   the scores of one benchmark, and by subject and level
    average     the mean over benchmarks
    comparing   models side by side on the same problems
    paper       the table of the DART-Math paper

Pure: no clock, log, file or network; what is drawn is drawn from a seed.
"""
