"""Creates MCP clients from a `GeneratorConfig`, and knows which of their exceptions mean a lost connection.

The only module here that touches transports. The MCP library is imported when the first client is created.
"""

import asyncio
import base64
import contextlib
import importlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO, cast

from pydantic import JsonValue

from interleavethinker.tools.bounded_http import MAX_RESPONSE, opened_client
from interleavethinker.tools.errors import GeneratorError, InterleaveError, ProfileError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.secrets import redact, remember_secret, remember_secrets_of, secret_variable

from .bounded_lines import ENCODING
from .config import GeneratorConfig
from .http_answers import own_answer, report_of_refusals, state_status, stated_refusal
from .malformed_answers import answers_checked, is_answer_of_server, is_malformed_answer
from .results import LONG_PROMPT_KEY
from .stray_lines import warn_once

if TYPE_CHECKING:
    from mcp import Client
    from mcp.shared.dispatcher import ProgressFnT
    from mcp_types import CallToolResult, RequestParamsMeta

__all__ = [
    "as_generator_error",
    "call_contract_tool",
    "call_foreign_tool",
    "calls_in_progress",
    "connector",
    "is_connection_lost",
    "may_concern_call_only",
    "probe",
    "read_resource",
]

_LARGEST_EVENT = 64 * 1024 * 1024
_STREAM_ENDED = "SSE stream ended"
"""With which the HTTP transport reports that an answer broke off."""
_EVENT_REFUSED = "SSE stream failed: "
"""With which it reports an event that is too long, or breaks the format, and would be the same again."""
_LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
_MOST_PAGES = 20
"""Of a foreign server's list of tools; one that never ends has no more."""


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
        # In a thread: the import takes a second and reads files, while the event loop serves others.
        await asyncio.to_thread(importlib.import_module, "mcp")
        if config.url is not None:
            return await _http_client(config, config.url, environment, stack)
        return await _stdio_client(config, config.command_line(image_server), environment, stack)

    return connect


async def call_contract_tool(
    client: "Client",
    tool: str,
    arguments: dict[str, JsonValue],
    progress_callback: "ProgressFnT | None",
    long_prompts: str = "refuse",
) -> "CallToolResult":
    """Calls a tool of this project's contract without validating the answer, which the caller does field by field.

    `Client.call_tool` validates it against the JSON schema in the server's list of tools, which takes longer than
    everything else that a client does with an answer.
    """
    from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult

    # An open map, which type checkers do not know yet.
    meta = cast("RequestParamsMeta", {LONG_PROMPT_KEY: long_prompts}) if long_prompts != "refuse" else None
    params = CallToolRequestParams(name=tool, arguments=arguments, _meta=meta)
    request = CallToolRequest(params=params)
    return await client.session.send_request(request, CallToolResult, progress_callback=progress_callback)


async def call_foreign_tool(
    client: "Client", tool: str, arguments: dict[str, JsonValue], progress_callback: "ProgressFnT | None"
) -> "CallToolResult":
    """Calls another server's tool. Its answer is not validated against its own schema, whose patterns may never end.

    Raises:
        GeneratorError: The server asks for input of a person first (`unsupported`).
    """
    from mcp import MCPError
    from mcp_types import (
        HEADER_MISMATCH,
        CallToolRequest,
        CallToolRequestParams,
        CallToolResult,
        InputRequiredResult,
    )
    from pydantic import TypeAdapter

    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
    kinds: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
    send = partial(client.session.send_request, request, kinds, progress_callback=progress_callback)
    try:
        result = await send()
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
        # Over HTTP, some arguments are headers too; the list of tools says which.
        await _list_tool(client, tool)
        result = await send()
    if isinstance(result, InputRequiredResult):
        raise GeneratorError(
            f"The tool {tool!r} asks for a person's input first, which nobody here can give.",
            code="unsupported",
        )
    return result


async def _list_tool(client: "Client", name: str) -> None:
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        cursor = page.next_cursor
        if cursor is None or any(tool.name == name for tool in page.tools):
            return


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


