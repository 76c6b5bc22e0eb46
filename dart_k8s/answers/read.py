"""The text of an answer read as a tree: which kind of answer it is, then what it holds."""

import re
from dataclasses import dataclass
from functools import lru_cache

from dart_k8s.answers import numerals, units
from dart_k8s.answers.limits import ANSWER_CHARACTERS, ITEMS, LimitReached
from dart_k8s.answers.normalise import normal_answer
from dart_k8s.answers.numerals import based, number
from dart_k8s.answers.parse import Parser
from dart_k8s.answers.tokens import Unreadable, tokenise
from dart_k8s.answers.tree import (
    Call,
    Choice,
    Constant,
    NamedSet,
    Node,
    Number,
    Ratio,
    Relation,
    Sequence,
    SetOperation,
    Symbol,
    Time,
    Word,
    children,
    integer,
    negate,
    rebuild,
    walk,
)
from dart_k8s.answers.words import fold_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a text has no tree."""

    reason: str
    limit: bool = False
    """A bound was hit (the text may still be an answer), not the grammar."""


BASES = {name: base for base, name in enumerate(
    ("two three four five six seven eight nine ten eleven twelve "
     "thirteen fourteen fifteen sixteen").split(), start=2)}  # fmt: skip
_BASED = re.compile(r"(-?)\s*\(?\s*([0-9A-Fa-f]+)\s*\)?\s*_\s*\{?\s*(?:\\text\s*\{)?\s*(\d{1,2}|[a-z]+)\s*\}?\s*\}?")
_BASED_WORDS = re.compile(
    r"([0-9]+)\s+(?:in )?(?:\\text\s*\{\s*(?:in )?)?base[ -](\d{1,2}|[a-z]+)\s*\}?", re.IGNORECASE
)
_CLOCK = re.compile(
    r"(\d{1,2})(?::(\d\d))?(?::(\d\d))?(?:\s|~|\\[ ,;:])*(?:\\(?:text|mathrm|textrm|mbox|rm)\s*\{)?(?:\s|~)*"
    r"([apAP])\.?\s*[mM]\.?\s*\}?"
)
_CHOICE = re.compile(r"\(\s*([A-H])\s*\)|([A-H])\s*\)|(?:[Oo]ption|[Cc]hoice)s?\s*\(?([A-Ha-h])\)?")
_TEXT_COMMAND = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|up|sc|sl|normal)?|mbox|hbox|math(?:rm|bf|it|sf|tt)|emph|operatorname|underline)\s*\{([^{}]*)\}"
)
_RATIO_WORDS = re.compile(r"(\d+(?:\.\d+)?)((?: to \d+(?:\.\d+)?)+)")
_WORDS = re.compile(r"[A-Za-z][A-Za-z' -]*")
_WORD_LIST = re.compile(r"[A-Za-z][A-Za-z' -]*(?:,[A-Za-z' -]+)+")
_SHORT_WORDS = frozenset({"no", "up", "on", "in", "am", "pm", "go", "it", "he", "me", "us"})
_NOT_WORDS = re.compile(
    r"(?:arc|a)?(?:sin|cos|tan|cot|sec|csc)h?|exp|log|ln|sqrt|pi|inf|infinity|oo|alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|omega|phi|rho|tau|mu|nu"
)
_SPACED_NUMBERS = re.compile(r"-?\d{1,9}(?: -?\d{1,9}){2,}")
_PURE_INTEGER = re.compile(r"-?\d{1,1000}")
_STATEMENTS = re.compile(r"(?:\( ?\d ?\) ?){2,}")
_WHOLE_PARAMETER = re.compile(r"\(? ?([a-z]) ?\\in ?(?:\\mathbb ?\{? ?Z ?\}?|\\mathbf ?\{ ?Z ?\}|\\Z|Z) ?\)?$")
_REMARK = re.compile(r"\\text ?\{ ?(?:where|for|with)? ?\}$|\\q?quad$|\\$")
_REALS = frozenset(
    {"all real numbers", "all reals", "all real number", "real numbers", "any real number", "set of real numbers"}
)
_EXCEPT = re.compile(
    r"(?:the )?(?:set of )?(?:all |any )?real(?: number|value)?s?(?: (?:values?|numbers?))?(?: (?:of )?[a-z])?,? ?"
    r"(?:except|excluding|other than|not equal to)(?: for| when| that)? (?!not\b)(.+)",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"(?:only )?((?:IV|V|I{1,3})(?:(?:, and |, | and )(?:IV|V|I{1,3}))*)(?: only)?")
# Alone these are letters.
_NUMERALS = frozenset({"I", "V", "IV"})
_ROMAN_STARTS = frozenset("IVOo")
_MONTHS = "January February March April May June July August September October November December"
_DATE = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<month>MONTH)|"
    r"(?P<first>MONTH) (?P<second>\d{1,2})(?:st|nd|rd|th)?)"
    r"(?:,? (?P<year>\d{4}))?".replace("MONTH", _MONTHS.replace(" ", "|"))
)


@lru_cache(maxsize=16384)
def read(text: str) -> Node | Problem:
    """The tree of an answer (any text, LaTeX or plain), or why there is none. Never raises."""
    try:
        if len(text) > ANSWER_CHARACTERS:
            raise LimitReached(f"an answer of more than {ANSWER_CHARACTERS} characters")
        normal = normal_answer(text)
        if _PURE_INTEGER.fullmatch(normal) and normal.isascii():
            return integer(int(normal))
        return _special(text, normal) or _words(text, normal) or _items(normal)
    except Unreadable as problem:
        return Problem(reason=str(problem))
    except LimitReached as problem:
        return Problem(reason=str(problem), limit=True)
    except RecursionError:
        return Problem(reason="nested too deeply to read", limit=True)


def _special(text: str, normal: str) -> Node | None:
    """Kinds that have a form of their own: options, numerals in a base, times of day."""
    if len(normal) > 80:
        return None
    plain = _plain(normal)
    if found := _CHOICE.fullmatch(plain):
        return Choice((found[1] or found[2] or found[3]).upper())
    if "_" in normal and (found := _BASED.fullmatch(normal)):
        sign, digits, base = found.groups()
        radix = BASES.get(base, int(base) if base.isdigit() else 0)
        # `A_1` is a variable: letters alone are a numeral only in base 16 and from two letters up.
        if radix and (any(char.isdigit() for char in digits) or (radix == 16 and len(digits) > 1)):
            numeral = based(digits, radix)
            return negate(numeral) if sign else numeral
    if "ase" in normal and (found := _BASED_WORDS.fullmatch(normal)):
        base = found[2].lower()
        radix = BASES.get(base, int(base) if base.isdigit() else 0)
        return based(found[1], radix) if radix else None
    if _STATEMENTS.fullmatch(normal):
        # The numbers of statements, not a product.
        return Sequence("", "", tuple(integer(int(digit)) for digit in normal if digit.isdigit()))
    if _SPACED_NUMBERS.fullmatch(normal):
        return Sequence("(", ")", tuple(integer(int(part)) for part in normal.split()))
    if plain[:1] in _ROMAN_STARTS and (found := _ROMAN.fullmatch(plain)) and found[1] not in _NUMERALS:
        # The numbers of statements: I and III, II only.
        return Sequence("", "", tuple(Word(part.lower()) for part in re.split(r", and |, | and ", found[1])))
    if "eal" in plain and (found := _EXCEPT.fullmatch(plain)):
        left_out = _items(found[1])
        if isinstance(left_out, Relation) and left_out.operators == ("=",) and isinstance(left_out.sides[0], Symbol):
            left_out = left_out.sides[1]
        points = left_out.items if isinstance(left_out, Sequence) and left_out.left in ("", "{") else (left_out,)
        return SetOperation("difference", (NamedSet("R"), Sequence("{", "}", points)))
    if " " in plain and plain[-1].isalnum() and (found := _DATE.fullmatch(plain)):
        return Word(
            f"{(found['month'] or found['first']).lower()} {int(found['day'] or found['second'])} {found['year'] or ''}"
        )
    if found := _RATIO_WORDS.fullmatch(plain):
        return Ratio(tuple(number(part) for part in plain.split(" to ")))
    if found := _CLOCK.fullmatch(normal):
        hour, minute, second, half = int(found[1]), int(found[2] or 0), int(found[3] or 0), found[4].lower()
        if 1 <= hour <= 12 and minute < 60 and second < 60:
            return Time(((hour % 12) + (12 if half == "p" else 0)) * 3600 + minute * 60 + second)
    return None


def _is_word(word: str, quoted: bool) -> bool:
    if len(word) < 3:
        return word.lower() in _SHORT_WORDS
    return quoted or not _NOT_WORDS.fullmatch(word)


def _plain(normal: str) -> str:
    """Text without the commands that set it."""
    plain = _TEXT_COMMAND.sub(r" \1 ", normal) if "\\" in normal else normal
    return " ".join(plain.replace("\\ ", " ").replace("~", " ").split()).strip(" .")


def _words(text: str, normal: str) -> Node | None:
    """A word, several words, or a list of them; None if the text holds anything else."""
    plain = _plain(normal)
    quoted = "\\text" in text or "\\mbox" in text
    if _WORDS.fullmatch(plain):
        words = plain.replace("-", " ").split()
        if (value := numerals.spelled(words)) is not None:
            return Number(value)
        if fold_words(plain) in _REALS:
            return NamedSet("R")
        for end in range(len(words) - 1, 0, -1):
            value = numerals.spelled(words[:end])
            if value is not None and units.canonical(" ".join(words[end:])):
                return _items(f"{value} \\text{{{' '.join(words[end:])}}}")
        if words[0].lower() in ("empty", "null") and words[-1].lower() == "set" and len(words) == 2:
            return Sequence("{", "}", ())
        if any(_is_word(word, quoted) for word in words) and not (
            len(words) > 1 and all(len(w) == 1 or w in ("and", "or") for w in words)
        ):
            return Word(fold_words(plain))
        return None
    if _WORD_LIST.fullmatch(plain):
        parts = [part.strip() for part in re.split(r",\s*(?:and\b|or\b)?|\band\b|\bor\b", plain)]
        parts = [part for part in parts if part]
        if len(parts) <= ITEMS and all(any(_is_word(word, quoted) for word in part.split()) for part in parts):
            return Sequence("", "", tuple(Word(fold_words(part)) for part in parts))
    return None


def _items(normal: str) -> Node:
    """A list of items, or the only one."""
    if not normal:
        raise Unreadable("empty")
    normal = _without_parameter(normal)
    parser = Parser(tokenise(normal))
    items = [parser.item()]
    starts = [0]
    joiners: set[str] = set()
    while joiner := parser.separator():
        parser.at += 1
        if parser.separator():
            joiner = parser.separator()
            parser.at += 1
        if parser.at == len(parser.tokens):
            raise Unreadable("a list that ends with its separator")
        joiners.add(joiner)
        if joiner == "or":
            starts.append(len(items))
        items.append(parser.item())
        if len(items) > ITEMS:
            raise LimitReached(f"more than {ITEMS} members in one answer")
    if parser.at < len(parser.tokens):
        raise Unreadable(f"{parser.rest()!r} does not belong to the answer before it")
    if joiners == {"or", ","} or joiners == {"or", "and"}:
        groups = [items[start:end] for start, end in zip(starts, [*starts[1:], len(items)], strict=True)]
        if all(len(group) > 1 and all(_assigns(item) for item in group) for group in groups):
            # x=1, y=2 or x=3, y=4
            return Sequence("", "", tuple(Sequence("", "", tuple(group)) for group in groups))
    items = [reading for item in items for reading in _signs(item)]
    if len(items) == 1:
        return items[0]
    if all(
        isinstance(item, Relation) and item.operators[0] in ("<", ">", "<=", ">=", "!=") for item in items
    ) and joiners <= {"or", "and"}:
        if len(joiners) > 1:
            raise Unreadable("'and' and 'or' between relations without brackets")
        return SetOperation("union" if joiners == {"or"} else "intersection", tuple(items))
    if joiners == {"or"}:
        if all(
            isinstance(item, Sequence) and item.left and item.left in "([" and len(item.items) == 2 for item in items
        ) and any(
            item.left + item.right != "()" or any(_unbounded(end) for end in item.items)
            for item in items
            if isinstance(item, Sequence)
        ):
            return SetOperation("union", tuple(items))
        # Two forms of one value are one answer: 1/2 or 0.5.
        return Sequence("{", "}", tuple(items))
    return Sequence("", "", tuple(items))


def _without_parameter(normal: str) -> str:
    """`k\\pi, k \\in Z` without its remark: a parameter is whole whether that is said or not."""
    if "\\in" not in normal or (found := _WHOLE_PARAMETER.search(normal[-40:])) is None:
        return normal
    rest = normal[: -len(found[0])].rstrip(" ,;~")
    rest = (rest[:-24] + _REMARK.sub("", rest[-24:])).rstrip(" ,;~")
    return rest if re.search(rf"(?<![A-Za-z\\]){found[1]}", rest) else normal


def _assigns(item: Node) -> bool:
    return isinstance(item, Relation) and item.operators == ("=",) and isinstance(item.sides[0], Symbol)


def _unbounded(end: Node) -> bool:
    return any(part == Constant("infinity") for part in walk(end))


def _signs(item: Node) -> list[Node]:
    """The two readings of an item with ±, all signs taken together; the item itself if it has none."""
    found = _has_signs(item)
    if not found:
        return [item]
    return [_signed(item, 1), _signed(item, -1)]


def _has_signs(node: Node) -> bool:
    if isinstance(node, Call) and node.name in ("pm", "mp"):
        return True
    return any(_has_signs(part) for part in children(node))


def _signed(node: Node, sign: int) -> Node:
    parts = tuple(_signed(part, sign) for part in children(node))
    if isinstance(node, Call) and node.name in ("pm", "mp"):
        return parts[0] if (node.name == "pm") == (sign > 0) else negate(parts[0])
    return rebuild(node, parts) if parts else node
