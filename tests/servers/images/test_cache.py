"""The image server's store and its limit."""

import os
import sys
import threading
from pathlib import Path

import pytest

from interleavethinker.servers.images.cache import Generation, GenerationStore
from interleavethinker.tools.errors import StoreError


def test_uploads_count_towards_the_stores_limit(tmp_path: Path) -> None:
    store = GenerationStore(tmp_path, max_bytes=10_000)
    for number in range(30):
        name = store.add_upload(b"x" * 1000 + bytes([number]))
        os.utime(store.images.path(name), (number, number))  # Long unused.
    store.add_upload(b"y" * 1000)
    assert sum(store.images.path(name).stat().st_size for name in store.images) <= 12_000


@pytest.mark.parametrize("at", [".", "calls"])
def test_a_store_that_is_no_folder_is_an_error_with_its_cause_and_remedy(tmp_path: Path, at: str) -> None:
    (tmp_path / "store").mkdir()
    file = tmp_path / "store" / at
    if at == ".":
        file.rmdir()
    file.write_text("in the way")
    store = GenerationStore(tmp_path / "store")
    assert store.find("ab" * 32) is None
    made = Generation(sha256="a" * 64, width=1, height=1, seed=1, model="m", seconds=0.0)
    with pytest.raises(StoreError, match=r"store cannot be written: (File exists|Not a directory).*IMAGE_STORE"):
        store.save("ab" * 32, b"png", made)


@pytest.mark.parametrize("at", [".", "calls", "calls/ab", "0f"])
def test_a_store_in_which_something_is_in_the_way_is_refused_before_a_model_is_called(tmp_path: Path, at: str) -> None:
    store = GenerationStore(tmp_path / "store")
    store.require_room("ab" * 32)
    assert list(tmp_path.iterdir()) == [], "the check makes nothing"
    file = tmp_path / "store" / at
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("in the way")
    with pytest.raises(
        StoreError, match=rf"{file} is no folder.* No image was generated.*INTERLEAVETHINKER_IMAGE_STORE"
    ):
        store.require_room("ab" * 32)


def test_a_record_that_cannot_be_read_is_generated_again_and_stops_no_clean_up(tmp_path: Path) -> None:
    store = GenerationStore(tmp_path, max_bytes=1)
    (tmp_path / "calls" / "ab" / ("ab" * 32)).mkdir(parents=True)
    assert store.find("ab" * 32) is None
    store.evict()


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in folders")
def test_a_pipe_in_a_records_place_holds_nothing_up(tmp_path: Path) -> None:
    store = GenerationStore(tmp_path, max_bytes=1)
    (tmp_path / "calls" / "ab").mkdir(parents=True)
    os.mkfifo(tmp_path / "calls" / "ab" / ("ab" * 32))
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.extend([store.find("ab" * 32), store.evict()]), daemon=True)
    reader.start()
    reader.join(60)
    assert found == [None, 0]
