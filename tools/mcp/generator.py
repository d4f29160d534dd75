"""`McpImageGenerator`: an `ImageGenerator` that reaches any image server over MCP, through one persistent session.

It restarts or reconnects to a server that died, resends the calls that were in flight, uploads source images that the
server does not know, enforces `call_timeout`, and returns once the image is in the workspace's store under its verified
hash.

Delivery: this project's server executes a call once, because it answers a resent call from its store. A third-party
server may execute a call whose answer was lost again (at least once).
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import JsonValue

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, StoreError
from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, data_uri, image_size
from interleavethinker.tools.images.store import ImageStore, sha256_of
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

from .config import IMAGE_SERVER_COMMAND, GeneratorConfig, ToolTemplate
from .results import error_of, image_of, small_png
from .session import McpSession
from .sizes import check_size, mapped_size
from .transport import as_generator_error, call_contract_tool, connector, is_connection_lost, read_resource

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

__all__ = ["McpImageGenerator"]

_T = TypeVar("_T")
_CHUNK = 512 * 1024
"""Bytes of an image requested at once. The cost of the stdio client grows with the square of a line's length."""
_BUSY_SECONDS = 0.25
"""Pause before a call is sent to a busy server again; it grows with every refusal, up to eight times this."""
_LOADING_SECONDS = 0.05
"""Pause before a call is sent again to a server whose model is still loading."""


