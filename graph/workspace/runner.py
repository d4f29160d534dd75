"""Runs one trajectory until it ends, stops, waits or fails, and carries out the commands that arrive meanwhile.

The graph runs in a task of its own, so that `cancel` reaches a generator call in flight. `pause` and `judge` take
effect between nodes, where a checkpoint is: the watch on the commands is refreshed with every checkpoint, so a command
that was recorded before a node ends is seen before the next one starts. A `pause` does not wait for calls that only
wait themselves, until an overloaded service takes them again. The caller of a `Runner` must hold the
trajectory's lock.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Any

from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command as Resume

from interleavethinker.graph.attempts import attempt_key, attempts_for, attempts_to_review
from interleavethinker.graph.build import TrajectoryGraph
from interleavethinker.graph.context import Components
from interleavethinker.graph.events import (
    ApprovalNeeded,
    Cancelled,
    Event,
    Failed,
    Finished,
    ImageGenerated,
    ImageRefused,
    Judged,
    Paused,
    ReviewNeeded,
)
from interleavethinker.graph.reviewing import review_each_image
from interleavethinker.graph.state import attempts_of, current_step_of, newest_plan, stop_reason_of
from interleavethinker.graph.tracing import end_run, run_span, trace_metadata
from interleavethinker.tools.calls_in_flight import CallsInFlight, count_calls_in
from interleavethinker.tools.clock import check_clock
from interleavethinker.tools.errors import InputError, InterleaveError, StoreError
from interleavethinker.tools.tracing.spans import Span
from interleavethinker.tools.types import Attempt, Plan

from .catalog import Catalog, Status
from .commands import CommandQueue, CommandWatch
from .finished_tasks import keep_attempts, state_to_change
from .human_review import HumanVerdict, human_verdict_update
from .snapshot import snapshot_of

__all__ = ["Runner", "apply_human_verdict"]

_log = logging.getLogger(__name__)
_AFTER_VERDICTS = "refine"
"""The node that acts on the verdicts; stopping before it lets a person change them."""
_APPROVAL = "approve"
"""The node that asks a person about the plan."""
_NO_LIMIT = 1_000_000_000
"""Recursion limit: our own limits end a trajectory, not LangGraph's, which counts nodes."""


_SAVING_S = 1.0
"""How long a reader who leaves waits for the checkpoint with the result that it has just seen. Beside calls that go on,
it comes late; the result is kept without it then."""


class _StopAtCommand(RunControl):
    """Stops the graph before its next node while any command is open, and once the events' reader has left.

    LangGraph reads the property between nodes.
    """

    def __init__(self, watch: CommandWatch) -> None:
        super().__init__()
        self._watch = watch
        self.reader_left = False

    @property
    def drain_requested(self) -> bool:
        return self.reader_left or bool(self._watch.pending)


