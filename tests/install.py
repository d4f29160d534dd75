"""Installs the project with its extras into the environment of the Python that runs it; every file is checked first.

Run by `make setup`: pip chooses the versions within `constraints.txt`, and each file that it downloads must then have
one of the hashes in `hashes.txt`. Packages without a known hash are installed at the chosen version, and named: builds
of torch from another index, and what only other systems than the tested ones need. Needs nothing but pip; runs nothing
of a package that was not checked, since the project itself is built with the setuptools installed here.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

__all__ = ["install_locked", "known_hashes", "lock", "main", "requirements_of"]

ROOT = Path(__file__).resolve().parent.parent


def known_hashes(path: Path) -> dict[str, list[str]]:
    """Returns the SHA-256 hashes of a file of pip's format, by `name==version` with the name normalized."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "==" in line:
            name, _, version = line.rstrip(" \\").partition("==")
            hashes = found.setdefault(f"{_normal(name)}=={version}", [])
        elif (hash_ := re.fullmatch(r" +--hash=(sha256:[0-9a-f]{64})(?: \\)?", line)) is not None:
            hashes.append(hash_[1])
    return found


def requirements_of(project: Path, extras: Iterable[str]) -> list[str]:
    """Returns what a pyproject.toml names: to build with, to run with, and for extras and those that they name."""
    settings = tomllib.loads(project.read_text(encoding="utf-8"))
    tables: dict[str, list[str]] = settings["project"].get("optional-dependencies", {})
    found = [*settings["build-system"]["requires"], *settings["project"].get("dependencies", [])]
    waiting, seen = list(extras), set[str]()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        if extra not in tables:
            raise SystemExit(f"There is no extra {extra!r}. Choose from: {', '.join(sorted(tables))}.")
        for one in tables[extra]:
            own = re.fullmatch(rf"{re.escape(settings['project']['name'])}\[([\w,-]+)\]", one)
            if own is None:
                found.append(one)
            else:
                waiting += own[1].split(",")
    return found


def lock(
    report: Mapping[str, list[Mapping[str, Mapping[str, str]]]], hashes: Mapping[str, list[str]]
) -> tuple[list[str], list[str]]:
    """Splits pip's choice into lines with hashes and lines without any.

    Args:
        report: pip's installation report.
        hashes: From `known_hashes`.
    """
    locked, other = [], []
    for entry in report["install"]:
        line = f"{_normal(entry['metadata']['name'])}=={entry['metadata']['version']}"
        if line in hashes:
            locked.append(" ".join([line, *(f"--hash={one}" for one in hashes[line])]))
        else:
            other.append(line)
    return locked, other


def install_locked(root: Path, extras: Iterable[str], further: Iterable[str] = ()) -> list[str]:
    """Installs what the project in this folder needs, and returns what has no known hash.

    Args:
        root: Has pyproject.toml, constraints.txt and hashes.txt.
        extras: Of the project.
        further: Requirements beside the project's own.
    """
    hashes = known_hashes(root / "hashes.txt")
    constraints = str(root / "constraints.txt")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = [line for line in hashes if line.startswith("pip==")]
        _install(folder, [" ".join([line, *(f"--hash={one}" for one in hashes[line])]) for line in pip])
        wanted, report = folder / "wanted.txt", folder / "report.json"
        wanted.write_text("\n".join([*requirements_of(root / "pyproject.toml", extras), *further]), encoding="utf-8")
        chosen = ["--dry-run", "--report", str(report), "-c", constraints, "--build-constraint", constraints]
        _pip(*chosen, "-r", str(wanted))
        locked, other = lock(json.loads(report.read_text(encoding="utf-8")), hashes)
        _install(folder, locked)
    if other:
        _pip("--no-deps", "--build-constraint", constraints, *other)
    return other


def main(words: Sequence[str]) -> None:
    """Installs the project and what it needs.

    Args:
        words: The extras with commas between them, then further requirements.
    """
    other = install_locked(ROOT, filter(None, words[0].split(",")), words[1:])
    if other:
        sys.stdout.write(f"Installed without a known hash: {', '.join(other)}.\n")
    _pip("--no-deps", "--no-build-isolation", "-e", str(ROOT))


def _install(folder: Path, lines: Sequence[str]) -> None:
    if lines:
        path = folder / "locked.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        _pip("--no-deps", "--require-hashes", "-r", str(path))


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main(sys.argv[1:])
