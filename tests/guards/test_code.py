"""Rules about the code that no linter knows."""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "dart_k8s"
MODULES = sorted(PACKAGE.rglob("*.py"))
TOP_LEVEL = {"charts", "images", "dart_k8s", "manifests", "tests", "docs"}
TOP_LEVEL |= {"pyproject.toml", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"}
MOST_LINES = 400
VAGUE = {"base64", "common", "helper", "helpers", "lib", "manager", "misc", "shared", "stuff", "util", "utils"}
"""Names that say nothing about what is inside."""
EVALUATES = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr", "parse_latex", "lambdify", "unsafe_load"}
"""Calls that would make text into code."""
UNPICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
EXECUTES = "dart_k8s/edges/execution/session.py"
"""The one exception: what runs inside a sandbox, to run code of a model."""
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[str]:
    made = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip("not a git checkout; clone the repository to run this")
    return made.stdout.splitlines()


def test_the_top_level_holds_what_the_manual_says_and_nothing_else():
    first = {path.split("/")[0] for path in tracked()}
    assert {name for name in first if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_is_empty_but_markers():
    tolerated = {"__init__.py", "py.typed"}
    empty = [p for p in tracked() if (ROOT / p).is_file() and not (ROOT / p).stat().st_size]
    assert [path for path in empty if Path(path).name not in tolerated] == []


def test_modules_stay_short():
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_names_of_modules_say_what_is_inside():
    assert [shown(path) for path in MODULES if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_every_module_says_what_it_is():
    assert [shown(path) for path in MODULES if not ast.get_docstring(parsed(path))] == []


def exported(module: ast.Module) -> list[str] | None:
    for node in module.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            return [item.value for item in getattr(node.value, "elts", []) if isinstance(item, ast.Constant)]
    return None


def test_everything_exported_is_there_once():
    wrong = {}
    for path in MODULES:
        module = parsed(path)
        names = exported(module)
        if names is None:
            continue
        bound = {
            alias.asname or alias.name
            for node in ast.walk(module)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        bound |= {node.name for node in module.body if isinstance(node, definitions)}
        stores = (node for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        bound |= {node.id for node in stores}
        if len(names) != len(set(names)) or not set(names) <= bound:
            wrong[shown(path)] = sorted(set(names) - bound) or "named twice"
    assert wrong == {}


def calls(module: ast.Module):
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                yield node, "", function.id
            elif isinstance(function, ast.Attribute):
                yield node, getattr(function.value, "id", ""), function.attr


def test_no_text_becomes_code_and_no_shell_is_started():
    found = []
    for path in MODULES:
        for node, owner, name in calls(parsed(path)):
            # re.compile and its kin are methods of something; the bare name is the built-in.
            evaluates = name in EVALUATES and (not owner or name not in {"compile", "eval", "exec"})
            shell = any(keyword.arg == "shell" for keyword in node.keywords) or (owner, name) in SHELLS
            loads = owner == "yaml" and name in {"load", "load_all", "full_load", "unsafe_load"}
            remote = any(
                keyword.arg in {"allow_pickle", "weights_only"}
                or (keyword.arg == "trust_remote_code" and getattr(keyword.value, "value", None) is True)
                for keyword in node.keywords
            )
            if shown(path) == EXECUTES and name in {"exec", "compile"}:
                evaluates = False
            if evaluates or shell or loads or remote:
                found.append(f"{shown(path)}:{node.lineno} {owner}.{name}")
    assert found == []


def test_nothing_is_unpickled():
    found = []
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{shown(path)} imports {name}" for name in names if name.split(".")[0] in UNPICKLES]
    assert found == []


def test_no_assert_guards_anything_in_the_package():
    found = [f"{shown(p)}:{n.lineno}" for p in MODULES for n in ast.walk(parsed(p)) if isinstance(n, ast.Assert)]
    assert found == [], "python -O removes it; raise an error that says what is wrong"


def test_no_path_of_one_machine_and_no_address_of_an_index_is_in_the_project():
    # Put together here, so that this file does not name them itself.
    parts = ["/" + "work/", "/" + "root/", "/" + "home/[a-z]+/", "pypi" + "[.]org", "--index-" + "url [^ ]*://"]
    private = re.compile("|".join(parts))
    found = [
        path
        for path in tracked()
        if (ROOT / path).is_file()
        and (ROOT / path).suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ""}
        and private.search((ROOT / path).read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


PURE = ["dart_k8s.answers", "dart_k8s.api", "dart_k8s.budget", "dart_k8s.ledger", "dart_k8s.errors"]
HEAVY = ["boto3", "botocore", "datasets", "duckdb", "httpx", "huggingface_hub", "kubernetes", "matplotlib", "openai"]
HEAVY += ["prometheus_client", "structlog", "torch", "transformers", "vllm"]
"""What a plain install does not have."""


@pytest.mark.parametrize("module", [*PURE, "dart_k8s.cli.verbs", "dart_k8s.workers", "dart_k8s.edges.store"])
def test_it_can_be_imported_after_a_plain_install(module):
    if (
        not (ROOT / Path(*module.split("."))).exists()
        and not (ROOT / Path(*module.split("."))).with_suffix(".py").exists()
    ):
        pytest.skip(f"{module} does not exist yet")
    program = textwrap.dedent(f"""
        import sys

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in {HEAVY!r}:
                    raise ModuleNotFoundError(f"{{name}} is not part of a plain install", name=name)

        sys.meta_path.insert(0, Absent())
        import {module}
    """)
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