class _GraphRun:
    """One uninterrupted run of the graph, in a task of its own.

    A node announces a result before its checkpoint is written. A reader who leaves at that moment, to judge the image
    that it was shown, must find it: the run ends after the checkpoint then, and at once otherwise.
    """

    def __init__(self, stream: AsyncIterator[Any], control: _StopAtCommand, context: Context) -> None:
        self._stream = stream
        self._control = control
        self._result_announced = False
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._forward(), context=context)
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        self.announced: dict[str, Attempt] = {}
        """Attempts, by key, that readers know and a checkpoint may lack."""
        self.cancelled = False
        self.left_waiting = False

    def leave_waiting(self) -> None:
        """Ends the run on a `pause` command, although its node has not ended."""
        if not self.left_waiting:
            self.left_waiting = True
            self._task.cancel()

    def cancel(self) -> None:
        """Ends the run on a `cancel` command, even during a generator call."""
        self.cancelled = True
        self._task.cancel()

    async def events(self) -> AsyncGenerator[Event]:
        """Yields the graph's events, then raises the error that ended it, if there was one."""
        try:
            while (event := await self._events.get()) is not None:
                yield event
            await self._task
        finally:
            self._control.reader_left = True
            if self._result_announced and not self.cancelled:
                await asyncio.wait([self._task], timeout=_SAVING_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forward(self) -> None:
        async for mode, event in self._stream:
            if mode == "tasks":  # A node has started or ended. One that starts finds its predecessors' results saved.
                self._result_announced = self._result_announced and "result" in event
                if "result" not in event:
                    self.announced.clear()
                continue
            self._result_announced = isinstance(event, ImageGenerated | ImageRefused)
            if isinstance(event, ImageGenerated | ImageRefused):
                made = event.attempt
                self.announced[attempt_key(made.plan_version, made.step, made.iteration)] = made
            if self._control.reader_left and not self._result_announced:
                raise asyncio.CancelledError  # The node's next call has begun. Its result is not awaited.
            self._events.put_nowait(event)


class Runner:
    """Runs one trajectory.

    Args:
        graph: With the workspace's checkpointer.
        open_components: Opens what its nodes use, which may load models.
        catalog: Where the trajectory's status is recorded.
        commands: Where commands for it come from.
        trajectory: Its id.
        review: Stop after each attempt of the current step, for a person's verdict.
    """

    def __init__(
        self,
        graph: TrajectoryGraph,
        open_components: Callable[[], Awaitable[Components]],
        catalog: Catalog,
        commands: CommandQueue,
        trajectory: str,
        *,
        review: bool = False,
    ) -> None:
        self._graph = graph
        self._open_components = open_components
        self._catalog = catalog
        self._commands = commands
        self._id = trajectory
        self._review = review
        self._config: Any = {"configurable": {"thread_id": trajectory}, "recursion_limit": _NO_LIMIT}
        self._error: Exception | None = None
        """Why the run failed."""
        self._span = Span()

    async def events(self) -> AsyncGenerator[Event]:
        """Yields the trajectory's events. The last one is one of Finished, ApprovalNeeded, ReviewNeeded, Paused,
        Cancelled and Failed.

        Raises:
            InputError: The machine's clock is before 1970 (`clock`).
            InterleaveError: Its components cannot be opened.
        """
        check_clock()
        await self._catalog.start_run(self._id)  # From here on, `pause` and `cancel` are commands for this run.
        components = await self._opened()
        last: Event | None = None
        try:
            self._span = await run_span(self._id, self._graph.checkpointer, self._config)
            self._config["metadata"] = trace_metadata(self._span.carrier())
            async with self._commands.watch(self._id) as watch:
                while last is None:
                    answer, verdicts = await self._carry_out_commands(watch)
                    for event in verdicts:
                        yield event
                    if components is not None:  # Else a command came while they were opened.
                        async with contextlib.aclosing(self._run_graph(components, watch, answer)) as happening:
                            async for event in happening:
                                last = event if isinstance(event, Cancelled | Failed) else last
                                yield event
                    if last is None and (last := await self._reason_to_stop(watch)) is not None:
                        yield last
        except (InterleaveError, OSError) as error:
            last = await self._failed(error)
            yield last
        except Exception as error:
            last = await self._failed(error)
            raise  # A defect of this program, or of a component: its traceback is wanted.
        finally:
            # Every path records how the run ended. That write also waits for the run's earlier ones, so nothing of it
            # is still being written when the caller releases the lock.
            try:
                if last is None:  # The consumer of the events left.
                    await self._catalog.end_run(self._id, "paused")
            finally:
                end_run(self._span, last, self._error)

    async def _opened(self) -> Components | None:
        """Opens the components, which may load models for minutes; None: a `pause` or `cancel` came meanwhile."""
        opening = asyncio.ensure_future(self._open_components())
        try:
            async with self._commands.watch(self._id) as watch:
                watch.call_on_cancel(opening.cancel)
                watch.call_while_pausing(opening.cancel)
                await asyncio.wait([opening])
                stopped = watch.has("pause") or watch.has("cancel")
            return None if opening.cancelled() and stopped else opening.result()
        except InterleaveError as error:
            await self._catalog.end_run(self._id, "failed", str(error))
            raise
        except BaseException:  # The consumer of the events left, or a defect.
            await self._catalog.end_run(self._id, "paused")
            raise
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def _run_graph(
        self, components: Components, watch: CommandWatch, answer: Resume[Any] | None
    ) -> AsyncGenerator[Event]:
        """Runs the graph until it stops. Returns without a last event if `_reason_to_stop` can determine the reason."""
        control = _StopAtCommand(watch)
        stream = self._graph.astream(
            answer,
            self._config,
            context=components,
            stream_mode=["custom", "tasks"],
            durability="sync",
            control=control,
            interrupt_before=[_AFTER_VERDICTS] if self._review else None,
        )
        calls, context = CallsInFlight(), self._span.context() or copy_context()
        context.run(count_calls_in, calls)
        if self._review:
            context.run(review_each_image)
        run = _GraphRun(stream, control, context)
        watch.call_on_cancel(run.cancel)

        def leave_waiting_calls() -> None:
            if calls.only_wait:
                run.leave_waiting()

        watch.call_while_pausing(leave_waiting_calls)
        try:
            async with contextlib.aclosing(run.events()) as events:
                async for event in events:
                    yield event
        except GraphDrained:
            pass
        except GeneratorExit:  # The reader has left. Of images side by side, no checkpoint holds the one that it saw.
            await self._keep(run)
            raise
        except asyncio.CancelledError:
            await self._keep(run)
            if not (run.cancelled or run.left_waiting):
                raise
            if run.cancelled:
                await self._catalog.end_run(self._id, "cancelled")
                yield Cancelled()
        except (InterleaveError, OSError) as error:
            await self._keep(run)
            yield await self._failed(error)
        except Exception:  # A defect, perhaps of one of the calls side by side; the others' results are good.
            await self._keep(run)
            raise
        finally:
            watch.call_on_cancel(None)
            watch.call_while_pausing(None)

    async def _keep(self, run: _GraphRun) -> None:
        with contextlib.suppress(InterleaveError):  # They are lost then; how the run ended is not.
            await keep_attempts(self._graph, self._config, run.announced)

    async def _carry_out_commands(self, watch: CommandWatch) -> tuple[Resume[Any] | None, list[Event]]:
        """Applies verdicts by hand, and returns the answer to the graph's interrupt if there is one."""
        events: list[Event] = []
        answer: Resume[Any] | None = None
        await watch.refresh()
        for command in watch.pending:
            if command.verb == "judge":
                verdict = HumanVerdict.model_validate(command.payload)
                # An InputError: the verdict came too late, and the trajectory has moved on.
                with contextlib.suppress(InputError):
                    events.append(await apply_human_verdict(self._graph, self._id, verdict))
            elif command.verb == "approve":
                snapshot = await self._graph.aget_state(self._config)
                if snapshot.next == (_APPROVAL,) and not snapshot.interrupts:
                    # The limits have changed since it asked, and the graph hears only the answer to a question.
                    await self._graph.ainvoke(None, self._config, durability="sync", interrupt_after=[_APPROVAL])
                    snapshot = await self._graph.aget_state(self._config)
                answer = Resume(resume=command.payload) if snapshot.interrupts else None
            else:
                continue
            await watch.acknowledge(command)
        return answer, events

    async def _reason_to_stop(self, watch: CommandWatch) -> Event | None:
        """Returns why the graph stopped and records it; None if it only stopped for commands."""
        snapshot = await self._graph.aget_state(self._config)
        await watch.refresh()
        if not snapshot.next:
            await self._catalog.end_run(self._id, "done")
            final = snapshot_of(await self._catalog.get(self._id), snapshot.values)
            return Finished(stop_reason=final.stop_reason or "complete", document=final.document)
        event: Event
        status: Status
        if watch.has("cancel") or watch.has("pause"):
            event, status = Paused(), "paused"
        elif snapshot.interrupts and not watch.has("approve"):
            event, status = ApprovalNeeded(plan=Plan.model_validate(snapshot.interrupts[0].value["plan"])), "waiting"
        elif self._review and snapshot.next == (_AFTER_VERDICTS,) and not watch.pending:
            asked = _attempts_to_review(snapshot.values)
            if not asked:
                return None
            variants = sorted(asked, key=lambda one: one.iteration) if len(asked) > 1 else ()
            event, status = ReviewNeeded(attempt=asked[0], variants=tuple(variants)), "paused"
        else:
            return None
        recorded = await self._catalog.end_run(self._id, status)
        return event if recorded == status else Cancelled()

    async def _failed(self, error: Exception) -> Failed:
        self._error = error
        code = error.code if isinstance(error, InterleaveError) else type(error).__name__
        reason = str(error) or type(error).__name__
        _log.info("trajectory %s failed", self._id, exc_info=error)
        with contextlib.suppress(StoreError):  # The disk may be full; the event still reports the error.
            await self._catalog.end_run(self._id, "failed", reason)
        return Failed(code=code, reason=reason, refused=isinstance(error, InputError))


def _attempts_to_review(state: Mapping[str, Any]) -> Sequence[Attempt]:
    """Returns what a person is asked about at the current step; nothing if a limit has ended the work."""
    plan = newest_plan(state)
    if plan is None or stop_reason_of(state):
        return ()
    return attempts_to_review(attempts_for(attempts_of(state), plan.version, current_step_of(state)))


async def apply_human_verdict(graph: TrajectoryGraph, trajectory: str, verdict: HumanVerdict) -> Judged:
    """Overrides the critic's verdict with a person's. The caller must hold the trajectory's lock.

    Raises:
        InputError: There is no such attempt at the trajectory's current step.
    """
    config: Any = {"configurable": {"thread_id": trajectory}}
    snapshot = await state_to_change(graph, config)
    values, attempt = human_verdict_update(snapshot.values, verdict)
    await graph.aupdate_state(config, values, as_node="critic")
    return Judged(attempt=attempt)
