"""Batches in one process: a shared bound, independent failures, exact continuation, reports that can be trusted."""

import asyncio
import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.graph.batch.batch import Batch, run_batch
from interleavethinker.graph.batch.manifest import BatchRequest, sweep
from interleavethinker.graph.batch.results import BatchResult
from interleavethinker.graph.export.export import export
from interleavethinker.tools.errors import GeneratorError, InputError, ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GeneratedImage, GenerationRequest, Plan, Request, Step, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


class EchoPlanner:
    """Plans one step with the request's own words, and fails as the words say."""

    def __init__(self) -> None:
        self.broken = True

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002
        await asyncio.sleep(0)
        if "defect" in request.text and self.broken:
            raise ZeroDivisionError("a defect of the planner")
        if "invalid" in request.text:
            raise InputError("This request cannot be planned.")
        return plan_of(request.text)


class GatedGenerator:
    """Counts the calls in flight, and holds them until the gate opens."""

    def __init__(self, store: ImageStore) -> None:
        self.inner = MemoryGenerator(store)
        self.gate = asyncio.Event()
        self.entered = asyncio.Semaphore(0)
        self.in_flight = self.most = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        self.entered.release()
        await self.gate.wait()
        self.in_flight -= 1
        return await self.inner.generate(call, progress)


def requests(*texts: str) -> list[BatchRequest]:
    return [BatchRequest(text=text) for text in texts]


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "report.csv").read_text())))


def by_name(results: Sequence[BatchResult]) -> dict[str, str]:
    return {one.name: one.status for one in results}


async def test_every_request_gets_a_folder_and_a_line_in_the_report(opened: Opened, tmp_path: Path) -> None:
    async with opened(EchoPlanner()) as workspace:
        results = await run_batch(workspace, requests("a cat", "a dog"), tmp_path / "out")
        listed = {entry.id: entry.title for entry in await workspace.list()}
    assert [(one.name, one.status, one.calls, one.accepted_steps) for one in results] == [
        ("001", "done", 1, 1),
        ("002", "done", 1, 1),
    ]
    assert listed == {results[0].trajectory: "a cat", results[1].trajectory: "a dog"}
    rows = rows_of(tmp_path / "out")
    assert [(row["text"], row["document_status"], row["storyboard"]) for row in rows] == [
        ("a cat", "complete, not checked", "001/index.html"),
        ("a dog", "complete, not checked", "002/index.html"),
    ]
    sheet = (tmp_path / "out" / "index.html").read_text()
    for one in results:
        record = json.loads((tmp_path / "out" / one.name / "trajectory.json").read_text())
        assert record["id"] == one.trajectory
        image = f"{one.name}/images/{one.images[0][:16]}.png"
        assert f'src="{image}"' in sheet
        assert (tmp_path / "out" / image).is_file()


async def test_a_text_answer_is_on_the_contact_sheet(opened: Opened, tmp_path: Path) -> None:
    words = Plan(steps=(Step(auxiliary_text="It is a <red> ball."),))
    async with opened(words) as workspace:
        (result,) = await run_batch(workspace, requests("what is it?"), tmp_path / "out")
    assert (result.answer, result.images) == ("It is a <red> ball.", ())
    assert "It is a &lt;red&gt; ball." in (tmp_path / "out" / "index.html").read_text()


async def test_no_more_trajectories_run_at_once_than_allowed(opened: Opened, tmp_path: Path) -> None:
    generator = GatedGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(EchoPlanner(), generator=generator) as workspace:
        batch = Batch(workspace, requests(*"abcdefg"), tmp_path / "out", at_once=3)

        async def work() -> None:
            async with aclosing(batch.run()) as results:
                async for _ in results:
                    pass

        task = asyncio.create_task(work())
        for _ in range(3):
            await generator.entered.acquire()
        generator.gate.set()
        await task
    assert generator.most == 3
    assert {one.status for one in batch.results} == {"done"}


