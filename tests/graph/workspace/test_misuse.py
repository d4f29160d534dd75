"""Arguments of the Python API that have another type than they should: the error names them and what they take."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.graph import BranchPoint, Limits, Workspace, make_graph
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
point: Callable[..., BranchPoint] = BranchPoint
"""Takes anything."""
Use = Callable[[Any, str, str], Awaitable[object]]
"""Misuses a workspace with a trajectory that is done, and one that waits for approval."""

MISUSES: list[tuple[Use, str]] = [
    (lambda w, _, __: w.create("x", profile=5), "`profile` must be a profile's name .*; got the int 5"),
    (lambda w, _, __: w.create("x", image_size=(512, 512)), "An image size is a text"),
    (lambda w, _, __: w.create("x", key="x"), "`key` must be a RequestKey; got the str 'x'"),
    (lambda w, _, __: w.create("x", limits=5), "limits"),
    (lambda w, _, __: w.add_image(None), "`image` must be the bytes or the path of an image file; got None"),
    (lambda w, _, __: w.add_image([b"x"]), "`image` must be"),
    (lambda w, done, _: w.judge(done, None), "`verdict` must be a HumanVerdict; got None"),
    (lambda w, done, _: w.judge(done, {"success": True}), "`verdict` must be a HumanVerdict; got the dict"),
    (lambda w, done, _: w.branch(done, None), "`point` must be a BranchPoint; got None"),
    (lambda w, done, _: w.branch(done, point("0")), "`step` must be a whole number from 0; got the str '0'"),
    (lambda w, done, _: w.branch(done, point(True)), "`step` must be a whole number from 0; got the bool True"),
    (lambda w, done, _: w.branch(done, point(0, 0.5)), "`iteration` must be a whole number from 0"),
    (lambda w, done, _: w.branch(done, point(0, 0, prompt=b"x")), "`prompt` must be a text; got the bytes b'x'"),
    (lambda w, done, _: w.branch(done, point(0, 0, image=Path("x.png"))), "`image` must be the name that"),
    (lambda w, done, _: w.change_limits(done, None), "`limits` must be Limits; got None"),
    (lambda w, _, waiting: w.approve(waiting, 5), "step"),
    (lambda w, _, waiting: w.approve(waiting, [1]), "step"),
    (lambda w, _, __: w.list("5"), "`limit` must be a whole number; got the str '5'"),
    (lambda w, _, __: w.list(statuses="done"), "`statuses` must be a list of ready, .*; got 'done'"),
    (lambda w, _, __: w.list(statuses=["finished"]), "`statuses` must be a list of ready, .*; got 'finished'"),
    (lambda w, _, __: w.unused_images("x"), "`older_than` must be a number of seconds; got the str 'x'"),
    (lambda w, _, __: w.collect_garbage(None), "`older_than` must be a number of seconds; got None"),
]


async def test_an_argument_of_another_type_is_an_input_error_that_names_it(opened: Opened) -> None:
    async with opened() as workspace:
        done = await workspace.create("a ball")
        await workspace.run(done)
        waiting = await workspace.create("a ball", approve_plan=True)
        await workspace.run(waiting)
        before = await workspace.ids()
        for misuse, words in MISUSES:
            with pytest.raises(InputError, match=words):
                await misuse(workspace, done, waiting)
        assert await workspace.ids() == before
        assert (await workspace.get(waiting)).status == "waiting"


@pytest.mark.parametrize("root", [5, b"x", [], "", "  "])
def test_a_workspace_that_is_no_folder_is_refused(root: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_it() -> None:
        async with Workspace.open(root):
            pass

    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"`root` must be a folder|folder is empty"):
        asyncio.run(open_it())
    assert list(tmp_path.iterdir()) == []


async def test_what_is_no_components_is_refused(tmp_path: Path) -> None:
    given: Any = 5
    with pytest.raises(InputError, match="`components` must be Components or None; got the int 5"):
        async with Workspace.open(tmp_path, given):
            pass
    for misuse in ({"profile": 5}, {"profiles": "x.toml"}, {"components": 5}):
        arguments: Any = misuse
        with pytest.raises(InputError, match=f"`{next(iter(misuse))}` must be"):
            make_graph(**arguments)


async def test_an_image_may_be_a_bytearray(opened: Opened) -> None:
    png: Any = bytearray(fake_image(GenerationRequest(prompt="x", seed=0)))
    async with opened() as workspace:
        assert await workspace.add_image(png) in workspace.store


async def test_a_profile_may_be_given_as_it_was_loaded_but_not_changed(tmp_path: Path) -> None:
    profile = load_profile("micro")
    async with Workspace.open(tmp_path) as workspace:
        trajectory = await workspace.create("a big red ball on the left", profile=profile)
        assert (await workspace.summary(trajectory)).profile == "micro"
        changed = profile.model_copy(update={"description": "another"})
        with pytest.raises(InputError, match="differs from what micro has"):
            await workspace.create("a big red ball on the left", profile=changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"max_calls": 2**63},
        {"max_calls": 10**20},
        {"time_limit": float("nan")},
        {"max_attempts": -1},
        {"drift": Limits().drift.model_copy(update={"threshold": float("inf")})},
    ],
)
async def test_copied_limits_out_of_range_are_refused_before_they_make_a_state_unreadable(
    opened: Opened, changed: dict[str, Any]
) -> None:
    limits = Limits().model_copy(update=changed)
    async with opened() as ws:
        name = await ws.create("x", limits=Limits(max_calls=1))
        before = await ws.run(name)
        uses: list[Callable[[], Awaitable[object]]] = [
            lambda: ws.create("x", limits=limits),
            lambda: ws.branch(name, BranchPoint(step=0), limits),
            lambda: ws.change_limits(name, limits),
        ]
        for use in uses:
            with pytest.raises(InputError, match="'limits' does not fit"):
                await use()
        assert await ws.get(name) == before
        assert len(await ws.list()) == 1
