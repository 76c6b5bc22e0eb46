"""Pure: from an action to the Kubernetes objects that it stands for, as dicts."""
