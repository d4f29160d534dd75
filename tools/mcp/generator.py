"""`McpImageGenerator`: an `ImageGenerator` that reaches any image server over MCP, through one persistent session.

It restarts or reconnects to a server that died, resends the calls that were in flight, uploads source images that the
server does not know, enforces `call_timeout`, and returns once the image is in the workspace's store under its verified
hash.

Delivery: this project's server executes a call once, because it answers a resent call from its store. A third-party
server may execute a call whose answer was lost again (at least once).
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import JsonValue

from interleavethinker.tools.calls_in_flight import call_waiting
from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, StoreError
from interleavethinker.tools.generated_images import check_size, kept_outside
from interleavethinker.tools.images.png import canonical_png, data_uri, image_size
from interleavethinker.tools.images.store import ImageStore, sha256_of
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

from .budget import LostSessionError, ResendBudget
from .config import IMAGE_SERVER_COMMAND, GeneratorConfig, ToolTemplate
from .contract_answers import check_image, generated_of, read_in_chunks, size_of
from .early_start import session_for
from .local_edits import check_kept, images_of_call, reference_arguments
from .results import error_of, image_of, small_png
from .sizes import mapped_size
from .transport import (
    as_generator_error,
    call_contract_tool,
    call_foreign_tool,
    is_connection_lost,
    may_concern_call_only,
    probe,
    read_resource,
)
from .turns import CallTurns
from .watched_calls import LostCallError, watched_call

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult

__all__ = ["McpImageGenerator"]

_T = TypeVar("_T")
_BUSY_SECONDS = 0.25
"""Pause before a call is sent to a busy server again; it grows with every refusal, up to eight times this."""
_PROBE_SECONDS = 10.0
"""For a look whether only one call's answer is missing, or the whole server."""
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
        self._session = session_for(config, image_server)
        self._turns = CallTurns()
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
        """See `ImageGenerator.generate`. Errors that may go away are `exhausted`: it has resent the call itself.

        After `call_timeout` in all, it raises `GeneratorError` with code `deadline`.
        """
        budget = self._budget()
        work = self._contract_call if self.config.tools is None else self._mapped_call
        async with self._within_call_timeout(budget):
            while True:
                try:
                    image = await work(call, progress, budget)
                except GeneratorError as error:
                    pause = budget.pause_after(error)
                else:
                    return image.model_copy(update={"server": self._server})
                with call_waiting():
                    await asyncio.sleep(pause)

    async def status(self) -> dict[str, JsonValue]:
        """Returns the status of the server: model, device, queue, totals. Only this project's servers have one.

        Raises:
            GeneratorError: It cannot be reached, or does not answer within `call_timeout` (`deadline`).
        """
        budget = self._budget()
        async with self._within_call_timeout(budget):
            result = await self._call("server_status", {}, None, budget)
        return dict(result.structured_content or {})

    @contextlib.asynccontextmanager
    async def _within_call_timeout(self, budget: ResendBudget) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.config.call_timeout) as budget.limit:
                yield
        except TimeoutError as error:
            said = f" The server answered last: {budget.refusal}" if budget.refusal else ""
            raise GeneratorError(
                f"The generator call timed out after {self.config.call_timeout:g} s. Raise `call_timeout` in "
                f"the profile's [generator] section, or check the server's queue.{said}",
                code="deadline",
                retryable=True,
                exhausted=True,
            ) from error
        finally:
            self._turns.end(budget)

    def _budget(self) -> ResendBudget:
        return ResendBudget(self.config.max_resends, self.config.log, self.config.call_timeout)

    async def _contract_call(
        self, call: GenerationRequest, progress: ProgressCallback | None, budget: ResendBudget
    ) -> GeneratedImage:
        arguments: dict[str, JsonValue] = {"prompt": call.prompt, "seed": call.seed}
        if call.width is not None:
            arguments["width"] = call.width
        if call.height is not None:
            arguments["height"] = call.height
        if call.size is not None:
            arguments["size"] = call.size
        if call.references:
            arguments["references"] = [*reference_arguments(call)]
        if call.mask is not None:
            arguments["mask"] = f"image://{call.mask}"
        tool = "generate_image"
        if call.source is not None:
            tool, arguments["image"] = "edit_image", f"image://{call.source}"
        try:
            result = await self._call(tool, arguments, progress, budget)
        except GeneratorError as error:
            images = images_of_call(call)
            if error.code != "unknown_image" or not images:
                raise
            for image in images:
                await self._call("put_image", {"image": await self._source_uri(image)}, None, budget)
            result = await self._call(tool, arguments, progress, budget)
        generated = generated_of(result)
        check_size(call, generated.width, generated.height)
        await self._fetch(generated, result, budget)
        if call.mask is not None and call.source is not None:
            await asyncio.to_thread(check_kept, self._store, call.source, call.mask, generated.sha256)
        return generated

    async def _fetch(self, generated: GeneratedImage, result: "CallToolResult", budget: ResendBudget) -> None:
        """Brings an image into the workspace's store, from a local source if there is one, else over MCP."""
        if await asyncio.to_thread(self._fetch_locally, generated, small_png(result)):
            return
        sha256 = generated.sha256
        size = size_of(result)
        data = await self._resending(lambda client: read_in_chunks(client, sha256, size), budget)
        if sha256_of(data) != sha256:
            raise GeneratorError(f"Image {sha256} arrived damaged; call again.", code="corrupt_image", retryable=True)
        await asyncio.to_thread(self._keep, data, generated)

    def _fetch_locally(self, generated: GeneratedImage, preview: bytes | None) -> bool:
        """Tries the result's preview, the workspace's store and the server's folder. Blocking."""
        if preview is not None and sha256_of(preview) == generated.sha256:
            self._keep(preview, generated)
            return True
        try:
            data = self._store.get(generated.sha256)
        except StoreError:
            pass  # New, or damaged: it is written below.
        else:
            self._keep(data, generated)  # Its trajectory may be deleted before this one's checkpoint names it.
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
        check_image(data, generated, decode=self.config.model is None)
        self._store.put(data)

    async def _source_uri(self, sha256: str) -> str:
        return await asyncio.to_thread(lambda: data_uri(self._store.get(sha256)))

    async def _mapped_call(
        self, call: GenerationRequest, progress: ProgressCallback | None, budget: ResendBudget
    ) -> GeneratedImage:
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
        result = await self._call(template.name, arguments, progress, budget)
        found = await image_of(
            result, template, lambda uri: self._resending(lambda client: read_resource(client, uri), budget)
        )
        png = await asyncio.to_thread(_canonical, found, template)
        sha256 = await asyncio.to_thread(self._store.put, png)
        if call.mask is not None and call.source is not None:
            png = await asyncio.to_thread(kept_outside, self._store, call.source, call.mask, png)
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
            references=len(call.references) if template.references is not None else 0,
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
        if template.references is not None and call.references:
            uris = [await self._source_uri(reference.sha256) for reference in call.references]
            plain = [uri.partition(",")[2] for uri in uris]
            arguments[template.references] = list(plain if template.image_form == "base64" else uris)
        if template.mask is not None and call.mask is not None:
            uri = await self._source_uri(call.mask)
            arguments[template.mask] = uri.partition(",")[2] if template.image_form == "base64" else uri
        return arguments

    async def _call(
        self, tool: str, arguments: dict[str, JsonValue], progress: ProgressCallback | None, budget: ResendBudget
    ) -> "CallToolResult":
        """Calls a tool until it answers: resends after the server died, and waits while it is busy."""
        busy = 0
        while True:
            try:
                result = await self._resending(
                    lambda client: self._call_once(client, tool, arguments, progress), budget
                )
                if not result.is_error:
                    return result
                error = error_of(result)
            except GeneratorError as refused:
                error = refused
            # A full queue drains by itself, and a model is loaded some time; only `call_timeout` bounds this wait.
            if not (isinstance(error, GeneratorError) and error.code in {"busy", "loading"}):
                raise error
            if error.code == "loading":
                with call_waiting():
                    await asyncio.sleep(_LOADING_SECONDS)  # The server has waited already.
                continue
            busy += 1
            pause = budget.pause(error, _BUSY_SECONDS * min(busy, 8) * random.uniform(0.5, 1.5))
            with call_waiting():
                await asyncio.sleep(pause)

    async def _resending(self, use: Callable[["Client"], Awaitable[_T]], budget: ResendBudget) -> _T:
        """Runs `use` with a connected client, and again with a new one each time the server dies meanwhile."""
        while True:
            async with self._turns.turn(budget):
                client = await self._session.client()
                try:
                    return await use(client)
                except (InterleaveError, TimeoutError):
                    raise
                except Exception as error:  # noqa: BLE001 - `_count_failure` raises what sending again cannot help
                    await self._count_failure(error, client, budget)

    async def _count_failure(self, error: Exception, client: "Client", budget: ResendBudget) -> None:
        """Counts an attempt that ended because the server died, or lost the call or its session; raises otherwise."""
        unclear, lost = may_concern_call_only(error), is_connection_lost(error)
        alone = unclear and await self._answers(client)
        if not lost and (alone or not unclear):
            raise as_generator_error(error) from error
        fault = self._session.fault_of(client)
        if fault is not None:
            raise fault from error
        if alone:  # Other calls are still being answered over this connection.
            budget.count_death(LostCallError("the answer broke off"))
            return
        self._session.mark_lost(client)
        budget.count_death(error if lost else LostSessionError(str(as_generator_error(error))))
        if budget.must_be_alone:
            self._turns.isolate(budget)

    async def _answers(self, client: "Client") -> bool:
        try:
            await probe(client, _PROBE_SECONDS)
        except Exception as error:  # noqa: BLE001 - any other answer is one, too
            return not is_connection_lost(error)
        return True

    def _contract_tool(self, client: "Client") -> "Callable[..., Coroutine[Any, Any, CallToolResult]]":
        return partial(call_contract_tool, client, long_prompts=self.config.long_prompts)

    async def _call_once(
        self, client: "Client", tool: str, arguments: dict[str, JsonValue], progress: ProgressCallback | None
    ) -> "CallToolResult":
        info = client.server_info
        self._server = "" if info is None else f"{info.name} {info.version}".strip()
        contract = self.config.tools is None
        send = self._contract_tool(client) if contract else partial(call_foreign_tool, client)
        call = partial(send, tool, arguments)
        return await watched_call(client, call, progress, self.config.probe_interval, counts_calls=contract)


def _canonical(data: bytes, template: ToolTemplate) -> bytes:
    try:
        return canonical_png(data)
    except InputError as error:
        raise GeneratorError(
            f"The tool {template.name!r} returned {len(data)} bytes that cannot be used as an image: {error}",
            code="no_image",
        ) from error
