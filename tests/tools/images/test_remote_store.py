"""An image store in an object store, here fsspec's in memory, with a folder for copies on each machine."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.images.remote_store import RemoteImageStore
from interleavethinker.tools.images.store import sha256_of

pytest.importorskip("fsspec", reason="needs fsspec")


@pytest.fixture
def url() -> str:
    return f"memory://{secrets.token_hex(8)}/images"


def test_what_one_machine_stores_another_one_reads_and_keeps_a_copy_of(url: str, tmp_path: Path) -> None:
    one, two = RemoteImageStore(url, tmp_path / "one"), RemoteImageStore(url, tmp_path / "two")
    name = one.put(b"image")
    assert (name in two, list(two), two.get(name)) == (True, [name], b"image")
    assert two.file(name).read_bytes() == b"image"
    assert two.file(name).is_relative_to(tmp_path / "two")
    assert two.last_used(name) == pytest.approx(time.time(), abs=60)
    assert (one.delete(name), two.delete(name), name in one, list(two)) == (True, False, False, [])
    assert two.last_used(name) == float("inf")


def test_a_damaged_copy_is_read_again_and_a_damaged_object_is_an_error(url: str, tmp_path: Path) -> None:
    one, two = RemoteImageStore(url, tmp_path / "one"), RemoteImageStore(url, tmp_path / "two")
    name = one.put(b"image")
    one.path(name).write_bytes(b"damaged")
    assert one.get(name) == b"image" == one.path(name).read_bytes()
    two._files.pipe_file(two._object(name), b"damaged")
    with pytest.raises(StoreError) as caught:
        two.get(name)
    assert caught.value.code == "corrupt_image"
    assert one.put(b"image") == name
    assert two.get(name) == b"image"


def test_an_image_is_read_although_no_copy_of_it_can_be_kept_here(url: str, tmp_path: Path) -> None:
    name = RemoteImageStore(url, tmp_path / "one").put(b"image")
    two = RemoteImageStore(url, tmp_path / "two")
    two.root.mkdir()
    (two.root / name[:2]).write_text("no folder can be made here")
    assert two.get(name) == two.get(name) == b"image"
    with pytest.raises(StoreError, match="cannot write 5 bytes"):
        two.file(name)


def test_what_there_is_not_is_an_unknown_image(url: str, tmp_path: Path) -> None:
    store = RemoteImageStore(url, tmp_path)
    with pytest.raises(StoreError) as caught:
        store.get(sha256_of(b"nothing"))
    assert caught.value.code == "unknown_image"
    assert "../../etc/passwd" not in store
    assert None not in store
    with pytest.raises(StoreError):
        store.get("../../etc/passwd")


def test_the_copies_that_were_not_used_for_longest_make_room(url: str, tmp_path: Path) -> None:
    store = RemoteImageStore(url, tmp_path, cache_bytes=250)
    names = [store.put(bytes([number]) * 100) for number in range(3)]
    for age, name in enumerate(names):
        os.utime(store.path(name), (time.time() - 1000 + age,) * 2)
    store.get(names[0])
    newest = store.put(b"n" * 100)
    kept = {path.stem for path in tmp_path.rglob("*.png")}
    assert kept == {names[0], newest}
    assert {*store} == {*names, newest}
    assert store.get(names[1]) == bytes([1]) * 100


def test_an_unknown_protocol_or_a_missing_library_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="s3://bucket/folder"):
        RemoteImageStore("carrier-pigeon://loft", tmp_path)


def test_an_object_store_that_fails_is_a_store_error(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RemoteImageStore(url, tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    for method in ("pipe_file", "cat_file", "find", "exists"):
        monkeypatch.setattr(store._files, method, fail)
    for use in (lambda: store.put(b"x"), lambda: list(store), lambda: sha256_of(b"y") in store):
        with pytest.raises(StoreError, match=r"no route\. Check the address, the credentials and the network"):
            use()


@pytest.mark.parametrize(
    "url", ["ftp://robin:hunter2@127.0.0.1:1/x", "zip://x::/nowhere.zip", "nosuch://robin:hunter2@h/x"]
)
def test_a_place_that_cannot_be_opened_is_an_error_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises((InputError, StoreError)) as caught:
        RemoteImageStore(url, tmp_path)
    assert url.partition("://")[0] in str(caught.value)
    assert not any(piece in str(caught.value) for piece in ("hunter2", "robin"))


def test_what_a_library_says_about_its_url_is_shown_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"memory://robin:hun%2Fter2@{secrets.token_hex(8)}/images"
    store = RemoteImageStore(url, tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError(f"no route to {url}, password hun/ter2")

    monkeypatch.setattr(store._files, "pipe_file", fail)
    with pytest.raises(StoreError, match="no route to memory") as caught:
        store.put(b"x")
    assert not any(piece in str(caught.value) for piece in ("robin", "hun", "ter2"))


def test_a_password_comes_from_the_environment(tmp_path: Path) -> None:
    """The advice that a URL with a password is answered with."""
    code = (
        "import ftplib, sys; from pathlib import Path\n"
        "from interleavethinker.tools.images.remote_store import RemoteImageStore\n"
        "ftplib.FTP.connect = lambda *_, **__: None\n"
        "ftplib.FTP.login = lambda self, *words: print(*words)\n"
        "RemoteImageStore('ftp://robin@images.example/x', Path(sys.argv[1]))\n"
    )
    environment = os.environ | {"FSSPEC_FTP_PASSWORD": "hunter2"}
    words = [sys.executable, "-P", "-c", code, str(tmp_path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout.split()[:2] == ["robin", "hunter2"]
