"""Errors and rejected arguments as any MCP client receives them, from a server with tools of its own."""

from typing import Annotated, Any

import pytest
from mcp import Client
from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from interleavethinker.servers.tool_server import ToolServer, structured_result
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.mcp.results import ERROR_KEY, error_of


class Answer(BaseModel):
    """An answer."""

    seed: int


class Size(BaseModel):
    """An argument with fields."""

    width: int


def server() -> ToolServer:
    made = ToolServer("test")

    @made.tool()
    async def draw(
        prompt: str,
        seed: Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 9})] | None = None,
        mode: Annotated[str, Field(json_schema_extra={"enum": ["fast", "good"]})] = "fast",
        size: Size | None = None,
    ) -> Annotated[CallToolResult, Answer]:
        """Draws."""
        assert size is None or mode
        if prompt == "busy":
            raise GeneratorError("too busy", code="busy", retryable=True)
        if prompt == "bad":
            raise InputError("no such prompt")
        if prompt == "defect":
            raise ValueError("a secret of the server")
        return structured_result(Answer(seed=seed or 0), "drawn")

    @made.tool()
    async def stop() -> str:
        """Stops."""
        return "stopped"

    return made


async def call(tool: str = "draw", **arguments: Any) -> CallToolResult:
    async with Client(server()) as client:
        return await client.call_tool(tool, arguments)


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert block.type == "text"
    return block.text


async def test_a_result_passes_unchanged() -> None:
    result = await call(prompt="good", seed=4)
    assert (result.is_error, result.structured_content, text_of(result)) == (False, {"seed": 4}, "drawn")


@pytest.mark.parametrize(
    ("prompt", "details"),
    [
        ("busy", {"code": "busy", "message": "too busy", "retryable": True}),
        ("bad", {"code": "invalid_input", "message": "no such prompt", "retryable": False}),
    ],
)
async def test_an_error_has_its_code_in_the_text_and_in_the_metadata(prompt: str, details: dict[str, object]) -> None:
    result = await call(prompt=prompt)
    assert result.is_error
    assert text_of(result) == f"{details['code']}: {details['message']}"
    assert result.meta is not None
    assert result.meta[ERROR_KEY] == details
    assert result.structured_content is None, "it would have to fit the output schema"
    error = error_of(result)
    assert (error.code, str(error)) == (details["code"], details["message"])


async def test_of_a_defect_the_client_learns_nothing() -> None:
    result = await call(prompt="defect")
    assert result.is_error
    assert "secret" not in result.model_dump_json()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "draw was not called: 'prompt' is missing; it must be text."),
        ({"prompt": 5}, "draw was not called: 'prompt' must be text; found 5."),
        (
            {"prompt": "x", "seed": "many"},
            "draw was not called: 'seed' must be a whole number from 0 to 9, or left out; found \"many\".",
        ),
        (
            {"prompt": "x", "seed": True},
            "draw was not called: 'seed' must be a whole number from 0 to 9, or left out; found true.",
        ),
        (
            {"prompt": "x", "mode": 1},
            "draw was not called: 'mode' must be one of fast, good; found 1.",
        ),
        (
            {"prompt": None, "seed": 1.5},
            (
                "draw was not called: 'prompt' must be text; found null; "
                "'seed' must be a whole number from 0 to 9, or left out; found 1.5."
            ),
        ),
        (
            {"prompt": ["x" * 1000]},
            "draw was not called: 'prompt' must be text; found [\"" + "x" * 57 + "….",
        ),
        (
            {"prompt": "x", "sead": 1},
            "draw has no argument \"sead\". Did you mean 'seed'? It takes prompt, seed, mode, size.",
        ),
        ({"prompt": "x", "zzz": 1}, 'draw has no argument "zzz". It takes prompt, seed, mode, size.'),
    ],
    ids=str,
)
async def test_rejected_arguments_are_named_in_the_terms_of_the_tool(arguments: dict[str, Any], message: str) -> None:
    result = await call(**arguments)
    assert result.is_error
    assert text_of(result) == f"invalid_input: {message}"
    assert result.meta is not None
    assert result.meta[ERROR_KEY]["code"] == "invalid_input"


@pytest.mark.parametrize("size", [{"width": "wide"}, {}, 5])
async def test_a_rejected_field_of_an_argument_is_named_without_links(size: object) -> None:
    result = await call(prompt="x", size=size)
    assert result.is_error
    assert "size" in text_of(result)
    assert "pydantic" not in text_of(result)
    assert "http" not in text_of(result)


async def test_a_tool_without_arguments_says_so() -> None:
    assert text_of(await call("stop", now=True)) == 'invalid_input: stop has no argument "now". It takes no arguments.'


async def test_schemas_refuse_further_arguments_and_no_prompts_are_announced() -> None:
    async with Client(server()) as client:
        tools = (await client.list_tools()).tools
        assert [tool.input_schema["additionalProperties"] for tool in tools] == [False, False]
        assert client.server_capabilities is not None
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.prompts is None
