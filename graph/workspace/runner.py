"""Runs one trajectory until it ends, stops, waits or fails, and obeys what other processes ask of it meanwhile.

The graph runs in a task of its own, so that `cancel` reaches a generator call in flight; `pause` and `judge` take
effect between nodes, where a checkpoint is. Whoever uses this holds the trajectory's lock.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command as Resume

from interleavethinker.graph.build import TrajectoryGraph
from interleavethinker.graph.context import Components
from interleavethinker.graph.events import ApprovalNeeded, Cancelled, Event, Failed, Finished, Judged, Paused
from interleavethinker.tools.errors import InputError, InterleaveError, StoreError
from interleavethinker.tools.types import Plan

from .catalog import Catalog, sqlite_errors
from .catalog import Command as Asked
from .human_review import HumanVerdict, human_verdict_update
from .snapshot import snapshot_of

__all__ = ["Runner", "apply_human_verdict"]

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_NO_LIMIT = 1_000_000_000
"""Recursion limit: our own limits end a trajectory, not LangGraph's, which counts nodes."""


class _Asked(RunControl):
    """Stops the graph before its next node as soon as anybody has asked for anything; LangGraph looks between nodes."""

    def __init__(self, catalog: Catalog, trajectory: str) -> None:
        super().__init__()
        self._catalog = catalog
        self._id = trajectory

    @property
    def drain_requested(self) -> bool:
        return bool(self._catalog.pending(self._id))


@dataclass
class _Round:
    """One uninterrupted run of the graph."""

    feed: asyncio.Queue[Event | None]
    control: RunControl
    cancelled: bool = False


