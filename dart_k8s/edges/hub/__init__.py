"""Models and data sets of the Hugging Face hub, and models in folders and object stores."""

from dart_k8s.edges.hub.models import ModelFolder, resolve_model
from dart_k8s.edges.hub.publishing import has_token, push_folder
from dart_k8s.edges.hub.reading import HubDataset, open_dataset

__all__ = ["HubDataset", "ModelFolder", "has_token", "open_dataset", "push_folder", "resolve_model"]
