"""Generates images for rewards with a profile's image server, over MCP: the same server that the agent uses.

The session opens at the first call, in this process's loop thread, because a trainer runs its reward functions in an
event loop of its own. It stays open until `close`, or until the process ends.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from interleavethinker.graph import load_profile
from interleavethinker.graph.event_loop import loop_thread
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import GeneratedImage, GenerationRequest

__all__ = ["ProfileGenerator"]


class ProfileGenerator:
    """An `ImageGenerator` that uses a profile's image server.

    Args:
        profile: Name of a shipped profile, or path of a TOML file.
        store: Gets the images; source images must be in it.
        server_store: Image folder of the server, if this process starts the server; by default the profile's.
        arguments: Options of the server, if this process starts it, instead of the profile's.

    Raises:
        ProfileError: There is no such profile.
    """

    def __init__(
        self, profile: str, store: ImageStore, server_store: Path | None = None, arguments: tuple[str, ...] = ()
    ) -> None:
        config = load_profile(profile).generator
        if config.model is not None:
            own = {"server_store": server_store or config.server_store, "arguments": arguments or config.arguments}
            config = config.model_copy(update=own)
        self._config = config
        self._store = store
        self._session: McpImageGenerator | None = None
        self._opening = asyncio.Lock()
        self._exits = AsyncExitStack()

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await loop_thread().run_from_any_loop(self._generate(call, progress))

    async def close(self) -> None:
        """Closes the session and stops the server that it started."""
        await loop_thread().run_from_any_loop(self._exits.aclose())

    async def _generate(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        async with self._opening:
            if self._session is None:
                session = McpImageGenerator(self._config, self._store)
                self._session = await self._exits.enter_async_context(session)
        return await self._session.generate(call, progress)
