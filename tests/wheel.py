"""Builds the wheel, installs it apart, and checks that it is whole: every package imports and every file came along.

Run by `make wheel-test`; not collected by pytest, since it takes longer than all tests of a package. Works offline.
Given a folder, it leaves the wheel there.
"""

import fnmatch
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Exits with a message if the wheel lacks something or carries something it should not."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages, left_out = settings["package-dir"], settings["exclude-package-data"]
    with tempfile.TemporaryDirectory(prefix="wheel-test-") as name:
        folder = Path(name)
        # Built from a copy: a `build/` left by an earlier build would leak deleted files into the wheel.
        source, target = folder / "source", folder / "installed"
        expected = _copy_source(source, packages, left_out)
        _run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source))
        (wheel,) = folder.glob("*.whl")
        _run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
        _compare(expected, _files(target))
        _import_all(target, packages)
        size = wheel.stat().st_size / 1e6
        if sys.argv[1:]:
            shutil.copy2(wheel, sys.argv[1])
    sys.stdout.write(f"wheel: {len(packages)} packages, {len(expected)} files, {size:.1f} MB\n")


def _copy_source(source: Path, packages: dict[str, str], left_out: dict[str, list[str]]) -> set[str]:
    """Copies what git knows or would add; returns the files that the installed packages must have."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = {folder: package.replace(".", "/") for package, folder in packages.items()}
    unwanted = [f"{package.replace('.', '/')}/{pattern}" for package, found in left_out.items() for pattern in found]
    expected = set()
    for path in filter(None, listed.split("\0")):
        if not (ROOT / path).is_file():
            continue  # Deleted, but not yet committed.
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, source / path)
        top, _, rest = path.partition("/")
        if rest and top in names:
            expected.add(f"{names[top]}/{rest}")
    excluded = {name for name in expected for pattern in unwanted if fnmatch.fnmatch(name, pattern)}
    if not excluded:
        sys.exit("exclude-package-data in pyproject.toml matches no file")
    expected -= excluded
    return expected


def _files(target: Path) -> set[str]:
    top = target / "interleavethinker"
    return {
        path.relative_to(target).as_posix()
        for path in top.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _compare(expected: set[str], found: set[str]) -> None:
    missing, stray = sorted(expected - found), sorted(found - expected)
    if missing:
        sys.exit(f"missing from the wheel (see package-data in pyproject.toml): {', '.join(missing)}")
    if stray:
        sys.exit(f"in the wheel but not in the repository: {', '.join(stray)}")


def _import_all(target: Path, packages: dict[str, str]) -> None:
    """Imports each package from the installed copy; the editable install must not answer in its place."""
    lines = ["import importlib, sys"]
    for package in sorted(packages):
        lines += [
            f"module = importlib.import_module({package!r})",
            f"assert module.__file__.startswith({str(target)!r}), module.__file__",
        ]
    libraries = sysconfig.get_paths()["purelib"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), libraries])}
    # -S skips the environment's .pth files, among them the editable install's import hook.
    subprocess.run([sys.executable, "-S", "-c", "\n".join(lines)], cwd=target, env=environment, check=True)


def _run(*words: str) -> None:
    done = subprocess.run([sys.executable, *words], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    main()
