"""`approve_plan` with a form: only a person's answer that says so approves."""

from pathlib import Path
from typing import Any

import pytest
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from interleavethinker.servers.trajectories.options import ServiceOptions

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
