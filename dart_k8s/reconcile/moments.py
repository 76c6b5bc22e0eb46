"""Times as Kubernetes writes them (RFC 3339, UTC, whole seconds), to seconds since the epoch and back. Pure arithmetic:
the rooms have no clock, and a date library would bring one."""

import re

DAY = 86_400
FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))")


def text(moment: float) -> str:
    """Seconds since the epoch as text; fractions of a second are cut off."""
    days, rest = divmod(int(moment), DAY)
    year, month, day = _date(days)
    return f"{year:04}-{month:02}-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def seconds(moment: str | None) -> float | None:
    """Text as seconds since the epoch; None for what is no time."""
    found = FORM.fullmatch(moment or "")
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    away = 0
    if found[7]:
        away = (int(found[8]) * 60 + int(found[9])) * (60 if found[7] == "+" else -60)
    return float(_days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - away)


# Days since 1970-01-01 of the proleptic Gregorian calendar, with years that begin in March, so that a leap day is the
# last of its year; 719468 days lie between 0000-03-01 and 1970-01-01, 146097 make 400 years.


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _date(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = part + 3 if part < 10 else part - 9
    return year + era * 400 + (month <= 2), month, of_year - (153 * part + 2) // 5 + 1


__all__ = ["seconds", "text"]
