"""`evaluate ueval` and its sisters on the command line: estimates, experiments, reports, and options that are wrong."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
            "micro only",
        ),
        (("--data", "data.json", "--judge", "openai:x", "--answers", "gone"), "no folder or file of answers"),
        (("--data", "data.json", "--judge", "openai:x", "--answers", "data.json", "--price", "1"), "two numbers"),
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
    (home / "mine" / "ueval_text.md").write_text("Mine: {{rubric}}")
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
    assert "Mine: It has text." in judge
    assert "prompts: files in mine" in out
