"""A person's words that hold half a character: no encoder takes it, and no call fails for it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from interleavethinker.graph import BranchPoint, HumanVerdict, Limits, Workspace
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import Step, Verdict

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
HALF = "\ud800"


async def test_words_of_a_rejection_a_branch_and_an_edited_plan_are_valid_unicode(opened: Opened) -> None:
    async with opened(plan_of("a", "b"), lambda _: Verdict(success=True)) as ws:
        judged = await ws.create("x", limits=Limits(max_attempts=2))
        async for _ in ws.stream(judged, review=True):
            pass
        await ws.judge(judged, HumanVerdict(success=False, prompt=f"red{HALF}", reasoning=HALF))
        branch = await ws.branch(judged, BranchPoint(step=0, prompt=f"blue{HALF}"))
        waiting = await ws.create("x", approve_plan=True)
        await ws.run(waiting)
        edited = await ws.branch(waiting, BranchPoint(step=0, prompt=f"green{HALF}"))
        await ws.run(edited)
        await ws.approve(waiting, [Step(prompt=f"white{HALF}")])
        await ws.approve(edited)
        found = [await ws.run(each) for each in (judged, branch, waiting, edited)]
    assert {one.status for one in found} == {"done"}
    shown = [next(block.text for block in one.document.blocks if block.kind == "image") for one in found]
    assert [words.rstrip("\ufffd") for words in shown] == ["red", "blue", "white", "green"]
    for one in found:
        one.model_dump_json()
