"""A profile's image server as the generator of rewards: the very server that serving talks to, over MCP.

The session is opened at the first call, in the process's loop thread, because a trainer's reward functions run in an
event loop that is none of ours. It ends with the process.
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
    """Draws through a profile's server.

    Args:
        profile: A shipped profile's name, or the path of a TOML file.
        store: Where the images go; sources must lie in it.
        server_store: What the server keeps its images in, if it is the own one; its usual store by default.
        arguments: Options for the own server, instead of the profile's.

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
        """Ends the session and its server."""
        await loop_thread().run_from_any_loop(self._exits.aclose())

    async def _generate(self, call: GenerationRequest, progress: ProgressCallback | None) -> GeneratedImage:
        async with self._opening:
            if self._session is None:
                session = McpImageGenerator(self._config, self._store)
                self._session = await self._exits.enter_async_context(session)
        return await self._session.generate(call, progress)
