"""Engines turn a prompt into a response: one Protocol, real engines, and a scripted one that ships beside them."""
