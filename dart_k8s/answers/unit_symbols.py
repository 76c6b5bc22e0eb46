"""Symbols of units behind a number, where a caller says that the reference is a bare number: `35.8 m`, `7 eV`.

Without that word from the caller a letter behind a number is a variable, unless it is set as text.
"""

import re

_PREFIX = r"(?:[fpnumcdkMGT]|µ|μ|\\mu ?)?"
_NAME = (
    r"(?:mol|rad|bar|atm|torr|cal|bits?|bps|Hz|Pa|eV|Wb|lb|ft|in|mi|min|hr|yd|[msgNJWKVCTAFHLh]|Ω|\\Omega|"
    r"°|\^\\circ|\^\{\\circ\})"
)
_ONE = rf"(?:{_PREFIX}{_NAME})(?:\^?\{{?-?\d\}}?)?"
_UNIT = rf"{_ONE}(?:(?:\s*[/*·.]\s*|\s*\\cdot\s*|\s+){_ONE}){{0,4}}"
_MEASURED = re.compile(rf"(?P<value>[^=]*?[\d)}}])(?:\s|~|\\[,;: ])*\(?(?P<unit>{_UNIT})\)?[\s.]*", re.DOTALL)
_VALUE = re.compile(r"(?:\\(?:frac|dfrac|sqrt|times|cdot|pi|approx)(?![A-Za-z])|[\d\s.,+*/^(){}eE-]|\\[,;: ]|~|≈|×|π)+")
_PLAIN = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LONGEST = 200


def without_unit(answer: str, reference: str) -> str:
    """An answer without the symbols of its unit, if it is a number with one and the reference a bare number; else the
    answer as it is."""
    bare = answer.replace("$", "").replace("\\(", "").replace("\\)", "").strip()
    if len(bare) > _LONGEST or not _PLAIN.fullmatch(reference.replace("$", "").strip()):
        return answer
    found = _MEASURED.fullmatch(bare)
    return found["value"] if found and _VALUE.fullmatch(found["value"]) else answer
