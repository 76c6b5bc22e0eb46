"""What every image keeps to, read off its Containerfile; and the pins that it installs."""

import re
import sys
import tomllib
from importlib.metadata import distributions, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .containerfiles import ROOT, Containerfile, read

FILES = sorted(ROOT.glob("images/*/Containerfile"))
CONSTRAINTS = (ROOT / ".ci/constraints.txt").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def load(name: str) -> ModuleType:
    """A script of images/ runs in a build, from a path; it is in no package."""
    specification = spec_from_file_location(name, ROOT / "images" / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


pins, sbom = load("pins"), load("sbom")


@pytest.fixture(params=FILES, ids=[path.parent.name for path in FILES])
def image(request: pytest.FixtureRequest) -> Containerfile:
    return read(request.param)


def test_there_are_images() -> None:
    assert {"operator", "sampler", "sampler-cpu", "trainer", "verifier", "worker"} == {
        path.parent.name for path in FILES
    }


def test_an_image_runs_as_a_number_that_is_not_root(image: Containerfile) -> None:
    users = image.stages[-1].arguments("USER")
    # Kubernetes can prove runAsNonRoot only of a number.
    assert users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_a_base_is_an_argument_with_a_tag_that_does_not_move_to_other_versions(image: Containerfile) -> None:
    stages = {stage.name for stage in image.stages}
    assert {stage.base for stage in image.stages} - stages == {"${BASE_IMAGE}"}
    base = image.defaults["BASE_IMAGE"]
    host, _, rest = base.partition("/")
    assert "." in host, "the registry is named: short names are searched for in places a machine chooses"
    tag = rest.rpartition(":")[2]
    assert re.search(r"\d", tag) and tag != "latest"


def test_the_last_stage_installs_nothing(image: Containerfile) -> None:
    assert len(image.stages) > 1
    for command in image.stages[-1].arguments("RUN"):
        assert not re.search(r"\b(uv|pip|pip3|apt|apt-get|apk|gcc|curl|wget)\s+\w", command)


def test_packages_are_installed_with_hashes_and_without_resolving(image: Containerfile) -> None:
    commands = [c for stage in image.stages for c in stage.arguments("RUN")]
    installs = [part for c in commands for part in re.split(r"&&|;", c) if re.search(r"\buv pip install\b", part)]
    assert installs
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or "dist/*.whl" in install


def test_extras_and_sources_exist(image: Containerfile) -> None:
    text = " ".join(argument for stage in image.stages for _, argument in stage.steps)
    extras = re.findall(r"--extra[ =](\S+)", text)
    assert extras and set(extras) <= set(PROJECT["optional-dependencies"])
    for stage in image.stages:
        for copied in stage.arguments("COPY"):
            if not copied.startswith("--from"):
                sources = [source for source in copied.split()[:-1] if source != PROJECT["readme"]]
                assert all((ROOT / source).exists() for source in sources), copied


def test_an_image_says_what_it_is_and_starts_dart(image: Containerfile) -> None:
    last = image.stages[-1]
    labels = " ".join(last.arguments("LABEL"))
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels
    assert PROJECT["license"] in labels
    assert last.arguments("ENTRYPOINT") == ['["/opt/dart/bin/dart"]']
    assert "dart" in PROJECT["scripts"]


def test_an_image_holds_the_bill_of_its_materials(image: Containerfile) -> None:
    [written] = re.findall(r"sbom\.py (\S+) /opt/dart > (\S+)", " ".join(image.stages[0].arguments("RUN")))
    [title] = re.findall(r'image\.title="([^"]+)"', " ".join(image.stages[-1].arguments("LABEL")))
    assert written == (title, "/opt/dart/sbom.cdx.json")


def test_a_bill_names_every_package_with_its_licence_and_is_the_same_twice() -> None:
    here = [str(path) for path in map(Path, sys.path) if path.name == "site-packages"]
    document = sbom.bill("dart-test", distributions(path=here))
    assert document == sbom.bill("dart-test", distributions(path=here))
    found = {one["name"]: one for one in document["components"]}
    assert found["numpy"]["purl"] == f"pkg:pypi/numpy@{version('numpy')}"
    assert found["numpy"]["licenses"]
    assert document["dependencies"][0]["dependsOn"] == [one["purl"] for one in document["components"]]


def test_every_pin_has_a_hash() -> None:
    blocks = pins.blocks(CONSTRAINTS)
    assert len(blocks) > 50
    for name, text in blocks:
        assert re.match(r"[\w.-]+==\S+", text), name
        assert "--hash=sha256:" in text, name


@pytest.mark.parametrize("extra", ["operator", "sampler-cpu", "trainer", "verifier", "worker"])
def test_what_an_image_needs_directly_is_pinned(extra: str) -> None:
    names = {pins.canonical(r) for r in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]} - {
        "dart-k8s"
    }
    found = pins.blocks(pins.part(CONSTRAINTS, only=names))
    assert {name for name, _ in found} == names


@given(st.sets(st.sampled_from(sorted({name for name, _ in pins.blocks(CONSTRAINTS)}))))
def test_a_part_and_the_rest_are_the_whole(chosen: set[str]) -> None:
    both = pins.blocks(pins.part(CONSTRAINTS, only=chosen)) + pins.blocks(pins.part(CONSTRAINTS, without=chosen))
    assert sorted(both) == sorted(pins.blocks(CONSTRAINTS))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Jinja2==3.1.6", "jinja2"),
        ("ruamel.yaml==0.18", "ruamel-yaml"),
        ("typing_extensions>=4 ; python_version < '3.13'", "typing-extensions"),
        ("seaborn[stats]==1", "seaborn"),
        ("    --hash=sha256:00", None),
        ("# via numpy", None),
        ("", None),
    ],
)
def test_a_name_is_read_as_indexes_compare_it(line: str, name: str | None) -> None:
    assert pins.canonical(line) == name


def test_a_package_without_a_pin_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    constraints, wanted, present = (tmp_path / name for name in ("constraints", "wanted", "present"))
    constraints.write_text("a==1 \\\n    --hash=sha256:00\n    # via c\nb==2 \\\n    --hash=sha256:11\n")
    wanted.write_text("A==1\nstrange==3\n")
    monkeypatch.setattr(sys, "argv", ["pins.py", str(constraints), "--only", str(wanted)])
    with pytest.raises(SystemExit, match="strange"):
        pins.main()
    # What the base image has needs no pin.
    present.write_text("Strange==2\n")
    monkeypatch.setattr(sys, "argv", ["pins.py", str(constraints), "--only", str(wanted), "--without", str(present)])
    pins.main()
    assert capsys.readouterr().out == "a==1 \\\n    --hash=sha256:00\n    # via c\n"


def test_the_verifier_carries_neither_engine_nor_store_nor_anything_for_credentials() -> None:
    wanted = PROJECT["optional-dependencies"]["verifier"]
    assert {pins.canonical(requirement) for requirement in wanted} == {
        "prometheus-client",
        "starlette",
        "structlog",
        "uvicorn",
    }


def test_only_what_is_published_as_source_alone_is_built(image: Containerfile) -> None:
    commands = " ".join(image.stages[0].arguments("RUN"))
    installs = [part for part in commands.split("&&") if "uv pip install" in part and " -r " in part]
    built = [part for part in installs if "--only-binary :all:" not in part]
    assert all("--build-constraints .ci/constraints.txt" in part for part in built)
    assert re.findall(r"echo (.*?) > source\.txt", commands) == ["deepspeed"] * len(built)
