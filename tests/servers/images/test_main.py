"""Which backend serves a model's name, and the command's options under their present and old names."""

import subprocess
from pathlib import Path

import pytest

from interleavethinker.servers.images.backends.diffusers import DiffusersBackend
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import open_backend
from interleavethinker.tools.model_catalog import IMAGE_MODELS, CatalogModel

from ..processes import PROGRAM


@pytest.mark.parametrize("name", ["fake", "cells"])
def test_the_fake_backend_is_found_by_its_present_and_its_old_name(name: str) -> None:
    assert isinstance(open_backend(name), FakeBackend)


@pytest.mark.parametrize("model", IMAGE_MODELS, ids=lambda model: str(model.alias))
def test_every_alias_of_the_catalog_can_be_opened_and_shows_its_name(model: CatalogModel) -> None:
    assert model.alias is not None
    backend = open_backend(model.alias)
    assert isinstance(backend, DiffusersBackend)
    assert backend.status().model in {model.alias, "generator"}


@pytest.mark.parametrize(
    "options",
    [("--batch-window-ms", "5", "--call-timeout", "9"), ("--window-ms", "5", "--call-seconds", "9")],
    ids=["present names", "old names"],
)
def test_present_and_old_names_of_options_are_accepted(options: tuple[str, ...], tmp_path: Path) -> None:
    command = [*PROGRAM, "image-server", "--model", "fake", "--store", str(tmp_path), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
