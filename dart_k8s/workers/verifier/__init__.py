"""The verification server: HTTP in front of checkers.

To add an endpoint `POST /v1/NAME`: write a module with a class that keeps `endpoint.Endpoint`, with a queue and child
processes of its own, and name it in `serve.endpoints`. What all have in common is done once, in `application`: drain,
size limits, back-pressure, errors in words, metrics, logs. It becomes ready when every endpoint is.

Importing this package needs no web framework; `application` and `serve` do (pip install dart-k8s[verifier]).
"""

from .endpoint import Endpoint, Refused
from .gate import Gate

__all__ = ["Endpoint", "Gate", "Refused"]
