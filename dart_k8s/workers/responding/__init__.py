"""From a request to a whole response: in one go, or in rounds with code run in between."""

from .responder import PlainResponder, Responder, Response, ToolResponder

__all__ = ["PlainResponder", "Responder", "Response", "ToolResponder"]
