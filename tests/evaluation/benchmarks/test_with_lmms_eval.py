"""lmms-eval itself, from the package index: `make lmms-eval-test` installs it in an environment of its own.

Its command line runs our model on a task, and scores our answers by its own code for UEval; the figures must be those
of our protocol `lmms-eval`. Data and judge are ours, because nothing outside this machine may be reached.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lmms_eval", reason="make lmms-eval-test installs it")

from interleavethinker.cli.research.benchmarks import write_reports
from interleavethinker.evaluation.benchmarks.lmms_eval import write_log
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from tests.evaluation.benchmarks.judges import ScriptedJudge, figures
from tests.evaluation.benchmarks.test_resuming import PROFILE

TASK = """
dataset_path: json
dataset_kwargs: { data_files: { test: data.jsonl }, token: null }
task: ueval_own
test_split: test
output_type: generate_until
doc_to_visual: !function rules.ueval_doc_to_visual
doc_to_text: !function rules.ueval_doc_to_text
doc_to_target: !function rules.ueval_doc_to_target
process_results: !function rules.ueval_process_results
lmms_eval_specific_kwargs: { default: { pre_prompt: "", post_prompt: "" } }
metric_list:
  - { metric: text_score, aggregation: !function rules.ueval_text_score_aggregation, higher_is_better: true }
  - { metric: image_score, aggregation: !function rules.ueval_image_score_aggregation, higher_is_better: true }
  - { metric: overall_score, aggregation: !function rules.ueval_aggregation, higher_is_better: true }
"""
RULES = '''
"""lmms-eval's own scoring of UEval, with a rule instead of the judge."""
from lmms_eval.tasks.ueval import utils
from lmms_eval.tasks.ueval.utils import *

def by_rule(prompt, image_paths, retries=5):
    if "It cannot be judged." in prompt:
        return ""
    if "There are two images." in prompt:
        return {"criteria_met": len(image_paths or []) == 2}
    return {"criteria_met": "yes" if "It has words." in prompt else "not sure"}

utils.send_to_gemini = by_rule
'''
RUBRICS: dict[str, list[dict[str, object]]] = {
    name: [{"criterion": text, "tags": ["x"]} for text in texts]
    for name, texts in {
        "text_rubrics": ["It has words.", "It is a poem.", "It cannot be judged."],
        "image_rubrics": ["There are two images.", "It cannot be judged."],
    }.items()
}
PROMPTS = (
    "a big red ball on the left, then make it blue",
    "a big red ball on the left",
    "a tiny yellow star, at night",
)
ITEMS: list[dict[str, Any]] = [
    {
        "id": str(number),
        "prompt": prompt,
        "task_type": "art" if number else "space",
        "question_type": "open" if number else "closed",
        "text_ref": "",
    }
    | RUBRICS
    for number, prompt in enumerate(PROMPTS)
]
ITEMS[2]["text_rubrics"] = []


def by_rule(text: str, images: int) -> str:
    if "It cannot be judged." in text:
        return "hm"
    if "There are two images." in text:
        return json.dumps({"explanation": "counted", "criteria_met": images == 2})
    return json.dumps({"explanation": "read", "criteria_met": "yes" if "It has words." in text else "not sure"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ueval_own.yaml").write_text(TASK)
    (tmp_path / "tasks" / "rules.py").write_text(RULES)
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, ITEMS)) + "\n")
    (tmp_path / "cells.toml").write_text(PROFILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    return tmp_path


def lmms_eval(folder: Path, model: str, arguments: str, out: str) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """Runs lmms-eval's command line; returns its figures and its samples."""
    words = ("--model", model, "--model_args", arguments, "--tasks", "ueval_own", "--include_path", "tasks")
    command = [sys.executable, "-m", "lmms_eval", *words, "--output_path", out, "--log_samples", "--batch_size", "1"]
    environment = os.environ | {"HF_HOME": str(folder / "hub"), "GOOGLE_API_KEY": "none", "HF_DATASETS_OFFLINE": "0"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    (report,) = (folder / out).glob("**/*_results.json") if result.returncode == 0 else ((),)
    assert report, result.stderr[-4000:]
    (samples,) = (folder / out).glob("**/*_samples_ueval_own.jsonl")
    found: Mapping[str, Any] = json.loads(report.read_text())["results"]["ueval_own"]
    return found, [json.loads(line) for line in samples.read_text().splitlines()]


async def test_their_scoring_of_our_answers_has_the_figures_of_our_protocol(folder: Path) -> None:
    config = RunConfig(
        "ueval", "data.jsonl", folder / "run", protocol="lmms-eval", judge="test:rule", profile="cells.toml"
    )
    run = await run_benchmark(config, model=ScriptedJudge(answer=by_rule))
    write_reports(run)
    write_log(folder / "run", "ueval_own", folder / "logs")
    theirs, samples = lmms_eval(folder, "from_log", "logs=logs", "replayed")
    ours = figures(run)
    # Item 0: text 1/2, image 1/1. Item 1: text 1/2, image 0. Item 2: no text rubrics count 0, image 0.
    assert ours["text"] == pytest.approx(100 * (0.5 + (0.5 + 0) / 2) / 2)
    assert ours["average"] == pytest.approx(100 * (0.75 + (0.25 + 0) / 2) / 2)
    names = {"text": "text_score,none", "image": "image_score,none", "average": "overall_score,none"}
    assert {name: 100 * theirs[key] for name, key in names.items()} == pytest.approx(
        {name: ours[name] for name in names}, abs=1e-3
    )
    assert len(samples) == 3


def test_their_command_line_finds_our_model_and_a_second_run_only_reads(folder: Path) -> None:
    theirs, samples = lmms_eval(folder, "interleavethinker", "profile=cells.toml,out=agent", "first")
    assert theirs["image_score,none"] == 0.5
    answer = json.loads(samples[0]["filtered_resps"])  # the log leaves out `resps` where both are the same
    assert len(answer["images"]) == 2
    assert all(Path(path).is_file() for path in answer["images"])
    before = (folder / "agent" / "trajectories.jsonl").read_text()
    again, _ = lmms_eval(folder, "interleavethinker", "profile=cells.toml,out=agent", "second")
    assert again["overall_score,none"] == theirs["overall_score,none"]
    assert (folder / "agent" / "trajectories.jsonl").read_text() == before
