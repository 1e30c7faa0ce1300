"""What is installed is said once: pyproject.toml and the requirements files agree, and the lock fits both."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).resolve().parent.parent
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = {"demo": "demo.txt", "real-models": "real-models.txt", "tensorflow": "tensorflow.txt", "dev": "dev.txt"}


def listed(path: Path) -> set[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {str(Requirement(line)) for line in lines if line and not line.startswith("-")}


def declared(requirements: list[str]) -> set[str]:
    return {str(Requirement(each)) for each in requirements if not each.startswith("token-journey")}


def test_requirements_txt_and_pyproject_declare_the_same():
    assert listed(PROJECT / "requirements.txt") == declared(DECLARED["dependencies"])


@pytest.mark.parametrize("extra", FILES)
def test_each_extra_has_its_file(extra):
    assert listed(PROJECT / "requirements" / FILES[extra]) == declared(DECLARED["optional-dependencies"][extra])


def test_the_lock_satisfies_every_range():
    lock = (PROJECT / "requirements" / "lock.txt").read_text(encoding="utf-8")
    versions = {
        name.lower().replace("_", "-"): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.M)
    }
    wanted = [*DECLARED["dependencies"], *itertools.chain(*DECLARED["optional-dependencies"].values())]
    for requirement in map(Requirement, wanted):
        if requirement.name != "token-journey" and (requirement.marker is None or requirement.marker.evaluate()):
            assert requirement.specifier.contains(Version(versions[requirement.name.lower()])), requirement
