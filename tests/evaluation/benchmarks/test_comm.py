"""CoMM with items of our own: what the three questions show, and hand-computed means."""

import json
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.benchmarks.registry import make_benchmark
from tests.evaluation.benchmarks.judges import ScriptedJudge, counts, figures, run_on_files, write_image, write_json

FLAT = {
    "style_consistency": 8,
    "entity_consistency": 7,
    "trend_consistency": None,
    "overall_consistency": "NA",
    "completeness": 6,
    "image_quality": 9,
}
NESTED = {
    "scores": {
        "Image_Coherence": {
            "pair_scores": {},
            "overall_score": {
                "style_consistency": 4,
                "entity_consistency": 5,
                "trend_consistency": 6,
                "overall_consistency": 5,
            },
        },
        "Completeness": {"Summarize": "x", "Score": 3},
        "Image_Quality": {"Justification": "x", "Score": 2},
    }
}


def item(folder: Path, name: str, inputs: int, outputs: int | None) -> None:
    """Writes an item, and an answer to it with this many images."""
    images = [f"in_{number}.jpg" for number in range(inputs)]
    for image in images:
        write_image(folder / "data" / name / "origin" / image)
    text = (
        " ".join(f"({number + 1}) Step {number + 1} of {name}. <IMAGE>" for number in range(inputs)) or f"Ask {name}."
    )
    fields: dict[str, Any] = {"model_input": text, "input_image_list": images, "output_gt_image_list": []}
    write_json(folder / "data" / name / "results.json", fields)
    if outputs is None:
        return
    made = [f"predict_{number}.jpg" for number in range(outputs)]
    for image in made:
        write_image(folder / "answers" / name / image, "blue")
    answer = " ".join(f"({number}) Made {number}. <IMAGE>" for number in range(max(1, outputs)))
    write_json(
        folder / "answers" / name / "results.json", fields | {"model_output": answer, "prediction_image_list": made}
    )


def replies(text: str, images: int) -> str:
    if "<Description_0>" in text:
        assert images == text.count("<Img_") - 1  # the tags' form is also explained in the prompt
        return '{"Consistency": {"image_1_score": 5, "overall_score": 5, "Justification": "x"}}'
    if "are hidden" in text:
        return json.dumps({"images": ["a pot", "a lid"]})
    return json.dumps(NESTED if "task4" in text else FLAT)


async def test_metrics_are_averaged_by_task_and_null_counts_as_0(tmp_path: Path) -> None:
    item(tmp_path, "7_task3", 2, 2)
    item(tmp_path, "8_task3", 1, None)
    item(tmp_path, "7_task4", 0, 2)
    item(tmp_path, "7_task9", 0, 1)
    judge = ScriptedJudge(answer=replies)
    run = await run_on_files("comm", tmp_path, judge)
    found = figures(run)
    expected = {
        "task 3: style": 8 / 2,  # the missing answer counts 0
        "task 3: entity": 7 / 2,
        "task 3: trend": 0,
        "task 3: overall consistency": 0,
        "task 3: completeness": 3,
        "task 3: image quality": 4.5,
        "task 3: image-text relevance": 2.5,
        "task 4: style": 4,
        "task 4: completeness": 3,
        "task 4: image-text relevance": 5,
        "mean": (35 / 7 + 0 + 30 / 7) / 3,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-3)
    assert (len(run.items), counts(run)["missing"], counts(run)["questions"]) == (3, 1, 6)


async def test_the_descriptions_hide_the_images_of_the_answer_only(tmp_path: Path) -> None:
    item(tmp_path, "7_task3", 2, 3)
    judge = ScriptedJudge(answer=replies)
    await run_on_files("comm", tmp_path, judge)
    shown = {
        ("scores" if "Judge the output" in text else "hidden" if "are hidden" in text else "matches"): images
        for text, images in judge.asked
    }
    assert shown == {"scores": 5, "hidden": 2, "matches": 3}


async def test_at_most_ten_images_are_shown_and_a_request_with_ten_is_left_out(tmp_path: Path) -> None:
    item(tmp_path, "1_task3", 7, 6)
    item(tmp_path, "2_task3", 10, 2)
    judge = ScriptedJudge(answer=replies)
    run = await run_on_files("comm", tmp_path, judge)
    assert max(images for _, images in judge.asked) == 10
    assert "Made 3." not in "".join(text for text, _ in judge.asked)  # after the tenth image
    assert counts(run)["skipped"] == 1
    assert figures(run)["task 3: style"] == 8


async def test_wrong_image_counts_are_noted_and_an_answer_without_images_has_no_relevance(tmp_path: Path) -> None:
    item(tmp_path, "7_task4", 0, 0)
    run = await run_on_files("comm", tmp_path, ScriptedJudge(answer=replies))
    assert figures(run)["task 4: image-text relevance"] == 0
    assert counts(run)["questions"] == 1
    assert run.judged[0].score.notes == ("The text has 1 places for 0 images.",)


async def test_an_item_with_an_unusable_judgment_is_left_out(tmp_path: Path) -> None:
    item(tmp_path, "7_task4", 0, 1)
    run = await run_on_files("comm", tmp_path, ScriptedJudge(answer=lambda _text, _images: "fine"))
    assert figures(run)["mean"] is None
    assert (counts(run)["skipped"], run.judged[0].score.skipped) == (1, "a judgment is unusable")


