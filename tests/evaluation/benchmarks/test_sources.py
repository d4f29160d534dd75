"""Benchmark data in folders, files and Parquet files, and what is said about those that cannot be read."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interleavethinker.evaluation.benchmarks.sources import FileSource, open_source
from interleavethinker.tools.errors import InputError
from tests.evaluation.benchmarks.judges import ScriptedJudge, counts, figures, run_on_files, write_image, write_json


def test_images_inside_parquet_files_are_unpacked_and_only_the_split_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet files need the extra train")
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


def image_data(color: str) -> bytes:
    png = io.BytesIO()
    Image.new("RGB", (9, 6), color).save(png, "PNG")
    return png.getvalue()


@pytest.fixture
def hub(tmp_path: Path) -> Callable[..., Path]:
    """Writes records as the Parquet files of a data set on the Hub, with real `Image` features."""
    pytest.importorskip("datasets", reason="data sets need the extra train")
    import datasets

    def write(records: list[dict[str, Any]], *images: str) -> Path:
        made = datasets.Dataset.from_list(records)
        for column in images:
            made = made.cast_column(column, datasets.Image())
        (tmp_path / "hub" / "data").mkdir(parents=True)
        made.to_parquet(str(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet"))
        (tmp_path / "hub" / "README.md").write_text("---\n---\n")
        return tmp_path / "hub"

    return write


async def test_rise_is_read_from_a_data_set_with_image_features(hub: Callable[..., Path], tmp_path: Path) -> None:
    def image(color: str) -> dict[str, object]:
        return {"bytes": image_data(color), "path": f"{color}.png"}

    rows: list[dict[str, object]] = [
        {"index": "t1", "category": "temporal_reasoning", "instruction": "Ripen.", "image": image("red")},
        {"index": "l1", "category": "logical_reasoning", "instruction": "Solve.", "image": image("blue")},
    ]
    rows[0] |= {"reference": "It is ripe.", "reference_img": None, "consistency_free": None}
    rows[1] |= {"reference": None, "reference_img": image("green"), "consistency_free": float("nan")}
    data = hub(rows, "image", "reference_img")
    for name, category in (("t1", "temporal_reasoning"), ("l1", "logical_reasoning")):
        write_image(tmp_path / "answers" / "images" / category / f"{name}.png", "blue")
    judge = ScriptedJudge(answer=lambda text, _: '{"score": %d}' % (1 if "0 or 1" in text else 5))  # noqa: UP031
    run = await run_on_files("rise", tmp_path, judge, data="hub")
    assert data == tmp_path / "hub"
    assert figures(run)["accuracy"] == 100
    first, second = (dict(item.images) for item in run.items)
    with Image.open(first["source"].path) as opened:
        assert opened.getpixel((0, 0)) == (255, 0, 0)
    with Image.open(second["reference"].path) as opened:
        assert opened.getpixel((0, 0)) == (0, 128, 0)


@pytest.mark.parametrize("form", ["strings", "criteria"])
async def test_uevals_parquet_and_json_lines_have_the_same_figures(
    hub: Callable[..., Path], tmp_path: Path, form: str
) -> None:
    def rubrics(*texts: str) -> list[object]:
        return [text if form == "strings" else {"criterion": text, "tags": ["x"]} for text in texts]

    task = "task" if form == "strings" else "task_type"
    rows: list[dict[str, Any]] = [
        {"id": "1", "prompt": "P?", task: "art", "text_rubrics": rubrics("A.", "B."), "image_rubrics": rubrics("C.")},
        {"id": "2", "prompt": "Q?", task: "paper", "text_rubrics": rubrics("A."), "image_rubrics": None},
        {"id": "3", "prompt": "R?", task: "paper", "text_rubrics": None, "image_rubrics": None},
    ]
    rows.append(rows[0])
    hub(rows)
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_json(tmp_path / "answers.json", [{"id": "1", "text_answer": "x"}, {"id": "2", "text_answer": "y"}])
    runs = []
    for data in ("hub", "data.jsonl"):
        judge = ScriptedJudge(answer=lambda text, _: json.dumps({"criteria_met": "A." in text}))
        out = tmp_path / f"out-{data}"
        runs.append(await run_on_files("ueval", tmp_path, judge, data=data, answers="answers.json", out=out))
    # Item 1: text 1/2, image 0/1. Item 2: text 1/1 and no image rubrics. Item 3 has no rubrics and does not count.
    expected = {"average": (25 + 100) / 2, "text": (50 + 100) / 2, "image": 0, "art": 25, "paper": 100}
    assert [figures(run) for run in runs] == [expected, expected]
    names = ("items", "missing", "skipped", "duplicate_items", "questions")
    assert [[counts(run)[name] for name in names] for run in runs] == [[3, 1, 1, 1, 4]] * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"id": ', "is not valid JSON"),
        ("a.jsonl", b'{"id": 1}\n\n{"id"\n', "is not valid JSON"),
        ("a.json", b'{"id": ' + b"[" * 100_000, "nested too deeply"),
        ("a.jsonl", b'{"id": 1}\n{"id": ' + b"[" * 100_000 + b"\n", "nested too deeply"),
        ("a.json", b'{"id": ' + b"1" * 5000 + b"}", "is not valid JSON"),
        ("a.json", b'{"id": "\xff"}', "is not UTF-8"),
        ("a.json", b"[1, 2]", "must have objects as records; found int"),
        ("a.jsonl", b'{\n  "id": 1\n}\n{\n  "id"', "is not valid JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.parquet", b"PAR1 and no more", "is not a valid Parquet file"),
        ("a.parquet", b"", "is not a valid Parquet file"),
    ],
)
def test_a_malformed_file_is_named_with_its_fault(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="Parquet files need the extra train")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        FileSource(tmp_path, tmp_path / "scratch").rows()
    assert name in str(error.value)


def test_json_values_over_several_lines_are_read_from_a_file_that_is_named_json_lines(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": "a\nb"}, {"id": 2}]
    (tmp_path / "0302005.jsonl").write_text("\n".join(json.dumps(row, indent=4) for row in rows) + "\n")
    assert [row.fields for row in FileSource(tmp_path, tmp_path / "scratch").rows()] == rows


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_byte_order_mark_is_no_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps({"id": 1}), encoding="utf-8-sig")
    assert FileSource(tmp_path, tmp_path / "scratch").rows()[0].fields == {"id": 1}


def test_files_of_other_splits_are_left_out_beside_those_of_the_test_split(tmp_path: Path) -> None:
    for name in ("dev_data", "test_data", "train_data", "more"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name}))
    found = [row.fields["id"] for row in FileSource(tmp_path, tmp_path / "scratch").rows()]
    assert found == ["more", "test_data"]
    (tmp_path / "test_data.jsonl").unlink()
    assert len(FileSource(tmp_path, tmp_path / "scratch").rows()) == 3


def test_a_folder_with_archives_only_is_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"no records, but archives: data\.zip\. Unpack them first"):
        FileSource(tmp_path, tmp_path / "scratch").rows()


def test_an_image_path_may_be_relative_to_the_folder_where_the_program_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "images").mkdir(parents=True)
    (tmp_path / "results" / "images" / "1_1.png").write_bytes(image_data("red"))
    (tmp_path / "results" / "outputs.json").write_text("[]")
    source = FileSource(tmp_path / "results" / "outputs.json", tmp_path / "scratch")
    assert source.resolve("results/images/1_1.png", tmp_path / "results") is not None


async def test_wise_is_read_from_a_data_set_with_the_fields_of_the_hub(
    hub: Callable[..., Path], tmp_path: Path
) -> None:
    hub(
        [
            {"id": 1, "prompt": "a festival", "explanation": "lanterns", "Category": "x"},
            {"id": 401, "prompt": "at noon", "explanation": "high sun", "Category": "y"},
        ]
    )
    for number in (1, 401):
        write_image(tmp_path / "answers" / f"{number}.png")
    judge = ScriptedJudge(answer=lambda text, _: f"Score: {int('lanterns' in text)}")
    run = await run_on_files("wise", tmp_path, judge, data="hub")
    assert (figures(run)["culture"], figures(run)["time"]) == (1, 0)


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


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
@pytest.mark.parametrize("name", ["answers.jsonl", "1/results.json", "whole"])
def test_a_pipe_among_records_or_images_is_refused_instead_of_waiting_for_its_writer(tmp_path: Path, name: str) -> None:
    (tmp_path / "1").mkdir()
    os.mkfifo(tmp_path / name)
    os.mkfifo(tmp_path / "7.png")
    path = tmp_path / name if name == "whole" else tmp_path
    with pytest.raises(InputError, match=f"{name} is not a regular file"):
        FileSource(path, tmp_path / "scratch").rows()
    source = FileSource(tmp_path, tmp_path / "scratch")
    with pytest.raises(InputError, match=r"7\.png is not a regular file"):
        source.image("7")
    with pytest.raises(InputError, match=r"7\.png is not a regular file"):
        source.resolve("7.png")
