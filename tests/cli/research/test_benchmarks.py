"""`evaluate ueval` and its sisters on the command line: estimates, experiments, reports, and options that are wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.tools.prices import prices_path
from tests.evaluation.benchmarks.judges import chat_server, write_image, write_json

Run = Callable[..., tuple[int, str, str]]
PROMPT = "a big red ball on the left, then make it blue"


@pytest.fixture
def data(home: Path) -> Path:
    rubrics = {"text_rubrics": ["It has text."], "image_rubrics": ["It has two images.", "It is good."]}
    items = [{"id": str(number), "prompt": PROMPT, "task": "art", **rubrics} for number in range(4)]
    return write_json(home / "data.json", items)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A chat server as the judge; the list has the questions that it was asked."""
    asked: list[str] = []

    def answer(text: str, images: list[bytes]) -> str:
        asked.append(text)
        if "It has two images." in text:
            return json.dumps({"criteria_met": len(images) == 2})
        return '{"criteria_met": true}'

    with chat_server(answer) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        yield asked


@pytest.mark.usefixtures("data")
def test_experiments_change_the_agent_and_are_compared(run: Run, home: Path, judge: list[str]) -> None:
    common = (
        "evaluate",
        "ueval",
        "--data",
        "data.json",
        "--profile",
        "cells.toml",
        "--judge",
        "openai:local",
        "--json",
    )
    found = {}
    for experiment in ("full", "generator alone"):
        code, out, err = run(*common, "--experiment", experiment, "--limit", "2", "--out", f"runs/{experiment}")
        assert code == 0, err
        assert "Judging: 2 items, 6 questions to openai:local" in err
        assert err.index("Answering: 2 items by profile cells") < err.index("Judging: ")
        found[experiment] = {one["name"]: one["value"] for one in json.loads(out)["figures"]}
    # The scripted planner makes two steps of the request; the generator alone makes one image of it.
    assert {name: one["image"] for name, one in found.items()} == {"full": 100, "generator alone": 50}
    before = len(judge)
    code, out, err = run(*common, "--limit", "4", "--out", "runs/full")
    assert (code, len(judge) - before <= 6) == (0, True), "only the two further items are asked about"
    compare = ("--compare", "runs/generator alone", "--compare", "runs/full")
    code, out, _ = run("evaluate", "ueval", *compare, "--out", "runs/board")
    assert (code, "+25.0" in out) == (0, True)
    assert "leaderboard" in (home / "runs" / "board" / "leaderboard.html").read_text()
    log = home / "logs" / "ueval.json"
    assert run("export", "runs/full", "--format", "lmms-eval", "--out", "logs")[:2] == (0, "Log: logs/ueval.json\n")
    logs = json.loads(log.read_text())["logs"]
    assert [one["doc_id"] for one in logs] == [0, 1, 2, 3]
    assert all(Path(path).is_file() for path in json.loads(logs[0]["resps"][0][0])["images"])


def test_an_estimate_counts_and_calls_nothing(run: Run, home: Path, data: Path) -> None:
    code, out, _ = run("evaluate", "ueval", "--data", str(data), "--estimate", "--price", "1,10", "--json")
    assert code == 0
    cost = json.loads(out)
    # Typical answers: five images for each of two image rubrics of each item.
    assert (cost["questions"], cost["images"], cost["assumed"]) == (12, 40, True)
    assert cost["dollars"] == pytest.approx((cost["input_tokens"] + 10 * cost["output_tokens"]) / 1e6, abs=1e-4)
    write_image(home / "a.png")
    write_json(home / "given.json", [{"id": "0", "text_answer": "x", "image_answer": ["a.png"]}])
    code, out, _ = run("evaluate", "ueval", "--data", str(data), "--estimate", "--answers", "given.json")
    assert (code, "12 questions" in out, " 2 images" in out, "counted on the answers" in out) == (0, True, True, True)
    assert not (home / "runs").exists()


HOSTED = """
description = "Hosted models."
planner = { model = "openai:gpt-5-mini" }
critic = { model = "openai:gpt-5-mini" }
generator = { model = "openai:gpt-image-1" }
limits = { max_attempts = 3, max_calls = 20 }
"""


