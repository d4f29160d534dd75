"""Drift over a chain of edits: it is measured, recorded, shown, and a guard goes back to an earlier image."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import BranchPoint, Components, Limits, Trajectory, Workspace
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.graph.limits import DriftAction, DriftGuard
from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.change import change_between
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import Attempt, CriticInput, GenerationRequest, Plan, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
PLAN = plan_of("a gray wall", *(f"edit {number}" for number in range(1, 8)))
LEVEL = 10 / 255


def gray(
    level: int, spot: tuple[int, int, int] | None = None, size: tuple[int, int] = (64, 64), mark: int = 0
) -> bytes:
    """Returns a gray image; its last pixel's color is the mark, so that images of one level differ."""
    from PIL import Image

    image = Image.new("RGB", size, (level, level, level))
    if mark:
        image.putpixel((size[0] - 1, size[1] - 1), (mark >> 16 & 255, mark >> 8 & 255, mark & 255))
    if spot is not None:
        image.paste(spot, (0, 0, size[0] // 4, size[1] // 4))
    return encode_png(image)


class Darkening:
    """Draws a light wall; every edit makes all of it darker by 10 levels, which nobody asked for."""

    def __init__(self, store: ImageStore) -> None:
        self.store = store

    def __call__(self, call: GenerationRequest) -> bytes:
        if call.source is None:
            return gray(250, mark=call.seed)
        level = open_rgb(self.store.get(call.source)).getpixel((0, 0))
        assert isinstance(level, tuple)
        return gray(level[0] - 10, mark=call.seed)


def generator_in(folder: Path) -> MemoryGenerator:
    store = ImageStore(folder / "images")
    return MemoryGenerator(store, Darkening(store))


def guard(action: DriftAction, threshold: float = 2.5 * LEVEL, words: int = 120) -> Limits:
    return Limits(drift=DriftGuard(action=action, threshold=threshold, max_words=words), max_replans=0)


def steps_of(done: Trajectory) -> list[tuple[str, int | None]]:
    """Returns each kept attempt's prompt, and the step (from 1) whose image it edits; None: drawn from text."""
    by_image = {attempt.image: attempt.step + 1 for attempt in reversed(done.attempts)}
    return [(attempt.prompt, by_image.get(attempt.source)) for attempt in done.attempts]


def totals(done: Trajectory) -> list[float]:
    return [0.0 if attempt.drift is None else attempt.drift.total for attempt in done.attempts]


async def run(opened: Opened, tmp_path: Path, limits: Limits, root: str = "workspace") -> Trajectory:
    async with opened(PLAN, generator=generator_in(tmp_path / root), root=root) as workspace:
        return await workspace.run(await workspace.create("x", limits=limits))


def test_a_wished_change_counts_as_changed_pixels_and_damage_elsewhere_as_residue() -> None:
    wished = change_between(gray(200), gray(200, (255, 0, 0)))
    assert wished.changed == pytest.approx(1 / 16, abs=1e-3)
    assert wished.residue == 0
    damage = change_between(gray(200), gray(190))
    assert damage.changed == 0
    assert damage.residue == pytest.approx(LEVEL, abs=1e-3)
    assert damage.color == pytest.approx(LEVEL, abs=1e-3)
    both = change_between(gray(200), gray(190, (255, 0, 0)))
    assert both.changed == wished.changed
    assert both.residue == damage.residue


def test_blur_and_flat_contrast_are_negative_and_another_size_is_compared_too() -> None:
    from PIL import Image, ImageFilter

    sharp = Image.effect_noise((64, 64), 80).convert("RGB")
    blurred = encode_png(sharp.filter(ImageFilter.GaussianBlur(2)))
    change = change_between(encode_png(sharp), blurred)
    assert change.sharpness < -1
    assert change.contrast < -1
    assert change_between(blurred, encode_png(sharp)).sharpness == -change.sharpness
    same = change_between(gray(9, size=(64, 64)), gray(9, size=(1500, 900)))
    assert (same.changed, same.residue, same.sharpness) == (0, 0, 0)


async def test_each_edit_is_measured_and_nothing_follows_from_it_by_default(opened: Opened, tmp_path: Path) -> None:
    done = await run(opened, tmp_path, Limits())
    assert [source for _, source in steps_of(done)] == [None, *range(1, 8)]
    assert totals(done) == [pytest.approx(step * LEVEL, abs=1e-3) for step in range(8)]
    first, second, third = (attempt.drift for attempt in done.attempts[:3])
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.from_source is None
    assert second.from_first == second.from_source
    assert third.from_first is not None
    assert third.from_first.residue == pytest.approx(2 * LEVEL, abs=1e-3)
    assert done.document.notes == ()
    page = storyboard(done, ImageStore(tmp_path / "workspace" / "images"))
    assert "drift 0.274" in page


async def test_a_note_names_the_steps_that_drifted_too_far(opened: Opened, tmp_path: Path) -> None:
    done = await run(opened, tmp_path, guard("note", 5.5 * LEVEL))
    assert [source for _, source in steps_of(done)] == [None, *range(1, 8)]
    assert len(done.document.notes) == 1
    assert "in steps 7 and 8" in done.document.notes[0]


async def test_the_guard_redraws_from_an_earlier_image_with_merged_prompts(opened: Opened, tmp_path: Path) -> None:
    seen: list[CriticInput] = []

    def accept(case: CriticInput) -> Verdict:
        seen.append(case)
        return Verdict(success=True, refined_prompt=case.prompt)

    async with opened(PLAN, accept, generator_in(tmp_path / "workspace")) as workspace:
        done = await workspace.run(await workspace.create("x", limits=guard("redraw")))
    made = steps_of(done)
    assert made[:4] == [("a gray wall", None), ("edit 1", 1), ("edit 2", 2), ("edit 3", 3)]
    # Step 4 has three times the damage of one edit, so step 5 goes back to step 2, which has one.
    assert made[4] == ("edit 2. Then: edit 3. Then: edit 4.", 2)
    assert done.attempts[4].wish == made[4][0]
    assert seen[4].original_prompt == made[4][0]
    assert made[5] == ("edit 5", 5)
    assert max(totals(done)) <= 3 * LEVEL + 1e-3
    assert any("drew step" in note for note in done.document.notes)


async def test_the_guard_restarts_from_text_with_all_prompts(opened: Opened, tmp_path: Path) -> None:
    done = await run(opened, tmp_path, guard("restart"))
    assert steps_of(done)[4] == ("a gray wall. Then: edit 1. Then: edit 2. Then: edit 3. Then: edit 4.", None)
    assert totals(done)[4] == 0


async def test_a_merged_prompt_that_would_be_too_long_is_not_used(opened: Opened, tmp_path: Path) -> None:
    plan = plan_of("a gray wall", *("word " * 9 + str(number) for number in range(7)))
    async with opened(plan, generator=generator_in(tmp_path / "workspace")) as workspace:
        done = await workspace.run(await workspace.create("x", limits=guard("redraw", words=15)))
    assert [source for _, source in steps_of(done)] == [None, *range(1, 8)]


async def test_a_second_attempt_starts_where_the_guard_went_and_keeps_its_wish(opened: Opened, tmp_path: Path) -> None:
    refused: list[str] = []

    def reject_once(case: CriticInput) -> Verdict:
        good = "edit 4" not in case.original_prompt or bool(refused)
        refused.extend([] if good else [case.prompt])
        return Verdict(success=good, refined_prompt=case.prompt if good else "please do all of it")

    async with opened(PLAN, reject_once, generator_in(tmp_path / "workspace")) as workspace:
        done = await workspace.run(await workspace.create("x", limits=guard("redraw")))
    first, second = done.attempts_for(4)
    assert (second.source, second.wish) == (first.source, first.wish)
    assert second.prompt == "please do all of it"


@pytest.mark.parametrize("action", ["redraw", "restart"])
async def test_a_run_that_broke_at_any_call_ends_as_one_that_did_not(
    opened: Opened, tmp_path: Path, action: DriftAction
) -> None:
    whole = await run(opened, tmp_path, guard(action), "whole")
    for broken_at in range(3, 7):
        root = f"broken-{broken_at}"
        generator = generator_in(tmp_path / root)
        render = generator._render

        def fail_there(
            call: GenerationRequest,
            render: Callable[[GenerationRequest], bytes] = render,
            generator: MemoryGenerator = generator,
            at: int = broken_at,
        ) -> bytes:
            if len(generator.calls) == at + 1:
                raise GeneratorError("gone", code="gone")
            return render(call)

        generator._render = fail_there
        async with opened(PLAN, generator=generator, root=root) as workspace:
            trajectory = await workspace.create("x", limits=guard(action), seed=whole.seed)
            broken = await workspace.run(trajectory)
            assert (broken.status, len(broken.attempts)) == ("failed", broken_at)
        async with opened(PLAN, generator=generator_in(tmp_path / root), root=root) as workspace:
            done = await workspace.run(trajectory)
        assert [a.model_dump(exclude={"cached"}) for a in done.attempts] == [
            a.model_dump(exclude={"cached"}) for a in whole.attempts
        ]


async def test_look_ahead_drafts_nothing_that_the_guard_would_drop(opened: Opened, tmp_path: Path) -> None:
    plain = await run(opened, tmp_path, guard("redraw"), "plain")
    ahead = guard("redraw").model_copy(update={"look_ahead": 4})
    generator = generator_in(tmp_path / "ahead")
    async with opened(PLAN, generator=generator, root="ahead") as workspace:
        done = await workspace.run(await workspace.create("x", limits=ahead, seed=plain.seed))
    assert steps_of(done) == steps_of(plain)
    assert len(generator.calls) == len(done.attempts)


async def test_a_persons_prompt_is_never_merged(opened: Opened, tmp_path: Path) -> None:
    async with opened(PLAN, generator=generator_in(tmp_path / "workspace")) as workspace:
        guarded = await workspace.run(await workspace.create("x", limits=guard("redraw")))
        own = await workspace.run(await workspace.branch(guarded.id, BranchPoint(step=4, prompt="only this")))
        seed = await workspace.run(await workspace.branch(guarded.id, BranchPoint(step=4, seed=7)))
    assert guarded.attempts[4].wish
    assert (own.attempts[4].prompt, own.attempts[4].wish) == ("only this", "")
    assert own.attempts[4].source == own.attempts[3].image
    assert (seed.attempts[4].wish, seed.attempts[4].source) == (guarded.attempts[4].wish, guarded.attempts[4].source)


async def test_a_reader_of_wishes_measures_the_damage_and_writes_the_merged_prompt(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    class Reader:
        def outside(self, wish: str, source: bytes, image: bytes) -> float | None:
            assert source != image
            return None if wish == "edit 1" else 0.3

        def merged(self, prompts: tuple[str, ...], source: bytes | None) -> str | None:
            asked.append(prompts)
            return None if source is None else "all of it"

    store = ImageStore(tmp_path / "images")
    generator = MemoryGenerator(store, Darkening(store))
    components = Components(
        FixedPlanner(PLAN),
        RuleCritic(),
        generator,
        wish_reader=Reader(),  # type: ignore[arg-type]
    )
    async with Workspace.open(tmp_path, components) as workspace:
        done = await workspace.run(await workspace.create("x", limits=guard("redraw", 0.5)))
    assert totals(done)[:4] == [
        0,
        pytest.approx(LEVEL, abs=1e-3),
        *(pytest.approx(LEVEL + n, abs=1e-3) for n in (0.3, 0.6)),
    ]
    assert done.attempts[4].prompt == "all of it"
    assert asked[0] == ("edit 2", "edit 3", "edit 4")


def test_an_attempt_of_an_earlier_version_has_no_drift() -> None:
    old = {"plan_version": 1, "step": 0, "iteration": 0, "prompt": "p", "seed": 1, "source": None, "image": None}
    assert Attempt.model_validate(old).drift is None
    assert Limits.model_validate({"max_attempts": 2}).drift.action == "nothing"
    assert Plan(steps=PLAN.steps) == PLAN
