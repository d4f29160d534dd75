"""End to end in miniature: profile micro answers micro-world items in UEval's form; a chat server judges by the scorer.

The judge's share of right documents must be the one that MicroBench's own scoring finds on the same trajectories, also
for rows that answer wrongly. `make benchmark-miniature` sets `MINIATURE_ITEMS=24`: more items and more rows.
"""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.dataset import Item, held_out_items
from interleavethinker.evaluation.microbench.scoring import Shown, is_document_right
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import Step
from tests.cli.conftest import home, run  # noqa: F401 - fixtures
from tests.evaluation.benchmarks.judges import chat_server, write_json

ITEMS = int(os.environ.get("MINIATURE_ITEMS", "3"))
ROWS = ("full", "generator alone", "planner, no critic", "T_max = 2", "full SFT", "one agent", "one agent, stepwise")
ERRING = ("generator alone", "planner, no critic", "full SFT")[: 1 if ITEMS < 24 else 3]
"""Rows that answer some of the items wrongly."""


def requests_in_words(store: ImageStore) -> list[Item]:
    """Returns held-out requests without input images that want images: the first ones, or few of one or two images."""
    found = [item for item in held_out_items(140, 0, store) if item.targets and not item.request.images]
    if ITEMS >= 24:
        return found[:ITEMS]
    return [next(one for one in found if len(one.targets) == 2), *(one for one in found if len(one.targets) == 1)][
        :ITEMS
    ]


def shown(images: Sequence[str]) -> list[Shown]:
    """Returns the images of a document, each with the one before as its source."""
    first = [Shown(images[0], None)] if images else []
    return first + [Shown(image, source) for source, image in pairwise(images)]


@pytest.mark.parametrize("row", ROWS[:2] if ITEMS < 24 else ROWS)
def test_profile_micro_has_in_uevals_form_the_share_of_right_documents_that_microbench_finds(
    row: str,
    run: object,  # noqa: F811
    home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = ImageStore(home / "judged")
    items = {str(item.number): item for item in requests_in_words(store)}
    rows = [
        {
            "id": number,
            "prompt": item.request.text,
            "task": "art" if at % 2 else "life",
            "text_rubrics": [f"Item {number}: there is a text."],
            "image_rubrics": [f"Item {number}: every image is exact, and there are {len(item.targets)}."],
        }
        for at, (number, item) in enumerate(items.items())
    ]
    write_json(home / "data.json", rows)

    def judge(text: str, images: list[bytes]) -> str:
        named = re.search(r"Item (\d+): (there is a text|every image)", text)
        assert named is not None
        if named[2] == "there is a text":
            return json.dumps({"criteria_met": "answer:\n\n" not in text})
        given = shown([store.put(image) for image in images])
        return json.dumps({"criteria_met": is_document_right(items[named[1]].scenario, _steps(given), given, store)})

    with chat_server(judge) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        options = (
            "--data",
            "data.json",
            "--judge",
            "openai:micro-scorer",
            "--out",
            "out",
            "--json",
            "--experiment",
            row,
        )
        code, out, err = run("evaluate", "ueval", *options)  # type: ignore[operator]
    assert code == 0, err
    report = json.loads(out)
    figures = {one["name"]: one["value"] for one in report["figures"]}

    right = asyncio.run(_by_microbench(home / "out", items))
    scores = [json.loads(line) for line in (home / "out" / "scores.jsonl").read_text().splitlines()]
    assert {one["id"]: one["values"]["image"] for one in scores} == {name: 100.0 * one for name, one in right.items()}
    assert figures["image"] == pytest.approx(100 * sum(right.values()) / len(right), abs=1e-3)
    missing = [one for one in scores if not one["values"]["text"] and not one["values"]["image"] and one["notes"]]
    assert len(missing) >= report["counts"]["missing"], "the report says why an answer is missing"
    assert figures["text"] == (0 if row == "generator alone" else 100)
    assert row == "generator alone" or any(right.values())
    assert row not in ERRING or not all(right.values()), "nothing is wrong, so that the figure proves little"
    print(f"{row}: {sum(right.values())} of {len(right)} right")  # noqa: T201 - the result of make benchmark-miniature
    assert report["cost"]["calls"] == report["counts"]["questions"] == 2 * len(items)
    assert f"answering: {len(items)} of {len(items)}" in err
    page = (home / "out" / "report.html").read_text()
    assert ("data:image/png;base64," in page) == (report["counts"]["missing"] < len(items))
    assert "<svg" in page


def _steps(given: Sequence[Shown]) -> list[Step]:
    """Returns plan steps for images alone; the text beside images does not count."""
    return [Step(prompt="shown") for _ in given]


async def _by_microbench(out: Path, items: dict[str, Item]) -> dict[str, bool]:
    """Scores the trajectories themselves, from their plans and attempts."""
    belongs: dict[str, list[str]] = {}
    for line in (out / "trajectories.jsonl").read_text().splitlines():
        name, trajectory, *_ = json.loads(line)
        belongs.setdefault(name, []).append(trajectory)
    found: dict[str, bool] = {}
    async with Workspace.open(out / "workspace") as workspace:
        for name, item in items.items():
            steps: list[Step] = []
            images: list[Shown | None] = []
            for trajectory in [await workspace.get(one) for one in dict.fromkeys(belongs[name])]:
                planned = () if trajectory.plan is None else trajectory.plan.steps
                steps += planned
                selected = [trajectory.selected(number) for number in range(len(planned))]
                images += [
                    None if one is None or one.image is None else Shown(one.image, one.source) for one in selected
                ]
            found[name] = is_document_right(item.scenario, steps, images, workspace.store)
    return found
