"""The storyboard shows the loop: the answer first, then each attempt with its verdict, its prompt and what changed."""

import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.graph import BranchPoint, Components, Limits, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.errors import GeneratorError, InputError, RefusalError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    ImagePart,
    Part,
    Plan,
    Request,
    Requirement,
    Step,
    TextPart,
    Verdict,
)

from .photos import photo

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
STORY = Plan(
    steps=(
        Step(instruction="A kitten arrives.", prompt="a white kitten on the left", auxiliary_text="Hello!"),
        Step(instruction="Night falls.", prompt="make it night"),
    )
)


class Page(HTMLParser):
    """A page as a screen reader meets it: headings, images, links, and the text of elements by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[tuple[str, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if tag == "a" else []
        if tag == "img":
            self.images.append(values)
        elif tag not in {"meta", "link", "br"}:
            self._open.append(tag)
            self.text.setdefault(tag, []).append("")
            if re.fullmatch("h[1-6]", tag):
                self.headings.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.text[tag][-1] += data
        if self._open and any(re.fullmatch("h[1-6]", tag) for tag in self._open):
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)

    @property
    def words(self) -> str:
        return " ".join(self.text["body"][0].split())


def no_kitten(case: CriticInput) -> Verdict:
    if "kitten" in case.prompt:
        better = case.prompt.replace("kitten", "cat")
        return Verdict(success=False, refined_prompt=better, reasoning="There is a house.", confidence=0.004)
    return Verdict(success=True, refined_prompt=case.prompt, reasoning="There is a cat.", confidence=0.93)


class Photographer:
    """Generates photos of 1024 x 1024 pixels."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store
        self._count = 0

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002
        self._count += 1
        sha256 = self._store.put(photo(self._count))
        return GeneratedImage(
            sha256=sha256, width=1024, height=1024, seed=call.seed, model="camera@1", seconds=1.0, cached=False
        )


