"""Finding the final answer in a response.

The rules, in this order:
1. The last closed `\\boxed{}` (or `\\fbox{}`). Boxes joined by nothing but commas and "and" are one list. Empty: no
   answer. A box that is opened after it and never closed: the response was cut off, no answer.
2. The rest of the line behind the last `####`, unless that line is a heading of text with more behind it.
3. What follows the last "answer is", "answer:" or the like, to the end of the sentence; the line under a heading
   "Final Answer", or under "Answer" if nothing follows it. If there is none of these, what follows "the correct
   option is".
4. A response that is one line and nothing but an answer.
Otherwise there is no answer. No rule looks at numbers in running text, except `lenient` (`Policy.lenient`).
"""

import re
from dataclasses import dataclass

from dart_k8s.answers.normalise import closing_brace


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """A final answer, or why there is none."""

    answer: str | None
    rule: str
    """box, hashes, phrase, whole, lenient; empty if there is no answer."""
    reason: str = ""


_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*")
_BETWEEN_BOXES = re.compile(
    r"(?:\s|[$,;.]|\\[()\[\],; ]|\\text\s*\{\s*(?:and|or)\s*\}|\\(?:quad|qquad)|and|or|&|\*|"
    r"(?<![A-Za-z])[a-zA-Z](?:_\{?\d\}?)?\s*=(?=\s*\$?\s*$))*"
)
_NAME_BEFORE = re.compile(r"(?<![A-Za-z\\])([a-zA-Z](?:_\{?\d\}?)?)\s*=\s*\$?\s*$")
_THOUGHTS = re.compile(r"<(/?)think(?:ing)?>")
_PHRASE = re.compile(
    r"\banswers?\**\s*(?:(?:to (?:the|this) (?:question|problem)|here)\s*)?"
    r"(?:is|are|equals?|would be|should be|must be|will be|comes out to be)\b\s*\**\s*:?\**|"
    r"\banswers?(?:\s*\([^()\n]{0,30}\))?[\s*]*[:=]\s*\**|"
    r"(?m:^)(?:#{1,6} {0,3})?\*{0,2}(?:the )?(?P<heading>(?:final )?answer)\*{0,2} {0,3}(?m:$)",
    re.IGNORECASE,
)
_OPTION_PHRASE = re.compile(r"\b(?:correct|right|best) (?:option|choice)\**\s*(?:is|:)\s*:?\**", re.IGNORECASE)
_RESULT_PHRASE = re.compile(r"\bfinal (?:result|value)s?\**\s*(?:is|are)\b\s*\**\s*:?\**", re.IGNORECASE)
_OPTION_IS = re.compile(
    r"\b(?:option|choice) \**(\(?[A-H]\)?)\** is (?:the )?(?:correct|right)"
    r"(?: (?:answer|option|choice|one))?(?=[.!\s]*$)",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(
    r"(?:therefore|thus|hence|then|simply|just|indeed|also|still|exactly|precisely|clearly|equal to|given by)"
    r"[,:]?\s+(?=[-\d$\\(\[{*])",
    re.IGNORECASE,
)
# What tokenizers decode an end of sequence or turn to.
_STOP = re.compile(r"(?:<\|[a-z_]{1,20}\|>|</s>|<eos>|<end_of_turn>)$")
_MOST_STOPS = 4
_SENTENCE_END = re.compile(r"(?<!\.)(?:\.{1,2}|[!?])(?=\s|$)(?!\s*\d)|\n")
_CONNECTOR = re.compile(
    r"(?<=[,.;\s])(?:because|since|as (?:the|we|there|shown|required|desired|you|can|it)|"
    r"so (?:the|we|that|there|he|she|it)|which|where|after|"
    r"hence|therefore|thus|but(?! not)|note that|given that|when|assuming|using|by|found|"
    r"(?<=, )not(?= [-$\\]?\d))\b.*",
    re.IGNORECASE | re.DOTALL,
)
_MATHEMATICS = ((r"\[", r"\]"), (r"\(", r"\)"), ("$$", "$$"), ("$", "$"))
_ENVIRONMENT = re.compile(
    r"\\begin\{(align\*?|equation\*?|gather\*?|aligned)\}"
    r"[^{}]*(?:\{[^{}]*\}[^{}]*){0,40}?\\end\{\1\}"
)
_BOLD_END = re.compile(r"(?<=\S)\*\*(?=$| [A-Za-z]{2})")
_HEADING = re.compile(r"\**[A-Za-z][A-Za-z ,'():-]*\**:?$")
_WHOLE_LONGEST = 200
_LENIENT_LONGEST = 2_000
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")


def find_answer(response: str, *, lenient: bool = False) -> Extract:
    """The final answer of a response by the rules above. Pure text work, linear in the length of the response."""
    spoken = _without_thoughts(_without_stops(response))
    if spoken is None:
        return Extract(answer=None, rule="", reason="its thoughts do not end: the response was cut off")
    response = spoken
    found = _boxed(response)
    if found is None:
        found = _hashes(response) or _phrase(response) or _whole(response)
    if lenient and found.answer is None:
        return _last_formula(response) or found
    return found


def last_box(text: str) -> Extract:
    """Rule 1 alone, for references that are full solutions."""
    return _boxed(text) or Extract(answer=None, rule="", reason="no \\boxed{} in it")


def after_hashes(text: str) -> Extract:
    """The text behind the last `####`, for references that are full solutions."""
    at = text.rfind("####")
    if at < 0:
        return Extract(answer=None, rule="", reason="no #### in it")
    line = text[at + 4 :].strip().partition("\n")[0].strip()
    return Extract(answer=line or None, rule="hashes" if line else "", reason="" if line else "nothing behind ####")


def _boxed(text: str) -> Extract | None:
    if "boxed" not in text and "\\fbox" not in text and "\\framebox" not in text:
        return None
    boxes: list[tuple[int, int, str]] = []
    end = 0
    unclosed = False
    for found in _BOX.finditer(text):
        if found.start() < end:
            continue  # a box inside the box before it
        opening = found.end()
        if opening < len(text) and text[opening] == "{":
            close = closing_brace(text, opening)
            if close < 0:
                unclosed = True
                break
            boxes.append((found.start(), close + 1, text[opening + 1 : close]))
            end = close + 1
        else:
            # \boxed 5: TeX takes one token; people mean what stands up to the next space or dollar.
            token = re.match(r"[^\s${}]+", text[opening:])
            if token is None:
                unclosed = True
                break
            boxes.append((found.start(), opening + token.end(), token[0].rstrip(".,;")))
            end = opening + token.end()
    if unclosed:
        return Extract(answer=None, rule="", reason="the last box is not closed: the response was cut off")
    if not boxes:
        return None
    joined = 1
    for earlier, later in zip(reversed(boxes[:-1]), reversed(boxes[1:]), strict=True):
        between = text[earlier[1] : later[0]]
        if len(between) > 40 or "\n\n" in between or not _BETWEEN_BOXES.fullmatch(between):
            break
        joined += 1
    answers = [box[2] for box in boxes[-joined:]]
    if joined > 1:
        named = [_with_name(text, box) for box in boxes[-joined:]]
        answers = named if all("=" in answer for answer in named) else answers
    if any(_empty(answer.partition("=")[2] or answer) for answer in answers):
        return Extract(answer=None, rule="", reason="the last box is empty")
    if len(set(answers)) == 1:
        answers = answers[:1]
    return Extract(answer=", ".join(answers), rule="box")


def _with_name(text: str, box: tuple[int, int, str]) -> str:
    """What a box holds, with the name that stands before it: `x = \\boxed{3}`."""
    name = _NAME_BEFORE.search(text[max(0, box[0] - 24) : box[0]])
    return f"{name[1]} = {box[2]}" if name and "=" not in box[2] else box[2]


def _empty(text: str) -> bool:
    return not text.strip(" \t\r\n~$.,:;?_*\\")


def _hashes(text: str) -> Extract | None:
    at = text.rfind("####")
    if at < 0:
        return None
    rest = text[at + 4 :].lstrip("#")
    line, _, more = rest.strip().partition("\n") if rest.strip(" ").startswith("\n") else rest.partition("\n")
    line = line.strip()
    if more.strip() and _HEADING.match(line):
        return None
    if _empty(line):
        return Extract(answer=None, rule="", reason="nothing behind the last ####")
    return Extract(answer=line, rule="hashes")


def _phrase(text: str) -> Extract | None:
    phrases = list(_PHRASE.finditer(text)) if "nswer" in text or "NSWER" in text else []
    if not phrases and "inal " in text:
        phrases = list(_RESULT_PHRASE.finditer(text))
    if not phrases and ("option" in text or "choice" in text):
        named = list(_OPTION_IS.finditer(text))
        if named:
            return Extract(answer=named[-1][1], rule="phrase")
        phrases = list(_OPTION_PHRASE.finditer(text))
    if not phrases:
        return None
    last = phrases[-1]
    rest = text[last.end() :].lstrip(" \t\r\n:*")
    if emphasis := _EMPHASIS.match(rest):
        rest = rest[emphasis.end() :]
    answer = _sentence(rest)
    if _empty(answer):
        return Extract(answer=None, rule="", reason="nothing behind the last 'answer is'")
    heading = last.groupdict().get("heading") or ""
    if heading.lower() == "answer" and not _empty(rest.partition(answer)[2].replace("#", "")):
        # A whole solution may stand under such a heading: its first line is no answer.
        return Extract(answer=None, rule="", reason="no final answer is marked below the heading 'Answer'")
    return Extract(answer=answer, rule="phrase")


def _without_thoughts(text: str) -> str | None:
    """What stands behind the thoughts that some models write between tags; None if these do not end."""
    if "think" not in text or "<" not in text:
        return text
    marks = list(_THOUGHTS.finditer(text))
    if not marks:
        return text
    return text[marks[-1].end() :] if marks[-1][1] else None


def _without_stops(text: str) -> str:
    for _ in range(_MOST_STOPS):
        text = text.rstrip()
        if not text.endswith(">") or (found := _STOP.search(text[-24:])) is None:
            break
        text = text[: -len(found[0])]
    return text


def _sentence(rest: str) -> str:
    """The start of a text up to the end of its sentence; stops inside mathematics do not end it."""
    position = 0
    if rest.startswith("\\begin{") and (block := _ENVIRONMENT.match(rest)):
        return block[0]
    for left, right in _MATHEMATICS:
        if rest.startswith(left):
            close = rest.find(right, len(left))
            # An odd dollar sign is a currency; a display that is never closed was cut off.
            if close < 0 and left not in ("$", "$$"):
                return ""
            if close >= 0 and (left != "$" or "\n" not in rest[1:close]):
                position = close + len(right)
                break
    end = _SENTENCE_END.search(rest, position)
    sentence = rest[: end.start()] if end else rest
    tail = _CONNECTOR.search(sentence, position)
    answer = (sentence[: tail.start()].rstrip(" ,.;\t\n") if tail else sentence).strip()
    # Bold that was opened before the answer closes behind it, or behind its number: **260** miles.
    return _BOLD_END.sub("", answer, count=1) if answer.count("**") % 2 else answer


def _whole(text: str) -> Extract:
    line = text.strip()
    if not line:
        return Extract(answer=None, rule="", reason="the response is empty")
    if "\n" in line or len(line) > _WHOLE_LONGEST:
        return Extract(answer=None, rule="", reason="no final answer is marked")
    outside = re.sub(r"\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[A-Za-z]+", " ", line)
    words = re.findall(r"[A-Za-z]{2,}", outside)
    if len(words) > 3:
        return Extract(answer=None, rule="", reason="no final answer is marked")
    return Extract(answer=line, rule="whole")


def _last_formula(text: str) -> Extract | None:
    """The last formula, else the last number, of running text. Looks at its end only: the patterns are quadratic."""
    text = text[-_LENIENT_LONGEST:]
    formulas = re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", text, re.DOTALL)
    numbers = _NUMBER.findall(text)
    if formulas and len(text) - text.rfind(next(part for part in formulas[-1] if part)) < 400:
        return Extract(answer=next(part for part in formulas[-1] if part).strip(), rule="lenient")
    if numbers:
        return Extract(answer=numbers[-1], rule="lenient")
    return None
