"""Text to simpler text: responses for telling them apart, answers for reading them."""

import hashlib
import re
import unicodedata
from functools import lru_cache

from dart_k8s.answers.limits import DEPTH
from dart_k8s.answers.notation import usual
from dart_k8s.answers.remarks import ABOUT, without_remarks

_SPACES = re.compile(r"\s+")


def normalise_response(text: str) -> str:
    """The form in which two responses are the same text: Unicode NFC, white space folded to single spaces, none at
    the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def text_hash(text: str) -> int:
    """Unsigned 64-bit BLAKE2b hash of the normalised text (surrogates kept), for counting distinct responses."""
    encoded = normalise_response(text).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big")


_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-",
    "×": r"\times ", "✕": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "∙": r"\cdot ", "÷": r"\div ", "∕": "/",
    "⁄": "/", "∗": "*",
    "±": r"\pm ", "∓": r"\mp ", "√": r"\sqrt ", "∛": r"\sqrt[3] ", "∞": r"\infty ",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ",
    "≈": r"\approx ", "≡": r"\equiv ",
    "∈": r"\in ", "∉": r"\notin ", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "∅": r"\emptyset ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "∑": r"\sum ", "∏": r"\prod ",
    "∫": r"\int ",
    "°": r"^\circ ", "º": r"^\circ ", "¢": r"\text{ cents}",
    "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"', "…": r"\ldots ",
    "⟨": r"\langle ", "⟩": r"\rangle ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∧": r"\land ", "∨": r"\lor ", "→": r"\to ",
    "∣": "|", "✓": r"\checkmark ", "✔": r"\checkmark ", "∎": r"\blacksquare ", "■": r"\blacksquare ",
    "，": ",", "、": ",", "；": ";", "：": ":", "（": "(", "）": ")", "【": "[", "】": "]", "。": ".",
    "％": "%", "＝": "=",
    "＋": "+",
    "＜": "<", "＞": ">", "￥": "¥", "＄": "$", "∠": r"\angle ",
    "\u00a0": " ", "\u2009": r"\,", "\u202f": r"\,", "\u2007": r"\,", "\u2002": " ", "\u2003": " ",
    "\u200a": r"\,", "\u3000": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u2060": "", "\u2061": "",
    "\u2062": "", "\u2063": "", "\u2064": "",
}  # fmt: skip
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi",
    "χ": "chi",
    "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega", "ϕ": "phi", "ϵ": "epsilon", "𝜋": "pi",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ", "0123456789+-nx")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_VULGAR = {"½": "12", "⅓": "13", "⅔": "23", "¼": "14", "¾": "34", "⅕": "15", "⅖": "25", "⅗": "35", "⅘": "45", "⅙": "16",
    "⅚": "56",
           "⅛": "18", "⅜": "38", "⅝": "58", "⅞": "78"}  # fmt: skip
_TABLE = str.maketrans(
    _CHARACTERS
    | {char: f"\\{name} " for char, name in _GREEK.items()}
    | {char: rf"\frac{{{d[0]}}}{{{d[1]}}}" for char, d in _VULGAR.items()}
)
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ]+")
_SUBSCRIPT = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_UNICODE_ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?)")


def to_ascii(text: str) -> str:
    """Unicode mathematics written as LaTeX: `√2`, `≤`, `²`, `½`, full-width digits. Other characters are left as they
    are.

    NFKC alone would turn `5²` into 52 and `3½` into 31/2, so those are spelt out first.
    """
    if text.isascii():
        return text
    text = _SUPERSCRIPT.sub(lambda found: "^{" + found[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT.sub(lambda found: "_{" + found[0].translate(_SUBSCRIPTS) + "}", text)
    text = _UNICODE_ROOT.sub(r"\\sqrt{\1}", text)
    return unicodedata.normalize("NFKC", text.translate(_TABLE))


_ENVELOPES = (
    ("**", "**"),
    ("$$", "$$"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\[", r"\]"),
    ("`", "`"),
    ("__", "__"),
    ("*", "*"),
    ('"', '"'),
)
_SEPARATING = " \t\r\n\f\v~,;:\\"
_ENDINGS = (r"\!", r"\newline", r"\par", r"\quad", r"\qquad", r"\thinspace")
_STOP_AS_TEXT = re.compile(r"\\(?:text|mathrm|mbox) ?\{[\s.,;]{1,8}\}$")
_ABOUT_STARTS = frozenset("\\aArR")
_OPENERS = frozenset(left[0] for left, _ in _ENVELOPES)
_LEADING = re.compile(r"^(?:\s|\\[,;:! ]|~|\\q?quad(?![A-Za-z])|[:=](?![=:]))+")
_LAYOUT = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|left|right|[bB]ig+[lrm]?|mathstrut|limits|nolimits|protect|phantom\{[^{}]*\}|hfill|space|noindent|centering|"
    r"large|Large|LARGE|huge|Huge|small|tiny|normalsize|bf|rm|it|boldmath|allowbreak|nonumber|notag)(?![A-Za-z])\s?\.?"
)
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_DELIMITER_NULL = re.compile(r"\\(?:left|right)\s*\.")
_PREFIX = re.compile(
    r"^(?:\\(?:text|mathrm|textbf)\s*\{\s*)?(?:so|thus|hence|therefore)?,?\s*"
    r"(?:the |my |our )?(?:final |correct )?(?:answer|result)s?\s*"
    r"(?:is|are|:|=|equals)+\s*:?\s*",
    re.IGNORECASE,
)
_WRAPPER = re.compile(
    r"^\\(?:boxed|fbox|framebox|text|textbf|textit|textrm|textnormal|textsf|texttt|textup|textsc|textsl|"
    r"mbox|hbox|mathrm|mathbf|mathit|mathsf|mathtt|operatorname|boldsymbol|bm|emph|underline|ensuremath|"
    r"displaystyle|color\s?\{[A-Za-z]+\}|textcolor\s?\{[A-Za-z]+\}|mathbf\s*\\(?:text|mathrm))\s*\{"
)
# Bold in Markdown, not the powers of x**2 + y**2.
_BOLD = re.compile(r"(?<![\w)}\]*])\*\*(?![\s*])([^*]+)\*\*(?![\w(\\{*])")
_ALTERNATIVES = re.compile(r"(?:\\?#\s*){2,}")
_SPLIT_DECIMAL = re.compile(r"(-?0)\. (\d+)")
_EXPLICIT_THOUSANDS = re.compile(
    r"(?<![\d.,])(\d{1,3})((?:(?:\{(?:,|\\,|\s)\}|\\?,\\[!,;: ]|\\[ ,;:!]|~|\\thinspace\s?) ?\d{3})+)(?!\d)"
)
# Not behind a subscript or an exponent: \log_5 125.
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,_^])(?<!\d )(\d{1,3})((?: \d{3})+)(?! ?\d)")
_COMMA_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3})((?:,\d{3})+)(?![\d]|,\d)")
_NONDIGITS = re.compile(r"\D")
_MONEY = re.compile(
    r"\\(?:text|mathrm|mbox|textrm)\s*\{\s*(\\\$|\\textdollar|€|£|¥)\s*\}|\{\s*(\\\$|\\textdollar)\s*\}|"
    r"\\(?:textdollar|mathdollar|dollar)(?![A-Za-z])\s?|(?<![A-Za-z])US\s?\\\$"
)
_CURRENCIES = re.compile(r"\\(euro|pounds|textsterling|yen|texteuro)(?![A-Za-z])\s?")
_CURRENCY = {"euro": "€", "texteuro": "€", "pounds": "£", "textsterling": "£", "yen": "¥"}
_UNIT_FRACTION = re.compile(
    r"\\frac\s*\{\s*\\(?:text|mathrm|mbox|textrm)\s*\{([^{}]*)\}\s*\}\s*"
    r"\{\s*\\(?:text|mathrm|mbox|textrm)\s*\{([^{}]*)\}\s*\}"
)
_RATE = re.compile(r"(?<=\d) ?/ ?\\text ?\{ ?(?!(?:sin|cos|tan|cot|sec|csc|exp|log|ln)\b)([A-Za-z]{2,20}) ?\}")
_ROW_END = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\]|\\(?:cr|tabularnewline)(?![A-Za-z])")
_EMPTY_GROUP = re.compile(r"(?<=[\d)])\{\s*\}")
_COLON = re.compile(r"\{\s*:\s*\}|\\colon(?![A-Za-z])|\\(?:text|mathrm|mbox)\s*\{\s*:\s*\}|\\mathbin\s*\{\s*:\s*\}")
_SYSTEM = re.compile(
    r"(?:\\\{\s*)?\\begin\s*\{(cases|aligned|align\*?|gathered|split)\}(.*)\\end\s*\{\1\}(?:\s*\\?\.)?", re.DOTALL
)
_COMBINATIONS = re.compile(
    r"(?:\\mathrm\s*\{\s*~?C\s*\}|(?<![A-Za-z\\])C)\s*_\s*\{?(\d{1,4})\}?\s*\^\s*\{?(\d{1,4})\}?|"
    r"(?:\{\s*\})?\s*_\s*\{?(\d{1,4})\}?\s*C\s*_\s*\{?(\d{1,4})\}?"
)
_OHM = re.compile(r"(?<=\d)(?:\s|~|\\[ ,;:])*\\Omega\s*$")
_MICRO = re.compile(r"\\mu\s*\\(?:text|mathrm)\s*\{\s*")
_VECTOR = re.compile(r"<([^<>=]*,[^<>=]*)>")
_MEASURED = re.compile(r"(?<=\d)(?: |~|\\ )+([mgshLNJWKVA]) ?\.?$")
_TEXT_WRAPPER = re.compile(r"\\(?:text(?:bf|it|rm|normal|sf|tt|up)?|mbox|hbox|mathrm)\s*\{")
_SPELLED = re.compile(r"\\(?:text|mathrm|mbox)\s*\{\s*([0-9A-F]+)\s*\}\s*_")


def closing_brace(text: str, start: int) -> int:
    """Position of the `}` that closes the `{` at `start`, -1 if it is never closed. Escaped braces do not count."""
    depth = 0
    position = start
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    return -1


def _strip_end(text: str) -> str:
    """Text without stops, separators, spaces and ends of lines behind it; three dots say that something is missing.

    Written out, because a pattern for this backtracks without end on hostile texts.
    """
    before = ""
    while text != before:
        before = text
        text = text.rstrip(_SEPARATING)
        bare = text.rstrip(".")
        if 1 <= len(text) - len(bare) <= 2:
            text = bare
        for ending in _ENDINGS:
            text = text.removesuffix(ending)
        if text.endswith("}"):
            tail = _STOP_AS_TEXT.search(text[-32:])
            text = text[: -len(tail[0])] if tail else text
    return text


def strip_envelope(text: str) -> str:
    """What is left when layout around the whole answer is taken off: `$...$`, `**...**`, `\\text{...}`, closing
    stops, "the answer is"."""
    for _ in range(DEPTH):
        before = text
        text = _strip_end(_LEADING.sub("", text)) if not text.endswith(r"\right.") else text.strip()
        for left, right in _ENVELOPES if text[:1] in _OPENERS else ():
            inner = text[len(left) : len(text) - len(right)]
            if (
                len(text) > len(left) + len(right)
                and text.startswith(left)
                and text.endswith(right)
                and left not in inner
                and right not in inner
            ):
                text = inner
                break
        wrapped = _WRAPPER.match(text) if text.startswith("\\") else None
        if wrapped and closing_brace(text, wrapped.end() - 1) == len(text) - 1:
            inner = text[wrapped.end() : -1]
            # A word in \text stays marked as text for the reader unless it is the whole answer, which it is here;
            # a lone letter behind a figure is a unit because it is upright, so it stays marked: \text{90 m}.
            text = _MEASURED.sub(r" \\text{\1}", inner) if _TEXT_WRAPPER.fullmatch(wrapped[0]) else inner
        elif text.startswith("{") and closing_brace(text, 0) == len(text) - 1:
            text = text[1:-1]
        if "nswer" in text or "esult" in text:
            prefixed = _PREFIX.match(text)
            if prefixed:
                text = text[prefixed.end() :]
                if prefixed[0].startswith("\\"):
                    text = _close_early(text)
        if text[:1] in _ABOUT_STARTS and (about := ABOUT.match(text)):
            text = text[about.end() :]
        if text == before:
            return text
    return text


def _close_early(text: str) -> str:
    """Text whose opening `\\text{` was taken off with a prefix: drop the brace that closed it."""
    opened = closing_brace("{" + text, 0)
    return text if opened < 0 else text[: opened - 1] + " " + text[opened:]


def _join(found: re.Match[str]) -> str:
    return found[1] + _NONDIGITS.sub("", found[2])


def join_thousands(text: str) -> str:
    """Digit groups joined: `1,080`, `10{,}000`, `5\\,000`, `7 300`.

    A comma joins only outside brackets (`(100,200)` is a pair) or where a group starts with 0 and so can't be a
    member (`(5,012)`); a comma with a space after it never joins (`32, 349` is a list).
    """
    if not any(char.isdigit() for char in text):
        return text
    text = _EXPLICIT_THOUSANDS.sub(_join, text)
    text = _SPACED_THOUSANDS.sub(_join, text)
    if "," not in text:
        return text

    def outside(found: re.Match[str]) -> str:
        before = text[: found.start()]
        depth = sum(before.count(char) for char in "([{") - sum(before.count(char) for char in ")]}")
        leading_zero = any(group.startswith("0") for group in found[2][1:].split(","))
        # A lone 0 in front is a member, not a number with separators: `0,100`.
        if found[1].startswith("0") or (depth > 0 and not leading_zero):
            return found[0]
        return _join(found)

    return _COMMA_THOUSANDS.sub(outside, text)


def drop_dollars(text: str) -> str:
    """Mathematics delimiters taken out; a dollar sign that can't be one becomes `\\$`."""
    if "$" not in text:
        return text
    bare = [found.start() for found in re.finditer(r"(?<!\\)\$", text)]
    keep = -1
    if len(bare) % 2:
        keep = next((at for at in bare if text[at + 1 : at + 2].isdigit() or text[at + 1 : at + 2] == "."), -1)
    out: list[str] = []
    for at, char in enumerate(text):
        if char == "$" and (at == 0 or text[at - 1] != "\\"):
            out.append("\\$" if at == keep else " ")
        else:
            out.append(char)
    return "".join(out)


