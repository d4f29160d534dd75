"""WISE with items of our own, under both protocols, with hand-computed scores."""

from pathlib import Path
from typing import Any

import pytest

from interleavethinker.evaluation.benchmarks.registry import make_benchmark
from interleavethinker.tools.errors import InputError, ModelAnswerError
from tests.evaluation.benchmarks.judges import ScriptedJudge, counts, figures, run_on_files, write_image, write_json


def prompt(number: int, **changes: Any) -> dict[str, Any]:
    fields = {"Prompt": f"thing {number}.", "Explanation": f"meaning {number}.", "Category": "x", "Subcategory": "y"}
    return fields | {"prompt_id": number} | changes


def data(folder: Path, *numbers: int) -> None:
    write_json(folder / "data" / "cultural.json", [prompt(number) for number in numbers[:1]])
    write_json(folder / "data" / "merge.json", [prompt(number) for number in numbers])
    write_json(folder / "data" / "cultural_rewrite.json", [prompt(numbers[0], Prompt="other words")])
    for number in numbers:
        write_image(folder / "answers" / f"{number}.png")


async def test_verified_scores_are_binary_and_categories_follow_from_the_ids(tmp_path: Path) -> None:
    data(tmp_path, 1, 400, 401, 520, 521, 760)
    replies = {1: "Score: 1", 400: '{"score": 0}', 401: "1", 520: "**Score:** 1", 521: '{"score": 1}', 760: "Score: 0"}

    def answer(text: str, images: int) -> str:
        assert images == 1
        return next(reply for number, reply in replies.items() if f"meaning {number}." in text)

    judge = ScriptedJudge(answer=answer)
    run = await run_on_files("wise", tmp_path, judge)
    expected = {"culture": 0.5, "time": 1, "space": 1, "biology": 0, "mean": 4 / 6}
    found = figures(run)
    assert found.pop("overall") is None
    assert found == pytest.approx(expected, abs=1e-4)
    assert counts(run)["duplicate_items"] == 1


async def test_legacy_weights_consistency_realism_and_aesthetics(tmp_path: Path) -> None:
    data(tmp_path, 1, 401, 568, 999)
    replies = {
        1: "Consistency: 2\nRealism: 1\nAesthetic Quality: 0",
        401: '{"consistency": 1, "realism": 2, "aesthetic quality": 2}',
        568: "**Consistency**: 0\n**Realism**: 0\n**Aesthetic Quality**: 2",
        999: "Consistency: 9\nRealism: 1\nAesthetic Quality: 1",
    }
    judge = ScriptedJudge(
        answer=lambda text, _: next(reply for number, reply in replies.items() if f"meaning {number}." in text)
    )
    run = await run_on_files("wise", tmp_path, judge, protocol="legacy")
    # (0.7·2 + 0.2·1 + 0.1·0) / 2, and so on; the unusable judgment counts as 0, not as 999.
    expected = {"culture": 0.8, "time": 0.65, "space": 0.1, "chemistry": 0, "mean": 1.55 / 4}
    assert {name: figures(run)[name] for name in expected} == pytest.approx(expected, abs=1e-4)
    assert (counts(run)["unreadable"], counts(run)["reasked"]) == (1, 1)


async def test_all_ids_give_the_weighted_overall_score_and_missing_images_count_0(tmp_path: Path) -> None:
    write_json(tmp_path / "data.json", [prompt(number) for number in range(1, 1001)])
    image = write_image(tmp_path / "answers" / "1.png")
    for number in [*range(2, 401), *range(521, 581)]:  # all of culture, half of space
        (tmp_path / "answers" / f"{number}.png").symlink_to(image)
    judge = ScriptedJudge(answer=lambda _text, _images: '{"score": 1}')
    run = await run_on_files("wise", tmp_path, judge, data="data.json")
    assert figures(run)["overall"] == pytest.approx(0.4 + 0.12 / 2)
    assert len(judge.asked) == 460
    assert counts(run)["missing"] == 540


async def test_of_several_images_the_last_one_is_judged_and_a_note_says_so(tmp_path: Path) -> None:
    from interleavethinker.evaluation.benchmarks.benchmark import BenchmarkAnswer
    from interleavethinker.evaluation.judges.questions import ImageFile

    data(tmp_path, 1)
    run = await run_on_files("wise", tmp_path, ScriptedJudge(answer=lambda _text, _images: '{"score": 1}'))
    benchmark, _ = make_benchmark("wise")
    first, last = (ImageFile(write_image(tmp_path / f"{name}.png", name)) for name in ("red", "blue"))
    several = BenchmarkAnswer((first, "text", last))
    (asked,) = benchmark.questions(run.items[0], several)
    assert asked.question.images == (last,)
    assert "2 images; the last one is judged." in benchmark.score(run.items[0], several, {"image": 1.0}).notes


async def test_ids_outside_the_benchmark_and_unknown_protocols_are_errors(tmp_path: Path) -> None:
    write_json(tmp_path / "data.json", [prompt(1001)])
    (tmp_path / "answers").mkdir()
    judge = ScriptedJudge(answer=lambda _text, _images: "")
    with pytest.raises(InputError, match="between 1 and 1000; got 1001"):
        await run_on_files("wise", tmp_path, judge, data="data.json")
    with pytest.raises(InputError, match=r"choose from: verified .* legacy"):
        await run_on_files("wise", tmp_path, judge, data="data.json", protocol="new")


@pytest.mark.parametrize(
    ("protocol", "text", "value"),
    [
        ("verified", "<think>Score: 0 would be harsh.</think>\nScore: 1", 1.0),
        ("verified", "Score: 1, or rather Score: 0", None),
        ("verified", "Score: 2", None),
        ("verified", '{"score": 0.5}', None),
        ("legacy", "2\n1\n0\n", {"consistency": 2.0, "realism": 1.0, "aesthetic quality": 0.0}),
        ("legacy", "2\n1", None),
        ("legacy", "Consistency: 3\nRealism: 1\nAesthetic Quality: 1", None),
        ("legacy", "Consistency: 2\nRealism: 1", None),
    ],
)
def test_scores_are_read_in_the_published_forms_and_never_beyond_the_scale(
    protocol: str, text: str, value: object
) -> None:
    benchmark, _ = make_benchmark("wise", protocol)
    if value is None:
        with pytest.raises(ModelAnswerError):
            benchmark.read("image", text)
    else:
        assert benchmark.read("image", text) == value


async def test_rewritten_prompts_are_run_if_their_file_is_named(tmp_path: Path) -> None:
    data(tmp_path, 1)
    judge = ScriptedJudge(answer=lambda _text, _images: "Score: 1")
    run = await run_on_files("wise", tmp_path, judge)
    assert run.items[0].text == "thing 1."
    other = tmp_path / "other"
    rewritten = await run_on_files("wise", tmp_path, judge, data="data/cultural_rewrite.json", out=other)
    assert rewritten.items[0].text == "other words"
