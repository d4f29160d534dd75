"""Look-ahead: the next steps' images are generated, and judged, while the critic judges the current one.

A draft is the first attempt of a later step, generated from an image that has no verdict yet. Drafts are no part of the
state: the nodes make the same calls in the same order as without look-ahead, and a call that was begun ahead is awaited
instead of begun. Results, checkpoints and recovery are therefore the same; a draft that nobody asks for is lost.

An image that was generated and did not get into a checkpoint, because its draft was dropped or its run was cut, is
remembered as long as the process lives: the trajectory that asks for it again is given it.

Drafts only use what is free. They are begun if no other trajectory of this process calls the same components, cancelled
when one does, and no deeper than the trajectory's own pass rate and the measured times justify; see `Pace`.
"""

import asyncio
import contextlib
import statistics
from collections import OrderedDict, defaultdict, deque
from collections.abc import AsyncIterator, Coroutine, Hashable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from interleavethinker.tools.calls_in_flight import call_in_flight, calls_of_run
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.types import Attempt, CriticInput, GeneratedImage, GenerationRequest, Verdict

from .component_answers import checked_verdicts, generated_image
from .context import Components
from .ledger import Ledger
from .tracing import generation_span, judging_span, record_image

__all__ = ["Draft", "LookAhead", "Pace", "TrajectoryAhead", "pass_rate"]

_T = TypeVar("_T")
_Kind = Literal["generate", "judge"]
_LEAST_CHANCE = 1 / 3
"""A draft that is less likely to be used is not worth its call."""
_MARGIN = 1.05
"""Measured times vary: a gain below 5 % is not one."""
_RECENT = 5
"""Measured calls of each kind that count; the median ignores a first call that loads a model."""
_RECENT_VERDICTS = 50
_KNOWN_COMPONENTS = 16
"""Components whose times are remembered; a served graph may get others with every run."""
_KNOWN_IMAGES = 1024
"""Images that are remembered."""
_KNOWN_LEDGERS = 1024
"""Trajectories whose unpaid calls are kept; most have none between two nodes."""
_KNOWN_TRAJECTORIES = 64
"""Trajectories whose drafts are kept. One that is interrupted between two nodes leaves its drafts behind."""


def pass_rate(attempts: Iterable[Attempt], usual: float = 0.75) -> float:
    """Returns the chance that a trajectory's next attempt is kept, from 0 to 1: its own rate, at first the usual one.

    Args:
        attempts: The trajectory's attempts so far.
        usual: The rate of other trajectories, which counts as much as two attempts.
    """
    verdicts = [attempt.verdict.success for attempt in attempts if attempt.verdict is not None]
    return (sum(success is not False for success in verdicts) + 2 * usual) / (len(verdicts) + 2)


@dataclass(frozen=True)
class Draft:
    """The first attempt of a later step."""

    call: GenerationRequest
    """Without its source image, which does not exist yet."""
    original_prompt: str
    """The step's prompt in the plan."""


class Pace:
    """Seconds of recent calls, by what ran beside them, and the decisions that follow.

    A model that has no room for a second call becomes slower when one runs beside it. Overlap is therefore measured,
    not assumed: the first overlapping calls are begun on trust, later ones only if the times show a gain.
    """

    def __init__(self) -> None:
        self._seconds: defaultdict[tuple[_Kind, bool, bool], deque[float]] = defaultdict(lambda: deque(maxlen=_RECENT))
        self._kept: deque[bool] = deque(maxlen=_RECENT_VERDICTS)

    @property
    def usual_pass_rate(self) -> float:
        """Rate of kept attempts over all trajectories, from 0 to 1; at first 3 in 4."""
        return (sum(self._kept) + 1.5) / (len(self._kept) + 2)

    def add_verdict(self, verdict: Verdict) -> None:
        """Records whether an attempt is kept."""
        self._kept.append(verdict.success is not False)

    def add(self, kind: _Kind, beside: frozenset[_Kind], seconds: float) -> None:
        """Records a call.

        Args:
            kind: What it did.
            beside: What else ran meanwhile.
            seconds: How long it took.
        """
        self._seconds[kind, "generate" in beside, "judge" in beside].append(seconds)

    def draft_pays(self, chance: float) -> bool:
        """Returns whether generating beside the critic is faster than after it.

        One after the other, an accepted or rejected attempt takes a verdict and an image. Overlapped it takes the
        longer of both, and after a rejection another image.

        Args:
            chance: Probability that the draft is used.
        """
        generate, judge = self._median("generate", alone=True), self._median("judge", alone=True)
        together = max(self._beside("generate", "judge"), self._beside("judge", "generate"))
        return chance >= _LEAST_CHANCE and (together == 0 or together * _MARGIN < judge + chance * generate)

    def verdict_pays(self, chance: float) -> bool:
        """Returns whether judging a draft beside another verdict saves more time than it costs that verdict.

        What the other verdict loses, this one loses as well, so less of it is done when the other is.

        Args:
            chance: Probability that the draft is used.
        """
        judge, beside = self._median("judge", alone=True), self._beside("judge", "judge")
        lost = beside * _MARGIN - judge
        return chance >= _LEAST_CHANCE and (beside == 0 or lost < chance * (judge - lost))

    def _median(self, kind: _Kind, *, alone: bool) -> float:
        known = self._seconds.get((kind, False, False)) if alone else None
        found = known or [each for key, values in self._seconds.items() if key[0] == kind for each in values]
        return statistics.median(found) if found else 0.0

    def _beside(self, kind: _Kind, other: _Kind) -> float:
        """Returns the median seconds of calls beside the other kind, or else of those alone; 0: unknown."""
        known = self._seconds.get((kind, other == "generate", other == "judge")) or self._seconds.get(
            (kind, True, True)
        )
        return statistics.median(known) if known else self._median(kind, alone=True)


