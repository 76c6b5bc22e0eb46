"""Outside things, one room each: a Protocol, the real thing, and a fake that ships."""
