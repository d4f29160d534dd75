"""The image server's store and its limit."""

import os
from pathlib import Path

from interleavethinker.servers.images.cache import GenerationStore


def test_uploads_count_towards_the_stores_limit(tmp_path: Path) -> None:
    store = GenerationStore(tmp_path, max_bytes=10_000)
    for number in range(30):
        name = store.add_upload(b"x" * 1000 + bytes([number]))
        os.utime(store.images.path(name), (number, number))  # Long unused.
    store.add_upload(b"y" * 1000)
    assert sum(store.images.path(name).stat().st_size for name in store.images) <= 12_000