class BrokenGenerator:
    """A generator that always fails."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002
        raise GeneratorError(f"The server crashed at {call.prompt!r}.", code="server_died")


async def test_attempts_show_verdict_reason_numbers_and_the_changed_words(opened: Opened) -> None:
    async with opened(STORY, no_kitten) as ws:
        seen = await ws.run(await ws.create("a story", seed=5))
        page = Page(storyboard(seen, ws.store))
    first, second, _ = seen.attempts
    assert "✗ rejected" in page.words
    assert page.words.index("✗ rejected") < page.words.index("There is a house.") < page.words.index("There is a cat.")
    assert page.text["del"] == ["[removed: words that were removed]", "[removed: kitten]"]
    assert page.text["ins"] == ["[added: words that were added]", "[added: cat]"]
    for number in (f"seed {first.seed}", f"seed {second.seed}", "P(success) < 0.01", "P(success) 0.93"):
        assert number in page.words
    assert "edits the image of step 1" in page.words
    assert [alt["alt"] for alt in page.images] == [
        "A kitten arrives.",
        "Night falls.",
        "Step 1, attempt 1, rejected: a white kitten on the left",
        "Step 1, attempt 2, accepted: a white cat on the left",
        "Step 2, attempt 1, accepted: make it night",
    ]


async def test_headings_form_an_outline_and_links_on_the_page_lead_somewhere(opened: Opened) -> None:
    async with opened(STORY, no_kitten) as ws:
        page = Page(storyboard(await ws.run(await ws.create("a story")), ws.store))
    assert [(level, " ".join(words.split())) for level, words in page.headings] == [
        ("h1", "a story"),
        ("h2", "Answer"),
        ("h2", "Steps and attempts"),
        ("h3", "Step 1: A kitten arrives."),
        ("h3", "Step 2: Night falls."),
        ("h2", "Plan"),
        ("h2", "Details"),
    ]
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert page.links


async def test_the_page_names_models_versions_limits_and_the_profile(opened: Opened) -> None:
    async with opened(STORY) as ws:
        seen = await ws.run(await ws.create("a story", limits=Limits(max_attempts=3, max_calls=9, time_limit=60)))
        words = Page(storyboard(seen, ws.store)).words
    for fact in (
        f"Trajectory {seen.id}",
        "Profile own components",
        "Planner interleavethinker.tools.testing.agents:FixedPlanner",
        "Critic interleavethinker.tools.testing.agents:RuleCritic",
        "Image model memory/cells",
        f"Package interleavethinker {seen.provenance.package}",
        "Limits 3 attempts per step, 9 generator calls, 60 s of work",
        "Stop reason complete",
    ):
        assert fact in words


@pytest.mark.parametrize(
    ("case", "sentence", "command"),
    [
        ("done", "All 2 steps are finished.", None),
        ("waiting", "The plan waits for a person's approval", "approve"),
        ("ready", "Nothing has been planned or generated yet.", "resume"),
        ("failed", "The server crashed at 'a white kitten on the left'.", "resume"),
        ("refused", "Only balls are supported.", "resume"),
        ("limit", "Stopped at the limit of 1 generator call", None),
        ("cancelled", "A branch can continue from any attempt.", None),
    ],
)
async def test_a_page_says_in_words_how_the_trajectory_stands_and_offers_commands_that_exist(
    opened: Opened, case: str, sentence: str, command: str | None
) -> None:
    planner = FixedPlanner(InputError("Only balls are supported.")) if case == "refused" else STORY
    async with opened(planner, no_kitten, BrokenGenerator() if case == "failed" else None) as ws:
        limits = Limits(max_calls=1) if case == "limit" else None
        name = await ws.create("a story", limits=limits, approve_plan=case in {"waiting", "cancelled"})
        if case != "ready":
            await ws.run(name)
        if case == "cancelled":
            await ws.cancel(name)
        page = Page(storyboard(await ws.get(name), ws.store))
    assert page.words.count(sentence) == 1
    commands = [text for text in page.text.get("code", []) if text.startswith("interleavethinker")]
    assert [words for words in commands if not words.startswith("interleavethinker branch ")] == (
        [] if command is None else [f"interleavethinker {command} {name}"]
    )
    for line in commands:
        parsed = CliRunner().invoke(build_app(words := [*shlex.split(line)[1:], "--help"]), words)
        assert parsed.exit_code == 0, line


async def test_ten_photos_make_a_small_page_with_the_originals_beside_it(opened: Opened, tmp_path: Path) -> None:
    plan = Plan(steps=tuple(Step(instruction=f"Fold {n}.", prompt=f"fold {n}") for n in range(10)))
    async with opened(plan, None, Photographer(ImageStore(tmp_path / "workspace" / "images"))) as ws:
        seen = await ws.run(await ws.create("a boat"))
        file = export(seen, ws.store, tmp_path / "out", provenance=False)
        alone = export(seen, ws.store, tmp_path / "alone", single_file=True)
    assert sum(ws.store.path(name).stat().st_size for name in seen.document.images) > 20_000_000
    assert file.stat().st_size < 2_000_000
    originals = [link for link in Page(file.read_text()).links if not link.startswith("#")]
    assert len(originals) == 20
    for link, name in zip(originals[:10], seen.document.images, strict=True):
        assert (file.parent / link).read_bytes() == ws.store.get(name)
    assert [path.name for path in alone.parent.iterdir()] == ["index.html"]
    assert {link[0] for link in Page(alone.read_text()).links} == {"#"}
    assert file.stat().st_size < alone.stat().st_size < 8_000_000


async def test_every_attempt_of_forty_steps_is_on_the_page(opened: Opened) -> None:
    plan = Plan(steps=tuple(Step(instruction=f"Panel {n}.", prompt=f"a kitten, {n}") for n in range(40)))
    async with opened(plan, no_kitten) as ws:
        seen = await ws.run(await ws.create("a long story"))
        text = storyboard(seen, ws.store)
    page = Page(text)
    assert len(page.images) == 40 + 80
    assert len(page.text["h3"]) == 40
    assert len(text) < 250_000
    assert page.text["code"].count(f"interleavethinker branch {seen.id} 40") == 1


async def test_images_in_a_request_keep_their_places_in_the_heading(opened: Opened) -> None:
    async with opened(Plan(steps=(Step(instruction="Answer", auxiliary_text="The second one is larger."),))) as ws:
        first, second = await ws.add_image(photo(1, side=64)), await ws.add_image(photo(2, side=300))
        parts: list[Part] = [
            TextPart(text="What differs in"),
            ImagePart(sha256=first),
            TextPart(text="and"),
            ImagePart(sha256=second),
        ]
        page = Page(storyboard(await ws.run(await ws.create(parts)), ws.store))
    assert page.text["h1"] == ["What differs in [image 1] and [image 2]"]
    assert [image["alt"] for image in page.images] == ["request image 1", "request image 2"]
    assert "The second one is larger." in page.words


async def test_images_with_a_name_are_called_by_it_in_the_heading(opened: Opened) -> None:
    async with opened(plan_of("@home at night")) as ws:
        home, tom = await ws.add_image(photo(1, side=64)), await ws.add_image(photo(2, side=64))
        named = [ImagePart(sha256=home, name="home", purpose="the house"), ImagePart(sha256=tom, name="tom")]
        page = Page(storyboard(await ws.run(await ws.create([*named, "@Home's roof at night"])), ws.store))
    assert page.text["h1"] == ["@tom @Home's roof at night"]
    assert [image["alt"] for image in page.images[:2]] == ["request image 1, @home: the house", "request image 2, @tom"]


async def test_a_long_reason_is_shortened_and_can_be_opened(opened: Opened) -> None:
    reason = "The bow of the boat is missing. " * 20
    async with opened(plan_of("a boat"), lambda _: Verdict(success=True, reasoning=reason)) as ws:
        page = Page(storyboard(await ws.run(await ws.create("a boat")), ws.store))
    (summary,) = [text for text in page.text["summary"] if "bow" in text]
    assert len(summary) < 300
    assert "whole reason" in summary
    assert any(reason.strip() in text for text in page.text["details"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_have_the_contrast_that_wcag_aa_requires(scheme: str) -> None:
    css = (files("interleavethinker.graph.export") / "storyboard.css.jinja").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{\n  color-scheme.*?\}|:root \{\n    --paper.*?\}", css, re.DOTALL)[:2]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    colors |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {}
    texts = [("ink", "paper"), ("ink", "card"), ("ink", "well"), ("soft", "paper"), ("soft", "card")]
    texts += [(tone, f"{tone}-bg") for tone in ("good", "fair", "bad", "calm")]
    texts += [(tone, ground) for tone in ("good", "bad", "link") for ground in ("paper", "card")]
    too_low = {pair: ratio for pair in texts if (ratio := contrast(*(colors[name] for name in pair))) < 4.5}
    assert too_low == {}


def contrast(first: str, second: str) -> float:
    """Returns the contrast ratio of WCAG 2.2 (1 to 21) of two colors `#rrggbb`."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


