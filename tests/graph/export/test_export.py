"""Storyboard, Markdown and record are complete, self-contained, and safe with any text of models and users."""

import contextlib
import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, HumanVerdict, Limits, Trajectory, Workspace
from interleavethinker.graph.export import stored_images
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.export.notebook import show
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
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


async def test_an_export_contains_the_storyboard_the_document_its_images_and_the_record(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        page = export(seen, ws.store, tmp_path / "out", provenance=False)
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


async def test_the_record_survives_a_round_trip_and_matches_the_committed_schema(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        parent = await ws.run(await ws.create("a story"))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=1)))
        page = export(child, ws.store, tmp_path / "out")
    record = (page.parent / "trajectory.json").read_text()
    assert Trajectory.model_validate_json(record) == child
    assert json.loads(record) == json.loads(child.model_dump_json())
    assert json.loads(record)["created"].endswith("Z")
    committed = json.loads((files("interleavethinker.graph.export") / "trajectory.schema.json").read_text())
    assert Trajectory.model_json_schema() == committed, (
        "a change that could surprise a reader needs a new schema_version"
    )


@pytest.mark.parametrize("deleted", [(0,), (1,), (0, 1)])
async def test_the_record_lists_deleted_ancestors(opened: Opened, deleted: tuple[int, ...]) -> None:
    async with opened() as ws:
        first = await ws.run(await ws.create("a story"))
        second = await ws.run(await ws.branch(first.id, BranchPoint(step=1)))
        third = await ws.branch(second.id, BranchPoint(step=2))
        for index in deleted:
            await ws.delete((first, second)[index].id)
        record = await ws.get(third)
    chain = [(one.parent, one.parent_step) for one in (record, *record.lineage)]
    assert chain == [(second.id, 2), (first.id, 1), (None, None)]


async def test_the_storyboard_loads_no_external_resource_and_runs_no_script(opened: Opened) -> None:
    plan = Plan(steps=(Step(instruction=HOSTILE, prompt=HOSTILE, auxiliary_text=HOSTILE),), reasoning=HOSTILE)
    critic = RuleCritic(lambda _: Verdict(success=False, refined_prompt=HOSTILE, reasoning=HOSTILE))
    async with opened(plan, critic) as ws:
        image = await ws.add_image(fake_image(GenerationRequest(prompt="x", seed=1)))
        request: list[Part] = [TextPart(text=HOSTILE), ImagePart(sha256=image)]
        seen = await ws.run(await ws.create(request, limits=Limits(max_attempts=2)))
        page = Page(storyboard(seen, ws.store))
        shown = show(seen.document, ws.store)._repr_mimebundle_()["text/html"]
    assert "script" not in page.tags
    assert page.handlers == []
    assert all(source.startswith(("data:image/webp;base64,", "data:image/png;base64,", "#")) for source in page.sources)
    assert page.words.count(HOSTILE) >= 6
    assert Page(shown).handlers == []
    assert "script" not in Page(shown).tags


async def test_markdown_shows_hostile_text_as_text(opened: Opened) -> None:
    async with opened(plan_of(HOSTILE + "\n# no heading\n- no list")) as ws:
        text = markdown(await ws.run(await ws.create(HOSTILE)))
    assert "<script>" not in text
    assert "](javascript" not in text
    assert [line for line in text.splitlines() if line.startswith(("# ", "- "))] == [text.splitlines()[0]]


async def test_the_storyboard_shows_attempts_statuses_plans_lineage_and_limits(opened: Opened) -> None:
    planner = FixedPlanner(plan_of("a", "b", "c"), plan_of("z", "y", "w"))
    async with opened(planner, accept_only("b", "z")) as ws:
        limits = Limits(max_attempts=2, replan_after=1, max_calls=4, judge_last_attempt=False)
        parent = await ws.run(await ws.create("x", limits=limits))
        child = await ws.run(await ws.branch(parent.id, BranchPoint(step=0, prompt="b"), Limits(max_calls=1)))
        page_of_parent, page_of_child = (Page(storyboard(seen, ws.store)).words for seen in (parent, child))
    assert "Plan 1" in page_of_parent
    assert "Plan 2, in effect" in page_of_parent
    for word in (
        "best effort",
        "accepted",
        "rejected",
        "not judged",
        "2 attempts",
        "stopped by a limit",
        "not generated",
    ):
        assert word in page_of_parent
    assert f"{parent.id}, step 1, attempt 1" in page_of_child


async def test_a_trajectory_without_a_plan_can_be_exported_and_gives_the_reason(opened: Opened, tmp_path: Path) -> None:
    async with opened(FixedPlanner(InputError("Only balls are supported."))) as ws:
        seen = await ws.run(await ws.create("x"))
        page = export(seen, ws.store, tmp_path / "out")
    assert "Only balls are supported." in page.read_text()
    assert "> Only balls are supported" in (page.parent / "document.md").read_text()


@pytest.mark.parametrize("name", ["index.html", "document.md", "trajectory.json"])
async def test_a_file_that_no_export_wrote_is_never_replaced(opened: Opened, tmp_path: Path, name: str) -> None:
    theirs = tmp_path / "site" / name
    theirs.parent.mkdir()
    theirs.write_text("<!doctype html>mine")
    async with opened() as ws:
        seen = await ws.run(await ws.create("x"))
        with pytest.raises(InputError, match="no export wrote"):
            export(seen, ws.store, theirs.parent)
        assert theirs.read_text() == "<!doctype html>mine"
        assert [one.name for one in theirs.parent.iterdir()] == [name], "and nothing else was written"
        for single_file in (True, False, True, False):  # Its own files of any form are.
            export(seen, ws.store, tmp_path / "again", single_file=single_file)