async def probe(client: "Client", seconds: float) -> None:
    """Asks whether a server still answers; a refusal is an answer, too.

    Raises:
        ConnectionError: It does not within that time, its session is lost, or only a proxy in front of it answers.
    """
    from mcp import MCPError

    try:
        async with asyncio.timeout(seconds):
            await client.list_tools(cache_mode="bypass")
    except TimeoutError as error:
        raise ConnectionError("the server does not answer") from error
    except ValueError:
        return  # A list that cannot be read is an answer.
    except MCPError as error:
        refusal = stated_refusal(error)
        if refusal is not None and (refusal.may_be_lost_session or refusal.server_failed):
            raise ConnectionError(f"the server does not answer (HTTP {refusal.status})") from error
        if is_connection_lost(error):
            raise


async def calls_in_progress(client: "Client", seconds: float) -> int | None:
    """Returns how many calls a server of this project's contract works on; None if it does not say, as older ones.

    Raises:
        ConnectionError: It does not answer within that time.
    """
    try:
        async with asyncio.timeout(seconds):
            status = await call_contract_tool(client, "server_status", {}, None)
    except TimeoutError as error:
        raise ConnectionError("the server does not answer") from error
    except Exception as error:
        if is_connection_lost(error):
            raise
        return None
    calls = (status.structured_content or {}).get("calls")
    return calls if isinstance(calls, int) and not status.is_error else None


def is_connection_lost(error: BaseException) -> bool:
    """Whether the error means that the connection is lost, so that resending over a new one may help."""
    import anyio
    import httpx2
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    if isinstance(error, BaseExceptionGroup):
        return all(is_connection_lost(inner) for inner in error.exceptions)
    if isinstance(error, MCPError):
        refusal = stated_refusal(error)
        if refusal is not None:
            return refusal.is_broken_off
        closed = error.code == CONNECTION_CLOSED and not is_answer_of_server(error)
        return closed and not error.message.startswith(_EVENT_REFUSED)
    gone = (OSError, EOFError, anyio.ClosedResourceError, anyio.BrokenResourceError, httpx2.TransportError)
    return isinstance(error, gone) and not isinstance(error, TimeoutError)


def may_concern_call_only(error: BaseException) -> bool:
    """Whether a call's error leaves open if its server, or its session, is lost: other calls may still be answered."""
    from mcp import MCPError

    if not isinstance(error, MCPError):
        return False
    refusal = stated_refusal(error)
    ended = is_connection_lost(error) and error.message.startswith(_STREAM_ENDED)
    return ended if refusal is None else refusal.may_be_lost_session or refusal.is_broken_off


def as_generator_error(error: Exception) -> InterleaveError:
    """Returns the exception for whatever else an answer or the protocol made the MCP library raise."""
    from mcp import MCPError

    if isinstance(error, MCPError):
        if (refusal := stated_refusal(error)) is not None:
            return refusal.error()
        message = quotation(redact(error.message), _LONGEST_QUOTE) or "no reason given"
        if is_malformed_answer(error):
            return GeneratorError(f"The image server sent a {message}.", code="contract")
        if message.startswith(_EVENT_REFUSED):
            return GeneratorError(
                f"The image server's answer cannot be read: {message.removeprefix(_EVENT_REFUSED)}", code="contract"
            )
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

    warn_once()
    command, *arguments = command_line
    remember_secrets_of(config.variables)
    for name in config.environment:
        remember_secret(environment.get(name, ""))
    server = StdioServerParameters(
        command=command, args=arguments, env=config.child_environment(environment), encoding=ENCODING
    )
    log = await asyncio.to_thread(_error_log, config, stack)
    return Client(answers_checked(stdio_client(server, errlog=log)))


async def _http_client(
    config: GeneratorConfig, url: str, environment: Mapping[str, str], stack: contextlib.AsyncExitStack
) -> "Client":
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {}
    if config.token_variable is not None:
        token = secret_variable(environment, config.token_variable)
        if token is None:
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
        event_hooks={"response": [raise_if_unauthorized, state_status]},
        refuse=partial(own_answer, report_of_refusals()),
    )
    await stack.enter_async_context(http)
    transport = streamable_http_client(url, http_client=http, max_sse_event_size=_LARGEST_EVENT)
    return Client(answers_checked(transport))


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