async def test_failures_of_every_kind_stop_no_other_request_and_are_tried_again(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    planner = EchoPlanner()
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    generator.fail_next(GeneratorError("the service is down"))
    texts = requests("first", "a defect", "invalid", "last")
    async with opened(planner, generator=generator) as workspace:
        first = await run_batch(workspace, texts, tmp_path / "out", at_once=1)
        assert by_name(first) == {"001": "failed", "002": "failed", "003": "failed", "004": "done"}
        errors = [row["error"] for row in rows_of(tmp_path / "out")]
        assert errors == ["the service is down", "a defect of the planner", "This request cannot be planned.", ""]
        assert "ZeroDivisionError" in caplog.text, "a defect leaves its traceback in the log"
        planner.broken = False
        second = await run_batch(workspace, texts, tmp_path / "out", at_once=1)
    assert by_name(second) == {"001": "done", "002": "done", "003": "failed", "004": "done"}
    assert [one.trajectory for one in second] == [one.trajectory for one in first]
    assert sorted(call.prompt for call in generator.generated) == ["a defect", "first", "last"]


async def test_a_request_that_the_profile_refuses_is_a_line_of_the_report_and_no_trajectory(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'description = "x"\nrequest_check = "interleavethinker.microworld.agents.scripted_planner:check_request"\n'
        'planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }\n'
        'critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }\n'
        'generator = { model = "cells" }\n'
    )
    async with Workspace.open(tmp_path / "workspace") as workspace:
        asked = requests("an elephant doing taxes")
        (result,) = await run_batch(workspace, asked, tmp_path / "out", profile=str(tmp_path / "own.toml"))
        assert (result.status, result.trajectory, result.page) == ("refused", None, "")
        assert "elephant" in result.error
        assert await workspace.list() == []
        with pytest.raises(ProfileError, match="nowhere"):
            await run_batch(workspace, asked, tmp_path / "other", profile="nowhere")
    assert not (tmp_path / "other").exists()


async def test_running_a_batch_again_repeats_nothing_and_runs_what_is_new_or_changed(
    opened: Opened, tmp_path: Path
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(EchoPlanner(), generator=generator) as workspace:
        first = await run_batch(workspace, requests("a", "b", "b"), tmp_path / "out")
        assert len({one.trajectory for one in first}) == 3, "equal lines are requests of their own"
        page = (tmp_path / "out" / "001" / "index.html").stat().st_mtime_ns
        again = await run_batch(workspace, requests("a", "b", "b"), tmp_path / "out")
        assert again == first
        assert (tmp_path / "out" / "001" / "index.html").stat().st_mtime_ns == page
        assert len(generator.calls) == 3
        changed = await run_batch(workspace, requests("new", "a", "b", "B"), tmp_path / "out")
    assert [one.trajectory for one in changed[1:3]] == [first[0].trajectory, first[1].trajectory]
    assert {call.prompt for call in generator.calls[3:]} == {"new", "B"}
    record = json.loads((tmp_path / "out" / "002" / "trajectory.json").read_text())
    assert record["id"] == first[0].trajectory, "the folder of a number shows the request of that number"


async def test_exports_that_were_lost_are_written_again_without_a_call(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(EchoPlanner(), generator=generator) as workspace:
        await run_batch(workspace, requests("a"), tmp_path / "out")
        (tmp_path / "out" / "001" / "index.html").unlink()
        await run_batch(workspace, requests("a"), tmp_path / "out")
    assert (tmp_path / "out" / "001" / "index.html").is_file()
    assert len(generator.calls) == 1


async def test_a_paused_batch_keeps_the_calls_in_flight_and_continues(opened: Opened, tmp_path: Path) -> None:
    generator = GatedGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(plan_of("draw a", "make it b"), generator=generator) as workspace:
        batch = Batch(workspace, requests("x", "y", "z"), tmp_path / "out", at_once=2)

        async def work() -> None:
            async with aclosing(batch.run()) as results:
                async for _ in results:
                    pass

        task = asyncio.create_task(work())
        for _ in range(2):
            await generator.entered.acquire()
        batch.pause()
        generator.gate.set()
        await task
        assert by_name(batch.results) == {"001": "paused", "002": "paused", "003": "not started"}
        assert len(generator.inner.calls) == 2
        assert [row["status"] for row in rows_of(tmp_path / "out")] == ["paused", "paused", "not started"]
        results = await run_batch(workspace, requests("x", "y", "z"), tmp_path / "out")
    assert {one.status for one in results} == {"done"}
    assert len(generator.inner.calls) == len(set(generator.inner.calls)) == 6


class OneIsFast(MemoryGenerator):
    """Reports progress. The first call ends at once, the others when they may."""

    def __init__(self, store: ImageStore) -> None:
        super().__init__(store)
        self.begun, self.one_ended, self.may_end = 0, asyncio.Event(), asyncio.Event()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self.begun += 1
        if self.begun > 1:
            while not self.may_end.is_set():
                assert progress is not None
                progress(0.5, "drawing")
                await asyncio.sleep(0.01)
        image = await super().generate(call, progress)
        self.one_ended.set()
        return image


async def test_a_paused_batch_lets_calls_side_by_side_end(opened: Opened, tmp_path: Path) -> None:
    generator = OneIsFast(ImageStore(tmp_path / "workspace" / "images"))
    independent = Plan(steps=(Step(prompt="a"), *(Step(prompt=each, starts_from="nothing") for each in "bc")))
    async with opened(FixedPlanner(independent), generator=generator) as workspace:
        batch = Batch(workspace, requests("x"), tmp_path / "out")

        async def work() -> None:
            async with aclosing(batch.run()) as results:
                async for _ in results:
                    pass

        task = asyncio.create_task(work())
        async with asyncio.timeout(60):
            await generator.one_ended.wait()
            batch.pause()
            await asyncio.sleep(1.5)  # longer than a reader who leaves waits for what it has seen
            assert not task.done()
            generator.may_end.set()
            await task
        (result,) = batch.results
        assert (result.status, generator.begun) == ("paused", 3)
        assert len((await workspace.get(result.trajectory or "")).attempts) == 3
        await run_batch(workspace, requests("x"), tmp_path / "out")
    assert len(generator.calls) == len(set(generator.calls)) == 3


async def test_plans_wait_for_a_person_and_nothing_is_generated_before(opened: Opened, tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(EchoPlanner(), generator=generator) as workspace:
        batch = Batch(workspace, requests("a", "b"), tmp_path / "out", approve_plan=True)
        async with aclosing(batch.run()) as results:
            assert [one.status async for one in results] == ["waiting", "waiting"]
        assert generator.calls == []
        await workspace.approve(batch.results[0].trajectory or "")
        async with aclosing(batch.run()) as results:
            assert sorted([one.status async for one in results]) == ["done", "waiting"]


async def test_limits_and_seed_of_a_line_go_before_those_of_the_batch(opened: Opened, tmp_path: Path) -> None:
    asked = [BatchRequest(text="a", seed=5, limits={"max_attempts": 2}), BatchRequest(text="b")]
    async with opened(EchoPlanner()) as workspace:
        results = await run_batch(workspace, asked, tmp_path / "out", limits=Limits(max_attempts=3, max_calls=7))
        limits = [(await workspace.get(one.trajectory or "")).limits for one in results]
    assert results[0].seed == 5
    assert [(one.max_attempts, one.max_calls) for one in limits] == [(2, 7), (3, 7)]


async def test_a_sweep_compares_its_settings(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "workspace" / "images")
    components = Components(
        FixedPlanner(plan_of("a")), RuleCritic(lambda case: _reject(case.prompt)), MemoryGenerator(store)
    )
    async with Workspace.open(tmp_path / "workspace", components) as workspace:
        asked = sweep(requests("x", "y"), {"max_attempts": [1, 3]})
        await run_batch(workspace, asked, tmp_path / "out")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "settings.csv").read_text())))
    assert [(row["setting"], row["requests"], row["calls"], row["accepted_steps"]) for row in rows] == [
        ("max_attempts=1", "2", "2", "0"),
        ("max_attempts=3", "2", "4", "2"),
    ]
    assert "<td>100%</td>" in (tmp_path / "out" / "index.html").read_text()


