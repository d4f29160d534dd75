"""Makes MCP clients from a `GeneratorConfig`, and knows which of their exceptions mean that the server is gone.

The only file here that touches transports. The MCP library is imported when the first client is made.
"""

import base64
import contextlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, ProfileError

from .config import GeneratorConfig

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT
    from mcp_types import CallToolResult

__all__ = ["call_contract_tool", "connector", "is_death", "read_resource"]

_LARGEST_EVENT = 64 * 1024 * 1024
_SESSION_LOST = ("Session terminated", "Server returned an error response")
"""How the HTTP transport reports a restarted server, or a proxy in front of a dead one."""


def connector(
    config: GeneratorConfig, environment: Mapping[str, str]
) -> Callable[[contextlib.AsyncExitStack], Awaitable["Client"]]:
    """Returns a function that makes a fresh client; whatever has to be closed after it goes onto the given stack.

    Args:
        config: How to reach the server.
        environment: This process's variables, from which a child gets its share and a token is read.
    """

    async def connect(stack: contextlib.AsyncExitStack) -> "Client":
        if config.url is not None:
            return await _http_client(config, config.url, environment, stack)
        return _stdio_client(config, environment, stack)

    return connect


async def call_contract_tool(
    client: "Client", tool: str, arguments: dict[str, JsonValue], progress_callback: "ProgressFnT | None"
) -> "CallToolResult":
    """Calls a tool of this project's contract, whose answers the caller checks field by field.

    `Client.call_tool` would check them too, against the JSON schema in the server's list of tools: that is slower than
    everything else a client does with an answer.
    """
    from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult

    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
    return await client.session.send_request(request, CallToolResult, progress_callback=progress_callback)


async def read_resource(client: "Client", uri: str) -> bytes:
    """Returns the first blob of a resource.

    Raises:
        GeneratorError: The resource has no bytes (`no_image`).
    """
    result = await client.read_resource(uri, cache_mode="bypass")
    for item in result.contents:
        blob = getattr(item, "blob", None)
        if isinstance(blob, str):
            return base64.b64decode(blob)
    raise GeneratorError("The linked resource must hold an image; it holds text.", code="no_image")


def is_death(error: BaseException) -> bool:
    """Whether the error means that the connection is gone, so that sending again over a new one may help."""
    import anyio
    import httpx2
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    if isinstance(error, BaseExceptionGroup):
        return all(is_death(inner) for inner in error.exceptions)
    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED or error.message in _SESSION_LOST
    gone = (OSError, EOFError, anyio.ClosedResourceError, anyio.BrokenResourceError, httpx2.TransportError)
    return isinstance(error, gone) and not isinstance(error, TimeoutError)


def _stdio_client(
    config: GeneratorConfig, environment: Mapping[str, str], stack: contextlib.AsyncExitStack
) -> "Client":
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    command, *arguments = config.command_line()
    server = StdioServerParameters(command=command, args=arguments, env=config.child_environment(environment))
    return Client(stdio_client(server, errlog=_error_log(config, stack)))


async def _http_client(
    config: GeneratorConfig, url: str, environment: Mapping[str, str], stack: contextlib.AsyncExitStack
) -> "Client":
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {}
    if config.token_variable is not None:
        token = environment.get(config.token_variable)
        if not token:
            raise ProfileError(f"The variable {config.token_variable} must hold the image server's token; it is empty.")
        headers["Authorization"] = f"Bearer {token}"

    async def refuse_strangers(response: httpx2.Response) -> None:
        if response.status_code in (401, 403, 421):
            raise GeneratorError(
                f"The image server refused this client (HTTP {response.status_code}). Check the token variable and the "
                "host name in the URL.",
                code="unauthorized",
            )

    # Reading waits as long as a generation takes; the call's own deadline bounds it.
    http = httpx2.AsyncClient(
        headers=headers,
        timeout=httpx2.Timeout(30.0, read=None),
        event_hooks={"response": [refuse_strangers]},
    )
    await stack.enter_async_context(http)
    return Client(streamable_http_client(url, http_client=http, max_sse_event_size=_LARGEST_EVENT))


def _error_log(config: GeneratorConfig, stack: contextlib.AsyncExitStack) -> TextIO:
    """Where a child's stderr goes: a file, this process's stderr, or nowhere if that is no real file (notebooks)."""
    if config.log is not None:
        config.log.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(config.log.open("a", encoding="utf-8"))
    try:
        sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        import os

        return stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
    return sys.stderr
