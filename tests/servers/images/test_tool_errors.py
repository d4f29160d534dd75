"""The decorator that turns this project's errors into tool results."""

import inspect

import pytest
from mcp_types import CallToolResult

from interleavethinker.servers.images.server import _errors_as_results
from interleavethinker.tools.errors import GeneratorError, InputError


@_errors_as_results
async def tool(prompt: str, seed: int = 0) -> CallToolResult:
    """A tool."""
    if prompt == "busy":
        raise GeneratorError("too busy", code="busy", retryable=True)
    if prompt == "bad":
        raise InputError("no such prompt")
    if prompt == "defect":
        raise ValueError("a defect")
    return CallToolResult(content=[], structured_content={"seed": seed})


async def test_a_result_passes_unchanged() -> None:
    assert (await tool("good", seed=4)).structured_content == {"seed": 4}


@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        ("busy", {"code": "busy", "message": "too busy", "retryable": True}),
        ("bad", {"code": "invalid_input", "message": "no such prompt", "retryable": False}),
    ],
)
async def test_an_error_becomes_a_result_with_code_message_and_retryable(prompt: str, error: dict[str, object]) -> None:
    result = await tool(prompt)
    assert result.is_error
    assert result.structured_content == {"error": error}


async def test_any_other_exception_is_left_to_the_library() -> None:
    with pytest.raises(ValueError, match="a defect"):
        await tool("defect")


def test_the_tool_keeps_its_name_description_and_parameters() -> None:
    assert (getattr(tool, "__name__"), tool.__doc__) == ("tool", "A tool.")  # noqa: B009
    assert list(inspect.signature(tool).parameters) == ["prompt", "seed"]
