"""The image tasks that lmms-eval ships, by its own YAML and code: GEdit, ImgEdit, KRIS, Uni-MMMU, WISE.

`make lmms-eval-test` runs this. Items are ours, in the columns of the published data sets; judges are chat servers on
this machine with known answers, so that every figure is known too.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lmms_eval", reason="make lmms-eval-test installs it")

import datasets
import lmms_eval.tasks
from PIL import Image

from interleavethinker.cli.research.benchmarks import write_reports
from interleavethinker.evaluation.benchmarks.lmms_eval import write_log
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark
from tests.evaluation.benchmarks.judges import ScriptedJudge, chat_server, figures

TASKS = Path(str(lmms_eval.tasks.__file__)).parent
PLANNER = """
from interleavethinker.tools.errors import ModelAnswerError
from interleavethinker.tools.types import Plan, Step

WORDS = {
    "solver. semantics": '<ANSWER_JSON>["right", "down"]</ANSWER_JSON>',
    "sliding": '<ANSWER_JSON>["up"]</ANSWER_JSON>',
    "candidate patches": '<FINAL_ANSWER_JSON>{"choice": 1, "rationale": "x"}</FINAL_ANSWER_JSON>',
    "geometry": "A line is drawn. The answer is 42",
}

class Planner:
    # Answers puzzles in words; for edits it plans two images, of which the second one is the result.

    def __init__(self, store):
        pass

    async def plan(self, request, context):
        text = " ".join(request.text.lower().split())
        for words, answer in WORDS.items():
            if words in text:
                return Plan(steps=(Step(auxiliary_text=answer),))
        if "refuse" in text:
            raise ModelAnswerError("There is no plan for this.")
        return Plan(steps=(Step(prompt="prepare: " + text), Step(prompt="finish: " + text)))
