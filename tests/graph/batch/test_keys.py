"""A batch that is continued after an upgrade finds the answers that it has paid for."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.keys import hashed_fields
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.limits import DriftGuard
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]

LIMITS = (
    '{"drift": {"action": "nothing", "max_words": 120, "threshold": 0.5}, "judge_last_attempt": true, "look_ahead": 1, '
    '"max_attempts": 3, "max_calls": 7, "max_cost": null, "max_plan_retries": 1, "max_replans": 1, "max_steps": 100, '
    '"replan_after": 2, "retry_unjudged": false, "time_limit": null, "variants": 1}'
)
"""What version 0.1 hashes of the limits below, and of a request, the batch, and the whole."""
HASHED = (
    f'{{"approve_plan": false, "images": [], "limits": {LIMITS}, "profile": null, "seed": 5, "text": "a red ball"}}'
)
HASHED_WITHOUT_LIMITS = (
    '{"approve_plan": false, "image_size": "16:9", "images": [], "limits": null, "profile": null, "seed": null, '
    '"text": "a red ball"}'
)


class LaterGuard(DriftGuard):
    patience: int = 2


class LaterLimits(Limits):
    most_regrets: int | None = 4
    drift: LaterGuard = LaterGuard()


class LaterRequest(BatchRequest):
    mood: str = "calm"


async def test_the_answers_of_an_earlier_version_are_found(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    folder = tmp_path / "out"
    async with opened(plan_of("draw a"), generator=generator) as workspace:
        asked = [BatchRequest(text="a red ball", seed=5, limits={"max_attempts": 3})]
        plain = [BatchRequest(text="a red ball")]
        folder.mkdir()
        home = str(workspace.root.resolve())
        (folder / "batch.json").write_text(json.dumps({"batch": "0" * 32, "workspace": home}))
        made = {}
        for hashed in (HASHED, HASHED_WITHOUT_LIMITS):
            digest = hashlib.sha256(hashed.encode()).hexdigest()
            key = RequestKey(f"batch:{'0' * 32}:{digest}:0")
            made[hashed] = await workspace.create("a red ball", key=key)
        (found,) = await run_batch(workspace, asked, folder, limits=Limits(max_calls=7))
        (sized,) = await run_batch(workspace, plain, folder, image_size="16:9")
        assert len(await workspace.list()) == 2
    assert found.trajectory == made[HASHED]
    assert sized.trajectory == made[HASHED_WITHOUT_LIMITS]


def test_a_field_of_a_later_version_changes_a_key_only_where_it_is_used() -> None:
    assert hashed_fields(LaterLimits(max_calls=7)) == hashed_fields(Limits(max_calls=7))
    assert hashed_fields(LaterRequest(text="a")) == hashed_fields(BatchRequest(text="a"))
    for later in (LaterLimits(most_regrets=5), LaterLimits(drift=LaterGuard(patience=3))):
        assert hashed_fields(later) != hashed_fields(Limits())
    assert hashed_fields(LaterRequest(text="a", mood="wild")) != hashed_fields(BatchRequest(text="a"))


def test_every_field_that_changes_an_answer_changes_the_key() -> None:
    different = [Limits(), Limits(max_calls=2), Limits(variants=2), Limits(drift=DriftGuard(action="note"))]
    asked = [BatchRequest(text="a"), BatchRequest(text="b"), BatchRequest(text="a", seed=1)]
    for models in (different, asked):
        found = [json.dumps(hashed_fields(one), sort_keys=True) for one in models]
        assert len(set(found)) == len(models)
    assert hashed_fields(BatchRequest(text="a", name="x")) == hashed_fields(BatchRequest(text="a", name="y"))
