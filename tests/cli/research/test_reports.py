"""Reports of evaluations never replace files that no evaluation wrote, and replace their own."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli.research.reports import as_text, check_reports, write_texts
from interleavethinker.tools.errors import InputError
from tests.evaluation.benchmarks.judges import chat_server, write_image, write_json

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", ["report.html", "scores.jsonl", "report.json", "figures.svg"])
def test_a_benchmark_refuses_a_folder_with_somebody_elses_file_and_asks_no_judge(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[str] = []

    def answer(text: str, _: list[bytes]) -> str:
        asked.append(text)
        return '{"criteria_met": true}'

    write_image(home / "a.png")
    rubrics = {"text_rubrics": ["It has text."], "image_rubrics": ["It is red."]}
    write_json(home / "data.json", [{"id": "0", "prompt": "a red ball", "task": "art", **rubrics}])
    write_json(home / "given.json", [{"id": "0", "text_answer": "x", "image_answer": ["a.png"]}])
    words = ("evaluate", "ueval", "--data", "data.json", "--answers", "given.json", "--judge", "openai:local")
    (home / "mine").mkdir()
    (home / "mine" / name).write_text('{"benchmark": "my own"}')
    with chat_server(answer) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        code, _, err = run(*words, "-o", "mine")
        assert (code, "a file that no report wrote, and would be replaced" in err, asked) == (2, True, [])
        assert (home / "mine" / name).read_text() == '{"benchmark": "my own"}'
        assert run(*words, "-o", "new")[0] == 0
        assert run(*words, "-o", "new")[0] == 0, "a run of one's own goes on"
        (home / "new" / "run.json").unlink()  # As the message about a damaged one suggests.
        assert run(*words, "-o", "new")[0] == 0


COMMANDS = {
    "micro-drift": ["drift.json", "drift.md"],
    "micro-variants": ["variants.json", "variants.md"],
    "micro-pairs": ["pairs.json", "pairs.md"],
    "microbench": ["microbench.json", "microbench.md", "microbench.html", "summary.md"],
    "micro-natural": ["micro-natural.json", "micro-natural.md", "micro-natural.html"],
    "micro-planner": ["micro-planner.json", "micro-planner.png"],
    "micro-critic": ["micro-critic.json", "micro-critic.png"],
}


@pytest.mark.parametrize(("command", "name"), [(one, name) for one, names in COMMANDS.items() for name in names])
def test_an_evaluation_refuses_a_folder_with_somebody_elses_file(run: Run, home: Path, command: str, name: str) -> None:
    (home / name).write_text("[1, 2]")
    arguments = ["sft=grpo"] if command == "micro-pairs" else []
    code, _, err = run("evaluate", command, *arguments, "-o", ".")
    assert (code, f"{name} is a file that no report wrote" in err) == (2, True)
    assert (home / name).read_text() == "[1, 2]"


def test_the_json_file_of_a_report_vouches_for_the_files_beside_it(tmp_path: Path) -> None:
    check_reports(tmp_path / "new", "a.json", {"n", "run"}, ["a.md"])
    write_texts(tmp_path, {"a.json": as_text({"n": 1, "run": {}, "more": 2}), "a.md": "x"})
    check_reports(tmp_path, "a.json", {"n", "run"}, ["a.md"])
    (tmp_path / "a.json").write_text(json.dumps({"n": 1}))
    with pytest.raises(InputError, match=r"a\.json is a file that no report wrote"):
        check_reports(tmp_path, "a.json", {"n", "run"}, ["a.md"])
    (tmp_path / "a.json").unlink()
    with pytest.raises(InputError, match=r"a\.md is a file that no report wrote"):
        check_reports(tmp_path, "a.json", {"n", "run"}, ["a.md"])
