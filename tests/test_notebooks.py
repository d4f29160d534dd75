"""Every notebook runs from top to bottom in a fresh kernel."""

import asyncio
import sys
from importlib.resources import files
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
WEIGHTS = files("interleavethinker.microworld") / "checkpoints" / "generator" / "model_index.json"


@pytest.mark.skipif(not WEIGHTS.is_file(), reason="the micro generator's weights are not there yet")
@pytest.mark.filterwarnings("default")  # The kernel's client is somebody else's code.
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_is_committed_without_its_output(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    # The kernel must be this very Python, not one that happens to be registered under the name.
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    spec = f'{{"argv": ["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], '
    (kernels / "kernel.json").write_text(spec + '"display_name": "Python 3", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    asyncio.run(client.async_execute())
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("text/html" in output.get("data", {}) for output in shown)
    assert not any(output.output_type == "error" for output in shown)
    printed = "".join(output.get("text", "") for output in shown)
    assert "step 2 of plan 2 is: make the ball yellow" in printed
