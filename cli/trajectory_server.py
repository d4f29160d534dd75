"""`interleavethinker trajectory-server`: the whole agent over MCP. Options only; the server is in `servers`."""

import asyncio
import importlib.util
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from interleavethinker.tools.secrets import secret_variable

from .completions import complete_profiles
from .image_server import TOKEN_VARIABLE, end_despite_loading
from .options import ShutdownTimeout, WorkspaceFolder

__all__ = ["trajectory_server"]

_BOARD_MODULE = "interleavethinker.servers.studio.page_files"


def trajectory_server(
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            autocompletion=complete_profiles,
            help="Profile that clients may use, by name or TOML file; repeatable, the first is the default.",
        ),
    ] = None,
    folder: WorkspaceFolder = None,
    transport: Annotated[Literal["stdio", "http"], typer.Option(help="How clients connect.")] = "stdio",
    connect: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Serve nothing; pass messages on to a server that runs with HTTP."),
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Option(help="Folder whose images clients may name by path; repeatable.")
    ] = None,
    require_person: Annotated[
        bool, typer.Option("--require-person", help="Every plan waits for a person; a model cannot approve its own.")
    ] = False,
    max_attempts: Annotated[int | None, typer.Option(min=1, help="Most attempts per step that a call gets.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Most generator calls that a call gets.")] = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Most seconds of work that a call gets.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="Most that hosted models may cost in a call's trajectory.")
    ] = None,
    unload_after: Annotated[
        float | None,
        typer.Option(min=0, metavar="MINUTES", help="Free the models after so many minutes without work."),
    ] = None,
    shutdown_timeout: ShutdownTimeout = 60.0,
    host: Annotated[str, typer.Option(help="Address to listen on (HTTP).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on (HTTP); 0 selects a free one.")] = 8766,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Further Host header to accept besides the address itself; repeatable.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Origin whose web pages may call the server; repeatable.")
    ] = None,
) -> None:
    """Serve the whole agent over MCP to chat assistants.

    A chat assistant starts answers, follows them, approves plans, judges
    images, branches, and reads the documents. Nothing is loaded before the
    first request, and a closed client loses nothing.

    With --transport http one process serves many clients, and programs that
    only start commands reach it through --connect. INTERLEAVETHINKER_TOKEN
    is the secret of at least 16 characters that clients then send as bearer
    token; listening on any address other than loopback requires it.

    Examples:
    interleavethinker trajectory-server --profile micro
    interleavethinker trajectory-server --images ~/Pictures --require-person
    interleavethinker trajectory-server --profile klein --transport http
    interleavethinker trajectory-server --connect http://127.0.0.1:8766/mcp
    """
    if connect is not None:
        from interleavethinker.servers.transport.bridge import bridge

        asyncio.run(bridge(connect, secret_variable(os.environ, TOKEN_VARIABLE)))
        return
    from interleavethinker.servers.trajectories.main import serve_trajectories
    from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions
    from interleavethinker.servers.transport.http import HttpOptions
    from interleavethinker.tools.settings import chosen_profile

    options = ServiceOptions(
        profiles=tuple(profile) if profile else (chosen_profile(None),),
        image_folders=tuple(images or ()),
        require_person=require_person,
        allowed=LimitRequest(max_attempts, max_calls, time_limit, max_cost),
        unload_after=None if unload_after is None else 60 * unload_after,
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
    asyncio.run(serve_trajectories(folder, options, http=http, shutdown_timeout=shutdown_timeout, board=_board()))
    end_despite_loading()


def _board() -> Callable[[], str] | None:
    """Returns what makes the storyboard's page; None if this installation has no page."""
    try:
        found = importlib.util.find_spec(_BOARD_MODULE)
    except ModuleNotFoundError:
        return None
    if found is None:
        return None
    make: Callable[[], str] = import_module(_BOARD_MODULE).board_html
    return make
