"""The verbs that talk to a cluster: `kubectl dart VERB`, and `dart VERB` where the word means nothing else."""
