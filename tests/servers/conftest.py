"""Tiny models are made once per session; every test has its own folders."""

from pathlib import Path

import pytest

from .images.backends.tiny_models import tiny_klein


@pytest.fixture(scope="session")
def klein_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_klein(tmp_path_factory.mktemp("models") / "tiny-klein")
