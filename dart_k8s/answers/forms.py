"""Small questions about the form of a tree that comparison asks."""

import re

from dart_k8s.answers.tree import Call, Node, Number, Ratio, Sequence, Symbol

_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


def fold_words(text: str) -> str:
    """Words as they are compared: lower case, single spaces, no article in front, no stop behind."""
    return _ARTICLE.sub("", " ".join(text.replace("-", " ").lower().split()).strip(" .,;:!"))


def is_name(node: Node) -> bool:
    """A lone variable, `f(x)`, or a tuple of variables."""
    if isinstance(node, Symbol):
        return True
    if isinstance(node, Sequence):
        return bool(node.items) and all(isinstance(item, Symbol) for item in node.items)
    return isinstance(node, Call) and len(node.name.rstrip("'")) == 1


def as_tuple(node: Node) -> Node:
    """A bare list as a tuple."""
    return Sequence("(", ")", node.items) if isinstance(node, Sequence) and not node.left else node


def clock(ratio: Ratio) -> int | None:
    """Seconds after twelve of `3:30`."""
    values = [part.value for part in ratio.parts if isinstance(part, Number)]
    if not ratio.clock or len(values) != 2:
        return None
    return int(values[0] % 12) * 3600 + int(values[1]) * 60