async def test_task_1_asks_once_about_each_text_before_its_image(tmp_path: Path) -> None:
    item(tmp_path, "1_task1", 3, None)
    item(tmp_path, "2_task1", 1, None)
    fields = {"model_input": "x", "input_image_list": []}
    for name, text in (("1_task1", "(1) The egg. (2) The pan."), ("2_task1", "")):
        write_json(tmp_path / "answers" / name / "results.json", fields | {"model_output": text})
    published = {
        "Completeness": {"Summarize": "x", "Justification": "x", "Score": 8},
        "Text Fidelity to Image": {"overall_score": 6, "Justification": "x"},
    }
    judge = ScriptedJudge(answer=lambda _text, _images: json.dumps(published))
    run = await run_on_files("comm", tmp_path, judge)
    ((text, images),) = judge.asked
    # The third image has no text. The second item's answer is empty: it scores 0, and nothing is asked about it.
    assert (images, text.index("The egg.") < text.index("The pan.")) == (2, True)
    assert figures(run) == {"mean": 3.5, "task 1: completeness": 4, "task 1: image-text relevance": 3}


async def test_task_2_shows_the_images_in_each_of_its_three_questions_and_has_no_completeness(tmp_path: Path) -> None:
    item(tmp_path, "1_task2", 0, 3)
    text = "Texts without images: (1) An egg. (2) A pan. Make an image for each."
    write_json(tmp_path / "data" / "1_task2" / "results.json", {"model_input": text, "input_image_list": []})
    overall = {"style_consistency": 4, "entity_consistency": 5, "trend_consistency": 6, "overall_consistency": 5}
    published = {"scores": {"Image_Coherence": {"overall_score": overall}, "Image_Quality": {"Score": 2}}}
    described = {"Content of Image 0": "an egg", "Content of Image 1": "a pan"}

    def answer(text: str, images: int) -> str:
        if "Judge the images only" in text:
            assert "(1)" not in text
            assert images == 2  # the third image has no text
            return json.dumps(published)
        if "<Description_0>" in text:
            assert "an egg" in text
            assert images == 3
            return '{"Consistency": {"overall_score": 8}}'
        assert images == 2
        return json.dumps({"Tasks": {"Create an Interleaved Text-Image Document": described}})

    judge = ScriptedJudge(answer=answer)
    run = await run_on_files("comm", tmp_path, judge)
    assert len(judge.asked) == 3
    assert figures(run) == {
        "mean": 5,
        "task 2: style": 4,
        "task 2: entity": 5,
        "task 2: trend": 6,
        "task 2: overall consistency": 5,
        "task 2: image quality": 2,
        "task 2: image-text relevance": 8,
    }


async def test_a_step_with_two_images_has_both_beside_its_text_in_tasks_1_and_2(tmp_path: Path) -> None:
    item(tmp_path, "1_task1", 3, None)
    request = "Sequence: (1) <IMAGE> <IMAGE> (2) <IMAGE> Write a text for each step."
    names = [f"in_{number}.jpg" for number in range(3)]
    write_json(tmp_path / "data" / "1_task1" / "results.json", {"model_input": request, "input_image_list": names})
    fields = {"model_input": request, "model_output": "(1) The egg. (2) The pan. (3) The plate."}
    write_json(tmp_path / "answers" / "1_task1" / "results.json", fields)
    item(tmp_path, "1_task2", 0, 3)
    text = {"model_input": "(1) An egg. (2) A pan. Make images.", "input_image_list": []}
    write_json(tmp_path / "data" / "1_task2" / "results.json", text)
    made = {"model_output": "(1) <IMAGE> <IMAGE> (2) <IMAGE>"}
    answer = json.loads((tmp_path / "answers" / "1_task2" / "results.json").read_text())
    write_json(tmp_path / "answers" / "1_task2" / "results.json", answer | made)
    run = await run_on_files("comm", tmp_path, ScriptedJudge(answer=lambda _text, _images: "fine"))
    benchmark, _ = make_benchmark("comm")
    shown = {
        item.id: [
            piece if isinstance(piece, str) else "image"
            for piece in benchmark.questions(item, run.answers[item.id])[0].question.parts
        ]
        for item in run.items
    }
    assert shown["1_task1"] == ["The egg.", "image", "image", "The pan.", "image"]
    tagged = [piece for piece in shown["1_task2"] if not piece.startswith("<")]
    assert tagged == ["An egg.", "image", "image", "A pan. Make images.", "image"]


async def test_all_text_of_tasks_3_and_4_is_shown_and_descriptions_count_whatever_their_names(tmp_path: Path) -> None:
    item(tmp_path, "7_task3", 1, 3)
    path = tmp_path / "answers" / "7_task3" / "results.json"
    made = "A word before. (2) Made. <IMAGE> (3) Again. <IMAGE> (4) Last. <IMAGE> and <IMAGE> the end."
    write_json(path, json.loads(path.read_text()) | {"model_output": made})

    def answer(text: str, images: int) -> str:
        if "<Description_0>" in text:
            assert images == 3, "the third image has no description"
            return '{"Consistency": {"overall_score": 5}}'
        if "are hidden" in text:
            names = {"Content of Image 7": "a pot", "Content of Image 8": "a lid"}
            return json.dumps({"Tasks": {"Create an Interleaved Text-Image Document": names}})
        for words in ("A word before. (2)", "Made.", "(4) Last.", "the end."):
            assert words in text
        return json.dumps(FLAT)

    run = await run_on_files("comm", tmp_path, ScriptedJudge(answer=answer))
    assert figures(run)["task 3: image-text relevance"] == 5
    assert run.judged[0].score.notes == ("The text has 4 places for 3 images.",)
