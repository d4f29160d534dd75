"""`make setup` installs only files with a known hash, and says what has none."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from .install import ROOT, install_locked, known_hashes, lock, requirements_of

PROJECT = """
[build-system]
requires = ["alpha"]
[project]
name = "mine"
dependencies = ["beta>=1"]
[project.optional-dependencies]
local = ["gamma"]
dev = ["mine[local]"]
"""


def wheel(folder: Path, name: str) -> str:
    """Writes a wheel without dependencies and returns its hash."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose packages lie in a folder; pip installs into another one."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "constraints.txt").write_text("alpha==1.0\nbeta==1.0\n")
    hashes = {name: wheel(tmp_path, name) for name in ("alpha", "beta", "gamma")}
    lines = [f"{name}==1.0 \\\n    --hash=sha256:{hashes[name]}\n" for name in ("alpha", "beta")]
    (tmp_path / "hashes.txt").write_text("".join(lines))
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "TARGET": str(tmp_path / "site")}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    return tmp_path


def test_files_with_the_known_hashes_are_installed_and_others_named(project: Path) -> None:
    assert install_locked(project, ["dev"]) == ["gamma==1.0"]
    assert {path.stem for path in (project / "site").glob("*.py")} == {"alpha", "beta", "gamma"}


def test_another_file_of_the_same_version_is_refused_before_anything_is_installed(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(project / "beta-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("evil.py", "")
    with pytest.raises(SystemExit) as stopped:
        install_locked(project, [])
    assert stopped.value.code
    assert "HASHES" in capfd.readouterr().err
    assert not (project / "site").exists()


def test_an_unknown_extra_is_named(project: Path) -> None:
    with pytest.raises(SystemExit, match=r"no extra 'lokal'. Choose from: dev, local"):
        requirements_of(project / "pyproject.toml", ["lokal"])


def test_a_build_of_another_index_has_no_known_hash() -> None:
    hashes = known_hashes(ROOT / "hashes.txt")
    entries: list[Mapping[str, Mapping[str, str]]] = [
        {"metadata": {"name": name, "version": version}}
        for name, version in [("torch", "2.13.0+cpu"), ("Jinja2", "3.1.6")]
    ]
    locked, other = lock({"install": entries}, {**hashes, "jinja2==3.1.6": hashes["pillow==13.0.0"]})
    assert other == ["torch==2.13.0+cpu"]
    assert locked[0].startswith("jinja2==3.1.6 --hash=sha256:")
