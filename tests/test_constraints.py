"""constraints.txt is the one file of tested versions."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .install import known_hashes

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
REQUIREMENTS = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["build-system"]["requires"],
    *(one for extra in EXTRAS.values() for one in extra if not one.startswith("interleavethinker[")),
]


@pytest.mark.parametrize("text", REQUIREMENTS)
def test_every_dependency_is_pinned_to_a_version_within_its_range(text: str) -> None:
    requirement = Requirement(text)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_every_line_pins_one_version_without_a_build_suffix_or_a_place() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line) for line in LINES)
    assert len(PINS) == len(LINES)
    assert sorted(LINES, key=str.lower) == LINES


def test_every_pinned_version_has_hashes_and_nothing_else_has() -> None:
    hashes = known_hashes(ROOT / "hashes.txt")
    assert set(hashes) == {f"{name}=={version}" for name, version in PINS.items()}, "run `make hashes`"
    assert all(hashes.values())
