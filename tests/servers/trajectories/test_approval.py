"""`approve_plan` with a form: only a person's answer that says so approves."""

from pathlib import Path
from typing import Any

import pytest
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from interleavethinker.graph import Limits
from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions

from .test_server import chat, text_of


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_accepted_form_that_does_not_say_so_approves_nothing(tmp_path: Path, mode: str) -> None:
    contents: list[dict[str, Any] | None] = [None, {}, {"aprove": True}, {"approve": "yes"}, {"approve": 1}]

    async def elicit(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        assert params.requested_schema["properties"]["approve"].items() >= {"type": "boolean", "default": True}.items()
        return ElicitResult.model_construct(action="accept", content=contents.pop(0))

    options = ServiceOptions(profiles=(), require_person=True)
    async with chat(tmp_path, client={"elicitation_callback": elicit, "mode": mode}, options=options) as one:
        waiting = await one.ok("illustrate", request="x")
        while contents:
            result = await one.call("approve_plan", trajectory=waiting["trajectory"])
            assert result.is_error
            assert text_of(result).startswith("unusable_answer: ")
        assert (await one.ok("resume", trajectory=waiting["trajectory"]))["status"] == "waiting"
        assert one.studio.generator.calls == []


async def test_approval_and_resume_here_say_how_the_operators_limits_lowered_those_of_the_trajectory(
    tmp_path: Path,
) -> None:
    options = ServiceOptions(profiles=(), allowed=LimitRequest(max_attempts=2, max_calls=3))
    words = "This server allows less than the trajectory had: max_attempts 2 (was 9), max_calls 3 (was unlimited)."
    async with chat(tmp_path, options=options) as one:
        workspace = one.studio.service.workspace
        waiting = await workspace.create("x", limits=Limits(max_attempts=9), approve_plan=True)
        await workspace.run(waiting)
        answer = await one.call("approve_plan", trajectory=waiting)
        assert text_of(answer).startswith(f"The plan is approved. {words}\n")
        queued = await workspace.create("y", limits=Limits(max_attempts=9))
        assert text_of(await one.call("resume", trajectory=queued)).startswith(f"{words}\n")
        within = await one.ok("illustrate", request="z", approve_plan=True)
        await one.studio.until(within["trajectory"], lambda view: view.status == "waiting")
        answer = await one.call("approve_plan", trajectory=within["trajectory"])
        assert text_of(answer).startswith("The plan is approved.\n")
