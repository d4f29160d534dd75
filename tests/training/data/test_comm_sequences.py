"""Sequences of CoMM in their published form become requests for the planner."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.comm_sequences import read_comm
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.planner import make_planner_rows


def text(content: str) -> dict[str, object]:
    return {"type": "text", "content": content}


def image(path: str) -> dict[str, object]:
    return {"type": "image", "image_path": path, "url": f"https://images.example/{path}"}


def record(name: str, *steps: list[dict[str, object]]) -> dict[str, object]:
    return {"data_id": name, "title": "Tea", "dataset_type": "how-to", "summary_info": [], "step_info": list(steps)}


def run(folder: Path, source: Path, images: Path) -> tuple[int, str]:
    arguments = ["data", "import", str(folder), "--comm", str(source), "--images", str(images)]
    result = CliRunner().invoke(build_app(arguments), arguments)
    return result.exit_code, result.output if result.exception is None else f"{result.output}{result.exception!r}"


@pytest.mark.parametrize("form", ["pth", "jsonl"])
def test_sequences_become_requests_with_texts_and_requests_to_continue(tmp_path: Path, form: str) -> None:
    images = tmp_path / "images"
    (images / "a").mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(images / "a" / f"{number}.jpg")
    (tmp_path / "outside.jpg").write_bytes((images / "a" / "0.jpg").read_bytes())
    records = [
        record("whole", *([text(f"Step  {number}."), image(f"a/{number}.jpg")] for number in range(3))),
        record("words", [text("One.")], [text("Two.")]),
        record("lost", [text("One."), image("a/9.jpg")], [text("Two.")]),
        record("escape", [text("One."), image("../outside.jpg")], [text("Two.")]),
        {"title": "no steps"},
    ]
    source = tmp_path / f"train.{form}"
    if form == "pth":
        torch.save(records, source)
    else:
        source.write_text("".join(f"{json.dumps(one)}\n" for one in records))
    code, output = run(tmp_path / "set", source, images)
    assert code == 0, output
    folder = DataFolder(tmp_path / "set")
    texts, further = sorted(folder.prompts, key=lambda row: "continue" in row.id)
    assert texts.id == "comm-whole.texts"
    assert texts.plan is not None
    assert [(step.prompt, step.auxiliary_text) for step in texts.plan.steps] == [
        (None, f"Step {number}.") for number in range(3)
    ]
    assert [part.kind for part in texts.request.parts] == ["text", "image", "image", "image", "text"]
    assert further.plan is None
    done = len(further.request.images)
    assert further.id == f"comm-whole.continue{done}"
    assert further.request.text.startswith("Tea\nStep 0.")
    assert f"Step {done}." not in further.request.text
    assert {row.family for row in folder.prompts} == {"CoMM, how-to"}
    reasons = " ".join(row.reason for row in folder.quarantine)
    assert "9.jpg" in reasons
    assert "lies outside" in reasons
    assert "it needs data_id and step_info" in reasons
    assert "sequences without an image" in output
    make_planner_rows(folder, seed=0)
    assert [row.id for row in folder.planner] == ["comm-whole.texts"]
    assert "already present" in run(tmp_path / "set", source, images)[1]
    assert len(list(folder.prompts)) == 2


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save([print], tmp_path / "train.pth")
    with pytest.raises(InputError, match="cannot be read"):
        list(read_comm(tmp_path / "train.pth"))
