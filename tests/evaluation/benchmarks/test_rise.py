"""RISEBench with items of our own: which images each question shows, and hand-computed accuracy and scores."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.benchmarks import rise as benchmark_module
from interleavethinker.evaluation.benchmarks.registry import make_benchmark
from interleavethinker.tools.errors import InputError, ModelAnswerError
from tests.evaluation.benchmarks.judges import ScriptedJudge, counts, figures, run_on_files, write_image

NAN = float("nan")
ITEMS: list[dict[str, Any]] = [
    {"index": "t1", "category": "temporal_reasoning", "reference": "It is ripe.", "reasoning_img": "yes"},
    {"index": "c1", "category": "causal_reasoning", "reference": "It is broken.", "consistency_free": 1.0},
    {"index": "s1", "category": "spatial_reasoning", "reference": "It stands.", "consistency_free": NAN},
    {"index": "s2", "category": "spatial_reasoning", "reference_img": "spatial_reasoning_images/s2_ref.png"},
    {"index": "l1", "category": "logical_reasoning", "reference_txt": "a square"},
    {"index": "l2", "category": "logical_reasoning", "reference_img": "logical_reasoning_images/l2_ref.png"},
]


def prepare(folder: Path, answered: tuple[str, ...] = ("t1", "c1", "s1", "s2", "l1", "l2")) -> None:
    rows = []
    for item in ITEMS:
        path = f"{item['category']}_images/{item['index']}.png"
        write_image(folder / "data" / path, size=(900, 300))
        if "reference_img" in item:
            write_image(folder / "data" / item["reference_img"], "green")
        if item["index"] in answered:
            write_image(folder / "answers" / "images" / item["category"] / f"{item['index']}.png", "blue")
        rows.append({"instruction": f"Do {item['index']}.", "image": path, "subtask": "x"} | item)
    (folder / "data" / "data_total.json").write_text(json.dumps(rows))


def scripted(grades: dict[str, dict[str, str]]) -> ScriptedJudge:
    """Answers by item and dimension. A question about plausibility names no item, so it is told by its images."""

    def answer(text: str, images: int) -> str:
        if "technical quality" in text:
            return '{"score": 5}'
        texts = {"Do t1.": "t1", "Do c1.": "c1", "Do s1.": "s1", "Do s2.": "s2", "a square": "l1", "Do l2.": "l2"}
        item = next(name for words, name in texts.items() if words in text)
        consistency = "was kept" in text or "look alike" in text
        assert images == (1 if not consistency and item in {"c1", "s1", "l1"} else 2)
        return grades[item]["consistency" if consistency else "reasoning"]

    return ScriptedJudge(answer=answer)


GRADES = {
    "t1": {"reasoning": "**Final Score:** **5**", "consistency": "Final Score: 5"},
    "c1": {"reasoning": '{"score": 5}', "consistency": "must not be asked"},
    "s1": {"reasoning": '{"score": 1}', "consistency": '{"score": 4}'},
    "s2": {"reasoning": '{"score": 4}', "consistency": '{"score": 3}'},
    "l1": {"reasoning": '{"score": 1}', "consistency": '{"score": 1}'},
    "l2": {"reasoning": '{"score": 0}', "consistency": '{"score": 1}'},
}


async def test_accuracy_and_scores_by_hand(tmp_path: Path) -> None:
    prepare(tmp_path)
    found = figures(await run_on_files("rise", tmp_path, scripted(GRADES)))
    percent = {
        "t1": 100.0,
        "c1": 100.0,  # consistency left out: 0.8·5 + 0.2·5
        "s1": 25 * ((0.3 * 4 + 0.5 * 1 + 0.2 * 5) / 2 - 1),  # reasoning 1 halves the score
        "s2": 25 * (0.3 * 3 + 0.5 * 4 + 0.2 * 5 - 1),
        "l1": 100.0,
        "l2": 25 * (max(1.0, (0.3 * 5 + 0.7 * 1) / 2) - 1),
    }
    expected = {
        "accuracy": 50,
        "score": sum(percent.values()) / 6,
        "accuracy, spatial": 0,
        "score, spatial": (percent["s1"] + percent["s2"]) / 2,
        "accuracy, logical": 50,
        "score, logical": (percent["l1"] + percent["l2"]) / 2,
        "reasoning": (5 + 5 + 1 + 4 + 5 + 1) / 6,
        "consistency": (5 + 4 + 3 + 5 + 5) / 5,
        "plausibility": 5,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-3)


async def test_before_april_2026_an_item_without_consistency_was_never_accurate(tmp_path: Path) -> None:
    prepare(tmp_path)
    old = figures(await run_on_files("rise", tmp_path, scripted(GRADES), protocol="2025"))
    assert old["accuracy"] == pytest.approx(100 * 2 / 6, abs=1e-3)
    assert old["accuracy, causal"] == 0
    assert old["score, causal"] == 100


async def test_missing_images_and_unusable_judgments(tmp_path: Path) -> None:
    prepare(tmp_path, answered=("t1", "c1", "s1", "s2", "l1"))
    grades = GRADES | {"t1": {"reasoning": "hm", "consistency": '{"score": 5}'}}
    run = await run_on_files("rise", tmp_path, scripted(grades))
    assert (counts(run)["missing"], counts(run)["unreadable"]) == (1, 1)
    assert figures(run)["accuracy"] == pytest.approx(100 * 2 / 6, abs=1e-3)  # c1 and l1 of all six
    assert run.judged[0].score.values["consistency"] is None, "as in the script, no dimension counts then"
    scored = [one.score.values["score"] for one in run.judged]
    assert [value is None for value in scored] == [True, False, False, False, False, False]
    assert scored[-1] == 0


async def test_images_are_sent_as_jpeg_of_at_most_768_pixels(tmp_path: Path) -> None:
    from interleavethinker.evaluation.judges.questions import encoded
    from interleavethinker.tools.images.png import open_rgb

    prepare(tmp_path)
    run = await run_on_files("rise", tmp_path, scripted(GRADES))
    benchmark, _ = make_benchmark("rise")
    first = benchmark.questions(run.items[0], run.answers["t1"])[0].question
    data, mime_type = encoded(first.images[0], first.form)
    assert (mime_type, open_rgb(data).size) == ("image/jpeg", (768, 256))


async def test_a_lost_source_image_is_an_error_that_names_it(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "data" / "temporal_reasoning_images" / "t1.png").unlink()
    with pytest.raises(InputError, match=r"t1\.png of item 't1' cannot be read"):
        await run_on_files("rise", tmp_path, scripted(GRADES))


@pytest.mark.parametrize(
    ("key", "text", "score"),
    [
        ("reasoning/graded", "It differs.\n**Final Score:** **4**", 4),
        ("reasoning/graded", "Final Score: 2. On second thoughts, Final Score: 5", 2),
        ("reasoning/graded", "Final Score (1-5): good", None),
        ("reasoning/graded", "**Final Score:** **6**", None),
        ("reasoning/graded", "<think>Final Score: 1?</think>**Final Score:** 3", 3),
        ("consistency/logical", "**Final Score**: **1**", 1),
        ("consistency/logical", "Final Score: 5", None),
        ("consistency/logical", '{"score": 0.5}', None),
    ],
)
def test_the_first_final_score_counts_and_none_beyond_the_scale(key: str, text: str, score: float | None) -> None:
    benchmark, _ = make_benchmark("rise")
    if score is None:
        with pytest.raises(ModelAnswerError):
            benchmark.read(key, text)
    else:
        assert benchmark.read(key, text) == score


async def test_the_small_versions_items_without_optional_fields_are_scored_with_consistency(tmp_path: Path) -> None:
    """They have neither `reasoning_img` nor `consistency_free` nor `subtask`."""
    write_image(tmp_path / "data" / "temporal_reasoning_images" / "1.png")
    row = {"index": "temporal_reasoning_1", "category": "temporal_reasoning", "instruction": "Age it."}
    row |= {"image": "temporal_reasoning_images/1.png", "reference": "It is old."}
    (tmp_path / "data" / "data_total.json").write_text(json.dumps([row]))
    write_image(tmp_path / "answers" / "images" / "temporal_reasoning" / "temporal_reasoning_1.png")
    judge = ScriptedJudge(answer=lambda text, _: f"Final Score: {4 if 'was kept' in text else 5}")
    run = await run_on_files("rise", tmp_path, judge)
    assert len(judge.asked) == 3
    found = figures(run)
    expected = {"accuracy": 0, "score": 25 * (0.3 * 4 + 0.5 * 5 + 0.2 * 5 - 1)}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


async def test_each_kind_of_item_has_prompts_of_its_own_and_comparing_without_the_puzzle_concerns_one_item(
    tmp_path: Path,
) -> None:
    rows = [
        *(dict(row) for row in ITEMS),
        {"index": "l3", "category": "logical_reasoning", "reference_img": "l3_ref.png"},
    ]
    rows[-1]["reasoning_wo_ins"] = 1.0
    for row in rows:
        row.setdefault("image", f"{row['index']}.png")
        row.setdefault("instruction", f"Do {row['index']}.")
        for path in (row["image"], row.get("reference_img")):
            if path:
                write_image(tmp_path / "data" / path)
        write_image(tmp_path / "answers" / "images" / row["category"] / f"{row['index']}.png")
    (tmp_path / "data" / "data.json").write_text(json.dumps(rows))
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    benchmark, _ = make_benchmark("rise")
    shipped = Path(str(benchmark_module.__file__)).parent / "prompts"
    for name in benchmark.prompt_names:
        placeholders = re.findall(r"\{\{\w+\}\}", (shipped / f"{name}.md").read_text())
        (prompts / f"{name}.md").write_text(f"{name}. {' '.join(placeholders)}")
    judge = ScriptedJudge(answer=lambda _text, _images: "Final Score: 1")
    run = await run_on_files("rise", tmp_path, judge, prompts=prompts)
    benchmark, _ = make_benchmark("rise", None, prompts)
    used = {
        item.id: [str(asked.question.parts[0]).split()[0] for asked in benchmark.questions(item, run.answers[item.id])]
        for item in run.items
    }
    assert used == {
        "t1": ["rise_reasoning_with_input.", "rise_consistency.", "rise_plausibility."],
        "c1": ["rise_reasoning.", "rise_plausibility."],
        "s1": ["rise_spatial_reasoning.", "rise_spatial_consistency.", "rise_spatial_plausibility."],
        "s2": ["rise_reference_image.", "rise_spatial_consistency.", "rise_spatial_plausibility."],
        "l1": ["rise_logical_text.", "rise_logical_consistency_text."],
        "l2": ["rise_logical_image.", "rise_logical_consistency."],
        "l3": ["rise_logical_same.", "rise_logical_consistency."],
    }
