"""The tools of any MCP server over HTTP, for a chat model that looks facts up. Not the way to an image generator.

Each use opens a connection of its own, since lookups are few and a server may be gone between two of them. Responses
are bounded, and redirects to another host are refused.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from interleavethinker.tools.bounded_http import opened_client
from interleavethinker.tools.errors import InterleaveError, ModelError, ProfileError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.secrets import redact, secret_variable

from .http_answers import own_answer, state_status, stated_refusal
from .malformed_answers import answers_checked, is_malformed_answer
from .transport import call_foreign_tool

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import Tool

__all__ = ["McpTools"]

_SECONDS = 30.0
"""For connecting and for each response; a whole call has the caller's limit."""
_MAX_RESPONSE = 4 * 1024 * 1024
_LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
_MAX_TOOLS = 64
_MAX_PAGES = 20
_IMAGE_TOOLS = {"generate_image", "edit_image"}


class McpTools:
    """The tools of one server.

    Args:
        url: Its address.
        token_variable: Environment variable with a bearer token; None: no token.
    """

    def __init__(self, url: str, token_variable: str | None = None) -> None:
        self._url = url
        self._token_variable = token_variable

    async def descriptions(self) -> list[dict[str, Any]]:
        """See `Toolbox.descriptions`.

        Raises:
            ModelError: The server cannot be reached.
            ProfileError: It is an image server, or the variable of its token is not set.
        """
        try:
            async with self._connected() as client:
                listed = await _listed(client)
        except ProfileError:
            raise
        except Exception as error:
            raise ModelError(
                f"The tool server {self._url} cannot be used ({_reason(error)}). Start it, or correct `mcp` in the "
                "profile's [knowledge]."
            ) from error
        if _IMAGE_TOOLS & {one.name for one in listed}:
            raise ProfileError(
                f"{self._url} is an image server, not one to look facts up with. Name it in [generator], and another "
                "server in [knowledge]."
            )
        return [
            {
                "type": "function",
                "function": {
                    "name": one.name,
                    "description": (one.description or "")[:2000],
                    "parameters": one.input_schema,
                },
            }
            for one in listed
        ]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """See `Toolbox.call`.

        Raises:
            ModelError: The tool reports an error, its answer breaks the protocol, or the server cannot be reached.
            ProfileError: The variable of its token is not set.
        """
        try:
            async with self._connected() as client:
                result = await call_foreign_tool(client, name, dict(arguments), None)
        except (ProfileError, ModelError):
            raise
        except Exception as error:  # The library's task groups wrap what is raised while it is connected.
            raise ModelError(_reason(error)) from error
        text = "\n".join(block.text for block in result.content if block.type == "text")
        if result.is_error:
            raise ModelError(quotation(redact(text), _LONGEST_QUOTE) or "no reason given")
        return text

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["Client"]:
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        headers = {}
        if self._token_variable is not None:
            token = secret_variable(os.environ, self._token_variable)
            if token is None:
                raise ProfileError(
                    f"The environment variable {self._token_variable} is not set. It must hold the tool server's token."
                )
            headers["Authorization"] = f"Bearer {token}"
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(
                await opened_client(
                    self._url,
                    max_bytes=_MAX_RESPONSE,
                    headers=headers,
                    timeout=_SECONDS,
                    event_hooks={"response": [state_status]},
                    refuse=partial(own_answer, None),
                )
            )
            yield await stack.enter_async_context(
                Client(answers_checked(streamable_http_client(self._url, http_client=http)))
            )


async def _listed(client: "Client") -> list["Tool"]:
    """Returns the server's tools, from as many pages as it takes to have `_MAX_TOOLS`; an endless list has no more."""
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None or len(tools) >= _MAX_TOOLS:
            break
    return tools[:_MAX_TOOLS]


def _reason(error: BaseException) -> str:
    from mcp import MCPError

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, InterleaveError):
        return str(error)
    if (refusal := stated_refusal(error)) is not None:
        return str(refusal.error("tool server"))
    if isinstance(error, ValidationError):
        return "the tool's answer does not follow the protocol"
    if isinstance(error, MCPError):
        words = quotation(redact(error.message), _LONGEST_QUOTE) or "no reason given"
        return f"the server sent a {words}" if is_malformed_answer(error) else f"code {error.code}: {words}"
    return f"{type(error).__name__}: {quotation(redact(str(error)), 200)}"
