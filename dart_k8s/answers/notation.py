"""Notations of one country, trade or program brought to the usual ones, on the text of an answer."""

import re

_END = r"((?:[^\[\](),;{}=<>]|\{[^{}\[\]]{1,40}\}){1,60})"
_INTERVAL = rf"([\[\]]){_END}[,;]{_END}([\[\]])"
_TURNED = re.compile(_INTERVAL)
_ALL_TURNED = re.compile(rf"(?:[a-z] ?\\in ?)?{_INTERVAL}(?: ?(?:\\cup|U|or|\\text ?\{{ ?or ?\}}) ?{_INTERVAL}){{0,5}}")
_COLUMN = re.compile(r"\[ ?\[[^\[\],;]{1,80}\](?: ?, ?\[[^\[\],;]{1,80}\]){1,30} ?\]")
_PART = re.compile(r"(?:^|(?<=[,; ]))(?:\(([a-f])\)|([a-f])[).])(?: |~|\\ )*(?=[-\d$\\])")
_PART_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf) ?\{ ?(\(?[a-f][).]) ?\}")


def usual(text: str) -> str:
    """A normal form in the usual notation.

    `]0,1[` is (0,1), `[[1],[2]]` a column, `(a) 3, (b) 4` the values of a and b.
    """
    if "[" in text or text.startswith("]"):
        if text.startswith("[") and _COLUMN.fullmatch(text):
            entries = r" \\ ".join(re.findall(r"\[ ?([^\[\]]+)\]", text))
            return rf"\begin{{bmatrix}}{entries}\end{{bmatrix}}"
        if ("[" in text[1:] or text[0] == "]") and ("," in text or ";" in text):
            return _intervals(text)
    if text.startswith(("(a)", "a)", "a.", "\\text")) and "b" in text:
        return _parts(text)
    return text


def _intervals(text: str) -> str:
    if len(text) > 400 or not _ALL_TURNED.fullmatch(text):
        return text

    def turned(found: re.Match[str]) -> str:
        left = "[" if found[1] == "[" else "("
        right = "]" if found[4] == "]" else ")"
        return f"{left}{found[2]},{found[3]}{right}"

    return _TURNED.sub(turned, text)


def _parts(text: str) -> str:
    if len(text) > 400:
        return text
    plain = _PART_TEXT.sub(r"\1 ", text)
    found = list(_PART.finditer(plain))
    labels = [part[1] or part[2] for part in found]
    if len(found) < 2 or labels != list("abcdef")[: len(found)] or found[0].start() != 0:
        return text
    ends = [part.start() for part in found[1:]] + [len(plain)]
    values = [plain[part.end() : end].strip(" ,;~.") for part, end in zip(found, ends, strict=True)]
    if any(not value or "," in value or "=" in value for value in values):
        return text
    return ", ".join(f"{label} = {value}" for label, value in zip(labels, values, strict=True))
