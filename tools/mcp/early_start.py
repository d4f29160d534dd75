"""Starts a profile's image server before this process imports what it needs itself.

Both processes import for seconds. Programs whose user waits for the first image, such as the command line, let them do
so side by side: they open the connection first, and import the agent afterwards. `McpImageGenerator` takes the
connection over where it finds one for its own configuration.
"""

import asyncio
import contextlib
import importlib
import os
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from .config import IMAGE_SERVER_COMMAND, GeneratorConfig
from .session import McpSession
from .transport import connector

__all__ = ["session_for", "started_early"]


@dataclass
class _EarlySession:
    config: GeneratorConfig
    session: McpSession
    taken: bool = False


_early: ContextVar[_EarlySession | None] = ContextVar("early_session", default=None)
"""Of the current `started_early` block; tasks that are created in it see it too."""


@contextlib.asynccontextmanager
async def started_early(config: GeneratorConfig) -> AsyncIterator[None]:
    """Starts an image server now, for the first generator with this configuration that the block makes.

    Import what takes long in a thread, so that the event loop can meanwhile start the server. At the end of the block
    the server ends, whether a generator has used it or not.

    Args:
        config: Describes a server of this project, which is started as a child process.
    """
    # Alone, because other imports beside it would delay the start of the server.
    await asyncio.to_thread(importlib.import_module, "mcp")
    session = _new_session(config)
    await session.open()
    token = _early.set(_EarlySession(config, session))
    try:
        yield
    finally:
        _early.reset(token)
        await session.close()


def session_for(config: GeneratorConfig, image_server: Sequence[str] = IMAGE_SERVER_COMMAND) -> McpSession:
    """Returns the session that was opened early for this configuration, or a new one that is not open yet.

    Args:
        config: How to reach the server.
        image_server: Command that starts this project's image server.
    """
    early = _early.get()
    if early is None or early.taken or early.config != config or tuple(image_server) != IMAGE_SERVER_COMMAND:
        return _new_session(config, image_server)
    early.taken = True
    return early.session


def _new_session(config: GeneratorConfig, image_server: Sequence[str] = IMAGE_SERVER_COMMAND) -> McpSession:
    """Returns a session that is not open yet; for the arguments see `session_for`."""
    return McpSession(
        connector(config, dict(os.environ), image_server),
        connect_timeout=config.connect_timeout,
        max_attempts=config.max_resends + 1,
    )
