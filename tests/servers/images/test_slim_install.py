"""The image server without the `[local]` extra: hosted and fake models work, local ones fail with one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = (
    "import sys\n"
    "for name in ('torch', 'diffusers', 'transformers', 'accelerate', 'peft', 'numpy'): sys.modules[name] = None\n"
)
SERVE_FAKE = """
import asyncio
from pathlib import Path
from interleavethinker.servers.images.backends import gemini, hosted, openai
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.main import open_backend
from interleavethinker.servers.images.server import build_server
from interleavethinker.servers.images.service import ImageService, ServiceLimits

async def main():
    async with ImageService(open_backend("fake"), GenerationStore(Path(sys.argv[1])), ServiceLimits()) as service:
        build_server(service)
        print((await service.generate("a ball", seed=1)).generation.model)

asyncio.run(main())
"""


def run_without_extra(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCK + code, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)


def test_a_server_without_a_local_model_needs_no_model_library(tmp_path: Path) -> None:
    done = run_without_extra(SERVE_FAKE, str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "cells/1\n"), done.stderr


@pytest.mark.parametrize("model", ["klein", "micro", "owner/name", "FOLDER"])
def test_a_local_model_fails_with_one_line_that_names_the_command(model: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "Flux2KleinPipeline"}')
    words = ("image-server", "--model", model.replace("FOLDER", str(tmp_path)), "--store", str(tmp_path / "store"))
    done = run_without_extra("from interleavethinker.cli import main; main()", *words)
    assert done.returncode == 2
    assert " ".join(done.stderr.split()) == (
        "error: Local models need torch and diffusers, which are not installed. "
        "Install them with: pip install -c constraints.txt '.[local]'"
    )


def test_a_misspelled_model_is_reported_as_such(tmp_path: Path) -> None:
    words = ("image-server", "--model", "klien", "--store", str(tmp_path))
    done = run_without_extra("from interleavethinker.cli import main; main()", *words)
    assert done.returncode == 2
    assert "Unknown image model 'klien'" in done.stderr
    assert "micro, qwen-edit, fake" in " ".join(done.stderr.split())
