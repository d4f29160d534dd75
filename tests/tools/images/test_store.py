"""The content-addressed store: intact images or errors, with real files and killed writers."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.store import ImageStore, sha256_of


def test_an_image_is_stored_under_the_hash_of_its_bytes(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    name = store.put(b"image")
    assert name == sha256_of(b"image")
    assert store.get(name) == b"image"
    assert name in store
    assert list(store) == [name]


def test_storing_an_image_twice_keeps_one_file(tmp_path: Path) -> None:
    store = ImageStore(tmp_path, fsync=True)
    assert store.put(b"same") == store.put(b"same")
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".png"]


def test_a_folder_that_was_deleted_meanwhile_is_created_again(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "store")
    shutil.rmtree(store.path(store.put(b"image")).parent)
    assert store.get(store.put(b"image")) == b"image"


def test_an_unknown_image_has_its_own_code(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        ImageStore(tmp_path).get("0" * 64)
    assert caught.value.code == "unknown_image"


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:0], lambda b: b"X" + b[1:], lambda b: b + b"!"])
def test_a_damaged_file_is_an_error_and_storing_the_image_again_repairs_it(tmp_path: Path, damage: object) -> None:
    store = ImageStore(tmp_path)
    name = store.put(b"an intact image")
    path = store.path(name)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(StoreError) as caught:
        store.get(name)
    assert caught.value.code == "corrupt_image"
    store.put(b"an intact image")
    assert store.get(name) == b"an intact image"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/" * 64])
def test_a_name_that_is_no_hash_never_reaches_a_file(tmp_path: Path, name: str) -> None:
    store = ImageStore(tmp_path)
    assert name not in store
    for use in (store.get, store.delete, store.path):
        with pytest.raises(StoreError) as caught:
            use(name)
        assert caught.value.code == "unknown_image"


def test_deleting_returns_whether_the_image_existed(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    name = store.put(b"short-lived")
    assert store.delete(name) is True
    assert store.delete(name) is False
    assert name not in store


def test_a_writer_killed_before_the_rename_leaves_no_image_and_its_temporary_file_is_swept(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from interleavethinker.tools.images.store import ImageStore
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        ImageStore(Path(sys.argv[1])).put(b"never finished")
        """
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    store = ImageStore(tmp_path)
    assert list(store) == []
    assert sha256_of(b"never finished") not in store
    assert store.sweep() == 0, "a young temporary file may belong to a running writer"
    (leftover,) = tmp_path.rglob("*.tmp")
    os.utime(leftover, (0, 0))
    assert store.sweep() == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_unwritable_folder_is_a_store_error_that_does_not_reveal_its_path(tmp_path: Path) -> None:
    blocked = tmp_path / "secret-place"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(StoreError) as caught:
        ImageStore(blocked).put(b"image")
    assert "secret-place" not in str(caught.value)


def test_what_lies_in_the_store_and_is_no_image_of_it_is_left_alone(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    name = store.put(b"image")
    (tmp_path / "ab").mkdir(exist_ok=True)
    (tmp_path / "ab" / f"{'ab' * 32}.png").mkdir()
    (tmp_path / "ab" / f"{'cd' * 32}.png").write_bytes(b"in another folder")
    (tmp_path / "ef").write_text("a file where a folder would be")
    for number in range(100):
        (tmp_path / f"stray {number}").mkdir()
    assert list(store) == [name]
    with pytest.raises(StoreError, match=r"Image (ab)+ cannot be deleted: "):
        store.delete("ab" * 32)
