"""Training: prepare, launch the processes, keep checkpoints, verify the model. The same on one machine and in a pod."""
