"""One image server process: selects the backend for a model, assembles store, service and MCP server, and serves."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from interleavethinker.servers.images.backends.base import Backend
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.transport.ending_signals import DEFAULT_SHUTDOWN_TIMEOUT, check_shutdown_timeout
from interleavethinker.servers.transport.http import HttpOptions, serve_http
from interleavethinker.servers.transport.stdio import serve_stdio
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.folders import ImageFolders
from interleavethinker.tools.model_catalog import FAKE_MODELS

from .cache import GenerationStore
from .loading import LoadingOptions
from .service import ImageService, ServiceLimits

__all__ = ["open_backend", "serve_images"]

_CLOSED_SECONDS = 1.5
"""How long running generations get after a client over stdio has left or died: most clients kill a server after two."""


def open_backend(model: str, options: DiffusersOptions | None = None) -> Backend:
    """Returns the backend for a model; nothing is loaded before it is started.

    Args:
        model: `fake` (no model; `cells` is its old name), `openai:NAME`, `gemini:NAME`, or what `model_files.locate`
            accepts.
        options: For diffusers pipelines; None means the defaults.

    Raises:
        ProfileError: No such model, a missing key, or a local model without the `[local]` extra.
    """
    provider, _, name = model.partition(":")
    if provider in {"openai", "gemini"}:
        if not name:
            raise ProfileError(f"A hosted model needs a name: {provider}:NAME.")
        if provider == "openai":
            from interleavethinker.servers.images.backends.openai import OpenAiBackend

            return OpenAiBackend(name)
        from interleavethinker.servers.images.backends.gemini import GeminiBackend

        return GeminiBackend(name)
    if model in FAKE_MODELS:
        from interleavethinker.servers.images.backends.fake import FakeBackend

        return FakeBackend()
    return DiffusersBackend(model, options or DiffusersOptions())


async def serve_images(
    backend: Backend,
    store: Path,
    limits: ServiceLimits | None = None,
    *,
    http: HttpOptions | None = None,
    shutdown_timeout: float = DEFAULT_SHUTDOWN_TIMEOUT,
    max_bytes: int = 0,
    fsync: bool = False,
    loading: LoadingOptions | None = None,
    folders: Sequence[Path] = (),
) -> None:
    """Serves a backend until the client closes the connection (stdio) or a signal arrives (HTTP).

    Args:
        backend: The model; it loads in the background, so that neither the handshake nor a stored call waits for it.
        store: Folder for this server's images.
        limits: What requests may ask for; None means the defaults.
        http: Where to listen; None means stdio.
        shutdown_timeout: Seconds that running generations get after a signal; over stdio, 1.5 at most once the client
            has left.
        max_bytes: Size limit of the folder in bytes; 0 means none.
        fsync: See `ImageStore`.
        loading: When the model enters and leaves memory; None means the defaults.
        folders: Where images that clients name by path may be.

    Raises:
        InputError: The HTTP options would expose the server without a token, the address is not available, or a folder
            cannot be read.
    """
    check_shutdown_timeout(shutdown_timeout)
    if http is not None:
        http.check()
    from .operations import image_operations
    from .server import build_server

    service = ImageService(
        backend,
        GenerationStore(store, max_bytes, fsync),
        limits or ServiceLimits(),
        loading or LoadingOptions(),
        ImageFolders(folders),
    )
    server = build_server(service, remote_clients=True)
    async with service:
        drain = partial(service.drain, shutdown_timeout)
        if http is None:
            await serve_stdio(server, drain, partial(service.drain, min(_CLOSED_SECONDS, shutdown_timeout)))
        else:
            await serve_http(server, http, image_operations(service), drain)
