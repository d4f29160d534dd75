"""News of a workspace for any number of pages: one watcher reads the catalog, and only while somebody listens."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime

from pydantic import JsonValue

from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.tools.errors import InterleaveError

__all__ = ["ChangeFeed"]

_log = logging.getLogger(__name__)
_INTERVAL = 0.4
_SHARE = 3
"""The watcher rests at least this many times as long as it worked."""
_HEARTBEAT = 15.0
_MAX_WAITING = 100
"""News that a page has not fetched; one that is further behind is told to read everything again."""

News = dict[str, JsonValue]


class ChangeFeed:
    """Watches the workspace.

    Attributes:
        versions: The last known `version` of each view that was read.

    Args:
        service: Reads the trajectories.
    """

    def __init__(self, service: TrajectoryService) -> None:
        self.versions: dict[str, str] = {}
        self._service = service
        self._known: Mapping[str, tuple[str, datetime]] | None = None
        """None until the first look; an empty workspace is known, too."""
        self._listeners: set[asyncio.Queue[News | None]] = set()
        self._watcher: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncGenerator[News | None]:
        """Yields `{"list": true}` when the list has changed and `{"changed": [ids]}` for changed views.

        `{"kept": {"trajectory", "title", "reason"}}` names one that is back after its deletion. None is a sign of life.
        The first one follows at once.
        """
        queue: asyncio.Queue[News | None] = asyncio.Queue()
        self._listeners.add(queue)
        if self._known is None:
            with contextlib.suppress(InterleaveError):  # The watcher tries again and reports it.
                await self._look()  # Pages read after the sign of life, so that no later change is missed.
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield None
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        news = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if news is None:
                    return
                yield news
        finally:
            self._listeners.discard(queue)

    def tell(self, news: News) -> None:
        """Passes news on to everybody who listens."""
        for queue in self._listeners:
            if queue.qsize() > _MAX_WAITING:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"online": True, "list": True})
            else:
                queue.put_nowait(news)

    def close(self) -> None:
        """Ends every `listen`, so that the server can stop."""
        for queue in self._listeners:
            queue.put_nowait(None)
        if self._watcher is not None:
            self._watcher.cancel()

    async def _watch(self) -> None:
        loop, told = asyncio.get_running_loop(), False
        while self._listeners:
            begin = loop.time()
            try:
                await self._look()
            except InterleaveError as error:  # For example a database that is locked for long.
                if not told:
                    _log.warning("cannot read the workspace: %s", error)
                told = True
            else:
                told = False
            await asyncio.sleep(max(_INTERVAL, _SHARE * (loop.time() - begin)))

    async def _look(self) -> None:
        summaries = await self._service.list()
        present = {one.id: (one.status, one.updated) for one in summaries}
        if self._known is None:
            self._known = present
        known, self._known = self._known, present
        suspects = [name for name, key in present.items() if key[0] == "running" or known.get(name) != key]
        gone = [name for name in known if name not in present]
        if present != known:
            self.tell({"list": True})
        changed = [name for name in suspects if await self._is_new(name)]
        for name in gone:
            self.versions.pop(name, None)
        if changed or gone:
            self.tell({"changed": [*changed, *gone]})

    async def _is_new(self, name: str) -> bool:
        with contextlib.suppress(InterleaveError):  # Deleted or damaged meanwhile: its page will learn why.
            version = (await self._service.view(name)).version
            if self.versions.get(name) == version:
                return False
            self.versions[name] = version
        return True