class FaultyCheck:
    """A check of documents that finds a fault."""

    async def check_document(
        self,
        request: Request,  # noqa: ARG002
        plan: Plan,  # noqa: ARG002
        shown: Sequence[Attempt | None],  # noqa: ARG002
    ) -> CheckReport:
        return CheckReport(checked=True, faults=("The kitten <b>is missing</b>.",))


async def test_known_faults_are_the_first_thing_that_page_and_document_say(tmp_path: Path) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "ws" / "images"))
    components = Components(FixedPlanner(STORY), RuleCritic(no_kitten), generator, document_check=FaultyCheck())
    async with Workspace.open(tmp_path / "ws", components) as ws:
        seen = await ws.run(await ws.create("a story"))
        folder = export(seen, ws.store, tmp_path / "out").parent
    words = Page((folder / "index.html").read_text()).words
    assert words.startswith("complete with known faults")
    assert words.count("is missing") == 1
    assert words.index("Known faultsThe kitten <b>is missing</b>.") < words.index("Answer")
    assert "> Known fault: The kitten \\<b\\>is missing\\</b\\>\\." in (folder / "document.md").read_text()


class RefusingGenerator(BrokenGenerator):
    """A generator whose service refuses every image."""

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:  # noqa: ARG002
        raise RefusalError("The content policy forbids cats.")


async def test_a_refused_image_is_a_marked_gap_in_the_answer(opened: Opened) -> None:
    async with opened(STORY, no_kitten, RefusingGenerator()) as ws:
        seen = await ws.run(await ws.create("a story", limits=Limits(max_attempts=2)))
        page = Page(storyboard(seen, ws.store))
    panel = " ".join(page.text["figure"][0].split())
    assert "[No image. The content policy forbids cats.] Hello!" in panel
    assert "refused" in panel
    assert page.words.count("Image serviceThe content policy forbids cats.") == 4
    assert page.images == []


async def test_a_persons_words_are_marked_as_such(opened: Opened) -> None:
    async with opened(STORY, no_kitten) as ws:
        name = await ws.create("a story", limits=Limits(max_calls=1))
        await ws.run(name)
        child = await ws.branch(name, BranchPoint(step=0, iteration=1, prompt="a white dog on the left"))
        page = Page(storyboard(await ws.run(child), ws.store))
    assert "Prompt, by a person" in page.words
    assert "[added: dog]" in page.text["ins"]
    assert "Written by a person." in page.words


async def test_the_document_names_the_prompts_and_the_facts_of_the_page(opened: Opened, tmp_path: Path) -> None:
    async with opened(STORY, no_kitten) as ws:
        seen = await ws.run(await ws.create("a story"))
        folder = export(seen, ws.store, tmp_path / "out").parent
    document = (folder / "document.md").read_text().replace("\\", "")
    words = Page((folder / "index.html").read_text()).words
    kept = seen.selected(0)
    assert kept is not None
    assert f"| 1 | a white cat on the left | {kept.seed} | accepted | 2 |" in document
    facts = re.findall(r"^\| ([A-Z][\w ]+) \| (.+) \|$", document, re.MULTILINE)
    assert {"Planner", "Critic", "Image model", "Package", "Limits", "Profile"} <= dict(facts).keys()
    assert [fact for fact in facts if " ".join(fact) not in words and fact[0] != "Status"] == []


async def test_variants_are_named_and_a_checklist_shows_what_failed(opened: Opened) -> None:
    def strict(case: CriticInput) -> Verdict:
        checklist = (
            Requirement(kind="object", text="a <kitten>", met=True),
            Requirement(kind="count", text="two houses", met=False),
            Requirement(kind="kept", text="the moon", met=None),
        )
        return Verdict(success=False, refined_prompt=case.prompt, checklist=checklist)

    async with opened(plan_of("a"), strict) as ws:
        made = await ws.run(await ws.create("x", limits=Limits(variants=2, max_attempts=2)))
        page = Page(storyboard(made, ws.store))
    assert "Variant 1" in page.words
    assert "Variant 2" in page.words
    assert "Attempt 3" in page.words
    assert "✓ met: a <kitten> ✗ not met: two houses ? unsure: the moon (as before)" in page.words
    assert "2 first attempts and at most 1 more per step" in page.words
    assert made.attempts[0].verdict is not None
    assert made.attempts[0].verdict.checklist[1].text == "two houses", "the checkpoint keeps the list"
