"""Engines: what turns a prompt into a response. One Protocol, real engines, and a scripted one that ships beside them."""