class Runner:
    """Runs the trajectory `trajectory`.

    Args:
        graph: With the workspace's checkpointer.
        ports: What its nodes hold.
        catalog: Where its status goes and commands come from.
        trajectory: Its id.
        settle: Drops what the checkpointer left uncommitted, which would keep the catalog from writing.
    """

    def __init__(
        self,
        graph: TrajectoryGraph,
        components: Components,
        catalog: Catalog,
        trajectory: str,
        roll_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._graph = graph
        self._components = components
        self._catalog = catalog
        self._id = trajectory
        self._roll_back = roll_back
        self._config: Any = {"configurable": {"thread_id": trajectory}, "recursion_limit": _NO_LIMIT}

    async def events(self) -> AsyncGenerator[Event]:
        """Yields what happens. The last event is one of Finished, ApprovalNeeded, Paused, Cancelled and Failed."""
        # Whoever resumes knows of earlier stops, asked of a process that has died since.
        self._catalog.acknowledge(c for c in self._catalog.pending(self._id) if c.verb in {"pause", "cancel"})
        self._catalog.mark(self._id, "running")
        last: Event | None = None
        try:
            while last is None:
                answer, events = await self._obey()
                for event in events:
                    yield event
                async with contextlib.aclosing(self._round(answer)) as happening:
                    async for event in happening:
                        last = event if isinstance(event, Cancelled | Failed) else last
                        yield event
                if last is None and (last := await self._standing()) is not None:
                    yield last
        except (InterleaveError, OSError) as error:
            last = self._failed(error)
            yield last
        except Exception as error:
            last = self._failed(error)
            raise  # A defect of this program, or of a port: its traceback is wanted.
        finally:
            if last is None:  # The reader went away.
                self._catalog.mark(self._id, "paused")

    async def _round(self, answer: Resume[Any] | None) -> AsyncGenerator[Event]:
        """Runs the graph until it stops for whatever reason; ends quietly where `_standing` can tell the reason."""
        turn = _Round(asyncio.Queue(), _Asked(self._catalog, self._id))
        work = asyncio.create_task(self._pump(turn, answer))
        watch = asyncio.create_task(self._watch(turn, work))
        try:
            while (event := await turn.feed.get()) is not None:
                yield event
            await work
        except GraphDrained:
            pass
        except asyncio.CancelledError:
            if not turn.cancelled:
                raise
            await self._roll_back()
            self._catalog.acknowledge(self._catalog.pending(self._id))
            self._catalog.mark(self._id, "cancelled")
            yield Cancelled()
        except (InterleaveError, OSError) as error:
            with contextlib.suppress(StoreError):
                await self._roll_back()
            yield self._failed(error)
        finally:
            watch.cancel()
            work.cancel()
            await asyncio.gather(watch, work, return_exceptions=True)

    async def _pump(self, turn: _Round, answer: Resume[Any] | None) -> None:
        try:
            stream: AsyncIterator[Any] = self._graph.astream(
                answer,
                self._config,
                context=self._components,
                stream_mode="custom",
                durability="sync",
                control=turn.control,
            )
            with sqlite_errors(self._catalog.path):
                async for event in stream:
                    turn.feed.put_nowait(event)
        finally:
            turn.feed.put_nowait(None)

    async def _watch(self, turn: _Round, work: asyncio.Task[None]) -> None:
        """Waits for `cancel`, the only command that does not wait for the call in flight."""
        # Another process has no event of ours to set, hence the polling.
        while not any(command.verb == "cancel" for command in self._catalog.pending(self._id)):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        turn.cancelled = True
        work.cancel()

    async def _obey(self) -> tuple[Resume[Any] | None, list[Event]]:
        """Carries out verdicts by hand, and returns the answer to the graph's question if there is one."""
        events: list[Event] = []
        answer: Resume[Any] | None = None
        for command in self._catalog.pending(self._id):
            if command.verb == "judge":
                verdict = HumanVerdict.model_validate(command.payload)
                # An InputError: it came too late, the trajectory has moved on.
                with contextlib.suppress(InputError), sqlite_errors(self._catalog.path):
                    events.append(await apply_human_verdict(self._graph, self._id, verdict))
            elif command.verb == "approve":
                snapshot = await self._snapshot()
                answer = Resume(resume=command.payload) if snapshot.interrupts else None
            else:
                continue
            self._catalog.acknowledge([command])
        return answer, events

    async def _standing(self) -> Event | None:
        """Tells why the graph stopped and records it; None where it only stopped to obey."""
        snapshot = await self._snapshot()
        if not snapshot.next:
            self._catalog.acknowledge(self._catalog.pending(self._id))  # Too late for any of it.
            self._catalog.mark(self._id, "done")
            seen = snapshot_of(self._catalog.get(self._id), snapshot.values)
            return Finished(stop_reason=seen.stop_reason or "complete", document=seen.document)
        asked: list[Asked] = self._catalog.pending(self._id)
        if any(command.verb == "pause" for command in asked):
            self._catalog.acknowledge(command for command in asked if command.verb == "pause")
            self._catalog.mark(self._id, "paused")
            return Paused()
        if snapshot.interrupts and not any(command.verb == "approve" for command in asked):
            self._catalog.mark(self._id, "waiting")
            return ApprovalNeeded(plan=Plan.model_validate(snapshot.interrupts[0].value["plan"]))
        return None

    async def _snapshot(self) -> Any:
        with sqlite_errors(self._catalog.path):
            return await self._graph.aget_state(self._config)

    def _failed(self, error: Exception) -> Failed:
        code = error.code if isinstance(error, InterleaveError) else type(error).__name__
        reason = str(error) or type(error).__name__
        _log.info("trajectory %s failed", self._id, exc_info=error)
        with contextlib.suppress(StoreError):  # The disk may be full; the event still tells.
            self._catalog.mark(self._id, "failed", reason)
        return Failed(code=code, reason=reason)


async def apply_human_verdict(graph: TrajectoryGraph, trajectory: str, verdict: HumanVerdict) -> Judged:
    """Puts a person's verdict in the critic's place; whoever calls this holds the trajectory's lock.

    Raises:
        InputError: There is no such attempt at the step that the trajectory stands at.
    """
    config: Any = {"configurable": {"thread_id": trajectory}}
    snapshot = await graph.aget_state(config)
    values, attempt = human_verdict_update(snapshot.values, verdict)
    await graph.aupdate_state(config, values, as_node="critic")
    return Judged(attempt=attempt)
