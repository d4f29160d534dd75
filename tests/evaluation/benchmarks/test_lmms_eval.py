"""The model for lmms-eval, with its own base class and registry replaced: they are not installed with this project."""

import json
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from interleavethinker.evaluation.benchmarks.lmms_eval import write_log
from interleavethinker.tools.errors import InputError

PROFILE = """
description = "Scripted agents, with colored cells as images."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


class Lmms:
    """As lmms-eval's base class: tasks are set before requests arrive."""

    def __init__(self) -> None:
        self.task_dict: dict[str, Any] = {}


@dataclass
class ModelManifest:
    model_id: str
    simple_class_path: str


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    modules: dict[str, dict[str, object]] = {
        "lmms_eval": {},
        "lmms_eval.api": {},
        "lmms_eval.api.model": {"lmms": Lmms},
        "lmms_eval.models": {},
        "lmms_eval.models.registry_v2": {"ModelManifest": ModelManifest},
    }
    for name, names in modules.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    monkeypatch.chdir(tmp_path)
    Path("cells.toml").write_text(PROFILE)


@pytest.mark.usefixtures("installed")
def test_the_entry_point_names_a_model_that_answers_with_text_and_images() -> None:
    (found,) = entry_points(group="lmms_eval.models", name="interleavethinker")
    module, _, name = found.load()().simple_class_path.rpartition(".")
    model = getattr(__import__(module, fromlist=[name]), name)(profile="cells.toml", out="out", seed="1", images="all")
    picture = Image.new("RGB", (32, 32), "white")
    model.task_dict = {"edit": {"test": [{"image": None}, {"image": picture}]}}

    def visuals(document: dict[str, Any]) -> list[Image.Image]:
        return [] if document["image"] is None else [document["image"]]

    texts = ("a big red ball on the left, then make it blue", "make it night")
    requests = [SimpleNamespace(args=(text, {}, visuals, number, "edit", "test")) for number, text in enumerate(texts)]
    first, second = (json.loads(answer) for answer in model.generate_until(requests))
    assert len(first["images"]) == 2
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in first["images"])
    assert first["text"]
    assert second.keys() == {"text", "images"}
    before = Path("out/trajectories.jsonl").read_text()
    assert [json.loads(answer) for answer in model.generate_until(requests)] == [first, second]
    assert Path("out/trajectories.jsonl").read_text() == before, "finished answers are only read"
    with pytest.raises(InputError, match="without likelihoods"):
        model.loglikelihood([])
    with pytest.raises(InputError, match="one round only"):
        model.generate_until_multi_round([])


@pytest.mark.usefixtures("installed")
def test_tasks_that_judge_one_image_get_the_last_one_and_a_white_one_for_a_refused_request() -> None:
    from interleavethinker.evaluation.benchmarks.lmms_eval_model import InterleaveThinkerModel

    texts = ("a big red ball on the left, then make it blue", "")
    found = {}
    task = "gedit_bench"
    for images in ("all", "auto"):
        model = InterleaveThinkerModel(profile="cells.toml", out="out", images=images)
        model.task_dict = {task: {"test": [{}, {}]}}
        requests = [SimpleNamespace(args=(text, {}, lambda _: [], n, task, "test")) for n, text in enumerate(texts)]
        found[images] = [json.loads(answer)["images"] for answer in model.generate_until(requests)]
    assert [len(images) for images in found["all"]] == [2, 0]
    assert found["auto"][0] == found["all"][0][1:]
    with Image.open(found["auto"][1][0]) as blank:
        assert blank.convert("RGB").getcolors() == [(512 * 512, (255, 255, 255))]
    with pytest.raises(InputError, match="must be auto, all or last; got 'first'"):
        InterleaveThinkerModel(images="first")


@pytest.mark.parametrize(("benchmark", "shown"), [("wise", ["b.png"]), ("ueval", ["a.png", "b.png"])])
def test_a_log_of_a_benchmark_of_one_image_has_the_image_that_was_judged(
    tmp_path: Path, benchmark: str, shown: list[str]
) -> None:
    answer = {"id": "1", "position": 0, "text_answer": "t", "image_answer": ["a.png", "b.png"]}
    (tmp_path / "answers.json").write_text(json.dumps([answer]))
    report = {"benchmark": benchmark, "answers": {"source": "x", "experiment": "full"}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    log = json.loads(write_log(tmp_path, "WISE", tmp_path / "logs").read_text())
    assert json.loads(log["logs"][0]["resps"][0][0])["images"] == shown


def test_a_folder_without_a_finished_run_makes_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        write_log(tmp_path, "ueval", tmp_path / "logs")
