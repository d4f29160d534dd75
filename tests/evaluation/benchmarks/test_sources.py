"""Benchmark data in folders, files and Parquet files, and what is said about those that cannot be read."""

import io
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.evaluation.benchmarks.sources import FileSource, open_source
from interleavethinker.tools.errors import InputError


def test_images_inside_parquet_files_are_unpacked_and_only_the_split_is_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    png = io.BytesIO()
    Image.new("RGB", (9, 6), "red").save(png, "PNG")
    (tmp_path / "hub" / "data").mkdir(parents=True)
    image = {"bytes": png.getvalue(), "path": None}
    row = {"id": 1, "image": image, "more": [{"image": image, "score": 0.5}], "raw": b"x"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "hub" / "data" / "test-0.parquet")
    pq.write_table(pa.Table.from_pylist([{"id": 2}]), tmp_path / "hub" / "data" / "train-0.parquet")
    source = open_source(str(tmp_path / "hub"), tmp_path / "scratch")
    (found,) = source.rows()
    assert source.rows() is source.rows()
    assert found.fields["id"] == 1
    assert found.fields["more"] == [{"image": found.fields["image"], "score": 0.5}]
    unpacked = source.resolve(str(found.fields["image"]))
    assert unpacked is not None
    with Image.open(str(found.fields["image"])) as opened:
        assert opened.size == (9, 6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"id": ', "is not valid JSON"),
        ("a.jsonl", b'{"id": 1}\n\n{"id"\n', "is not valid JSON"),
        ("a.json", b'{"id": "\xff"}', "is not UTF-8"),
        ("a.json", b"[1, 2]", "must have objects as records; found int"),
    ],
)
def test_a_malformed_file_is_named_with_its_fault(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        FileSource(tmp_path, tmp_path / "scratch").rows()
    assert name in str(error.value)


def test_an_image_is_found_with_any_ending_but_not_if_it_is_damaged(tmp_path: Path) -> None:
    Image.new("RGB", (9, 6), "red").save(tmp_path / "good.webp")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    source = FileSource(tmp_path, tmp_path / "scratch")
    assert source.image("bad", "good") == source.resolve("good.webp", tmp_path / "elsewhere")
    assert source.image("bad.png") is None
    assert source.resolve("nothing.png") is None


def test_records_with_a_folder_of_their_own_have_its_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text('{"text": "t"}')
    assert [row.name for row in FileSource(tmp_path, tmp_path / "scratch").rows()] == ["one", "two"]


@pytest.mark.parametrize("name", ["nowhere", "./a/b", "a/b/c"])
def test_a_name_that_is_neither_path_nor_data_set_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="There is no folder or file"):
        open_source(name, tmp_path / "scratch")


def test_a_data_set_that_cannot_be_downloaded_is_an_error_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data set of that name can be downloaded: "):
        open_source("no-such-owner/no-such-set", tmp_path / "scratch")