def test_an_estimate_also_counts_images_plans_verdicts_and_money_of_the_answers(
    run: Run, home: Path, data: Path
) -> None:
    (home / "hosted.toml").write_text(HOSTED)
    words = ("evaluate", "ueval", "--data", str(data), "--estimate", "--profile", "hosted.toml", "--json")

    def generation(*more: str) -> dict[str, Any]:
        code, out, err = run(*words, *more)
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)["generation"]
        return found

    full = generation()
    # Four items of five typical images; three attempts each, but at most 20 calls a trajectory.
    assert (full["least_images"], full["most_images"], full["plans"], full["most_verdicts"]) == (20, 60, 4, 60)
    plan, verdict = (1500 * 0.25 + 2000 * 2) / 1e6, (2500 * 0.25 + 400 * 2) / 1e6
    assert full["least_dollars"] == pytest.approx(20 * 0.042 + 4 * plan + 20 * verdict, abs=1e-4)
    assert full["most_dollars"] == pytest.approx(60 * 0.042 + 4 * plan + 60 * verdict, abs=1e-4)
    alone = generation("--experiment", "generator alone", "--image-price", "0.5")
    assert (alone["most_images"], alone["plans"], alone["most_verdicts"], alone["most_dollars"]) == (4, 0, 0, 2)
    assert generation("--experiment", "T_max = 1")["most_images"] == 20
    assert generation("--experiment", "one agent, stepwise")["plans"] == 20
    text = run(*words[:-1])[1]
    assert text.startswith("Answering: 4 items by profile hosted (full), 20 to 60 images, 4 plans, 20 to 60 verdicts, ")
    assert "Judging: 4 items, 12 questions" in text
    (home / "hosted.toml").write_text(HOSTED.replace("gpt-image-1", "new-image"))
    assert "price unknown: openai:new-image" in run(*words[:-1])[1]
    assert "all models on this machine" in run(*words[:-3])[1]


def test_a_broken_table_of_prices_does_not_concern_models_on_this_machine(run: Run, home: Path, data: Path) -> None:
    prices_path().parent.mkdir(parents=True, exist_ok=True)
    prices_path().write_text("[")
    words = ("evaluate", "ueval", "--data", str(data), "--estimate")
    code, out, err = run(*words, "--judge", "qwen3-vl:small", "--profile", str(home / "cells.toml"))
    assert (code, "all models on this machine" in out) == (0, True), err
    code, _, err = run(*words, "--judge", "openai:gpt-5-mini")
    assert (code, "prices.toml cannot be used" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "Name the benchmark's data"),
        (("--data", "nowhere"), "There is no folder or file nowhere"),
        (("--data", "data.json"), "Name the judge with --judge"),
        (("--data", "data.json", "--protocol", "x"), "choose from: official"),
        (("--data", "data.json", "--judge", "openai:x", "--experiment", "x"), "Unknown experiment 'x'"),
        (
            ("--data", "data.json", "--judge", "openai:x", "--profile", "cells.toml", "--experiment", "full RL"),
            "whose RL weights are an adapter",
        ),
        (("--data", "data.json", "--judge", "openai:x", "--answers", "gone"), "no folder or file of answers"),
        (("--data", "data.json", "--judge", "openai:x", "--answers", "data.json", "--price", "1"), "two numbers"),
        (("--data", "data.json", "--judge", "openai:x", "--answers", "data.json", "--price", "nan,-1"), "two numbers"),
        (("--data", "data.json", "--judge-option", "x"), "NAME=VALUE"),
        (("--data", "data.json", "--prompts", "."), "none of these files: ueval_text.md"),
        (("--data", "cells.toml"), "not valid JSON"),
        (("--data", "data.json", "--out", "data.json"), "is a file"),
    ],
)
@pytest.mark.usefixtures("data", "judge")
def test_wrong_options_are_named(run: Run, words: tuple[str, ...], complaint: str) -> None:
    code, _, err = run("evaluate", "ueval", *words)
    assert (code, complaint in " ".join(err.split())) == (2, True), err


@pytest.mark.usefixtures("data")
def test_own_prompts_replace_ours_and_the_report_says_so(run: Run, home: Path, judge: list[str]) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "ueval_text.md").write_text("Mine: {{rubric}} {{question}} {{answer}}")
    write_json(home / "given.json", [{"id": "0", "text_answer": "x", "image_answer": []}])
    words = (
        "--data",
        "data.json",
        "--answers",
        "given.json",
        "--judge",
        "openai:x",
        "--prompts",
        "mine",
        "--limit",
        "1",
    )
    code, out, err = run("evaluate", "ueval", *words)
    assert code == 0, err
    assert any(text.startswith("Mine: It has text.") for text in judge)
    assert "prompts: files in mine" in out
