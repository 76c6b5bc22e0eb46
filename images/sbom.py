"""What an image's environment holds, as a bill of materials (CycloneDX 1.6, JSON); prints it.

    sbom.py NAME ENVIRONMENT    NAME of the image; ENVIRONMENT: the folder of its virtual environment

Names, versions and licences are those that the packages state; the project is the component that needs all others. What
the base image brings is in its own bill. The same environment gives the same text.

Standard library only: it runs where nothing is installed yet.
"""

import argparse
import json
import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

PROJECT = "dart-k8s"


def bill(name: str, found: Iterable[Distribution]) -> dict[str, Any]:
    """The document."""
    components = sorted((component(one) for one in found), key=lambda one: str(one["purl"]))
    version = next((one["version"] for one in components if one["name"] == PROJECT), "unknown")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": name, "name": name, "version": version}},
        "components": components,
        "dependencies": [{"ref": name, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def component(one: Distribution) -> dict[str, Any]:
    """One package."""
    name = re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower()  # PEP 503
    purl = f"pkg:pypi/{name}@{one.version}"
    made: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": one.version, "purl": purl}
    expression = one.metadata.get("License-Expression")
    named = [text.rpartition(" :: ")[2] for text in one.metadata.get_all("Classifier") or () if "License ::" in text]
    stated = (one.metadata.get("License") or "").strip()
    if expression:
        made["licenses"] = [{"expression": expression}]
    elif named:
        made["licenses"] = [{"license": {"name": text}} for text in named]
    elif stated and "\n" not in stated:  # some put the whole text there
        made["licenses"] = [{"license": {"name": stated}}]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("environment", type=Path)
    options = parser.parse_args()
    places = [str(path) for path in options.environment.glob("lib/python3*/site-packages")]
    print(json.dumps(bill(options.name, distributions(path=places)), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
