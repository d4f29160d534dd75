"""The agent's own overhead: time around each generator call, and checkpoint size, without any model.

Planner and critic are test doubles that answer immediately, and the generator runs in this process. What is left is the
graph, the durable SQLite checkpoints, the catalog and the image store.
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

__all__ = ["AgentOverhead", "measure_agent_overhead"]

_PROMPT = "make the big red ball in the top left corner green and leave everything else as it is"


@dataclass(frozen=True)
class AgentOverhead:
    """The agent's overhead per generator call and per step."""

    overhead_ms_per_call: float
    """Median milliseconds from the end of one generator call to the start of the next, without the critic's time."""
    checkpoint_bytes_per_step: dict[str, float]
    """Bytes of checkpoints and writes per super-step: with `25` and `300` calls over 5 steps, and with `60_steps`
    of one call each."""
    calls: int
    """The number of intervals behind the median."""

    def as_json(self) -> dict[str, object]:
        """Returns the measurements as a dictionary for `--json`."""
        return asdict(self)


class _IdleClock:
    """Measures the time between generator calls."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._idle_since: float | None = None
        self._critic_seconds = 0.0

    def generation_started(self) -> None:
        if self._idle_since is not None:
            self.gaps.append(time.perf_counter() - self._idle_since - self._critic_seconds)

    def generation_ended(self) -> None:
        self._idle_since, self._critic_seconds = time.perf_counter(), 0.0

    def judging_took(self, seconds: float) -> None:
        self._critic_seconds += seconds


class _Generator(MemoryGenerator):
    def __init__(self, store: ImageStore, clock: _IdleClock) -> None:
        super().__init__(store)
        self._clock = clock

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        self._clock.generation_started()
        made = await super().generate(call, progress)
        self._clock.generation_ended()
        return made


class _Critic(RuleCritic):
    def __init__(self, accept_at: int, clock: _IdleClock) -> None:
        self._attempts = 0
        self._accept_at = accept_at
        self._clock = clock
        super().__init__(self._verdict, gives_confidence=True)

    def _verdict(self, _: CriticInput) -> Verdict:
        self._attempts += 1
        done = self._attempts % self._accept_at == 0
        return Verdict(
            success=done, refined_prompt=_PROMPT, reasoning="ball: is red, wants green: no. " * 6, confidence=0.5
        )

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        started = time.perf_counter()
        verdicts = await super().judge(cases)
        self._clock.judging_took(time.perf_counter() - started)
        return verdicts


async def measure_agent_overhead() -> AgentOverhead:
    """Measures three trajectories in temporary workspaces."""
    clock = _IdleClock()
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, steps, attempts in (("25", 5, 5), ("300", 5, 60), ("60_steps", 60, 1)):
            root = Path(folder) / name
            components = Components(
                FixedPlanner(plan_of(*[_PROMPT] * steps)),
                _Critic(attempts, clock),
                _Generator(ImageStore(root / "images"), clock),
            )
            async with Workspace.open(root, components) as workspace:
                limits = Limits(max_attempts=max(attempts, 2))
                trajectory = await workspace.create("a story", limits=limits, seed=1)
                finished = await workspace.run(trajectory)
                if len(finished.attempts) != steps * attempts or finished.stop_reason != "complete":
                    raise RuntimeError(
                        f"expected {steps * attempts} calls, found {len(finished.attempts)}: {finished.stop_reason}"
                    )
                size, count = await workspace.checkpoint_size(trajectory)
                sizes[name] = round(size / count, 1)
            clock.generation_ended()
    return AgentOverhead(round(statistics.median(clock.gaps) * 1000, 3), sizes, len(clock.gaps))
