"""`interleavethinker image-server`: serves one image generator over MCP. Options only; the server is in `servers`."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from interleavethinker.tools.mcp.config import default_server_store

__all__ = ["image_server"]

_GIB = 1024**3
TOKEN_VARIABLE = "INTERLEAVETHINKER_TOKEN"  # noqa: S105 - a name, not a secret


def image_server(
    model: Annotated[
        str,
        typer.Option(
            help="micro, klein, klein-9b, qwen-edit, kontext, a folder, a repository, openai:NAME, gemini:NAME, or "
            "fake (no model)."
        ),
    ] = "micro",
    transport: Annotated[Literal["stdio", "http"], typer.Option(help="How clients connect.")] = "stdio",
    store: Annotated[Path | None, typer.Option(help="Folder for images; default: this user's cache.")] = None,
    store_gib: Annotated[float, typer.Option(help="Size limit of that folder; 0: none.")] = 10.0,
    fsync: Annotated[bool, typer.Option("--fsync", help="Survive power loss too (some ms an image).")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on (http).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on (http); 0: any free one.")] = 8765,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Host header to accept besides the address itself; repeatable.")
    ] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="Origin whose web pages may call; repeatable.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[Literal["auto", "bfloat16", "float16", "float32"], typer.Option(help="Number format.")] = "auto",
    offload: Annotated[
        Literal["none", "model", "sequential"], typer.Option(help="Move idle parts of the model to main memory.")
    ] = "none",
    max_batch: Annotated[
        int | None, typer.Option(min=1, help="Calls joined into one pipeline call; 1: bit-identical results.")
    ] = None,
    window_ms: Annotated[float, typer.Option(min=0, help="Wait for further concurrent calls.")] = 10.0,
    max_waiting: Annotated[int, typer.Option(min=1, help="Calls in the queue before the server says busy.")] = 64,
    call_seconds: Annotated[float, typer.Option(min=1, help="One call's time, queueing included.")] = 1800.0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads for the model.")] = None,
) -> None:
    """Serve an image generator over MCP, to chat clients and to this project's agent.

    With --transport http, set INTERLEAVETHINKER_TOKEN to a secret of at least 16 characters: clients then have to send
    it as a bearer token. Listening anywhere but on this machine needs it.
    """
    from interleavethinker.servers.images.backends.diffusers import DiffusersOptions
    from interleavethinker.servers.images.main import open_backend, serve_images
    from interleavethinker.servers.images.service import ServiceLimits
    from interleavethinker.servers.transport.http import HttpOptions

    options = DiffusersOptions(device=device, dtype=dtype, offload=offload, max_batch=max_batch, threads=threads)
    http = None
    if transport == "http":
        http = HttpOptions(
            host=host,
            port=port,
            token=os.environ.get(TOKEN_VARIABLE) or None,
            allowed_hosts=tuple(allow_host or ()),
            allowed_origins=tuple(allow_origin or ()),
        )
    asyncio.run(
        serve_images(
            open_backend(model, options),
            store or default_server_store(),
            ServiceLimits(max_waiting=max_waiting, window=window_ms / 1000, call_seconds=call_seconds),
            http=http,
            max_bytes=int(store_gib * _GIB),
            fsync=fsync,
        )
    )
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        # A model that is still loading cannot be interrupted; everything of value is on disk by now.
        sys.stderr.flush()
        os._exit(0)
