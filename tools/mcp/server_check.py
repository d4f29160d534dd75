"""Checks an MCP server as a chat client would: starts it or connects to it, lists its tools, and reads from it.

Nothing is generated or changed, so that a check costs nothing. Knows the tools of this project's two servers by name,
and treats any other server as a stranger of which only the protocol can be checked.
"""

import asyncio
import contextlib
import logging
import shlex
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from interleavethinker.tools.bounded_http import opened_client
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.secrets import redact

from .bounded_lines import ENCODING, MAX_LINE, watch_lines
from .malformed_answers import answers_checked

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

__all__ = ["check_server", "target_of", "tools_of"]

_SECONDS = 60.0
"""For one connection, calls included: what Claude Desktop and the TypeScript SDK allow for a single call."""
_SLOW = 5.0
"""Seconds of a start from which some clients give up, the OpenAI Agents SDK and Pydantic AI among them."""
_AGENT = {"illustrate", "follow", "get_document", "list_trajectories"}
_IMAGES = {"generate_image", "edit_image", "server_status"}
_BOARD = "ui://interleavethinker/storyboard.html"
_LARGE_LIST = 20_000
"""Characters of a list of tools that a chat client puts into every prompt."""
_STATUS = {
    401: "it needs a token, or another one: set INTERLEAVETHINKER_TOKEN to the server's",
    403: "it refuses this client, by its Origin or by its token",
    404: "there is no MCP endpoint at this path; those of this project end with /mcp",
    405: "there is no MCP endpoint at this path; those of this project end with /mcp",
    421: "it does not accept this host name: start it with --allow-host, or use the address that it prints",
}


@dataclass
class _Findings:
    server: str = ""
    version: str = ""
    protocol: str = ""
    tools: dict[str, Any] = field(default_factory=dict)
    """Input schemas by name."""
    list_size: int = 0
    """Characters of the list of tools."""
    kind: Literal["agent", "images", "other"] = "other"
    answer: str = ""
    """About the one call that was made."""
    page: int | None = None
    """Characters of the storyboard's page; None if there is none."""
    seconds: float = 0.0
    noise: int = 0
    """Lines on standard output that are no messages."""
    long_line: bool = False


class _CheckError(Exception):
    """The server cannot be used; the message says why."""


async def check_server(target: str | Sequence[str], token: str | None = None) -> list[CheckResult]:
    """Checks a server with the present protocol and with the one that most clients speak.

    Args:
        target: A URL, or the words of a command that serves over standard input and output. As in a chat client, the
            command gets only a few environment variables.
        token: For a URL; sent as bearer token.

    Returns:
        One result for each thing that a client depends on. The first bad one ends the check.
    """
    checks: list[CheckResult] = []
    if isinstance(target, str) and not _is_url(target):
        words = f"{target} is no URL of a server, such as http://127.0.0.1:8766/mcp."
        return [CheckResult("connection", False, words)]
    try:
        first = await _visit(target, token, "auto")
        checks += _checks_of(first)
        older = await _visit(target, token, "legacy")
        checks.append(CheckResult("older clients", True, f"protocol {older.protocol}, {len(older.tools)} tools"))
    except _CheckError as error:
        checks.append(CheckResult("older clients" if checks else "connection", False, redact(str(error))))
    return checks


async def tools_of(url: str, token: str | None = None) -> tuple[set[str], str]:
    """Connects to a server and returns the names of its tools, or none and why it cannot be used.

    Args:
        url: Its address.
        token: Sent as bearer token.
    """
    try:
        return set((await _visit(url, token, "auto")).tools), ""
    except _CheckError as error:
        return set(), redact(str(error))


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).hostname and urlsplit(text).port != 0)
    except ValueError:
        return False


def _give_up(found: _Findings, limit: asyncio.Timeout) -> None:
    found.long_line = True
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


async def _visit(target: str | Sequence[str], token: str | None, mode: Literal["auto", "legacy"]) -> _Findings:
    found = _Findings()
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log, _noise_counted(found):
        try:
            async with asyncio.timeout(_SECONDS) as limit:
                watch_lines(lambda: _give_up(found, limit))
                async with _connected(target, token, mode, log) as client:
                    found.seconds = time.monotonic() - begun
                    await _look(client, found)
        except TimeoutError as error:
            if found.long_line:
                raise _CheckError(f"it sends a line of more than {MAX_LINE} bytes, which no client reads.") from error
            noise = " It prints text to standard output, where only messages belong." if found.noise else ""
            raise _CheckError(f"no answer within {_SECONDS:.0f} s.{noise}{await _last_words(log)}") from error
        except _CheckError:
            raise
        except Exception as error:
            raise _CheckError(_explained(error, target) + await _last_words(log)) from error
    return found


@contextlib.asynccontextmanager
async def _connected(
    target: str | Sequence[str], token: str | None, mode: Literal["auto", "legacy"], log: IO[str]
) -> AsyncIterator["Client"]:
    from mcp import Client
    from mcp.client.extension import ClientExtension
    from mcp.client.stdio import StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client

    class Pages(ClientExtension):
        identifier = "io.modelcontextprotocol/ui"

        def settings(self) -> dict[str, Any]:
            return {"mimeTypes": ["text/html;profile=mcp-app"]}

    async with contextlib.AsyncExitStack() as stack:
        if isinstance(target, str):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            http = await stack.enter_async_context(
                await opened_client(
                    target, headers=headers, timeout=_SECONDS, event_hooks={"response": [_raise_for_status]}
                )
            )
            transport = streamable_http_client(target, http_client=http)
        else:
            command, *arguments = target
            server = StdioServerParameters(command=command, args=arguments, encoding=ENCODING)
            transport = stdio_client(server, errlog=log)  # type: ignore[arg-type]
        yield await stack.enter_async_context(Client(answers_checked(transport), mode=mode, extensions=[Pages()]))


