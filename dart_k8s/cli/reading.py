"""Reading declaration files for the verbs that take one."""

import sys
from pathlib import Path

from dart_k8s.api import Declaration, Synthesis, load_documents
from dart_k8s.errors import SpecError

from .kinds import runs


def text_of(file: str) -> tuple[str, str]:
    """The text of a declaration file ("-": standard input), and its name in messages; SpecError in words."""
    if file == "-":
        return sys.stdin.read(), "standard input"
    path = Path(file)
    try:
        return path.read_text("utf-8"), str(path)
    except FileNotFoundError as error:
        near = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"In {path.parent} there are: {', '.join(near[:8])}." if near else "Check the path."
        raise SpecError(f"Cannot read the declaration '{path}': there is no such file.", remedy=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"Cannot read the declaration '{path}': {error}.") from error


def read_all(file: str) -> list[Declaration]:
    """The documents of a file ("-": standard input), of all kinds; SpecError in words."""
    return load_documents(*text_of(file))


def read_declarations(file: str, name: str | None = None) -> list[Synthesis]:
    """The Syntheses of a file, or the one called `name`; SpecError in words, also if there is none.

    Documents of other kinds are checked like all others and left out.
    """
    return syntheses(read_all(file), file, name)


def syntheses(documents: list[Declaration], file: str, name: str | None = None) -> list[Synthesis]:
    """The Syntheses among documents; see `read_declarations`."""
    origin = "standard input" if file == "-" else file
    found = [d for d in documents if isinstance(d, Synthesis)]
    if name is not None:
        chosen = [d for d in found if d.metadata.name == name]
        if not chosen:
            names = ", ".join(d.metadata.name for d in found) or "none"
            raise SpecError(f"There is no Synthesis '{name}' in {origin}.", remedy=f"It has: {names}.")
        return chosen
    if not found:
        others = ", ".join(f"{d.kind} '{d.metadata.name}'" for d in documents)
        raise SpecError(
            f"There is no Synthesis in {origin}, only {others}.",
            remedy="Name the file that has it.",
        )
    return found


def chosen(documents: list[Declaration], file: str, name: str | None) -> list[Declaration]:
    """Those that `dart run` is asked for: all, or those called `name`. SpecError if none of them can be run."""
    origin = "standard input" if file == "-" else file
    found = [d for d in documents if name is None or d.metadata.name == name]
    if not found:
        names = ", ".join(f"{d.kind} '{d.metadata.name}'" for d in documents) or "nothing"
        raise SpecError(f"There is no '{name}' in {origin}.", remedy=f"It has: {names}.")
    if not any(runs(d) for d in found):
        others = ", ".join(f"{d.kind} '{d.metadata.name}'" for d in found)
        raise SpecError(
            f"There is nothing to run in {origin}, only {others}.",
            remedy="This version checks this kind and does not run it yet.",
        )
    return found


def not_run(documents: list[Declaration]) -> str:
    """Words on the documents of kinds that this version does not run; empty if there are none."""
    others = [f"{d.kind} '{d.metadata.name}'" for d in documents if not runs(d)]
    if not others:
        return ""
    verb = "is" if len(others) == 1 else "are"
    return f"{', '.join(others)} {verb} checked, but not run: this version does not run that kind yet"


def is_declaration(target: str) -> bool:
    """Whether a verb's argument names a declaration file, and not an output."""
    return target == "-" or target.endswith((".yaml", ".yml"))


def outputs_of(target: str) -> list[str]:
    """The outputs that a verb's argument names: those of a declaration file, or itself."""
    if is_declaration(target):
        return [document.spec.output.uri for document in read_declarations(target)]
    if not target:
        raise SpecError("Which run? Name its declaration file or its output.")
    return [target]