async def test_texts_from_outside_are_neither_markup_nor_formulas_nor_terminal_codes(
    opened: Opened, tmp_path: Path
) -> None:
    hostile = '=HYPERLINK("x") <script>alert(1)</script>\x1b[31m\u202e'
    async with opened(EchoPlanner()) as workspace:
        await run_batch(workspace, requests(hostile, "\uff1dHYPERLINK"), tmp_path / "out")
    row, wide = rows_of(tmp_path / "out")
    assert row["text"].startswith("'=HYPERLINK")
    assert wide["text"] == "'\uff1dHYPERLINK"
    sheet = (tmp_path / "out" / "index.html").read_text()
    assert "<script>" not in sheet
    assert "&lt;script&gt;" in sheet
    for written in (sheet, (tmp_path / "out" / "report.csv").read_text()):
        assert "\x1b" not in written
    assert "\u202e" not in row["text"]


async def test_a_folder_of_somebody_else_and_a_batch_of_another_workspace_are_left_alone(
    opened: Opened, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my page")
    async with opened(EchoPlanner()) as workspace, opened(EchoPlanner(), root="other") as other:
        with pytest.raises(InputError, match="no batch wrote it"):
            await run_batch(workspace, requests("a"), tmp_path / "mine")
        assert [path.name for path in (tmp_path / "mine").iterdir()] == ["index.html"]
        await run_batch(workspace, requests("a"), tmp_path / "out")
        with pytest.raises(InputError, match="belongs to the workspace"):
            await run_batch(other, requests("a"), tmp_path / "out")
        (tmp_path / "out" / "batch.json").write_text("{")
        with pytest.raises(InputError, match="identity"):
            await run_batch(workspace, requests("a"), tmp_path / "out")
        with pytest.raises(InputError, match="at least one trajectory"):
            Batch(workspace, requests("a"), tmp_path / "out", at_once=0)


async def test_a_file_in_the_place_of_an_answer_is_kept_and_reported(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "out" / "001").mkdir(parents=True)
    (tmp_path / "out" / "001" / "index.html").write_text("my page")
    async with opened(EchoPlanner()) as workspace:
        (result,) = await run_batch(workspace, requests("a"), tmp_path / "out")
    assert (result.status, result.failed) == ("done", True)
    assert result.error.startswith("The exports were not written")
    assert (tmp_path / "out" / "001" / "index.html").read_text() == "my page"


async def test_two_processes_cannot_run_one_batch(opened: Opened, tmp_path: Path) -> None:
    generator = GatedGenerator(ImageStore(tmp_path / "workspace" / "images"))
    async with opened(EchoPlanner(), generator=generator) as workspace:
        running = asyncio.create_task(run_batch(workspace, requests("a"), tmp_path / "out"))
        await generator.entered.acquire()
        with pytest.raises(InputError, match="Another process is writing"):
            await run_batch(workspace, requests("a"), tmp_path / "out")
        generator.gate.set()
        await running


def _reject(prompt: str) -> Verdict:
    return Verdict(success=prompt.endswith("!"), refined_prompt=prompt + "!")


async def test_the_answers_of_another_batch_are_replaced_only_by_force(opened: Opened, tmp_path: Path) -> None:
    out = tmp_path / "out"
    async with opened(EchoPlanner()) as workspace:
        (first, _) = await run_batch(workspace, requests("a", "b"), out)
        files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"}
        for others, limits in (requests("c"), None), (requests("a", "b"), Limits(max_calls=40)):
            with pytest.raises(InputError, match="answers of another batch"):
                await run_batch(workspace, others, out, limits=limits)
        assert {path: path.read_bytes() for path in files} == files
        assert len(await workspace.list()) == 2, "refused before any work"
        (kept, _) = await run_batch(workspace, requests("a", "c"), out)
        assert kept.trajectory == first.trajectory, "the same batch, with another line"
        (other,) = await run_batch(workspace, requests("d"), out, force=True)
        assert other.status == "done"
        with pytest.raises(InputError, match="answers of another batch"):
            await run_batch(workspace, requests("e"), out)
        trajectory = await workspace.run(await workspace.create("alone"))
        export(trajectory, workspace.store, tmp_path / "runs" / "alone")
        with pytest.raises(InputError, match="answers of another batch"):
            await run_batch(workspace, [BatchRequest(text="e", name="alone")], tmp_path / "runs")
        assert not (tmp_path / "runs" / "batch.json").exists()
        (beside,) = await run_batch(workspace, requests("e"), tmp_path / "runs")
        assert beside.status == "done"
    assert json.loads((out / "001" / "trajectory.json").read_text())["id"] == other.trajectory


async def test_a_batch_that_has_no_answer_yet_may_become_another_one(opened: Opened, tmp_path: Path) -> None:
    async with opened(EchoPlanner()) as workspace:
        (failed,) = await run_batch(
            workspace, [BatchRequest(text="a", images=(tmp_path / "none.png",))], tmp_path / "out"
        )
        assert (failed.trajectory, failed.status) == (None, "refused")
        (result,) = await run_batch(workspace, requests("valid"), tmp_path / "out")
    assert result.status == "done"
