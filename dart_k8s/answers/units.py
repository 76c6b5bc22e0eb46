"""Units: which texts name one, and which can be converted into each other exactly."""

import re
from fractions import Fraction

_F = Fraction

# dimension -> canonical unit -> (size in the first unit of the dimension, other spellings). Sizes are exact by
# definition (SI; international yard and pound of 1959); units without an exact ratio have a dimension of their own.
_TABLE: dict[str, dict[str, tuple[Fraction, str]]] = {
    "length": {
        "m": (_F(1), "meter metre meters metres"),
        "cm": (_F(1, 100), "centimeter centimetre centimeters centimetres cms"),
        "mm": (_F(1, 1000), "millimeter millimetre millimeters millimetres"),
        "dm": (_F(1, 10), "decimeter decimetre decimeters decimetres"),
        "km": (_F(1000), "kilometer kilometre kilometers kilometres kms"),
        "in": (_F(254, 10000), "inch inches"),
        "ft": (_F(3048, 10000), "foot feet"),
        "yd": (_F(9144, 10000), "yard yards yds"),
        "mi": (_F(1609344, 1000), "mile miles"),
    },
    "mass": {
        "g": (_F(1), "gram grams gramme grammes gm gms"),
        "kg": (_F(1000), "kilogram kilograms kgs kilo kilos"),
        "mg": (_F(1, 1000), "milligram milligrams"),
        "lb": (_F(45359237, 100000), "pound pounds lbs"),
        "oz": (_F(45359237, 1600000), "ounce ounces"),
    },
    "time": {
        "s": (_F(1), "second seconds sec secs"),
        "ms": (_F(1, 1000), "millisecond milliseconds"),
        "min": (_F(60), "minute minutes mins"),
        "h": (_F(3600), "hour hours hr hrs"),
        "day": (_F(86400), "days"),
        "week": (_F(604800), "weeks"),
    },
    "calendar": {"month": (_F(1), "months"), "year": (_F(12), "years yr yrs")},
    "volume": {
        "L": (_F(1), "liter litre liters litres l"),
        "mL": (_F(1, 1000), "milliliter millilitre milliliters millilitres ml"),
        "dL": (_F(1, 10), "deciliter decilitre deciliters decilitres dl"),
    },
    "us volume": {
        "cup": (_F(1), "cups"),
        "pint": (_F(2), "pints"),
        "quart": (_F(4), "quarts"),
        "gallon": (_F(16), "gallons gal"),
        "tablespoon": (_F(1, 16), "tablespoons tbsp"),
        "teaspoon": (_F(1, 48), "teaspoons tsp"),
    },
    "dollar": {"$": (_F(1), "dollar dollars usd bucks"), "cent": (_F(1, 100), "cents ¢")},
    "euro": {"€": (_F(1), "euro euros eur")},
    "pound sterling": {"£": (_F(1), "gbp"), "pence": (_F(1, 100), "penny")},
    "yen": {"¥": (_F(1), "yen jpy yuan rmb")},
    "rupee": {"₹": (_F(1), "rupee rupees inr")},
    "angle": {"degree": (_F(1), "degrees deg"), "arcminute": (_F(1, 60), "arcminutes")},
    "radian": {"rad": (_F(1), "radian radians")},
    "percent": {"%": (_F(1), "percent percents pct")},
    "area": {"acre": (_F(1), "acres")},
    "force": {"N": (_F(1), "newton newtons")},
    "energy": {"J": (_F(1), "joule joules"), "kJ": (_F(1000), "kilojoule kilojoules")},
    "power": {"W": (_F(1), "watt watts"), "kW": (_F(1000), "kilowatt kilowatts")},
    "frequency": {"Hz": (_F(1), "hertz")},
    "temperature": {"K": (_F(1), "kelvin kelvins")},
    "celsius": {"°C": (_F(1), "celsius")},
    "fahrenheit": {"°F": (_F(1), "fahrenheit")},
    "substance": {"mol": (_F(1), "mole moles")},
    "potential": {"V": (_F(1), "volt volts")},
    "charge": {"C": (_F(1), "coulomb coulombs")},
    "flux density": {"T": (_F(1), "tesla teslas")},
    "current": {"A": (_F(1), "ampere amperes amp amps")},
    "data": {"MB": (_F(1), "megabytes megabyte"), "GB": (_F(1024), "gigabytes gigabyte")},
    "unit": {"unit": (_F(1), "units")},
}  # fmt: skip

