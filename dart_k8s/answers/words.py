"""Words as answers: which of them say the same; rule W of docs/answers.md."""

import re

_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


def fold_words(text: str) -> str:
    """Words as they are compared: lower case, single spaces, no article in front, no stop behind."""
    return _ARTICLE.sub("", " ".join(text.replace("-", " ").lower().split()).strip(" .,;:!"))


# Spellings of one statement, not synonyms: "undefined" is said of other things than "does not exist".
_SPELLINGS = {
    "divergent": "diverges",
    "convergent": "converges",
    "dne": "does not exist",
    "d.n.e": "does not exist",
    "doesn't exist": "does not exist",
    "limit does not exist": "does not exist",
    "it does not exist": "does not exist",
    "infinitely many solutions": "infinitely many",
    "infinite solutions": "infinitely many",
    "infinite number of solutions": "infinitely many",
    "infinite": "infinitely many",
    "there are infinitely many": "infinitely many",
    "there are infinitely many solutions": "infinitely many",
}
_NOTHING = re.compile(
    r"(?:there (?:is|are|exist|exists) )?"
    r"(?:none|no(?: such)?(?: (?P<domain>real|integer|whole|rational|positive|natural|positive integer|complex))?"
    r"(?: (?:number|value)s? of [a-z])? (?:solution|root|zero|value|number|integer|triple|pair)s?"
    r"(?: (?:exists?|to (?:the|this) (?:equation|inequality|system)))?)"
)
# Of what a sentence may be about without saying anything else than its last words.
_SUBJECT = re.compile(
    r"(?:it|this|(?:the |this |that )?(?:given )?(?:function|statement|claim|series|sequence|answer|result|graph|conic|"
    r"curve|triangle|quadrilateral|shape|figure|system|relation|number|integral|equation|lines?|limit|set|day|month|"
    r"color|colour|day of the week|month of the year)) (?:is|are|converges? to be|will be|must be) (?P<said>.+)|"
    r"(?:it|this|(?:the |this )?(?:series|sequence|integral|sum)) (?P<does>diverges|converges(?: [a-z]+)?)"
)


def nothing(text: str) -> str | None:
    """The domain in which folded words say that there is no solution, empty without one; None if they say something
    else."""
    found = _NOTHING.fullmatch(text)
    return None if found is None else found["domain"] or ""


def endless(text: str) -> bool:
    """Whether folded words say that there are infinitely many."""
    return _SPELLINGS.get(text, text) == "infinitely many"


def _said(text: str) -> str:
    """What a short sentence says, without its subject; empty if the text is no such sentence."""
    found = _SUBJECT.fullmatch(text)
    if found is None:
        return ""
    said = fold_words(found["said"] or found["does"])
    return _SPELLINGS.get(said, said)


def same_words(first: str, second: str) -> bool:
    """Whether two folded texts say the same."""
    first, second = _SPELLINGS.get(first, first), _SPELLINGS.get(second, second)
    if first == second:
        return True
    left, right = nothing(first), nothing(second)
    if left is not None and right is not None:
        # Where a domain is left out, it is the question's; two different ones are two claims.
        return left == right or not (left and right)
    said = [_said(text) for text in (first, second)]
    if bool(said[0]) != bool(said[1]):
        # A sentence and the word that it ends in; two sentences have two subjects.
        return (said[0] or first) == (said[1] or second)
    pair = [sorted(text.split(" and ")) for text in (first, second)]
    return len(pair[0]) == 2 and pair[0] == pair[1]
