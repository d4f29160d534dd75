"""OpenING with items of our own: both forms of records and of grades, and hand-computed means."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.benchmarks.registry import make_benchmark
from interleavethinker.evaluation.judges.questions import encoded
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from tests.evaluation.benchmarks.judges import ScriptedJudge, counts, figures, run_on_files, write_image, write_json

AXES = (
    *("Correctness", "Image-Text Coherency", "Multi-step Consistency", "Content Quality"),
    *("Human Preference Alignment", "Completeness", "Content Richness"),
)


def record(number: int, side: str, parts: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    task = {"meta_task_id": "3", "meta_task_name": "Completion", "subtask_id": "2", "data_id": str(number)}
    return task | {"conversations": [{side: [{"text": text, "image": image} for text, image in parts]}]}


def prepare(folder: Path) -> None:
    rows = [
        record(5, "input", [("<BEGIN> Complete it. <image>", "./images/My Task/5-i-1.jpg"), ("Please.", None)]),
        record(6, "input", [("Tell more.", None)]) | {"total_uid": "0302006"},
        record(7, "input", [("Say nothing.", None)]),
        record(8, "input", [("Be late.", None)]),
    ]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "test_data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    write_image(folder / "data" / "images" / "My Task" / "5-i-1.jpg", size=(600, 200))
    write_image(folder / "answers" / "0302005-o-0.jpg", "blue")
    made = [("One. <image>", "/home/them/0302005-o-0.jpg"), ("Two.", "gone.jpg")]
    write_json(folder / "answers" / "0302005.json", record(5, "output", made))
    # Some published answers are one object over many lines in a file named as JSON Lines.
    more = json.dumps(record(6, "output", [("More.", None)]), indent=4)
    (folder / "answers" / "0302006.jsonl").write_text(more + "\n")
    write_json(folder / "answers" / "0302007.json", record(7, "output", []))


def replies(text: str, images: int) -> str:
    if "Complete it." in text:
        assert images == 2
        return json.dumps({axis: {"Score": 8 if axis == "Completeness" else 6, "Justification": "x"} for axis in AXES})
    if "Tell more." in text:
        return json.dumps({"scores": {axis.lower().replace(" ", "_"): 4 for axis in AXES}})
    return json.dumps({"scores": dict.fromkeys(AXES)})  # null


async def test_axes_are_averaged_over_the_items_and_null_grades_leave_the_item_out(tmp_path: Path) -> None:
    prepare(tmp_path)
    run = await run_on_files("opening", tmp_path, ScriptedJudge(answer=replies))
    found = figures(run)
    # Items 5 and 6 have grades, 7 has none, 8 has no answer and counts 0.
    assert found["Completeness"] == pytest.approx((8 + 4 + 0) / 3, abs=1e-3)
    assert found["Correctness"] == pytest.approx((6 + 4 + 0) / 3, abs=1e-3)
    assert found["overall"] == pytest.approx((44 / 7 + 4 + 0) / 3, abs=1e-3)
    names = ("missing", "incomplete", "skipped", "unreadable")
    assert [counts(run)[name] for name in names] == [1, 1, 1, 1]


async def test_an_empty_answer_is_shown_as_none_and_images_are_squeezed_to_512_pixels(tmp_path: Path) -> None:
    prepare(tmp_path)
    judge = ScriptedJudge(answer=replies)
    run = await run_on_files("opening", tmp_path, judge)
    assert any(text.rstrip().endswith("OUTPUT:\nNone") for text, _ in judge.asked)
    assert all("<BEGIN>" not in text and "<image>" not in text for text, _ in judge.asked)
    benchmark, _ = make_benchmark("opening")
    (asked,) = benchmark.questions(run.items[0], run.answers["0302005"])
    data, _ = encoded(asked.question.images[0], asked.question.form)
    assert open_rgb(data).size == (512, 512)


async def test_a_lost_input_image_is_an_error(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "data" / "images" / "My Task" / "5-i-1.jpg").unlink()
    with pytest.raises(InputError, match=r"5-i-1\.jpg of item 0302005 cannot be read"):
        await run_on_files("opening", tmp_path, ScriptedJudge(answer=replies))