def _spellings(text: str) -> str:
    """Rare commands brought to the usual ones: signs of currencies, fractions of units, ends of rows."""
    if "\\frac" in text:
        text = _UNIT_FRACTION.sub(r" \\text{\1/\2}", text)
    if "/" in text:
        text = _RATE.sub(r" \\text{per \1}", text)
    if "$" in text or "dollar" in text or "text" in text:
        text = _MONEY.sub(lambda found: found[1] if found[1] and found[1][0] != "\\" else "\\$", text)
    if "\\begin" in text and (found := _SYSTEM.fullmatch(text)) and (found[1] != "cases" or "&" not in found[2]):
        # The lines of a system hold together, as members of a list do.
        rows = [row.replace("&", " ").strip(" ,") for row in found[2].split("\\\\")]
        text = ", ".join(row for row in rows if row)
    if "\\Omega" in text:
        text = _OHM.sub(r"\\text{ ohm}", text)
    if "\\mu" in text:
        text = _MICRO.sub(r"\\text{micro", text)
    text = _CURRENCIES.sub(lambda found: _CURRENCY[found[1]], text)
    text = _ROW_END.sub(r"\\\\", text)
    return _SPELLED.sub(r"\1_", text)


@lru_cache(maxsize=8192)
def normal_answer(text: str) -> str:
    """The normal form of an answer's text, the one that is read: ASCII mathematics without layout, delimiters and
    digit separators."""
    text = to_ascii(text.strip())
    text = strip_envelope(text)
    if text.isdigit():
        return text
    text = _DELIMITER_NULL.sub(" ", text)
    if text.startswith("US$"):
        text = "\\" + text[2:]
    if "\\" in text:
        text = _LAYOUT.sub(" ", text)
        text = _FRACTION.sub(r"\\frac", text)
        text = _spellings(text)
    if "{" in text or "colon" in text:
        text = _COLON.sub(":", _EMPTY_GROUP.sub("", text))
    if "#" in text:
        # Some publishers write two forms of one answer as 3/10 ## 0.3.
        text = _ALTERNATIVES.sub(" = ", text)
    if "**" in text:
        text = _BOLD.sub(r"\1", text)
    text = drop_dollars(join_thousands(text))
    text = re.sub(r"(?<!\\)\\[()\[\]]", " ", text)
    text = strip_envelope(_SPACES.sub(" ", text))
    if text.endswith("}") and text.count("}") == text.count("{") + 1 and "\\}" not in text:
        # The brace of a box that was cut out one character too far.
        text = text[:-1].rstrip()
    if text.startswith("<") and (found := _VECTOR.fullmatch(text)):
        text = rf"\langle {found[1]} \rangle"
    if "C" in text and "_" in text:
        text = _COMBINATIONS.sub(lambda found: rf"\binom{{{found[1] or found[3]}}}{{{found[2] or found[4]}}}", text)
    if text.startswith(("0. ", "-0. ")) and (found := _SPLIT_DECIMAL.fullmatch(text)):
        text = f"{found[1]}.{found[2]}"
    if (plain := without_remarks(text)) != text:
        text = strip_envelope(plain)
    return usual(text)


_SKELETON = (
    (re.compile(r"\\(?:text(?:bf|it|rm|normal)?|mbox|mathrm|mathbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:leqslant|leqq|leq)(?![A-Za-z])"), r"\\le"),
    (re.compile(r"\\(?:geqslant|geqq|geq)(?![A-Za-z])"), r"\\ge"),
    (re.compile(r"\\neq(?![A-Za-z])"), r"\\ne"),
    (re.compile(r"\\lnot(?![A-Za-z])"), r"\\neg"),
    (re.compile(r"\\varnothing(?![A-Za-z])"), r"\\emptyset"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"([\^_])\s*\{\s*(\w)\s*\}"), r"\1\2"),
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"(?:\\(?:[,;:! ]|q?quad(?![A-Za-z]))|[\s~])+"), " "),
    # A space between two words or figures says something: 1 2 is not 12.
    (re.compile(r"(?<!\w) | (?!\w)"), ""),
)


def skeleton(normal: str) -> str:
    """A normal form without anything that only sets it: for texts that are answers but not in the grammar."""
    for pattern, plain in _SKELETON:
        normal = pattern.sub(plain, normal)
    return normal
