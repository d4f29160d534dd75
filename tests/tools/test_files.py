"""Files that a killed or failing writer never leaves half written."""

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.files import LineFile, atomic_write, read_at_most


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("fsync", [False, True])
def test_a_file_is_replaced_and_missing_folders_are_created(tmp_path: Path, fsync: bool) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    for data in (b"first", b"second"):
        atomic_write(path, data, fsync)
        assert path.read_bytes() == data
    assert everything_in(tmp_path) == ["file.json"]


def test_a_failed_write_keeps_the_previous_file_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    atomic_write(path, b"previous")

    def disk_full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new", fsync=True)
    assert path.read_bytes() == b"previous"
    assert everything_in(tmp_path) == ["file.json"]


def test_a_failed_clean_up_is_noted_and_does_not_hide_the_first_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_rename(*_: object) -> None:
        raise OSError(errno.EXDEV, "Cross-device link")

    def refuse_unlink(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse_rename)
    monkeypatch.setattr(Path, "unlink", refuse_unlink)
    with pytest.raises(OSError, match="Cross-device") as caught:
        atomic_write(tmp_path / "file", b"new")
    (note,) = caught.value.__notes__
    (leftover,) = everything_in(tmp_path)
    assert leftover in note
    assert "Permission denied" in note


def test_a_torn_last_line_is_skipped_and_the_next_one_does_not_join_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines"
    assert list(LineFile(path)) == []
    LineFile(path).append(["first"])
    with path.open("ab") as file:
        file.write("half a ké".encode()[:-1])
    lines = LineFile(path)
    assert list(lines) == ["first"]
    lines.append(["second", "third"])
    assert list(lines) == list(LineFile(path)) == ["first", "second", "third"]
    assert path.read_bytes() == b"first\nsecond\nthird\n"


def test_reading_a_line_file_never_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"whole\ntorn")
    assert list(LineFile(path)) == ["whole"]
    assert path.read_bytes() == b"whole\ntorn"


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    texts = ["a\u2028b", "c\x0bd", "e\rf", ""]
    lines = LineFile(tmp_path / "lines")
    lines.append(texts)
    assert list(lines) == texts


def test_every_appended_line_is_in_the_file_before_the_next_one_is_produced(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "lines")
    seen = []

    def produce() -> Iterator[str]:
        for number in range(3):
            yield str(number)
            seen.append(list(LineFile(lines.path)))

    lines.append(produce())
    assert seen == [["0"], ["0", "1"], ["0", "1", "2"]]


def test_an_error_while_lines_are_produced_is_not_taken_for_one_of_the_file(tmp_path: Path) -> None:
    lines = LineFile(tmp_path / "lines")
    lines.append(["kept"])

    def produce() -> Iterator[str]:
        yield "new"
        raise OSError("another file")

    with pytest.raises(OSError, match="another file"):
        lines.replace(produce())
    assert list(lines) == ["kept"]
    assert everything_in(tmp_path) == ["lines"]
    with pytest.raises(OSError, match="another file"):
        lines.append(produce())
    assert list(lines) == ["kept", "new"]


def test_a_line_file_that_cannot_be_read_or_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lines = LineFile(tmp_path / "file" / "lines")
    for write in (lines.append, lines.replace):
        with pytest.raises(StoreError, match="lines cannot be written"):
            write(["x"])
    with pytest.raises(StoreError, match="lines cannot be read"):
        list(lines)


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"one\ntwo \xff\nthree\n")
    with pytest.raises(StoreError, match=r"Line 2 of .*rows is damaged"):
        list(LineFile(tmp_path / "rows"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_or_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(FileExistsError, match="device, a pipe or a socket"):
            atomic_write(tmp_path / name, b"x")
    assert (tmp_path / "link").is_fifo()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_named_pipe_is_refused_and_one_of_the_shell_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(InputError, match=f"{name} is not a regular file but a named pipe"):
            read_at_most(tmp_path / name, 10)
    reader, writer = os.pipe()
    os.write(writer, b"text")
    os.close(writer)
    try:
        assert read_at_most(Path(f"/dev/fd/{reader}"), 10) == b"text"
    finally:
        os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    private, public = tmp_path / "private", tmp_path / "public"
    for path, mode in ((private, 0o600), (public, 0o644)):
        path.touch()
        path.chmod(mode)
        atomic_write(path, b"new", mode=0o666 if path is private else 0o600)
        assert path.stat().st_mode & 0o777 == mode
    atomic_write(tmp_path / "new", b"new", mode=0o600)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
