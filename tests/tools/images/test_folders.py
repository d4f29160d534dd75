"""Images by path: below the operator's folders and nowhere else."""

import os
from pathlib import Path

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.images.png import ImageLimits


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    (folder / "2026").mkdir(parents=True)
    (folder / "cat.png").write_bytes(b"cat")
    (folder / "2026" / "a dog.jpg").write_bytes(b"dog")
    (folder / "notes.txt").write_bytes(b"notes")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return folder


def test_every_usual_way_to_name_a_file_works(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(pictures.parent))
    monkeypatch.setenv("USERPROFILE", str(pictures.parent))
    folders = ImageFolders([Path("~/Pictures")])
    for path in ("cat.png", "./cat.png", "2026/../cat.png", str(pictures / "cat.png"), "~/Pictures/cat.png"):
        assert folders.read(path) == b"cat", path
    for path in ("2026/a dog.jpg", (pictures / "2026" / "a dog.jpg").as_uri()):
        assert folders.read(path) == b"dog", path


def test_the_second_folder_is_searched_too(pictures: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.png").write_bytes(b"x")
    assert ImageFolders([pictures, other]).read("x.png") == b"x"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "2026/../../secret.png",
        "OUTSIDE/secret.png",
        "OUTSIDE/missing.png",
        "/etc/passwd",
        "~/secret.png",
        "link.png",
        "folder-link/secret.png",
        "file:///etc/passwd",
        "file:%2Fetc%2Fpasswd",
    ],
)
def test_nothing_outside_is_read_or_told_apart(pictures: Path, tmp_path: Path, path: str) -> None:
    (pictures / "link.png").symlink_to(tmp_path / "secret.png")
    (pictures / "folder-link").symlink_to(tmp_path)
    with pytest.raises(InputError) as caught:
        ImageFolders([pictures]).read(path.replace("OUTSIDE", str(tmp_path)))
    assert caught.value.code == "invalid_image"
    assert "is not below a folder" in str(caught.value)
    assert "--images" in str(caught.value)


@pytest.mark.parametrize("path", ["cat.png\0.txt", "x" * 5000, "file://example.org/cat.png"])
def test_a_malformed_path_is_refused(pictures: Path, path: str) -> None:
    with pytest.raises(InputError):
        ImageFolders([pictures]).read(path)


def test_a_misspelt_name_gets_the_similar_ones(pictures: Path) -> None:
    with pytest.raises(InputError, match=r"no image file 'cats\.png'.*Similar: cat\.png"):
        ImageFolders([pictures]).read("cats.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_only_regular_files_are_read(pictures: Path) -> None:
    os.mkfifo(pictures / "pipe.png")
    for path in ("2026", ".", "", "pipe.png"):
        with pytest.raises(InputError, match="no image file"):
            ImageFolders([pictures]).read(path)


def test_a_large_file_is_refused(pictures: Path) -> None:
    with pytest.raises(InputError, match="at most 2 bytes") as caught:
        ImageFolders([pictures]).read("cat.png", ImageLimits(max_bytes=2))
    assert caught.value.code == "image_too_large"


def test_the_list_has_images_only_the_newest_first(pictures: Path) -> None:
    (pictures / ".hidden.png").write_bytes(b"")
    os.utime(pictures / "cat.png", (1, 1))
    folders = ImageFolders([pictures])
    assert folders.newest() == ["2026/a dog.jpg", "cat.png"]
    assert folders.newest("CAT") == ["cat.png"]
    assert folders.newest(most=1) == ["2026/a dog.jpg"]


def test_a_missing_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        ImageFolders([tmp_path / "missing"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="no folder that can be read"):
        ImageFolders([tmp_path / "file"])


def test_without_folders_nothing_can_be_read(pictures: Path) -> None:
    folders = ImageFolders(())
    assert not folders
    with pytest.raises(InputError, match="is not below"):
        folders.read(str(pictures / "cat.png"))
