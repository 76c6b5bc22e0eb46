"""The part of a pinned requirements file that an image installs, hashes included; prints it.

    pins.py CONSTRAINTS --only NAMES     the pins of the packages that NAMES lists
    pins.py CONSTRAINTS --without NAMES  the pins of all others

NAMES has one requirement a line; its versions are not read. Both together: those of --only that --without does not
name. One of these that CONSTRAINTS does not pin is an error: it would be installed without a hash.

Standard library only: it runs where nothing is installed yet.
"""

import argparse
import re
import sys
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def canonical(line: str) -> str | None:
    """The normalised package name that a requirement line starts with (PEP 503), None for any other line."""
    found = NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else None


def blocks(text: str) -> list[tuple[str, str]]:
    """(name, its requirement with hashes and comments): one block starts at every line that is not indented."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        name = canonical(line)
        if name is not None:
            found.append((name, line))
        elif found and line[0].isspace():
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def names(text: str) -> set[str]:
    """The package names in a list of requirements."""
    return {name for line in text.splitlines() if (name := canonical(line)) is not None}


def part(constraints: str, *, only: set[str] | None = None, without: set[str] | None = None) -> str:
    """The blocks of `constraints` for `only` these names, or for all `without` these; KeyError for names not pinned."""
    pinned = blocks(constraints)
    missing = sorted((only or set()) - (without or set()) - {name for name, _ in pinned})
    if missing:
        raise KeyError(", ".join(missing))
    return "".join(text for name, text in pinned if (only is None or name in only) and name not in (without or set()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("constraints", type=Path)
    parser.add_argument("--only", type=Path)
    parser.add_argument("--without", type=Path)
    options = parser.parse_args()
    try:
        sys.stdout.write(
            part(
                options.constraints.read_text("utf-8"),
                only=names(options.only.read_text("utf-8")) if options.only else None,
                without=names(options.without.read_text("utf-8")) if options.without else None,
            )
        )
    except KeyError as error:
        sys.exit(f"{options.constraints} pins no version of: {error.args[0]}. Pin them: make constraints.")


if __name__ == "__main__":
    main()
