"""Pure: what a Training does, from rows of tokens to steps, checkpoints and a student's template."""
