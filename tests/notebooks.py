"""Executes the notebooks and stores their outputs: `make notebooks`.

Not collected by pytest; `test_notebooks.py` executes them with the same function. Outputs that are too large for a
repository, such as a storyboard with all its images, are left out of the file.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

__all__ = ["FOLDER", "LARGEST_OUTPUT", "execute", "printed"]

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LARGEST_OUTPUT = 40_000
"""Characters of an output that is stored."""


def execute(path: Path, scratch: Path) -> Any:
    """Returns a notebook, executed from top to bottom in a fresh kernel of this very Python.

    Args:
        path: The notebook.
        scratch: Empty folder, for the workspace, the image server's store and the kernel's description.
    """
    kernels = scratch / "kernels"
    (kernels / "python3").mkdir(parents=True)
    spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (kernels / "python3" / "kernel.json").write_text(json.dumps(spec | {"display_name": "Python 3"}))
    # Not a kernel that happens to be registered under the name.
    manager = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels)])
    )
    folders = {"INTERLEAVETHINKER_HOME": "home", "INTERLEAVETHINKER_IMAGE_STORE": "server", "MPLCONFIGDIR": "plots"}
    environment = os.environ | {name: str(scratch / folder) for name, folder in folders.items()}
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, km=manager, timeout=300, resources=resources)
    # A client leaves a manager that it was given, its kernel and its sockets open, unless it is told otherwise.
    asyncio.run(client.async_execute(env=environment, cleanup_kc=True))
    return notebook


def printed(notebook: Any) -> str:
    """Returns everything that the cells print."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def _is_stored(output: Any) -> bool:
    """Progress bars and warnings of libraries name this machine's paths; large outputs would swell the repository."""
    return output.get("name") != "stderr" and len(json.dumps(output)) <= LARGEST_OUTPUT


def _stored_form(notebook: Any) -> Any:
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _is_stored(output)]
    notebook.metadata = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


def main() -> None:
    """Executes all notebooks, or those that the command line names."""
    names = sys.argv[1:] or [path.stem for path in sorted(FOLDER.glob("*.ipynb"))]
    for name in names:
        path, started = FOLDER / f"{name}.ipynb", time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            notebook = _stored_form(execute(path, Path(scratch)))
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        print(f"{name}: {time.monotonic() - started:.0f} s, {path.stat().st_size / 1000:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