_NAMES: dict[str, str] = {}
_SIZES: dict[str, tuple[str, Fraction]] = {}
for _dimension, _units in _TABLE.items():
    for _unit, (_size, _spellings) in _units.items():
        _SIZES[_unit] = (_dimension, _size)
        _NAMES[_unit] = _unit
        for _spelling in _spellings.split():
            _NAMES[_spelling] = _unit

_COMPOUND = {"mph": ("mi", "/", "h"), "kph": ("km", "/", "h"), "kmph": ("km", "/", "h"), "kmh": ("km", "/", "h")}

LETTER_UNITS = frozenset(name for name in _SIZES if len(name) == 1 and name.isalpha())
"""Units of one letter, which are variables unless they are set as text."""

SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
    "hundreds": 10**2,
    "thousands": 10**3, "millions": 10**6, "billions": 10**9, "dozens": 12,
}  # fmt: skip
"""Words that multiply the number before them: they are part of the value, not of the unit."""

# Words after a number that change what is claimed. A text with one of them is not a unit and the answer is not that
# number.
_CLAIMS = frozenset(
    "is isn't isnt are aren't was wasn't not no nor wrong incorrect false true correct right or and but if when where "
    "for with without unless except "
    "than greater least most about around approximately roughly almost nearly between maybe perhaps "
    "possibly probably from to "
    "half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh seventh eighths "
    "eighth ninth ninths tenth tenths "
    "hundredth hundredths thousandth thousandths millionth millionths th st nd rd minus plus times divided over under "
    "squared cubed root modulo "
    "mod choose factorial because since so therefore thus hence however although while only until after before i we "
    "you it this that "
    "answer answers solution solutions? equals equal impossible undefined error unknown would could should might may "
    "must can cannot "
    "non near just any some aint ain't bad "
    "seems seem seemed looks look looked appears appear appeared sounds feels becomes became gives gave makes made "
    "yields works work fails holds satisfies does do did has have had were be been being too very so such like here "
    "there then now never always "
    "above below ago early late earlier later negative positive "
    "hundred thousand million billion trillion dozen x y z".split()
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|[€£¥₹¢$%]")
_UNIT_TEXT = re.compile(r"[A-Za-z€£¥₹¢$%/^{}()\s\d.,'\\-]*$")
_LONGEST = 60
_MOST_WORDS = 6
_FILLER = frozenset(
    {
        "of",
        "the",
        "a",
        "an",
        "in",
        "each",
        "more",
        "fewer",
        "less",
        "every",
        "total",
        "all",
        "altogether",
        "on",
        "at",
        "his",
        "her",
        "their",
        "its",
    }
)
_REMARKS = frozenset(
    {"each", "total", "in total", "in all", "altogether", "more", "fewer", "times"}
    | {f"times as {word}" for word in ("many", "much", "large", "big", "great", "long", "high", "tall", "old", "fast")}
)
_POWER_WORDS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_PLURAL_KEEP = re.compile(r"(?:ss|us|is)$")


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or _PLURAL_KEEP.search(word):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(?:ch|sh|x|ss|z)es$", word):
        return word[:-2]
    return word[:-1]


def _one(word: str) -> str:
    if word in _NAMES:
        return _NAMES[word]
    lower = word.lower()
    if lower in _NAMES and (len(word) > 1 or not word.isalpha()):
        return _NAMES[lower]
    return _singular(lower)


def canonical(text: str) -> str | None:
    """Canonical name of a unit, or None if the text is no unit.

    Products keep their order, `per` and `/` are one, powers are written `cm^2` whether they came as `square
    centimeters`, `cm^2` or `cm2`. Unknown nouns are units too (`red apples` is `red apple`): a word problem may count
    anything.
    """
    text = text.replace(r"\,", " ").replace("~", " ").strip().strip(".,;:").strip().replace(". ", " ")
    if text.startswith(r"^\circ"):
        # The sign itself inside \text: 25\text{°C}.
        sign = "°" + text[len(r"^\circ") :].strip()
        return "degree" if sign == "°" else sign if sign in _SIZES else None
    if not text or len(text) > _LONGEST or not _UNIT_TEXT.match(text):
        return None
    text = text.replace("\\", " ").replace("{", "").replace("}", "").replace(" per ", " / ").replace("/", " / ")
    text = re.sub(r"(?:\^|\*\*)\s*", "^", text)
    pieces = re.findall(r"[A-Za-z][A-Za-z'-]*|\^-?\d+|\d+|[€£¥₹¢$%/]|\S", text)
    out: list[str] = []
    power = 1
    words = 0
    for at, piece in enumerate(pieces):
        if piece == "/":
            out.append("/")
        elif piece.startswith("^") or piece.isdigit():
            # A bare figure is a power only behind a known unit: `cm2`.
            exponent = piece.lstrip("^")
            if not out or out[-1] == "/" or (piece.isdigit() and (out[-1] not in _SIZES or exponent not in "23")):
                return None
            out[-1] = f"{out[-1]}^{exponent}"
        elif _WORD.fullmatch(piece):
            lower = piece.lower()
            words += 1
            if lower in _POWER_WORDS:
                power = _POWER_WORDS[lower]
                continue
            if lower == "per":
                out.append("/")
                continue
            # "in" is the inch where it stands alone, has a power or ends the unit; else a preposition: "5 in total".
            inch = lower == "in" and (
                len(pieces) == 1 or power > 1 or at + 1 == len(pieces) or pieces[at + 1][0] == "^"
            )
            if lower in _FILLER and not inch:
                continue
            if lower in _CLAIMS:
                return None
            if lower in _COMPOUND:
                out.extend(_COMPOUND[lower])
                continue
            name = _one(piece)
            out.append(f"{name}^{power}" if power > 1 else name)
            power = 1
        else:
            return None
    if not out or (out[0] == "/" and pieces[0].lower() != "per") or out[-1] == "/" or words > _MOST_WORDS or power > 1:
        return None
    return " ".join(out)


_POWERED = re.compile(r"([^^]*)(?:\^-?\d+)?")


def remark(text: str) -> bool:
    """Whether words behind a number that ends the answer only say what is counted: `25 in total`, `3 times`."""
    return text.strip(" .").lower() in _REMARKS


def known(unit: str) -> bool:
    """Whether every part of a canonical unit is in the table, with a whole number for a power if it has one."""
    parts = (_POWERED.fullmatch(part) for part in unit.split(" ") if part != "/")
    return all(part is not None and part[1] in _SIZES for part in parts)


def factor(left: str, right: str) -> Fraction | None:
    """How many of `right` one `left` is, None if they can't be converted. Both canonical."""
    if left == right:
        return Fraction(1)
    if not (known(left) and known(right)):
        return None
    first, second = _dimensions(left), _dimensions(right)
    if first is None or second is None or first[0] != second[0]:
        return None
    return first[1] / second[1]


def _dimensions(unit: str) -> tuple[dict[str, int], Fraction] | None:
    powers: dict[str, int] = {}
    size = Fraction(1)
    sign = 1
    for part in unit.split(" "):
        if part == "/":
            sign = -1
            continue
        name, _, exponent = part.partition("^")
        if len(exponent) > 3:
            return None
        dimension, one = _SIZES[name]
        power = sign * int(exponent or 1)
        powers[dimension] = powers.get(dimension, 0) + power
        size *= one**power
    return powers, size


def same_powers(unit: str, powers: dict[str, int]) -> Fraction | None:
    """How many of `unit` a product of powers of units is: 60 km h^-1 against km / h. None if they do not convert."""
    if not known(unit) or not all(name in _SIZES for name in powers):
        return None
    parts = [f"{name}^{power}" for name, power in powers.items()]
    return factor(" ".join(parts), unit)


def compatible(left: str, right: str) -> bool:
    """Whether two units that can't be converted may still name the same thing: the words of one are among those of
    the other, none known.

    `apple` and `red apple` may; `apple` and `orange`, `dollar` and `apple`, `mile` and `mile / h` may not.
    """
    first, second = set(left.split(" ")), set(right.split(" "))
    if "/" in first ^ second:
        return False
    shorter, longer = sorted((first, second), key=len)
    return shorter <= longer and not any(part.partition("^")[0] in _SIZES for part in longer)
