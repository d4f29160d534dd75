"""`interleavethinker image-server`: serves one image model over MCP. Options only; the server is in `servers`."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from interleavethinker.tools.folders import default_server_store
from interleavethinker.tools.secrets import secret_variable

from .options import ShutdownTimeout

__all__ = ["end_despite_loading", "image_server"]

_GIB = 1024**3
TOKEN_VARIABLE = "INTERLEAVETHINKER_TOKEN"  # noqa: S105 - a name, not a secret


def image_server(
    model: Annotated[
        str,
        typer.Option(
            help="micro, klein, klein-9b, qwen-edit, kontext, a folder, a repository (owner/name), openai:NAME, "
            "gemini:NAME, or fake (no model, for trying out a client)."
        ),
    ] = "micro",
    transport: Annotated[Literal["stdio", "http"], typer.Option(help="How clients connect.")] = "stdio",
    connect: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Serve nothing; pass messages on to a server that runs with HTTP."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Folder for images. Default: the user's cache folder.")] = None,
    store_gib: Annotated[float, typer.Option(min=0, help="Size limit of that folder in GiB; 0 means no limit.")] = 10.0,
    fsync: Annotated[bool, typer.Option("--fsync", help="Also survive power loss (a few ms per image).")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on (HTTP).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on (HTTP); 0 selects a free one.")] = 8765,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Further Host header to accept besides the address itself; repeatable.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Origin whose web pages may call the server; repeatable.")
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(help="Folder whose images clients may name by path, for edits of one's own images; repeatable."),
    ] = None,
    preload: Annotated[
        bool, typer.Option("--preload", help="Load the model at the start instead of the first call.")
    ] = False,
    loading_wait: Annotated[
        float,
        typer.Option(min=0, help="Seconds that a call waits for a model that loads; then it is told to call again."),
    ] = 3.0,
    unload_after: Annotated[
        float | None,
        typer.Option(min=0, metavar="MINUTES", help="Free the model's memory after so many minutes without a call."),
    ] = None,
    shutdown_timeout: ShutdownTimeout = 60.0,
    device: Annotated[str, typer.Option(help="Device for a local model: auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"], typer.Option(help="Number format of a local model.")
    ] = "auto",
    offload: Annotated[
        Literal["none", "model", "sequential"], typer.Option(help="Keep idle parts of the model in main memory.")
    ] = "none",
    max_batch: Annotated[
        int | None, typer.Option(min=1, help="Maximum calls per pipeline call; 1 makes results bit-identical.")
    ] = None,
    batch_window_ms: Annotated[
        float, typer.Option(min=0, help="Minimum wait for further concurrent calls, in milliseconds.")
    ] = 10.0,
    max_waiting: Annotated[
        int, typer.Option(min=1, help="Calls that may wait; further ones are refused as busy.")
    ] = 64,
    call_timeout: Annotated[float, typer.Option(min=1, help="Seconds for one call, queueing included.")] = 1800.0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads for a local model.")] = None,
    quantize: Annotated[
        Literal["none", "torchao-int8", "torchao-fp8", "bnb-8bit", "bnb-4bit"],
        typer.Option(help="Keep a local model's layers in 8 or 4 bits."),
    ] = "none",
    gguf: Annotated[Path | None, typer.Option(help="GGUF file with a quantized denoiser for a local model.")] = None,
    attention: Annotated[
        Literal["auto", "native", "cudnn", "efficient", "math", "flash", "flash3", "sage", "xformers"],
        typer.Option(help="Attention kernels of a local model."),
    ] = "auto",
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Store convolutions in the order that GPUs prefer.")
    ] = False,
    compile_: Annotated[
        bool, typer.Option("--compile", help="Compile a local model while it is loaded; takes minutes.")
    ] = False,
    prompt_cache: Annotated[
        int, typer.Option(min=0, help="Prompts whose embeddings are kept for calls with an equal prompt; 0: none.")
    ] = 32,
    words: Annotated[
        Path | None,
        typer.Option(help='TOML file with lines word = "other": words of the prompt to replace.'),
    ] = None,
    window_ms: Annotated[float | None, typer.Option(min=0, hidden=True)] = None,
    call_seconds: Annotated[float | None, typer.Option(min=1, hidden=True)] = None,
) -> None:
    """Serve an image model over MCP to chat clients and to this project's agent.

    The model is loaded at the first call and stays in memory unless
    --unload-after says otherwise.

    With --transport http, set INTERLEAVETHINKER_TOKEN to a secret of at least
    16 characters to make clients send it as a bearer token. Listening on any
    address other than loopback requires it. Clients that only start commands
    reach such a server, and its one model, through --connect.

    Examples:
    interleavethinker image-server --model micro
    interleavethinker image-server --model micro --images ~/Pictures
    interleavethinker image-server --model klein --unload-after 10
    interleavethinker image-server --model klein --transport http
    interleavethinker image-server --connect http://127.0.0.1:8765/mcp
    """
    if connect is not None:
        from interleavethinker.servers.transport.bridge import bridge

        asyncio.run(bridge(connect, secret_variable(os.environ, TOKEN_VARIABLE)))
        return
    from interleavethinker.servers.images.backends.diffusers import DiffusersOptions
    from interleavethinker.servers.images.loading import LoadingOptions
    from interleavethinker.servers.images.main import open_backend, serve_images
    from interleavethinker.servers.images.service import ServiceLimits
    from interleavethinker.servers.transport.http import HttpOptions

    options = DiffusersOptions(
        device=device,
        dtype=dtype,
        offload=offload,
        max_batch=max_batch,
        threads=threads,
        prompt_cache=prompt_cache,
        quantize=quantize,
        gguf=gguf,
        attention=attention,
        channels_last=channels_last,
        compile=compile_,
    )
    http = None
    if transport == "http":
        http = HttpOptions(
            host=host,
            port=port,
            token=secret_variable(os.environ, TOKEN_VARIABLE),
            allowed_hosts=tuple(allow_host or ()),
            allowed_origins=tuple(allow_origin or ()),
        )
    # The hidden options are the names that version 0.1 gave these two; people's profiles may still use them.
    limits = ServiceLimits(
        max_waiting=max_waiting,
        batch_window=(batch_window_ms if window_ms is None else window_ms) / 1000,
        call_timeout=call_timeout if call_seconds is None else call_seconds,
    )
    backend = open_backend(model, options)
    if words is not None:
        from interleavethinker.servers.images.backends.other_words import OtherWords, read_words

        backend = OtherWords(backend, read_words(words))
    asyncio.run(
        serve_images(
            backend,
            store or default_server_store(),
            limits,
            http=http,
            shutdown_timeout=shutdown_timeout,
            max_bytes=int(store_gib * _GIB),
            fsync=fsync,
            loading=LoadingOptions(preload, loading_wait, None if unload_after is None else 60 * unload_after),
            folders=tuple(images or ()),
        )
    )
    end_despite_loading()


def end_despite_loading() -> None:
    """Ends this process if a model is still loading, which cannot be interrupted; all results are on disk by now."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stderr.flush()
        os._exit(0)