@dataclass(eq=False)
class _Call:
    trajectory: "TrajectoryAhead"
    kind: _Kind
    beside: set[_Kind] = field(default_factory=set)


class _Shared:
    """What the trajectories of one event loop that use the same components know of each other."""

    def __init__(self, components: Components) -> None:
        self.components = components
        self.pace = Pace()
        self.calls: set[_Call] = set()
        self.trajectories: dict[Hashable, TrajectoryAhead] = {}
        self._images: OrderedDict[tuple[Hashable, GenerationRequest], GeneratedImage] = OrderedDict()

    def remember(self, trajectory: Hashable, call: GenerationRequest, image: GeneratedImage) -> None:
        self._images[trajectory, call] = image
        while len(self._images) > _KNOWN_IMAGES:
            self._images.popitem(last=False)

    async def remembered(self, trajectory: Hashable, call: GenerationRequest) -> GeneratedImage | None:
        """Returns the image that was generated for the same call of the trajectory, unless it was deleted since."""
        image = self._images.get((trajectory, call))
        store = self.components.store
        if image is None or store is None or await asyncio.to_thread(store.renew, image.sha256):
            return image
        return None

    @asynccontextmanager
    async def measured(self, trajectory: "TrajectoryAhead", kind: _Kind) -> AsyncIterator[None]:
        call = _Call(trajectory, kind)
        for other in self.calls:
            other.beside.add(kind)
            call.beside.add(other.kind)
        self.calls.add(call)
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            yield
            self.pace.add(kind, frozenset(call.beside), clock() - started)
        finally:
            self.calls.discard(call)

    def is_free_for(self, trajectory: "TrajectoryAhead") -> bool:
        return all(call.trajectory is trajectory for call in self.calls)

    def keep(self, key: Hashable, trajectory: "TrajectoryAhead") -> None:
        self.trajectories[key] = trajectory
        while len(self.trajectories) > _KNOWN_TRAJECTORIES:
            next(iter(self.trajectories.values())).drop()

    def make_way_for(self, trajectory: "TrajectoryAhead") -> None:
        """Cancels the other trajectories' drafts: a call that is needed never waits for one that may not be."""
        for other in list(self.trajectories.values()):
            if other is not trajectory:
                other.drop()


class LookAhead:
    """The drafts of all trajectories of a graph, and the measured times of their components."""

    def __init__(self) -> None:
        self._shared: OrderedDict[tuple[asyncio.AbstractEventLoop, int], _Shared] = OrderedDict()
        self._ledgers: OrderedDict[Hashable, Ledger] = OrderedDict()

    def ledger(self, trajectory: Hashable) -> Ledger:
        """Returns the calls of a trajectory that its state does not contain yet."""
        ledger = self._ledgers.setdefault(trajectory, Ledger())
        self._ledgers.move_to_end(trajectory)
        while len(self._ledgers) > _KNOWN_LEDGERS:
            self._ledgers.popitem(last=False)
        return ledger

    def of(self, components: Components, trajectory: Hashable) -> "TrajectoryAhead":
        """Returns the calls of a trajectory.

        Args:
            components: Its components.
            trajectory: Identifies it among those of the running event loop.
        """
        key = asyncio.get_running_loop(), id(components)
        shared = self._shared.setdefault(key, _Shared(components))
        self._shared.move_to_end(key)
        while len(self._shared) > _KNOWN_COMPONENTS:
            self._shared.popitem(last=False)
        return shared.trajectories.get(trajectory) or TrajectoryAhead(shared, trajectory, self.ledger(trajectory))

    def drop(self, trajectory: Hashable) -> None:
        """Cancels the drafts of a trajectory that ends in the running event loop."""
        loop = asyncio.get_running_loop()
        for (of_loop, _), shared in list(self._shared.items()):
            known = shared.trajectories.get(trajectory)
            if of_loop is loop and known is not None:
                known.drop()


