"""Words around a value that do not change it: hedges, labels, remarks; rules E, U and Y of docs/answers.md."""

import re

from dart_k8s.answers.units import canonical, known

_TEXT = r"\\(?:text|textbf|textrm|mathrm|mbox) ?\{"
_GAP = r"(?:\s|~|\\[ ,;:]|\\q?quad(?![A-Za-z]))*"

# "nearly" and "almost" say that it is another number; these say that it may be rounded.
ABOUT = re.compile(
    rf"(?:\\(?:approx|simeq)(?![A-Za-z])|{_TEXT}\s*(?:approximately|approx\.?|about|around|roughly)[\s~]*\}}|"
    rf"(?:approximately|approx\.?|about|around|roughly)(?=[\s~])){_GAP}(?=-?(?:\\?\$|[€£])?\.?\d)",
    re.IGNORECASE,
)

_REMARK = (
    r"(?:approx(?:imately|\.)?|exact(?:ly)?|(?:see|as) above|(?:a )?(?:double|triple|repeated) (?:root|solution)|"
    r"(?:with |of )?multiplicity (?:\d|two|three)|as (?:required|desired|needed|expected)|"
    r"(?:rounded )?(?:to )?(?:the )?nearest [a-z]{2,12}(?: [a-z]{2,12})?|rounded(?: (?:up|down|off))?|"
    r"(?:rounded |correct )?to (?:\d|one|two|three|four) (?:decimal places?|significant figures?|d\.?p\.?|s\.?f\.?)|"
    r"in (?:simplest|lowest|simplified|reduced) (?:form|terms)|simplified|answer)"
)
_BEHIND = re.compile(
    rf"{_GAP},?{_GAP}(?:{_TEXT} ?,? ?\( ?{_REMARK} ?\)\.? ?\}}|\( ?{_TEXT} ?{_REMARK} ?\}} ?\)|\( ?{_REMARK} ?\)|"
    rf"{_TEXT} ?,? ?(?:approximately|approx\.?) ?\}}|(?<=\d) approximately|"
    r"\\(?:checkmark|blacksquare|qed|qedsymbol)(?![A-Za-z]))$",
    re.IGNORECASE,
)
_LONGEST_REMARK = 80
_REMARK_ENDS = frozenset(")}kedly")

# A label names the value, as `x =` does. It has to be a word: `ab: 3` is a ratio.
_NAME = r"(?!option|choice|statement|case|part|step|ratio)[A-Za-z][a-z]{2,19}(?: [A-Za-z][a-z]{1,14}){0,3}"
_VALUE = r"(?=-?(?:\\?\$)?\.?\d|-?\\(?:frac|sqrt|pi|text\{ ?-?\d)(?![A-Za-z]))"
_LABEL = re.compile(rf"(?:{_TEXT} ?({_NAME}) ?: ?\}}{_GAP}:?{_GAP}|({_NAME}): {_GAP}){_VALUE}", re.IGNORECASE)
_THE = r"(?:the|my|our|its|his|her|their)"
_IS = r"(?:is|are|equals|was|will be)(?: equal to)? ?:?"
_SENTENCE = re.compile(
    rf"(?:{_TEXT} ?{_THE} ({_NAME}) {_IS} ?\}}{_GAP}|{_THE} ({_NAME}) {_IS} {_GAP}){_VALUE}", re.IGNORECASE
)
_DOES = (
    r"(?:is|are|was|will be|(?:will )?(?:have|has|had|need|pay|earn|make|get|spend|save|owe|sell|receive)s?|"
    r"paid|earned|made|got|spent|saved|sold|received)"
)
_WHO = r"([A-Z][a-z]{1,14})"
_PERSON = re.compile(rf"(?:{_TEXT} ?{_WHO} {_DOES} ?\}}{_GAP}|{_WHO} {_DOES} {_GAP}){_VALUE}")
_POINT = r"(?:the )?(center|centre|vertex|focus|midpoint|point)(?: at| is)?:?"
_PLACE = re.compile(rf"(?:{_TEXT} ?{_POINT} ?\}}|{_POINT} ?){_GAP}(?=\()", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"(?<=\d) ?\(([A-Za-z]{2,12}(?:[ /][a-z]{2,12}){0,2})\)$")
# A name with one of these is of something else than the answer.
_OTHER = re.compile(
    r"\b(?:not?|never|wrong|incorrect|false|other|except|without|half|double|twice|opposite|reciprocal|inverse|"
    r"negative|negation|none|nobody|neither|nothing)\b",
    re.IGNORECASE,
)


def without_remarks(text: str) -> str:
    """A normal form without the remark or check mark behind it, and with a label in front written as a name: `Total: 5`
    becomes `\\text{Total} = 5`."""
    if text[-1:] in _REMARK_ENDS and _may_end_in_remark(text):
        tail = text[-_LONGEST_REMARK:]
        found = _BEHIND.search(tail)
        if found is not None and len(text) - len(tail) + found.start() > 0:
            text = text[: len(text) - len(tail) + found.start()]
        elif (unit := _UNIT_BEHIND.search(tail)) and (name := canonical(unit[1])) and known(name):
            text = rf"{text[: len(text) - len(unit[0])]} \text{{{unit[1]}}}"
    if text[:2].isalpha() or text.startswith(("\\text", "\\mathrm", "\\mbox")):
        kinds = (_LABEL, _SENTENCE, _PERSON, _PLACE) if ":" in text else (_SENTENCE, _PERSON, _PLACE)
        label = next((found for kind in kinds if (found := kind.match(text))), None)
        name = (label[1] or label[2]) if label else ""
        if label and not _OTHER.search(name):
            text = rf"\text{{{name}}} = {text[label.end() :]}"
    return text


def _may_end_in_remark(text: str) -> bool:
    """Whether the last brackets start with a letter or text: cheap, since most answers end in a bracket."""
    if text[-1] == ")":
        return text[text.rfind("(") + 1 :].lstrip(" ")[:1].isalpha() or "\\" in text[-_LONGEST_REMARK:]
    return text[-1] != "}" or "\\text" in text or "\\m" in text
