"""UEval with items of our own: every published form, hand-computed rates, answers in files, and what counts how."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.benchmarks.report import as_report, markdown_report
from interleavethinker.evaluation.benchmarks.run import BenchmarkRun, RunConfig, run_benchmark
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.file_lock import only_writer
from tests.evaluation.benchmarks.judges import ScriptedJudge, figures, write_image, write_json

ITEMS: list[dict[str, Any]] = [
    {
        "id": "1",
        "prompt": "How do I boil an egg? Explain both visually and textually.",
        "task": "life",
        "question_type": "open",
        "text_rubrics": ["Names the time.", "Names the pot."],
        "image_rubrics": ["Shows an egg.", "Shows a pot.", "Shows a spoon."],
    },
    {
        "id": "2",
        "prompt": "What does the diagram of a lever look like?",
        "task": "diagram",
        "question_type": "closed",
        "text_rubrics": ["Names the fulcrum."],
        "image_rubrics": [],
    },
    {
        "id": "3",
        "prompt": "Which planet is the third?",
        "task": "space",
        "question_type": "closed",
        "text_rubrics": [],
        "image_rubrics": ["Shows the Earth.", "Shows the Sun."],
    },
]


def old_form(item: dict[str, Any]) -> dict[str, Any]:
    changed = {"id": item["id"], "prompt": item["prompt"], "task_type": item["task"]}
    rubrics = ("text_rubrics", "image_rubrics")
    return changed | {key: [{"criterion": text, "tags": ["x"]} for text in item[key]] for key in rubrics}


def answers(folder: Path) -> Path:
    write_image(folder / "images" / "egg.png")
    write_image(folder / "images" / "pot.png", "blue")
    rows = [
        {"id": 1, "text_answer": "old", "image_answer": None},
        {"id": 1, "text_answer": "Eight minutes.", "image_answer": ["images/egg.png", "images/pot.png"]},
        {"id": "3", "text_answer": "The Earth.", "image_answer": "images/gone.png"},
        {"id": "77", "text_answer": "?", "image_answer": []},
    ]
    return write_json(folder / "answers.json", rows)


MET = ("Names the time.", "Shows an egg.", "Shows a pot.")


def by_rubric(text: str, images: int) -> str:
    del images
    if "Shows the Sun." in text:
        return '{"criteria_met": "not sure"}'
    return '{"criteria_met": %s}' % ("true" if any(rubric in text for rubric in MET) else "false")


async def judged(tmp_path: Path, items: object, model: ScriptedJudge, **changes: Any) -> BenchmarkRun:
    data = write_json(tmp_path / "data.json", items)
    config = RunConfig("ueval", str(data), tmp_path / "out", answers=str(answers(tmp_path / "given")))
    return await run_benchmark(replace(config, **changes), model=model)


@pytest.mark.parametrize("items", [ITEMS, [old_form(item) for item in ITEMS]], ids=["rubrics as text", "old form"])
async def test_rates_are_the_shares_of_met_rubrics_and_tasks_have_equal_weight(tmp_path: Path, items: object) -> None:
    judge = ScriptedJudge(answer=by_rubric)
    run = await judged(tmp_path, items, judge)
    # Item 1: text 1/2, image 2/3. Item 2 has no answer: text 0/1. Item 3: its image is lost, 0/2.
    expected = {"average": (58.3333 + 0 + 0) / 3, "text": (50 + 0) / 2, "image": (66.6667 + 0) / 2}
    expected |= {"life": 58.3333, "diagram": 0, "space": 0}
    assert figures(run) == pytest.approx(expected, abs=1e-3)
    counts = as_report(run)["counts"]
    assert (counts["missing"], counts["incomplete"], counts["replaced_answers"], counts["unknown_answers"]) == (
        1,
        1,
        1,
        1,
    )
    assert counts["questions"] == len(judge.asked) == 8


async def test_images_go_only_to_image_rubrics_and_closed_tasks_hide_the_text(tmp_path: Path) -> None:
    judge = ScriptedJudge(answer=by_rubric)
    await judged(tmp_path, ITEMS, judge)
    rubrics = [rubric for one in ITEMS for kind in ("text_rubrics", "image_rubrics") for rubric in one[kind]]
    seen = {
        next(rubric for rubric in rubrics if rubric in text): (images, "Eight" in text or "The Earth." in text)
        for text, images in judge.asked
    }
    assert seen["Names the time."] == (0, True)
    assert seen["Shows an egg."] == (2, True)
    assert seen["Shows the Sun."] == (0, False)
    assert all("both visually and textually" in text for text, _ in judge.asked if "boil" in text)


async def test_a_judgment_that_stays_unusable_counts_as_not_met_except_under_lmms_eval(tmp_path: Path) -> None:
    def broken(text: str, images: int) -> str:
        return "Well…" if "Names the pot." in text else by_rubric(text, images)

    official = await judged(tmp_path, ITEMS, ScriptedJudge(answer=broken))
    assert figures(official)["text"] == 25
    counts = as_report(official)["counts"]
    assert (counts["unreadable"], counts["reasked"]) == (1, 1)
    judge = ScriptedJudge(answer=broken)
    theirs = await judged(tmp_path, ITEMS, judge, protocol="lmms-eval", out=tmp_path / "other")
    # Item 1: text 1/1. Items without rubrics of a kind score 0, and tasks have equal weight everywhere.
    expected = {"text": 100 / 3, "image": 66.6667 / 3, "average": (83.3333 + 0 + 0) / 3}
    assert {name: figures(theirs)[name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert all("explanation" in text for text, _ in judge.asked)


async def test_a_judge_is_asked_again_and_told_why(tmp_path: Path) -> None:
    replies = iter(["no idea", '{"met": true}', '{"criteria_met": "yes"}'])
    judge = ScriptedJudge(answer=lambda _text, _images: next(replies, '{"criteria_met": true}'))
    run = await judged(tmp_path, [ITEMS[1]], judge)
    assert figures(run)["text"] == 100
    assert len(judge.asked) == 3
    assert "criteria_met" in judge.asked[2][0].rpartition("cannot be used")[2]
    assert as_report(run)["counts"]["reasked"] == 1


async def test_the_papers_protocol_changes_the_requests_only(tmp_path: Path) -> None:
    judge = ScriptedJudge(answer=by_rubric)
    run = await judged(tmp_path, ITEMS, judge, protocol="paper")
    assert run.items[0].text == "How do I boil an egg? Explain."
    assert any("both visually and textually" in text for text, _ in judge.asked)


async def test_two_items_with_one_id_are_an_error_and_a_repeated_one_counts_once(tmp_path: Path) -> None:
    run = await judged(tmp_path, [*ITEMS, ITEMS[0]], ScriptedJudge(answer=by_rubric))
    assert (len(run.items), run.duplicates) == (3, 1)
    other = ITEMS[1] | {"id": "1"}
    with pytest.raises(InputError, match="two different items with the id '1'"):
        await judged(tmp_path, [*ITEMS, other], ScriptedJudge(answer=by_rubric))


async def test_the_report_names_protocol_judge_intervals_and_published_figures(tmp_path: Path) -> None:
    run = await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric), judge="openai:gpt-4o")
    text = markdown_report(as_report(run, "interleavethinker evaluate ueval", "abc1234"))
    for words in (
        "protocol official",
        "openai:gpt-4o",
        "judged by gemini-2.5-pro",
        "full RL 66.3",
        "abc1234",
        "1 answer missing",
    ):
        assert words in text
    assert "| text | 25.0 | [" in text


async def test_an_interval_stays_on_its_scale_and_single_items_give_all_of_it(tmp_path: Path) -> None:
    """A mean of two items may have a normal interval beyond the scale, and one item has no spread at all."""
    report = as_report(await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric), judge="openai:gpt-4o"))
    ends = {one["name"]: (one["low"], one["high"], one["n"]) for one in report["figures"] if one["value"] is not None}
    assert all(0 <= low <= high <= 100 for low, high, _ in ends.values())
    assert ends["average"] == (0, 100, 3)  # one item a task
    assert ends["life"] == (0, 100, 1)


async def test_answers_in_the_form_of_the_published_generators_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their fields are named after the model, ids are numbers, and paths begin where the script was started."""
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "results" / "images" / "1_1.png")
    row = {"id": 1, "gemini_image_ans": ["results/images/1_1.png"], "gemini_text_ans": "Eight minutes."}
    given = write_json(tmp_path / "results" / "outputs.json", [row | {"prompt": "?", "task_type": "life"}])
    run = await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric), answers=str(given))
    assert run.answers["1"].text == "Eight minutes."
    assert len(run.answers["1"].images) == 1
    assert not run.answers["1"].problem


