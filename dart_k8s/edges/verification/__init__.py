"""Verification servers, seen from outside: the wire format and the client."""
