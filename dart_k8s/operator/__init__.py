"""The level-triggered runtime: watch, queue, gather, decide, apply; lease and health."""
