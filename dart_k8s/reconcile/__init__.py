"""Pure: from what is observed of a Synthesis to what is to be done, the status, and why."""
