"""Creates MCP clients from a `GeneratorConfig`, and knows which of their exceptions mean a lost connection.

The only module here that touches transports. The MCP library is imported when the first client is created.
"""

import asyncio
import base64
import contextlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from pydantic import JsonValue

from interleavethinker.tools.bounded_http import MAX_RESPONSE, opened_client
from interleavethinker.tools.errors import GeneratorError, InterleaveError, ProfileError
from interleavethinker.tools.plain_text import valid_unicode

from .config import GeneratorConfig

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT
    from mcp_types import CallToolResult

__all__ = ["as_generator_error", "call_contract_tool", "connector", "is_connection_lost", "read_resource"]

_LARGEST_EVENT = 64 * 1024 * 1024
_SESSION_LOST = ("Session terminated", "Server returned an error response")
"""Messages with which the HTTP transport reports a restarted server, or a proxy in front of a dead one."""


def connector(
    config: GeneratorConfig, environment: Mapping[str, str], image_server: Sequence[str]
) -> Callable[[contextlib.AsyncExitStack], Awaitable["Client"]]:
    """Returns a function that creates a new client and pushes what must be closed after it onto the given stack.

    Args:
        config: How to reach the server.
        environment: This process's variables, which provide those of a child process and the token.
        image_server: Command that starts this project's image server.
    """

    async def connect(stack: contextlib.AsyncExitStack) -> "Client":
        if config.url is not None:
            return await _http_client(config, config.url, environment, stack)
        return await _stdio_client(config, config.command_line(image_server), environment, stack)

    return connect


async def call_contract_tool(
    client: "Client", tool: str, arguments: dict[str, JsonValue], progress_callback: "ProgressFnT | None"
) -> "CallToolResult":
    """Calls a tool of this project's contract without validating the answer, which the caller does field by field.

    `Client.call_tool` validates it against the JSON schema in the server's list of tools, which takes longer than
    everything else that a client does with an answer.
    """
    from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult

    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
    return await client.session.send_request(request, CallToolResult, progress_callback=progress_callback)


async def read_resource(client: "Client", uri: str) -> bytes:
    """Returns the first blob of a resource.

    Raises:
        GeneratorError: The resource has no blob (`no_image`).
    """
    result = await client.read_resource(uri, cache_mode="bypass")
    for item in result.contents:
        blob = getattr(item, "blob", None)
        if isinstance(blob, str):
            if len(blob) > MAX_RESPONSE:
                raise GeneratorError("The linked resource is too large for an image.", code="no_image")
            try:
                return base64.b64decode(blob, validate=True)
            except ValueError as error:
                raise GeneratorError("The linked resource's base64 is malformed.", code="no_image") from error
    raise GeneratorError("The linked resource holds text instead of an image.", code="no_image")


def is_connection_lost(error: BaseException) -> bool:
    """Whether the error means that the connection is lost, so that resending over a new one may help."""
    import anyio
    import httpx2
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    if isinstance(error, BaseExceptionGroup):
        return all(is_connection_lost(inner) for inner in error.exceptions)
    if isinstance(error, MCPError):
        return error.code == CONNECTION_CLOSED or error.message in _SESSION_LOST
    gone = (OSError, EOFError, anyio.ClosedResourceError, anyio.BrokenResourceError, httpx2.TransportError)
    return isinstance(error, gone) and not isinstance(error, TimeoutError)


def as_generator_error(error: Exception) -> InterleaveError:
    """Returns the exception for whatever else an answer or the protocol made the MCP library raise."""
    from mcp import MCPError

    if isinstance(error, MCPError):
        message = valid_unicode(error.message)[:1000]
        return GeneratorError(f"The image server refused the call (code {error.code}): {message}", code="contract")
    return GeneratorError(
        f"The image server's answer cannot be read ({type(error).__name__}): it does not follow the protocol.",
        code="contract",
    )


async def _stdio_client(
    config: GeneratorConfig,
    command_line: Sequence[str],
    environment: Mapping[str, str],
    stack: contextlib.AsyncExitStack,
) -> "Client":
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    command, *arguments = command_line
    server = StdioServerParameters(command=command, args=arguments, env=config.child_environment(environment))
    return Client(stdio_client(server, errlog=await asyncio.to_thread(_error_log, config, stack)))


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
            raise ProfileError(
                f"The environment variable {config.token_variable} is not set. It must hold the image server's token."
            )
        headers["Authorization"] = f"Bearer {token}"

    async def raise_if_unauthorized(response: httpx2.Response) -> None:
        if response.status_code in (401, 403, 421):
            raise GeneratorError(
                f"The image server refused this client (HTTP {response.status_code}). Check the token variable and the "
                "host name in the URL.",
                code="unauthorized",
            )

    # Reading may wait as long as a generation takes; `call_timeout` bounds it.
    http = await opened_client(
        url,
        headers=headers,
        timeout=httpx2.Timeout(30.0, read=None),
        event_hooks={"response": [raise_if_unauthorized]},
    )
    await stack.enter_async_context(http)
    return Client(streamable_http_client(url, http_client=http, max_sse_event_size=_LARGEST_EVENT))


def _error_log(config: GeneratorConfig, stack: contextlib.AsyncExitStack) -> TextIO:
    """Where a child's stderr goes: the log, this process's stderr, or nowhere if that is no file (in notebooks)."""
    if config.log is not None:
        config.log.parent.mkdir(parents=True, exist_ok=True)
        return stack.enter_context(config.log.open("a", encoding="utf-8"))
    try:
        sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        import os

        return stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
    return sys.stderr
