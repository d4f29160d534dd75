"""The `[knowledge]` section of a profile: what may be looked up before planning, as frozen data."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, JsonValue, model_validator

from interleavethinker.tools.strict_numbers import StrictNumbers

if TYPE_CHECKING:
    from interleavethinker.tools.chat.toolbox import Toolbox

__all__ = ["Knowledge", "toolboxes_of"]


class Knowledge(StrictNumbers):
    """Tools that a chat model may call before the planner is asked. Without this section, nothing is looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tools: tuple[str, ...] = ()
    """Import strings of LangChain tools, or of lists of them."""
    mcp: str | None = None
    """Address of an MCP server with further tools, over HTTP. It is never the image server."""
    token_variable: str | None = None
    """Name of the environment variable with the bearer token for `mcp`."""
    model: str | None = None
    """Chat model that decides what to look up; the planner's by default."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of that model."""
    max_calls: int = Field(default=4, ge=1, le=20)
    """Calls of tools for one request."""
    timeout: float = Field(default=20.0, gt=0, le=600)
    """Seconds for one call."""
    max_characters: int = Field(default=4000, ge=100, le=50_000)
    """Longest result; longer ones are cut."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.tools and self.mcp is None:
            raise ValueError("name tools or an MCP server (mcp), or leave [knowledge] out")
        if self.mcp is not None and (
            urlsplit(self.mcp).scheme not in {"http", "https"} or not urlsplit(self.mcp).netloc
        ):
            raise ValueError(f"mcp is the http(s) address of a server; got {self.mcp!r}")
        return self


def toolboxes_of(knowledge: Knowledge, import_object: Callable[[str], Any]) -> list["Toolbox"]:
    """Returns the tools that a profile names.

    Args:
        knowledge: The section.
        import_object: Returns the object of an import string.

    Raises:
        ProfileError: Something named is not a LangChain tool.
    """
    from interleavethinker.tools.chat.toolbox import LangChainTools
    from interleavethinker.tools.mcp.tool_server import McpTools

    boxes: list[Toolbox] = []
    if knowledge.tools:
        named = [import_object(target) for target in knowledge.tools]
        boxes.append(
            LangChainTools([tool for one in named for tool in (one if isinstance(one, (list, tuple)) else [one])])
        )
    if knowledge.mcp is not None:
        boxes.append(McpTools(knowledge.mcp, knowledge.token_variable))
    return boxes
