"""The `ImageGenerator` port over MCP: any image server, reached through one persistent session.

Restarts and reconnects, sends again what was in flight, brings images that the server does not know, keeps deadlines,
and returns only when the bytes lie in the workspace's store under their own hash. With this project's server a call
sent again never draws again, because the server answers a known call from its store. With a third-party server a call
whose answer was lost is drawn again: at least once.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError, StoreError
from interleavethinker.tools.images.png import canonical_png, data_uri, image_size
from interleavethinker.tools.images.store import ImageStore, sha256_of
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

from .config import GeneratorConfig, ToolTemplate
from .results import error_of, image_of, small_png
from .session import McpSession
from .transport import call_contract_tool, connector, is_death, read_resource

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

__all__ = ["McpImageGenerator"]

_T = TypeVar("_T")
_CHUNK = 512 * 1024
"""Bytes of an image asked for at once. The stdio client's cost grows with the square of a line's length."""
_BUSY_SECONDS = 0.25


class McpImageGenerator:
    """Draws and edits through an MCP server. Use as an async context manager, or call `open` and `close`.

    Args:
        config: How to reach the server.
        store: The workspace's store: sources are read from it, results are put into it.
    """

    def __init__(self, config: GeneratorConfig, store: ImageStore) -> None:
        self.config = config
        self._store = store
        shared = config.shared_store()
        self._shared = None if shared is None or config.tools is not None else ImageStore(shared)
        self._session = McpSession(
            connector(config, dict(os.environ)),
            connect_seconds=config.connect_seconds,
            attempts=config.resends + 1,
        )

    async def open(self) -> None:
        """Starts the server or connects to it, in the background: the first call waits for it."""
        await self._session.open()

    async def close(self) -> None:
        """Ends the session, and the server if it is a child process."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`. Raises `GeneratorError` with code `deadline` when the time is up."""
        try:
            async with asyncio.timeout(self.config.call_timeout):
                if self.config.tools is None:
                    return await self._contract_call(call, progress)
                return await self._mapped_call(call, progress)
        except TimeoutError as error:
            raise GeneratorError(
                f"The generator call timed out after {self.config.call_timeout:g} s. Raise `call_timeout` in "
                "the profile's [generator] section, or check the server's queue.",
                code="deadline",
                retryable=True,
            ) from error

    async def status(self) -> dict[str, JsonValue]:
        """Returns what the server says about itself (this project's own servers only)."""
        result = await self._call("server_status", {}, None)
        return dict(result.structured_content or {})

    async def _contract_call(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        arguments: dict[str, JsonValue] = {"prompt": call.prompt, "seed": call.seed}
        if call.width is not None:
            arguments["width"] = call.width
        if call.height is not None:
            arguments["height"] = call.height
        tool = "generate_image"
        if call.source is not None:
            tool, arguments["image"] = "edit_image", f"image://{call.source}"
        try:
            result = await self._call(tool, arguments, progress)
        except GeneratorError as error:
            if error.code != "unknown_image" or call.source is None:
                raise
            await self._call("put_image", {"image": data_uri(self._store.get(call.source))}, None)
            result = await self._call(tool, arguments, progress)
        generated = _generated(result)
        await self._fetch(generated.sha256, result)
        return generated

    async def _fetch(self, sha256: str, result: "CallToolResult") -> None:
        """Brings an image into the workspace: the preview, from here already, the shared folder, or over the wire."""
        preview = small_png(result)
        if preview is not None and sha256_of(preview) == sha256:
            self._store.put(preview)
            return
        try:
            self._store.get(sha256)
        except StoreError:
            pass  # New, or torn: written below.
        else:
            return
        if self._shared is not None:
            try:
                self._store.put(await asyncio.to_thread(self._shared.get, sha256))
            except StoreError:
                pass  # Another host's folder, or a torn file: the wire is slower, but right.
            else:
                return
        size = next((block.size for block in result.content if block.type == "resource_link"), None)
        data = await self._resending(lambda client: _read_in_chunks(client, sha256, size))
        if sha256_of(data) != sha256:
            raise GeneratorError(f"Image {sha256} arrived damaged; call again.", code="corrupt_image", retryable=True)
        self._store.put(data)

    async def _mapped_call(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        tools = self.config.tools
        template = None if tools is None else (tools.generate if call.source is None else tools.edit)
        if template is None:
            kind = "generate" if call.source is None else "edit"
            raise InputError(
                f"This generator must map a tool for {kind!r} to do this; the profile maps none. Add `tools.{kind}`.",
                code="unsupported",
            )
        arguments = self._mapped_arguments(call, template)
        started = time.monotonic()
        result = await self._call(template.name, arguments, progress)
        found = await image_of(result, template, lambda uri: self._resending(lambda client: read_resource(client, uri)))
        png = await asyncio.to_thread(canonical_png, found)
        sha256 = self._store.put(png)
        width, height = image_size(png)
        return GeneratedImage(
            sha256=sha256,
            width=width,
            height=height,
            seed=call.seed,
            model=f"mcp:{template.name}",
            seconds=time.monotonic() - started,
            cached=False,
        )

    def _mapped_arguments(self, call: GenerationRequest, template: ToolTemplate) -> dict[str, JsonValue]:
        arguments = dict(template.fixed)
        values: dict[str | None, JsonValue] = {
            template.prompt: call.prompt,
            template.seed: call.seed,
            template.width: call.width,
            template.height: call.height,
        }
        arguments |= {name: value for name, value in values.items() if name is not None and value is not None}
        if template.image is not None and call.source is not None:
            uri = data_uri(self._store.get(call.source))
            forms: dict[str, JsonValue] = {
                "data_uri": uri,
                "list_of_data_uri": [uri],
                "base64": uri.partition(",")[2],
            }
            arguments[template.image] = forms[template.image_form]
        return arguments

    async def _call(
        self, tool: str, arguments: dict[str, JsonValue], progress: ProgressCallback | None
    ) -> "CallToolResult":
        """Calls a tool until it answers: sends again after a death, waits while the server is busy."""
        busy = 0
        while True:
            result = await self._resending(lambda client: self._watched(client, tool, arguments, progress))
            if not result.is_error:
                return result
            error = error_of(result)
            # A full queue empties by itself: only the deadline bounds this wait.
            if not (isinstance(error, GeneratorError) and error.code == "busy"):
                raise error
            busy += 1
            await asyncio.sleep(_BUSY_SECONDS * min(busy, 8) * random.uniform(0.5, 1.5))

    async def _resending(self, use: Callable[["Client"], Awaitable[_T]]) -> _T:
        """Runs `use` with a living client, and again with a new one each time the server dies in the middle."""
        for attempt in range(self.config.resends + 1):
            client = await self._session.client()
            try:
                return await use(client)
            except Exception as error:
                if not is_death(error):
                    raise
                self._session.mark_dead(client)
                if attempt == self.config.resends:
                    raise GeneratorError(
                        f"The image server must live through a call; it died {attempt + 1} times during this one. "
                        "Look at its log.",
                        code="server_died",
                        retryable=True,
                    ) from error
        raise AssertionError("unreachable")

    async def _watched(
        self, client: "Client", tool: str, arguments: dict[str, JsonValue], progress: ProgressCallback | None
    ) -> "CallToolResult":
        """Calls a tool once; without news for `quiet_seconds`, asks the server whether it is still there.

        Over HTTP the death of a host is silent: nothing would ever end a call that waits for its answer.
        """
        news = time.monotonic()
        listener = progress

        # Progress is asked for only where somebody listens: every step is a message, parsed on both sides.
        async def report(progress: float, total: float | None, message: str | None) -> None:
            nonlocal news
            news = time.monotonic()
            if listener is not None:
                listener(min(1.0, progress / total) if total else 0.0, message or "")

        ask = client.call_tool if self.config.tools is not None else partial(call_contract_tool, client)
        call = asyncio.ensure_future(ask(tool, arguments, progress_callback=report if listener else None))
        try:
            while True:
                wait = news + self.config.quiet_seconds - time.monotonic()
                await asyncio.wait({call}, timeout=max(0.0, wait))
                if call.done():
                    return call.result()
                if time.monotonic() - news >= self.config.quiet_seconds:
                    await _probe(client, self.config.quiet_seconds)
                    news = time.monotonic()
        finally:
            if not call.done():
                call.cancel()
                await asyncio.wait({call})


async def _probe(client: "Client", seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await client.list_tools(cache_mode="bypass")
    except TimeoutError as error:
        raise ConnectionError("the server does not answer") from error


async def _read_in_chunks(client: "Client", sha256: str, size: int | None) -> bytes:
    if size is None or size <= _CHUNK:
        return await read_resource(client, f"image://{sha256}")
    parts = [
        await read_resource(client, f"image://{sha256}/{start}/{min(start + _CHUNK, size)}")
        for start in range(0, size, _CHUNK)
    ]
    return b"".join(parts)


def _generated(result: "CallToolResult") -> GeneratedImage:
    fields = dict(result.structured_content or {})
    fields.pop("uri", None)
    try:
        return GeneratedImage.model_validate(fields)
    except ValueError as error:
        raise GeneratorError(
            "The image server must answer with this project's contract; it did not. Map its tools in the profile "
            "(`tools`) if it is somebody else's server.",
            code="contract",
        ) from error
