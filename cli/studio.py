"""`interleavethinker studio`: a local web page to start, watch and steer trajectories. Options only."""

import asyncio
from typing import Annotated

import typer

from .options import ShutdownTimeout, WorkspaceFolder
from .terminal import echo

__all__ = ["studio"]


def studio(
    profile: Annotated[
        list[str] | None,
        typer.Option(help="Profile that requests may choose; repeatable. Default: your own and all shipped ones."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port on this machine. Default: 8767, or a free one if that is in use."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open the page in your browser.")] = True,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Replace the key in the link; open pages and old links stop working.")
    ] = False,
    shutdown_timeout: ShutdownTimeout = 60.0,
    folder: WorkspaceFolder = None,
) -> None:
    """Open a local web page to start, watch and steer trajectories.

    Only this machine can reach the page, and only with the key in the printed
    link. Ctrl-C ends it; trajectories that run here are paused. From another
    machine: ssh -L 8767:127.0.0.1:8767 HOST, then open the link.

    Examples:
    interleavethinker studio
    interleavethinker studio --profile klein --no-open
    """
    from interleavethinker.graph.profiles.profile import shipped_profiles, user_profiles
    from interleavethinker.servers.studio.main import serve_studio
    from interleavethinker.servers.trajectories.options import ServiceOptions
    from interleavethinker.tools.settings import chosen_profile

    profiles = profile or [
        chosen_profile(None),
        *(own for own in user_profiles() if _is_usable(own)),
        *shipped_profiles(),
    ]
    options = ServiceOptions(profiles=tuple(dict.fromkeys(profiles)))
    asyncio.run(
        serve_studio(
            folder, options, port=port, renew_key=new_key, open_browser=open_, shutdown_timeout=shutdown_timeout
        )
    )


def _is_usable(profile: str) -> bool:
    """Returns whether a profile can be read: one that is broken must not keep the others from being offered."""
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.tools.errors import ProfileError

    try:
        load_profile(profile)
    except ProfileError as error:
        echo(f"Left out: {error}", err=True, style="yellow")
        return False
    return True
