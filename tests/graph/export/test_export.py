"""Storyboard, Markdown and record: complete, self-contained, and safe with whatever models and users write."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Limits, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.notebook import show
from interleavethinker.graph.export.record import Record, record_of
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import paint
from interleavethinker.tools.types import CriticInput, GenerationRequest, ImagePart, Part, Plan, Step, TextPart, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
HOSTILE = "</h2><script>alert(1)</script><img src=x onerror=alert(2)> \"' {{ 7*7 }} & [x](javascript:alert(3))"


class Page(HTMLParser):
    """Collects what a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data


async def test_a_folder_holds_the_storyboard_the_document_its_images_and_the_record(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        page = export(seen, ws.store, tmp_path / "out")
        folder = page.parent
        assert sorted(path.name for path in folder.iterdir()) == [
            "document.md",
            "images",
            "index.html",
            "trajectory.json",
        ]
        text = (folder / "document.md").read_text()
        for sha256 in seen.document.images:
            name = f"images/{sha256[:16]}.png"
            assert f"]({name})" in text
            assert (folder / name).read_bytes() == ws.store.get(sha256)


async def test_the_record_is_read_back_whole_and_follows_the_committed_schema(opened: Opened, tmp_path: Path) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("a story"))
        child = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=1)))
        page = export(child, ws.store, tmp_path / "out")
    record = Record.model_validate_json((page.parent / "trajectory.json").read_text())
    assert record.document == child.document
    assert record.attempts == child.attempts
    assert [(one.id, one.step) for one in record.lineage] == [(parent.summary.id, 1)]
    committed = json.loads((files("interleavethinker.graph.export") / "trajectory.schema.json").read_text())
    assert Record.model_json_schema() == committed, "a change that could surprise a reader needs a new schema_version"


@pytest.mark.parametrize("deleted", [(0,), (1,), (0, 1)])
async def test_the_record_names_ancestors_that_were_deleted(opened: Opened, deleted: tuple[int, ...]) -> None:
    async with opened() as ws:
        first = await ws.run(await ws.create("a story"))
        second = await ws.run(await ws.branch(first.summary.id, BranchPoint(step=1)))
        third = await ws.branch(second.summary.id, BranchPoint(step=2))
        for index in deleted:
            await ws.delete((first, second)[index].summary.id)
        record = record_of(await ws.get(third))
    assert [(one.id, one.step) for one in record.lineage] == [(second.summary.id, 2), (first.summary.id, 1)]


async def test_the_storyboard_loads_nothing_and_runs_nothing(opened: Opened) -> None:
    plan = Plan(steps=(Step(instruction=HOSTILE, prompt=HOSTILE, auxiliary_text=HOSTILE),), reasoning=HOSTILE)
    critic = RuleCritic(lambda _: Verdict(success=False, refined_prompt=HOSTILE, reasoning=HOSTILE))
    async with opened(plan, critic) as ws:
        image = ws.add_image(paint(GenerationRequest(prompt="x", seed=1)))
        request: list[Part] = [TextPart(text=HOSTILE), ImagePart(sha256=image)]
        seen = await ws.run(await ws.create(request, limits=Limits(max_attempts=2)))
        page = Page(storyboard(seen, ws.store))
        shown = show(seen.document, ws.store)._repr_mimebundle_()["text/html"]
    assert "script" not in page.tags
    assert page.handlers == []
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert page.words.count(HOSTILE) >= 6
    assert Page(shown).handlers == []
    assert "script" not in Page(shown).tags


async def test_markdown_shows_hostile_words_as_words(opened: Opened) -> None:
    async with opened(plan_of(HOSTILE + "\n# no heading\n- no list")) as ws:
        text = markdown(await ws.run(await ws.create(HOSTILE)))
    assert "<script>" not in text
    assert "](javascript" not in text
    assert [line for line in text.splitlines() if line.startswith(("# ", "- "))] == [text.splitlines()[0]]


async def test_the_storyboard_tells_attempts_marks_plans_lineage_and_limits(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c"), plan_of("z", "y"))
    async with opened(planner, accept_only("b", "z")) as ws:
        limits = Limits(max_attempts=2, replan_after=1, max_calls=4)
        parent = await ws.run(await ws.create("x", limits=limits))
        child = await ws.run(await ws.branch(parent.summary.id, BranchPoint(step=0, prompt="b"), Limits(max_calls=1)))
        told, of_child = (Page(storyboard(seen, ws.store)).words for seen in (parent, child))
    assert "Plan 1" in told
    assert "Plan 2, the one carried out" in told
    for word in ("best effort", "accepted", "rejected", "not judged", "2 attempts", "ended by a limit", "not drawn"):
        assert word in told
    assert f"{parent.summary.id}, step 1, attempt 1" in of_child


async def test_a_trajectory_without_a_plan_can_be_exported_and_says_why_there_is_none(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(FixedPlanner(InputError("I only draw balls."))) as ws:
        seen = await ws.run(await ws.create("x"))
        page = export(seen, ws.store, tmp_path / "out")
    assert "I only draw balls." in page.read_text()


def no_case(_: CriticInput) -> Verdict:
    raise AssertionError


async def test_a_folder_that_cannot_be_written_is_told_as_such(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with opened(plan_of(None), no_case) as ws:
        seen = await ws.run(await ws.create("x"))
        with pytest.raises(InputError, match="must be writable"):
            export(seen, ws.store, tmp_path / "file")


async def test_pictures_that_are_missing_or_damaged_leave_the_rest_exported_and_a_note(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        missing, damaged, whole = seen.document.images
        ws.store.path(missing).unlink()
        ws.store.path(damaged).write_bytes(b"torn")
        page = export(seen, ws.store, tmp_path / "out")
    note = "2 pictures are missing or damaged in the workspace and cannot be shown."
    html = Page(page.read_text())
    assert note in html.words
    assert sum(source.startswith("data:image/png;") for source in html.sources) == 2  # The step's and its attempt's.
    assert "missing or damaged" in (page.parent / "document.md").read_text()
    assert [path.name for path in (page.parent / "images").iterdir()] == [f"{whole[:16]}.png"]


async def test_a_page_that_cannot_be_replaced_leaves_nothing_half_written(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    async with opened() as ws:
        with pytest.raises(InputError, match="must be writable"):
            export(await ws.run(await ws.create("x")), ws.store, tmp_path / "out")
    assert list((tmp_path / "out").glob(".*")) == []


async def test_each_picture_is_read_once(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("x"))
        read: list[str] = []
        get = ws.store.get

        def counted(name: str) -> bytes:
            read.append(name)
            return get(name)

        monkeypatch.setattr(ws.store, "get", counted)
        export(seen, ws.store, tmp_path / "out")
    assert sorted(read) == sorted(set(seen.document.images))