class McpImageGenerator:
    """Generates and edits images through an MCP server. Use as an async context manager, or call `open` and `close`.

    Blocking store operations run in worker threads, so that a slow disk does not stall the event loop.

    Args:
        config: How to reach the server.
        store: The workspace's store: source images are read from it, results are written to it.
        image_server: Command that starts this project's image server, where the config names a `model`.
    """

    def __init__(
        self, config: GeneratorConfig, store: ImageStore, *, image_server: Sequence[str] = IMAGE_SERVER_COMMAND
    ) -> None:
        self.config = config
        self._store = store
        shared = config.shared_store()
        self._shared = None if shared is None or config.tools is not None else ImageStore(shared)
        self._session = McpSession(
            connector(config, dict(os.environ), image_server),
            connect_timeout=config.connect_timeout,
            max_attempts=config.max_resends + 1,
        )
        self._server = ""
        """Name and version of the server that answered last."""

    async def open(self) -> None:
        """Starts the server or connects to it in the background; the first call waits until it is ready."""
        await self._session.open()

    async def close(self) -> None:
        """Ends the session, and the server if it is a child process of this one."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`. After `call_timeout`, raises `GeneratorError` with code `deadline`."""
        try:
            async with asyncio.timeout(self.config.call_timeout):
                contract = self.config.tools is None
                image = await (self._contract_call if contract else self._mapped_call)(call, progress)
                return image.model_copy(update={"server": self._server})
        except TimeoutError as error:
            raise GeneratorError(
                f"The generator call timed out after {self.config.call_timeout:g} s. Raise `call_timeout` in "
                "the profile's [generator] section, or check the server's queue.",
                code="deadline",
                retryable=True,
            ) from error

    async def status(self) -> dict[str, JsonValue]:
        """Returns the status of the server: model, device, queue, totals. Only this project's servers have one."""
        result = await self._call("server_status", {}, None)
        return dict(result.structured_content or {})

    async def _contract_call(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        arguments: dict[str, JsonValue] = {"prompt": call.prompt, "seed": call.seed}
        if call.width is not None:
            arguments["width"] = call.width
        if call.height is not None:
            arguments["height"] = call.height
        if call.size is not None:
            arguments["size"] = call.size
        tool = "generate_image"
        if call.source is not None:
            tool, arguments["image"] = "edit_image", f"image://{call.source}"
        try:
            result = await self._call(tool, arguments, progress)
        except GeneratorError as error:
            if error.code != "unknown_image" or call.source is None:
                raise
            await self._call("put_image", {"image": await self._source_uri(call.source)}, None)
            result = await self._call(tool, arguments, progress)
        generated = _generated(result)
        check_size(call, generated.width, generated.height)
        await self._fetch(generated, result)
        return generated

    async def _fetch(self, generated: GeneratedImage, result: "CallToolResult") -> None:
        """Brings an image into the workspace's store, from a local source if there is one, else over MCP."""
        if await asyncio.to_thread(self._fetch_locally, generated, small_png(result)):
            return
        sha256 = generated.sha256
        size = _size_of(result)
        data = await self._resending(lambda client: _read_in_chunks(client, sha256, size))
        if sha256_of(data) != sha256:
            raise GeneratorError(f"Image {sha256} arrived damaged; call again.", code="corrupt_image", retryable=True)
        await asyncio.to_thread(self._keep, data, generated)

    def _fetch_locally(self, generated: GeneratedImage, preview: bytes | None) -> bool:
        """Tries the result's preview, the workspace's store and the server's folder. Blocking."""
        if preview is not None and sha256_of(preview) == generated.sha256:
            self._keep(preview, generated)
            return True
        try:
            self._store.get(generated.sha256)
        except StoreError:
            pass  # New, or damaged: it is written below.
        else:
            return True
        if self._shared is None:
            return False
        try:
            data = self._shared.get(generated.sha256)
        except StoreError:
            return False  # A folder of another host, or a damaged file. Reading over MCP is slower but always right.
        self._keep(data, generated)
        return True

    def _keep(self, data: bytes, generated: GeneratedImage) -> None:
        """Stores an image whose hash is right; one of another server's is decoded first."""
        _check_image(data, generated, decode=self.config.model is None)
        self._store.put(data)

    async def _source_uri(self, sha256: str) -> str:
        return await asyncio.to_thread(lambda: data_uri(self._store.get(sha256)))

    async def _mapped_call(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        tools = self.config.tools
        template = None if tools is None else (tools.generate if call.source is None else tools.edit)
        if template is None:
            kind = "generate" if call.source is None else "edit"
            raise InputError(
                f"This generator cannot {kind} images: the profile maps no tool for it. Add [generator.tools.{kind}].",
                code="unsupported",
            )
        arguments = await self._mapped_arguments(call, template)
        started = time.monotonic()
        result = await self._call(template.name, arguments, progress)
        found = await image_of(result, template, lambda uri: self._resending(lambda client: read_resource(client, uri)))
        png = await asyncio.to_thread(_canonical, found, template)
        sha256 = await asyncio.to_thread(self._store.put, png)
        width, height = image_size(png)
        check_size(call, width, height)
        return GeneratedImage(
            sha256=sha256,
            width=width,
            height=height,
            seed=call.seed,
            model=f"mcp:{template.name}",
            seconds=time.monotonic() - started,
            cached=False,
        )

    async def _mapped_arguments(self, call: GenerationRequest, template: ToolTemplate) -> dict[str, JsonValue]:
        arguments = dict(template.fixed)
        values: dict[str | None, JsonValue] = {
            template.prompt: call.prompt,
            template.seed: call.seed,
            template.width: call.width,
            template.height: call.height,
            **mapped_size(call, template),
        }
        arguments |= {name: value for name, value in values.items() if name is not None and value is not None}
        if template.image is not None and call.source is not None:
            uri = await self._source_uri(call.source)
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
        """Calls a tool until it answers: resends after the server died, and waits while it is busy."""
        busy = 0
        while True:
            result = await self._resending(lambda client: self._call_once(client, tool, arguments, progress))
            if not result.is_error:
                return result
            error = error_of(result)
            # A full queue drains by itself, and a model is loaded some time; only `call_timeout` bounds this wait.
            if not (isinstance(error, GeneratorError) and error.code in {"busy", "loading"}):
                raise error
            if error.code == "loading":
                await asyncio.sleep(_LOADING_SECONDS)  # The server has waited already.
                continue
            busy += 1
            await asyncio.sleep(_BUSY_SECONDS * min(busy, 8) * random.uniform(0.5, 1.5))

    async def _resending(self, use: Callable[["Client"], Awaitable[_T]]) -> _T:
        """Runs `use` with a connected client, and again with a new one each time the server dies meanwhile."""
        for attempt in range(self.config.max_resends + 1):
            client = await self._session.client()
            try:
                return await use(client)
            except (InterleaveError, TimeoutError):
                raise
            except Exception as error:
                if not is_connection_lost(error):
                    raise as_generator_error(error) from error
                self._session.mark_lost(client)
                if attempt == self.config.max_resends:
                    log = "Check its log." if self.config.log is None else f"See its log: {self.config.log}"
                    raise GeneratorError(
                        f"The image server crashed {_times(attempt + 1)} during this call. {log}",
                        code="server_died",
                        retryable=True,
                    ) from error
        raise AssertionError("unreachable")

    async def _call_once(
        self, client: "Client", tool: str, arguments: dict[str, JsonValue], progress: ProgressCallback | None
    ) -> "CallToolResult":
        """Calls a tool once, and probes the server whenever nothing arrived for `probe_interval`.

        When a host dies, an HTTP connection to it stays open: without the probe the call would wait until it times out.
        """
        last_news = time.monotonic()
        listener = progress

        # Progress is requested only if there is a listener: every step is a message that both sides parse.
        async def report(progress: float, total: float | None, message: str | None) -> None:
            nonlocal last_news
            last_news = time.monotonic()
            if listener is not None:
                listener(min(1.0, progress / total) if total else 0.0, message or "")

        call_tool = client.call_tool if self.config.tools is not None else partial(call_contract_tool, client)
        call = asyncio.ensure_future(call_tool(tool, arguments, progress_callback=report if listener else None))
        try:
            info = client.server_info
            self._server = "" if info is None else f"{info.name} {info.version}".strip()
            while True:
                wait = last_news + self.config.probe_interval - time.monotonic()
                await asyncio.wait({call}, timeout=max(0.0, wait))
                if call.done():
                    return call.result()
                if time.monotonic() - last_news >= self.config.probe_interval:
                    await _probe(client, self.config.probe_interval)
                    last_news = time.monotonic()
        finally:
            if not call.done():
                call.cancel()
                await asyncio.wait({call})


def _canonical(data: bytes, template: ToolTemplate) -> bytes:
    try:
        return canonical_png(data)
    except InputError as error:
        raise GeneratorError(
            f"The tool {template.name!r} returned {len(data)} bytes that cannot be used as an image: {error}",
            code="no_image",
        ) from error


def _check_image(data: bytes, generated: GeneratedImage, *, decode: bool) -> None:
    """Checks the bytes that a server of this project's contract sent for its answer.

    Raises:
        GeneratorError: They are no PNG of the stated size.
    """
    try:
        if decode:
            canonical_png(data)
        size = image_size(data)
    except InputError as error:
        raise GeneratorError(f"The image server sent no usable image: {error}", code="no_image") from error
    if size != (generated.width, generated.height):
        raise GeneratorError(
            f"The image server sent an image of {size[0]} x {size[1]} and called it {generated.width} x "
            f"{generated.height}.",
            code="contract",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


async def _probe(client: "Client", seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await client.list_tools(cache_mode="bypass")
    except TimeoutError as error:
        raise ConnectionError("the server does not answer") from error


async def _read_in_chunks(client: "Client", sha256: str, size: int | None) -> bytes:
    if size is not None and size > DEFAULT_LIMITS.max_bytes:
        raise GeneratorError(f"The image server names an image of {size} bytes, which is too large.", code="contract")
    if size is None or size <= _CHUNK:
        return await read_resource(client, f"image://{sha256}")
    parts = [
        await read_resource(client, f"image://{sha256}/{start}/{min(start + _CHUNK, size)}")
        for start in range(0, size, _CHUNK)
    ]
    return b"".join(parts)


def _size_of(result: "CallToolResult") -> int | None:
    """Returns the size of the image's bytes, where the server states it; those up to version 0.1 did so in a link."""
    stated = (result.structured_content or {}).get("bytes")
    if isinstance(stated, int):
        return stated
    return next((block.size for block in result.content if block.type == "resource_link"), None)


def _generated(result: "CallToolResult") -> GeneratedImage:
    fields = dict(result.structured_content or {})
    for name in ("uri", "bytes"):
        fields.pop(name, None)
    try:
        return GeneratedImage.model_validate(fields)
    except ValueError as error:
        raise GeneratorError(
            "The image server's answer does not follow this project's contract. If it is a third-party server, map its "
            "tools in the profile: [generator.tools.generate] and [generator.tools.edit].",
            code="contract",
        ) from error
