"""A repository is loaded at its commit: from a hub's cache on disk, by the libraries' own code, without a network."""

import shutil
from pathlib import Path

import pytest

from interleavethinker.servers.images.backends.model_files import identity_of, locate
from interleavethinker.servers.images.backends.pipeline_loading import download
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import pinned
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity, resolve_folder

KLEIN = "black-forest-labs/FLUX.2-klein-4B"
QWEN = "Qwen/Qwen3-VL-2B-Instruct"
OTHER = "a" * 40


def cached(cache: Path, repository: str, weights: str, *commits: str) -> None:
    """Lays a model of this package into the cache as snapshots of a repository; `main` is the last one."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    for commit in commits:
        shutil.copytree(
            resolve_folder(f"interleavethinker.microworld:checkpoints/{weights}"), folder / "snapshots" / commit
        )
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commits[-1])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the network is off."""
    for module in ("huggingface_hub.constants", "diffusers.pipelines.pipeline_utils", "diffusers.utils.hub_utils"):
        monkeypatch.setattr(f"{module}.HF_HUB_OFFLINE", True, raising=False)
        monkeypatch.setattr(f"{module}.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path), raising=False)
    return tmp_path


def test_a_pipeline_is_taken_from_its_commit_and_not_from_the_newest(cache: Path) -> None:
    commit = pinned(KLEIN)[1]
    assert commit is not None
    cached(cache, KLEIN, "generator", commit, OTHER)
    for name, expected in (("klein", commit), (KLEIN, commit), (f"{KLEIN}@{OTHER}", OTHER)):
        files = locate(name, download)
        assert files is not None
        assert (files.folder.name, files.repository, identity_of(files)) == (expected, KLEIN, expected)


def test_a_planner_is_taken_from_its_commit_and_not_from_the_newest(cache: Path) -> None:
    commit = pinned(QWEN)[1]
    assert commit is not None
    cached(cache, QWEN, "planner", commit, OTHER)
    newest = cache / "models--Qwen--Qwen3-VL-2B-Instruct" / "snapshots" / OTHER
    for path in newest.glob("*"):
        path.unlink()
    LocalModel(ModelIdentity(QWEN, device_map="cpu")).load()
    with pytest.raises(Exception, match="cannot be loaded"):
        LocalModel(ModelIdentity(f"{QWEN}@{OTHER}", device_map="cpu")).load()


def test_a_branch_is_refused() -> None:
    with pytest.raises(ProfileError, match="names no commit"):
        locate(f"{KLEIN}@main")