async def _raise_for_status(response: Any) -> None:
    reason = _STATUS.get(response.status_code)
    # 405 also answers the request for a stream of events that a server may lack.
    if reason is not None and not (response.status_code == 405 and response.request.method == "GET"):
        raise _CheckError(f"the server answers HTTP {response.status_code}: {reason}.")


async def _look(client: "Client", found: _Findings) -> None:
    info = client.server_info
    found.server, found.version = (info.name, info.version) if info is not None else ("a server without a name", "")
    found.protocol = client.protocol_version
    listed = (await client.list_tools()).tools
    found.tools = {tool.name: tool.input_schema for tool in listed}
    found.list_size = sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in listed)
    if set(found.tools) >= _AGENT:
        found.kind = "agent"
        result = await client.call_tool("list_trajectories", {"limit": 1})
        found.answer = f"{_content(result).get('total', 0)} trajectories"
        with contextlib.suppress(Exception):  # A server need not have the page.
            (page,) = (await client.read_resource(_BOARD)).contents
            found.page = len(getattr(page, "text", ""))
    elif set(found.tools) >= _IMAGES:
        found.kind = "images"
        found.answer = _status_words(_content(await client.call_tool("server_status", {})))


def _content(result: "CallToolResult") -> dict[str, Any]:
    if result.is_error:
        raise _CheckError(
            "a call that only reads fails: " + " ".join(getattr(one, "text", "") for one in result.content)
        )
    return result.structured_content or {}


def _status_words(status: dict[str, Any]) -> str:
    state = "loaded" if status.get("loaded") else "is loaded at the first call"
    if status.get("error"):
        raise _CheckError(f"the model {status.get('model')} could not be loaded: {status['error']}")
    return f"model {status.get('model')}, {state}, device {status.get('device')}"


def _checks_of(found: _Findings) -> list[CheckResult]:
    kinds = {
        "agent": "the whole agent, for answers with text and images",
        "images": "single images",
        "other": "a server of somebody else; only the protocol was checked",
    }
    about = f"{found.server} {found.version}, protocol {found.protocol}, {found.seconds:.1f} s"
    slow = found.seconds > _SLOW
    if slow:
        about += "; some clients wait only 5 s for a start: raise their limit, or share one server (--transport http)"
    checks = [
        CheckResult("connection", True, about, warning=slow),
        CheckResult("server", True, kinds[found.kind], warning=found.kind == "other"),
    ]
    large = found.list_size > _LARGE_LIST
    checks.append(
        CheckResult(
            "tools",
            bool(found.tools),
            f"{len(found.tools)}: {', '.join(found.tools)}" + (f"; {found.list_size} characters" if large else "")
            if found.tools
            else "none: a chat client has nothing to call",
            warning=large,
        )
    )
    if found.answer:
        checks.append(CheckResult("call", True, found.answer))
    if found.kind == "agent":
        profiles = found.tools["illustrate"].get("properties", {}).get("profile", {}).get("enum", [])
        checks.append(CheckResult("profiles", True, ", ".join(profiles) or "the server's own"))
        page = "none; clients get text only" if found.page is None else f"{found.page} characters"
        checks.append(CheckResult("storyboard", True, page, warning=found.page is None))
    if found.noise:
        words = f"{found.noise} lines on standard output are no messages; some clients end the connection over them"
        checks.append(CheckResult("output", False, words))
    return checks


@contextlib.contextmanager
def _noise_counted(found: _Findings) -> Iterator[None]:
    """Counts what the MCP library only logs: lines of a server that are no messages."""

    class Counter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.noise += "parse" in record.getMessage()

    logger = logging.getLogger("mcp")
    counter, propagates = Counter(), logger.propagate
    logger.addHandler(counter)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(counter)
        logger.propagate = propagates


def _explained(error: BaseException, target: str | Sequence[str]) -> str:
    import httpx2

    while isinstance(error, BaseExceptionGroup):
        error = next((one for one in error.exceptions if isinstance(one, _CheckError)), error.exceptions[0])
    match error:
        case _CheckError():
            return str(error)
        case httpx2.ConnectError():
            return (
                f"nothing listens at {target}. Start the server with --transport http and use the URL that it prints."
            )
        case FileNotFoundError():
            return f"the program {target[0]!r} is not found. Chat clients need its absolute path."
        case PermissionError():
            return f"the program {target[0]!r} may not be executed."
        case _:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return f"the server ended the connection, or does not speak MCP ({one_line(what)[:300]})."


async def _last_words(log: IO[str]) -> str:
    """Returns what a server that failed printed last, for the end of a message."""

    def printed() -> str:
        log.seek(0)
        return log.read()

    lines = [line.strip() for line in (await asyncio.to_thread(printed)).splitlines() if line.strip()]
    return f" It printed: {one_line(' '.join(lines[-3:]))[:400]}" if lines else ""


def target_of(words: str) -> str | list[str]:
    """Returns what `check_server` takes for a URL, or for a command line as a shell reads it.

    Raises:
        InputError: It is neither.

    Examples:
        >>> target_of("interleavethinker image-server --model 'a b'")
        ['interleavethinker', 'image-server', '--model', 'a b']
    """
    if words.startswith(("http://", "https://")):
        return words
    try:
        found = shlex.split(words)
    except ValueError as error:
        raise InputError(f"--server needs a URL or a command line; this one cannot be read: {error}.") from error
    if not found:
        raise InputError('--server needs a URL or a command line, such as "interleavethinker trajectory-server".')
    return found
