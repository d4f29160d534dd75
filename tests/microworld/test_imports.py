"""The micro world can be imported in an installation without torch; only loading weights needs it."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

LOCAL_EXTRA = ("torch", "transformers", "diffusers", "safetensors")
IMPORT_ALL = """
import importlib, sys
for name in {blocked!r}:
    sys.modules[name] = None
for module in {modules!r}:
    importlib.import_module(module)
"""


def test_every_module_can_be_imported_without_torch() -> None:
    root = Path(str(files("interleavethinker.microworld")))
    modules = [
        ".".join(("interleavethinker.microworld", *path.relative_to(root).with_suffix("").parts))
        for path in sorted(root.rglob("*.py"))
    ]
    assert "interleavethinker.microworld.generators.micro" in modules
    code = IMPORT_ALL.format(blocked=LOCAL_EXTRA, modules=modules)
    subprocess.run([sys.executable, "-c", code], check=True)
