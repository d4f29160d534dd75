"""What the agent itself costs: time around each generator call, and bytes of checkpoints, with no model involved.

Planner and critic are doubles that answer at once; the generator paints in this process. What remains is the graph, the
durable SQLite checkpoints, the catalog and the image store's bookkeeping.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from interleavethinker.graph import Components, Limits, Workspace
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import ProgressCallback
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Verdict

__all__ = ["AgentSpeed", "measure_agent"]

_WORDS = "make the big red ball in the top left corner green and leave everything else as it is"


@dataclass(frozen=True)
class AgentSpeed:
    """The figures."""

    overhead_ms_per_call: float
    """Median milliseconds from one generator call's end to the next one's start, less the critic's time."""
    checkpoint_bytes_per_step: dict[str, float]
    """Bytes of checkpoints and writes per super-step; `25` and `300` calls over 5 steps, and `60_steps` of one call."""
    calls: int
    """Calls behind the median."""

    def as_json(self) -> dict[str, object]:
        """Returns the figures for `--json`."""
        return asdict(self)


class _Clock:
    """Notes when a port is busy."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._idle_since: float | None = None
        self._judging = 0.0

    def drawing_starts(self) -> None:
        if self._idle_since is not None:
            self.gaps.append(time.perf_counter() - self._idle_since - self._judging)

    def drawing_ends(self) -> None:
        self._idle_since, self._judging = time.perf_counter(), 0.0

    def judged(self, seconds: float) -> None:
        self._judging += seconds


class _Generator(MemoryGenerator):
    def __init__(self, store: ImageStore, clock: _Clock) -> None:
        super().__init__(store)
        self._clock = clock

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self._clock.drawing_starts()
        made = await super().generate(call, progress)
        self._clock.drawing_ends()
        return made


class _Critic(RuleCritic):
    def __init__(self, accept_at: int, clock: _Clock) -> None:
        self._tries = 0
        self._accept_at = accept_at
        self._clock = clock
        super().__init__(self._verdict, gives_confidence=True)

    def _verdict(self, _: CriticInput) -> Verdict:
        self._tries += 1
        done = self._tries % self._accept_at == 0
        return Verdict(
            success=done, refined_prompt=_WORDS, reasoning="ball: is red, wants green: no. " * 6, confidence=0.5
        )

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        started = time.perf_counter()
        verdicts = await super().judge(cases)
        self._clock.judged(time.perf_counter() - started)
        return verdicts


async def measure_agent() -> AgentSpeed:
    """Runs three trajectories in a temporary workspace."""
    clock = _Clock()
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, steps, tries in (("25", 5, 5), ("300", 5, 60), ("60_steps", 60, 1)):
            root = Path(folder) / name
            components = Components(
                FixedPlanner(plan_of(*[_WORDS] * steps)),
                _Critic(tries, clock),
                _Generator(ImageStore(root / "images"), clock),
            )
            async with Workspace.open(root, components) as workspace:
                limits = Limits(max_attempts=max(tries, 2))
                trajectory = await workspace.create("a story", limits=limits, seed=1)
                seen = await workspace.run(trajectory)
                if len(seen.attempts) != steps * tries or seen.stop_reason != "complete":
                    raise RuntimeError(
                        f"expected {steps * tries} calls, found {len(seen.attempts)}: {seen.stop_reason}"
                    )
                size, count = await workspace.checkpoint_size(trajectory)
                sizes[name] = round(size / count, 1)
            clock.drawing_ends()
    return AgentSpeed(round(statistics.median(clock.gaps) * 1000, 3), sizes, len(clock.gaps))