class _Image:
    """A draft's call and whoever listens to its progress."""

    def __init__(self) -> None:
        self.listener: ProgressCallback | None = None
        self.calls = calls_of_run()
        self.task: asyncio.Task[GeneratedImage] | None = None

    @property
    def is_paid(self) -> bool:
        """Whether it costs something to cancel the call: not while it only waits for an overloaded service."""
        return self.calls is None or not self.calls.only_wait

    def progress(self, fraction: float, message: str) -> None:
        if self.listener is not None:
            self.listener(fraction, message)


class TrajectoryAhead:
    """The calls of one trajectory, of which some were begun ahead."""

    def __init__(self, shared: _Shared, key: Hashable, ledger: Ledger) -> None:
        self._shared = shared
        self.components = shared.components
        self._key = key
        self._ledger = ledger
        self._driver: asyncio.Task[None] | None = None
        self._images: dict[GenerationRequest, _Image] = {}
        self._verdicts: dict[CriticInput, asyncio.Task[list[Verdict]]] = {}

    async def generate(self, call: GenerationRequest, progress: ProgressCallback) -> GeneratedImage:
        """Returns the image of a call, as `ImageGenerator.generate` does; that of a draft if there is one."""
        self._shared.make_way_for(self)
        draft = self._images.pop(call, None)
        with self._dropping_on_error():
            if draft is None and (image := await self._shared.remembered(self._key, call)) is not None:
                return image
            if draft is None or draft.task is None:
                return await self._generate(call, progress)
            draft.listener = progress
            return await draft.task

    async def judge(
        self, cases: Sequence[CriticInput], drafts: Sequence[Draft] = (), attempts: Iterable[Attempt] = ()
    ) -> list[Verdict]:
        """Returns the critic's verdicts, and works on drafts meanwhile.

        Args:
            cases: What to judge.
            drafts: The steps after that of the last case, in order.
            attempts: The trajectory's attempts so far, which tell how likely drafts are to be used.
        """
        self._shared.make_way_for(self)
        known = self._verdicts.pop(cases[0], None) if len(cases) == 1 else None
        with self._dropping_on_error():
            if self._driver is not None:
                self._driver.cancel()
                self._driver = None
            verdicts = known or asyncio.create_task(self._judge(cases))
            chance = pass_rate(attempts, self._shared.pace.usual_pass_rate)
            if drafts:
                self._shared.keep(self._key, self)
                self._driver = asyncio.create_task(self._work_ahead(cases[-1].image, drafts, chance))
            judged = await verdicts
        for verdict in judged:
            self._shared.pace.add_verdict(verdict)
        if any(verdict.success is False for verdict in judged):
            self.drop()
        return judged

    def drop(self) -> None:
        """Cancels all drafts. Those that a provider works on are paid for."""
        for call, image in self._images.items():
            if image.is_paid:
                self._ledger.cancel_image(call)
        for case in self._verdicts:
            self._ledger.cancel_verdict(case)
        tasks: list[asyncio.Task[Any] | None] = [self._driver, *self._verdicts.values()]
        for task in [*tasks, *(image.task for image in self._images.values())]:
            if task is not None:
                task.cancel()
        self._driver = None
        self._images.clear()
        self._verdicts.clear()
        self._shared.trajectories.pop(self._key, None)

    @contextlib.contextmanager
    def _dropping_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.drop()
            raise

    async def _generate(self, call: GenerationRequest, progress: ProgressCallback) -> GeneratedImage:
        with generation_span(call) as traced, call_in_flight(), self._ledger.generating(call) as made:
            async with self._shared.measured(self, "generate"):
                image = await generated_image(self.components.generator, call, self.components.store, progress)
            made.append(image)
            record_image(traced, image)
        self._shared.remember(self._key, call, image)
        return image

    async def _judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        with judging_span(cases), self._ledger.judging(cases):
            async with self._shared.measured(self, "judge"):
                return checked_verdicts(await self._shared.components.critic.judge(cases), len(cases))

    async def _work_ahead(self, source: str, drafts: Sequence[Draft], chance: float) -> None:
        """Drafts one step after the other, each from the image of the one before, as long as that is worth it."""
        await asyncio.sleep(0)  # The verdict that is needed begins first.
        for depth, draft in enumerate(drafts, start=1):
            call = draft.call.model_copy(update={"source": source})
            if call not in self._images:
                if not (self._shared.is_free_for(self) and self._shared.pace.draft_pays(chance**depth)):
                    return
                self._images[call] = image = _Image()
                image.task = _begun(self._generate(call, image.progress))
            task = self._images[call].task
            assert task is not None  # noqa: S101 - set in the same step of the event loop
            try:
                source = (await asyncio.shield(task)).sha256
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - raised again where the trajectory needs the image
                return
            case = CriticInput(
                source=call.source,
                image=source,
                original_prompt=draft.original_prompt,
                prompt=call.prompt,
                references=call.references,
            )
            if case not in self._verdicts:
                if not (self._shared.is_free_for(self) and self._shared.pace.verdict_pays(chance**depth)):
                    return
                self._verdicts[case] = _begun(self._judge([case]))


def _begun(work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Starts a call whose error is reported only if somebody awaits it."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
