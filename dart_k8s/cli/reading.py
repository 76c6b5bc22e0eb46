"""Reading declaration files for the verbs that take one."""

import sys
from pathlib import Path

from dart_k8s.api import Synthesis, load_documents
from dart_k8s.errors import SpecError


def read_declarations(file: str, name: str | None = None) -> list[Synthesis]:
    """The documents of a file ("-": standard input), or the one called `name`; SpecError in words."""
    if file == "-":
        text, origin = sys.stdin.read(), "standard input"
    else:
        path = Path(file)
        origin = str(path)
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError as error:
            near = sorted(p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
            hint = f"In {path.parent} there are: {', '.join(near[:8])}." if near else "Check the path."
            raise SpecError(f"Cannot read the declaration '{path}': there is no such file.", remedy=hint) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"Cannot read the declaration '{path}': {error}.") from error
    documents = load_documents(text, origin)
    if name is None:
        return documents
    chosen = [d for d in documents if d.metadata.name == name]
    if not chosen:
        names = ", ".join(d.metadata.name for d in documents)
        raise SpecError(f"There is no Synthesis '{name}' in {origin}.", remedy=f"It has: {names}.")
    return chosen


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
