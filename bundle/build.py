"""Builds the MCPB bundle: what a chat client such as Claude Desktop installs with a double click. Run by `make mcpb`.

The bundle holds this project's wheel; the client's uv installs it with what it needs at the first start. The official
program `mcpb` (of `make protocol-tools`) validates and packs it.

Usage: build.py OUTPUT
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "tests" / "protocol" / "node_modules"
PROJECT = """[project]
name = "interleavethinker-bundle"
version = "{version}"
requires-python = ">=3.11"
dependencies = ["interleavethinker[local]"]

[tool.uv]
package = false

[tool.uv.sources]
interleavethinker = {{ path = "{wheel}" }}
"""
ICON = (("#4466aa", (0, 0, 192, 512)), ("#4466aa", (256, 0, 512, 192)), ("#bb8855", (256, 256, 512, 512)))
"""The studio's icon: colors and boxes in pixels."""


def main() -> None:
    """Exits with a message if the bundle cannot be built or is not valid."""
    output = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="bundle-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, str(ROOT / "tests" / "wheel.py"), name], check=True)
        fill(folder)
        mcpb("validate", str(folder / "manifest.json"))
        output.parent.mkdir(parents=True, exist_ok=True)
        mcpb("pack", name, str(output))
    sys.stdout.write(f"{output}: {output.stat().st_size / 1e6:.1f} MB\n")


def fill(folder: Path) -> None:
    """Writes everything into a folder that has the wheel."""
    (wheel,) = folder.glob("*.whl")
    here = ROOT / "bundle"
    manifest = json.loads((here / "manifest.json").read_text(encoding="utf-8"))
    (folder / "server").mkdir()
    shutil.copy2(here / "main.py", folder / "server")
    shutil.copy2(here / "manifest.json", folder)
    shutil.copy2(ROOT / "LICENSE", folder)
    (folder / "pyproject.toml").write_text(PROJECT.format(version=manifest["version"], wheel=wheel.name))
    (folder / "icon.png").write_bytes(icon())


def icon() -> bytes:
    """Returns a PNG of 512 x 512 pixels."""
    image = Image.new("RGBA", (512, 512))
    for color, box in ICON:
        image.paste(color, box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def mcpb(*words: str) -> None:
    """Runs the official program."""
    node = MODULES / "node" / "bin" / "node"
    program = MODULES / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"
    if not program.exists():
        sys.exit("The program mcpb is missing; run: make protocol-tools")
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [str(node), str(program), *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"mcpb {words[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