@pytest.mark.parametrize("written", range(6))
async def test_an_export_that_was_killed_is_replaced_by_the_next(
    opened: Opened, tmp_path: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(range(written))

    def killed(path: Path, data: bytes) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        atomic_write(path, data)

    async with opened(plan_of("draw a", "make it b")) as ws:
        seen = await ws.run(await ws.create("x"))
        with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
            patched.setattr("interleavethinker.graph.export.export.atomic_write", killed)
            export(seen, ws.store, tmp_path / "page")
        export(seen, ws.store, tmp_path / "page")
    assert (tmp_path / "page" / "index.html").is_file()


async def test_no_export_holds_control_characters_of_models_or_users(opened: Opened, tmp_path: Path) -> None:
    said = "a \x1b[31mred\x1b[0m \x9b2J\x1b]52;c;cm0=\x07ball\x00\x7f \u202eevil\u202c"
    step = Step(instruction=said, prompt=said, auxiliary_text=said)
    async with opened(Plan(steps=(step,), reasoning=said)) as ws:
        seen = await ws.run(await ws.create(said))
        for single_file in (False, True):
            export(seen, ws.store, tmp_path / str(single_file), single_file=single_file)
        shown = show(seen.document, ws.store)._repr_mimebundle_()
    names = ("False/index.html", "False/document.md", "False/trajectory.json", "True/index.html")
    texts = [(tmp_path / name).read_text() for name in names]
    controls = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0))} - {"\n"}
    for text in (*texts, *shown.values()):
        assert not controls & set(text)
        assert "ball" in text
    record = Trajectory.model_validate_json((tmp_path / "False" / "trajectory.json").read_text())
    assert record == seen, "the record keeps every character, as an escape"


def no_case(_: CriticInput) -> Verdict:
    raise AssertionError


async def test_an_unwritable_folder_is_an_input_error(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with opened(plan_of(None), no_case) as ws:
        seen = await ws.run(await ws.create("x"))
        with pytest.raises(InputError, match="Cannot write the exports to"):
            export(seen, ws.store, tmp_path / "file")


async def test_missing_or_damaged_images_are_left_out_and_noted(opened: Opened, tmp_path: Path) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        missing, damaged, whole = seen.document.images
        ws.store.path(missing).unlink()
        ws.store.path(damaged).write_bytes(b"torn")
        page = export(seen, ws.store, tmp_path / "out")
    note = "2 images are missing or damaged in the workspace and cannot be shown: "
    html = Page(page.read_text())
    told = html.words.partition(note)[2].partition("\n")[0]
    for step, image in enumerate((missing, damaged), 1):
        assert f"step {step}, attempt 1 ({image[:16]})" in told
    assert sum(source.startswith("data:image/webp;") for source in html.sources) == 2  # The answer's and its attempt's.
    assert sum(source.startswith("data:image/svg+xml;") for source in html.sources) == 4
    assert sum(source == f"images/{whole[:16]}.png" for source in html.sources) == 2
    document = (page.parent / "document.md").read_text()
    assert re.findall(r"\]\((.*?)\)", document) == [f"images/{whole[:16]}.png"], "no link leads nowhere"
    assert document.count("This image is missing or damaged") == 2
    assert "Complete with known faults" in document
    assert [path.name for path in (page.parent / "images").iterdir()] == [f"{whole[:16]}.png"]


async def test_a_page_that_cannot_be_replaced_leaves_no_temporary_file(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    async with opened() as ws:
        with pytest.raises(InputError, match="Cannot write the exports to"):
            export(await ws.run(await ws.create("x")), ws.store, tmp_path / "out")
    assert list((tmp_path / "out").glob(".*")) == []


async def test_a_notebook_shows_a_placeholder_for_a_missing_image(opened: Opened) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("x"))
        ws.store.path(seen.document.images[0]).unlink()
        page = Page(show(seen.document, ws.store)._repr_mimebundle_()["text/html"])
    kinds = [source.partition(";")[0] for source in page.sources]
    assert kinds == ["data:image/svg+xml", "data:image/webp", "data:image/webp"]


@pytest.mark.parametrize(
    ("accepted_by", "status"), [("critic", "accepted"), ("person", "accepted by a person"), ("nobody", "pending")]
)
async def test_the_storyboard_says_who_accepted_an_image(opened: Opened, accepted_by: str, status: str) -> None:
    async with opened(plan_of("a"), accept_only("a") if accepted_by == "critic" else accept_only("b")) as ws:
        trajectory = await ws.create("x", limits=Limits(max_attempts=2), approve_plan=accepted_by == "nobody")
        seen = await ws.run(trajectory)
        if accepted_by == "person":
            branch = await ws.branch(trajectory, BranchPoint(step=0, image=seen.attempts[0].image))
            await ws.judge(branch, HumanVerdict(success=True))
            seen = await ws.run(branch)
        page = storyboard(seen, ws.store)
    tone = "good" if status.startswith("accepted") else "calm"
    assert f'<span class="chip {tone}">{status}</span>' in page.replace('<span aria-hidden="true">✓ </span>', "")


async def test_an_export_is_the_same_when_its_images_do_not_fit_into_memory(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("x"))
        ws.store.path(seen.document.images[0]).unlink()
        whole = export(seen, ws.store, tmp_path / "whole")
        monkeypatch.setattr(stored_images, "_KEPT_BYTES", 1)
        again = export(seen, ws.store, tmp_path / "again")
        names = list(stored_images.StoredImages(seen, ws.store))
    assert again.read_text() == whole.read_text()
    assert "1 image is missing or damaged" in again.read_text()
    assert [path.name for path in sorted((again.parent / "images").iterdir())] == [
        f"{name[:16]}.png" for name in names if name != seen.document.images[0]
    ]


async def test_each_image_is_read_once(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