"""
PROFILE = """
description = "A planner of the test, with colored cells as images."
planner = { object = "answering:Planner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
limits = { max_replans = 0, max_plan_retries = 0 }
"""


def picture(color: str) -> dict[str, Any]:
    data = io.BytesIO()
    Image.new("RGB", (96, 64), color).save(data, "PNG")
    return {"bytes": data.getvalue(), "path": None}


def task(folder: Path, name: str, shipped: str, rows: list[dict[str, Any]], *images: str) -> None:
    """Writes a task that is the shipped one, except that its data are these rows."""
    made = datasets.Dataset.from_list(rows)
    for column in images:
        several = isinstance(rows[0][column], list)
        made = made.cast_column(column, datasets.Sequence(datasets.Image()) if several else datasets.Image())
    made.to_parquet(str(folder / f"{name}.parquet"))
    lines = [f"include: {TASKS / shipped}", f"task: {name}", "test_split: test", "dataset_path: parquet"]
    lines += [
        "dataset_name: null",
        f"dataset_kwargs: {{ data_files: {{ test: {folder / name}.parquet }}, token: null }}",
    ]
    (folder / "tasks" / f"{name}.yaml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "cells.toml").write_text(PROFILE)
    (tmp_path / "answering.py").write_text(PLANNER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    return tmp_path


def evaluate(
    folder: Path, tasks: str, model: str, arguments: str, **environment: str
) -> tuple[Mapping[str, Any], Path]:
    """Runs lmms-eval's command line; returns the figures by task, and the folder of its samples."""
    command = [sys.executable, "-m", "lmms_eval", "--model", model, "--model_args", arguments, "--tasks", tasks]
    command += ["--include_path", "tasks", "--output_path", f"out-{model}", "--log_samples", "--batch_size", "1"]
    environment |= {"HF_HOME": str(folder / "hub"), "PYTHONPATH": str(folder), "HF_DATASETS_OFFLINE": "0"}
    result = subprocess.run(
        [*command, "--process_with_media"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    reports = list((folder / f"out-{model}").glob("**/*_results.json"))
    assert result.returncode == 0, result.stderr[-4000:]
    assert len(reports) == 1, result.stderr[-4000:]
    found: Mapping[str, Any] = json.loads(reports[0].read_text())["results"]
    return found, reports[0].parent


def answers(samples: Path, name: str) -> list[dict[str, Any]]:
    """Returns our answers as lmms-eval logged them."""
    (path,) = samples.glob(f"*_samples_{name}.jsonl")
    lines = sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda line: line["doc_id"])
    responses = [line["filtered_resps"] for line in lines]
    return [json.loads(one if isinstance(one, str) else one[0]) for one in responses]


def pixels(image: bytes | Path) -> bytes:
    with Image.open(image if isinstance(image, Path) else io.BytesIO(image)) as opened:
        return opened.convert("RGB").tobytes()


def write_tasks(folder: Path) -> None:
    edit = {"task_type": "color_alter", "instruction_language": "en", "Intersection_exist": True}
    gedit = [
        {"key": "g1", "instruction": "make it blue", "input_image": picture("red")} | edit,
        {"key": "g2", "instruction": "refuse", "input_image": picture("red")} | edit,
    ]
    task(folder, "own_gedit", "gedit_bench/gedit_bench.yaml", gedit, "input_image")
    imgedit = [
        {"key": "i1", "prompt": "make it green", "edit_type": "adjust", "image": picture("red")},
        {"key": "i2", "prompt": "refuse", "edit_type": "remove", "image": picture("blue")},
    ]
    task(folder, "own_imgedit", "imgedit/imgedit.yaml", imgedit, "image")
    kris = [
        {"id": "1", "category": "color_change", "ins_en": "make it red", "explain_en": ""},
        {"id": "2", "category": "physics", "ins_en": "let it fall", "explain_en": "it falls"},
        {"id": "3", "category": "physics", "ins_en": "refuse", "explain_en": "it falls"},
    ]
    rows = [row | {"ori_images": [picture("red")], "gt_image": picture("blue")} for row in kris]
    task(folder, "own_kris", "kris_bench/kris_bench.yaml", rows, "ori_images", "gt_image")
    cells = {
        name: picture(color)
        for name, color in (("ref_image", "red"), ("cand0_image", "blue"), ("cand1_image", "green"))
    }
    task(folder, "own_jigsaw", "uni_mmmu/jigsaw.yaml", [cells | {"label": 1}, cells | {"label": 0}], *cells)
    maze = [{"initial_image": picture("red"), "steps": steps} for steps in ('["right", "down"]', '["right", "up"]')]
    task(folder, "own_maze", "uni_mmmu/maze.yaml", maze, "initial_image")
    sliding = [{"initial_image": picture("red"), "steps_words": steps} for steps in ('["up"]', '["down"]', '["left"]')]
    task(folder, "own_sliding", "uni_mmmu/sliding.yaml", sliding, "initial_image")
    geometry = [{"image": picture("red"), "question": "How long?", "answer": answer} for answer in ("42 cm", "41")]
    task(folder, "own_geometry", "uni_mmmu/geometry.yaml", geometry, "image")


def test_the_shipped_tasks_score_our_agents_answers(folder: Path) -> None:
    write_tasks(folder)
    seen: dict[str, list[list[bytes]]] = {"gedit": [], "imgedit": [], "kris": []}

    def white(image: bytes) -> bool:
        return set(pixels(image)) == {255}

    def gedit(_text: str, images: list[bytes]) -> str:
        seen["gedit"].append(images)
        grades = [0, 0] if white(images[-1]) else [8, 6] if len(images) == 2 else [9, 7]
        return json.dumps({"score": grades, "reasoning": "seen"})

    def imgedit(_text: str, images: list[bytes]) -> str:
        seen["imgedit"].append(images)
        grades = (1, 1, 1) if white(images[1]) else (5, 4, 3)
        return "\n".join(f"{name}: {grade}" for name, grade in zip(("A", "B", "C"), grades, strict=True))

    def kris(_text: str, images: list[bytes]) -> str:
        seen["kris"].append(images)
        least = all(value >= 254 for value in set(pixels(images[-1])))
        names = {"consistency_score": 5, "instruction_score": 4, "knowledge_score": 3, "quality_score": 2}
        return json.dumps({name: 1 if least else grade for name, grade in names.items()} | {"reasoning": "seen"})

    names = ("gedit", "imgedit", "kris", "jigsaw", "maze", "sliding", "geometry")
    with chat_server(gedit) as gedit_url, chat_server(imgedit) as imgedit_url, chat_server(kris) as kris_url:
        found, samples = evaluate(
            folder,
            ",".join(f"own_{name}" for name in names),
            "interleavethinker",
            "profile=cells.toml,out=agent",
            VIESCORE_API_BASE=gedit_url,
            VIESCORE_API_KEY="none",
            IMGEDIT_BASE_URL=imgedit_url,
            IMGEDIT_API_KEY="none",
            KRIS_BENCH_BASE_URL=kris_url,
            KRIS_BENCH_API_KEY="none",
            KRIS_BENCH_EVAL_MODEL_NAME="judge",
            KRIS_BENCH_CALL_DELAY="0",
        )

    def value(name: str, metric: str) -> float:
        return float(found[f"own_{name}"][f"{metric},none"])

    # The second item of each is refused: a white image, which the judge gives the least.
    assert value("gedit", "gedit_bench_semantics_score") == pytest.approx((min(8, 6) + 0) / 2)
    assert value("gedit", "gedit_bench_overall_score") == pytest.approx((42**0.5 + 0) / 2)
    assert value("imgedit", "imgedit_avg_score") == pytest.approx((4 + 1) / 2)
    # Grades 1..5 become 0..100; the third item is refused.
    assert value("kris", "kris_bench_consistency_score") == pytest.approx((100 + 100 + 0) / 3)
    assert value("kris", "kris_bench_knowledge_score") == pytest.approx((50 + 0) / 2)
    assert value("kris", "kris_bench_conceptual_natural_science_avg") == pytest.approx(
        ((100 + 75 + 50 + 25) / 4 + 0) / 2
    )
    expected = {"jigsaw": 1 / 2, "maze": 1 / 2, "sliding": 1 / 3, "geometry": 1 / 2}
    assert {name: value(name, "exact_match") for name in expected} == pytest.approx(expected, abs=1e-4)
    assert value("maze", "frame_accuracy") == pytest.approx((1 + 0.5) / 2)
    # The judges saw the last image of each answer, not the one that prepares it.
    edited = answers(samples, "own_imgedit")
    assert [len(one["images"]) for one in edited] == [1, 1]
    assert [pixels(images[1]) for images in seen["imgedit"]] == [pixels(Path(one["images"][0])) for one in edited]
    assert {len(images) for images in seen["gedit"]} == {1, 2}
    assert answers(samples, "own_maze")[0]["text"] == '<ANSWER_JSON>["right", "down"]</ANSWER_JSON>'


async def test_their_scoring_of_wise_has_the_figures_of_our_protocol_legacy(folder: Path) -> None:
    numbers = (1, 2, 401, 999)
    rows = [{"Prompt": f"thing {n}", "Explanation": f"meaning {n}.", "prompt_id": n} for n in numbers]
    rows[1]["Prompt"] = "refuse"
    replies = {1: (2, 1, 0), 401: (1, 2, 2), 999: None}

    def reply(text: str) -> str:
        grades = next(grades for number, grades in replies.items() if f"meaning {number}." in text)
        names = ("Consistency", "Realism", "Aesthetic Quality")
        return "hm" if grades is None else "\n".join(f"{n}: {g}" for n, g in zip(names, grades, strict=True))

    task(folder, "own_wise", "WISE/WISE.yaml", rows)
    config = RunConfig(
        "wise", "own_wise.parquet", folder / "run", protocol="legacy", judge="test:rule", profile="cells.toml"
    )
    run = await run_benchmark(config, model=ScriptedJudge(answer=lambda text, _: reply(text)))
    write_reports(run)
    write_log(folder / "run", "own_wise", folder / "logs")
    shown: list[bytes] = []

    def judge(text: str, images: list[bytes]) -> str:
        shown.extend(images)
        return reply(text)

    with chat_server(judge) as url:
        found, _ = evaluate(
            folder, "own_wise", "from_log", "logs=logs", WISE_BASE_URL=url, WISE_API_KEY="none", WISE_CALL_DELAY="0"
        )
    ours = figures(run)
    assert (ours["culture"], ours["time"], ours["chemistry"]) == (0.4, 0.65, 0)
    for name in ("culture", "time", "chemistry"):
        assert found["own_wise"][f"WISE_{name}_score,none"] == pytest.approx(ours[name], abs=1e-4)
    # Their overall score weights the categories that are there.
    weighted = (0.4 * 0.4 + 0.167 * 0.65 + 0.1 * 0) / (0.4 + 0.167 + 0.1)
    assert found["own_wise"]["WISE_overall_wiscore,none"] == pytest.approx(weighted, abs=1e-4)
    last = [run.answers[str(number)].images[-1].path.read_bytes() for number in (1, 401)]
    assert [image in shown for image in last] == [True, True]
