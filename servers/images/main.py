"""One image server process: chooses the backend for a model, puts store, service and MCP together, and serves."""

from pathlib import Path

from interleavethinker.servers.images.backends.base import Backend
from interleavethinker.servers.images.backends.diffusers import DiffusersBackend, DiffusersOptions
from interleavethinker.servers.transport.http import HttpOptions, serve_http, serve_stdio
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.model_catalog import FAKE_MODELS

from .cache import GenerationStore
from .service import ImageService, ServiceLimits

__all__ = ["open_backend", "serve_images"]


def open_backend(model: str, options: DiffusersOptions | None = None) -> Backend:
    """Returns the backend for a model; nothing is loaded before it is started.

    Args:
        model: `fake` (no model; `cells` is its old name), `openai:NAME`, `gemini:NAME`, or what `model_files.locate`
            takes.
        options: For diffusers pipelines; None means the defaults.

    Raises:
        ProfileError: No such model, or its key is missing.
    """
    provider, _, name = model.partition(":")
    if provider in {"openai", "gemini"}:
        if not name:
            raise ProfileError(f"A hosted model must have a name ({provider}:NAME); none was given.")
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
    max_bytes: int = 0,
    fsync: bool = False,
) -> None:
    """Serves a backend until the client closes its end (stdio) or a signal comes (HTTP).

    Args:
        backend: The model; started here, in the background, so that the handshake does not wait for it.
        store: Folder for this server's images.
        limits: What is refused; None means the defaults.
        http: Where to listen; None means stdio.
        max_bytes: Size limit of the folder; 0 means none.
        fsync: See `ImageStore`.
    """
    if http is not None:
        http.check()
    from .server import build_server

    service = ImageService(backend, GenerationStore(store, max_bytes, fsync), limits or ServiceLimits())
    server = build_server(service, by_wire=True)
    async with service:
        if http is None:
            await serve_stdio(server)
        else:
            await serve_http(server, http)