async def test_an_empty_rubric_is_left_out_and_an_unknown_task_is_open(tmp_path: Path) -> None:
    rubrics = {"text_rubrics": ["Names the time.", "", {"criterion": None}], "image_rubrics": ["Shows an egg."]}
    judge = ScriptedJudge(answer=by_rubric)
    run = await judged(tmp_path, [ITEMS[0] | rubrics | {"task": "cooking"}], judge)
    assert figures(run)["text"] == 100
    assert any("Shows an egg." in text and "Eight minutes." in text for text, _ in judge.asked)


async def test_a_limit_takes_the_first_items_of_every_task_in_turn(tmp_path: Path) -> None:
    items = [ITEMS[0] | {"id": str(number), "task": "life" if number < 5 else "art"} for number in range(8)]
    run = await judged(tmp_path, items, ScriptedJudge(answer=by_rubric), limit=3)
    assert [item.id for item in run.items] == ["0", "1", "5"]


async def test_a_folder_of_another_run_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric))
    judge = ScriptedJudge(answer=by_rubric)
    with pytest.raises(InputError, match="Choose another folder with --out"):
        await judged(tmp_path, ITEMS[:2], judge)
    assert not judge.asked


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Is {{rubric}} met by {{answer}}?", r"lacks \{\{question\}\}"),
        ("{{question}} {{answer}} {{rubric}} {{tone}}", r"has \{\{tone\}\}, which nothing is put in"),
    ],
)
async def test_a_prompt_of_the_user_needs_the_placeholders_of_ours(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "ueval_text.md").write_text(text)
    judge = ScriptedJudge(answer=by_rubric)
    with pytest.raises(InputError, match=rf"ueval_text\.md {fault}"):
        await judged(tmp_path, ITEMS, judge, prompts=tmp_path / "prompts")


async def test_a_second_process_on_the_same_folder_is_refused_and_asks_nothing(tmp_path: Path) -> None:
    second = ScriptedJudge(answer=by_rubric)
    with only_writer(tmp_path / "out"), pytest.raises(InputError, match="Another process is writing to"):
        await judged(tmp_path, ITEMS, second)
    assert not second.asked
    await judged(tmp_path, ITEMS, second)


@pytest.mark.parametrize("content", ["{", "[]", '"x"'])
async def test_a_damaged_description_of_the_run_says_what_to_do(tmp_path: Path, content: str) -> None:
    await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric))
    (tmp_path / "out" / "run.json").write_text(content)
    with pytest.raises(StoreError, match=r"run\.json.*remove it and run the same command again"):
        await judged(tmp_path, ITEMS, ScriptedJudge(answer=by_rubric))
    (tmp_path / "out" / "run.json").unlink()
    again = ScriptedJudge(answer=by_rubric)
    await judged(tmp_path, ITEMS, again)
    assert not again.asked
