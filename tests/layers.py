"""Checks who may import whom, on a copy in which the packages lie below the root module as they do once installed.

Run by `make layers`; the contracts are in pyproject.toml. import-linter reads folders, not import hooks, so it cannot
see an editable install whose packages lie elsewhere.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Exits with the linter's status."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    mapping: dict[str, str] = settings["tool"]["setuptools"]["package-dir"]
    with tempfile.TemporaryDirectory(prefix="layers-") as name:
        for package, folder in mapping.items():
            target = Path(name, *package.split("."))
            for source in (ROOT / folder).rglob("*.py"):
                copy = target / source.relative_to(ROOT / folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
        # -P and the copy first: the editable install must not answer in its place.
        environment = {**os.environ, "PYTHONPATH": name}
        command = [sys.executable, "-P", "-c", "from importlinter.cli import lint_imports_command as run; run()"]
        arguments = [str(ROOT / "pyproject.toml"), "--no-logo", "--no-cache"]
        sys.exit(subprocess.run([*command, *arguments], cwd=name, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
