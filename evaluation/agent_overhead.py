"""The agent's own overhead: processor time and time around each generator call, and checkpoint size, without any model.

Planner and critic are test doubles that answer immediately, and the generator runs in this process. What is left is the
graph, the durable SQLite checkpoints, the catalog and the image store.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
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

    cpu_ms_per_call: float
    """Median milliseconds of processor time, of all threads, from the end of one generator call to the start of the
    next, without the critic's. It depends little on what else the machine does."""
    overhead_ms_per_call: float
    """The same in milliseconds of time that pass. Other programs on the machine add to it."""
    checkpoint_bytes_per_step: dict[str, float]
    """Bytes of checkpoints and writes per super-step: with `25` and `300` calls over 5 steps, and with `60_steps`
    of one call each."""
    calls: int
    """The number of intervals behind the median."""

    def as_json(self) -> dict[str, object]:
        """Returns the measurements as a dictionary for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Seconds:
    """A moment on two clocks, or the time between two moments."""

    passed: float
    cpu: float

    @classmethod
    def now(cls) -> "_Seconds":
        return cls(time.perf_counter(), time.process_time())

    def __sub__(self, other: "_Seconds") -> "_Seconds":
        return _Seconds(self.passed - other.passed, self.cpu - other.cpu)

    def __add__(self, other: "_Seconds") -> "_Seconds":
        return _Seconds(self.passed + other.passed, self.cpu + other.cpu)


class _IdleClock:
    """Measures the time between generator calls."""

    def __init__(self) -> None:
        self.gaps: list[_Seconds] = []
        self._idle_since: _Seconds | None = None
        self._critic = _Seconds(0, 0)

    def generation_started(self) -> None:
        if self._idle_since is not None:
            self.gaps.append(_Seconds.now() - self._idle_since - self._critic)

    def generation_ended(self) -> None:
        self._idle_since, self._critic = _Seconds.now(), _Seconds(0, 0)

    def judging_took(self, seconds: _Seconds) -> None:
        self._critic += seconds


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
        started = _Seconds.now()
        verdicts = await super().judge(cases)
        self._clock.judging_took(_Seconds.now() - started)
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
    cpu, passed = (round(statistics.median(each) * 1000, 3) for each in zip(*map(astuple, clock.gaps), strict=True))
    return AgentOverhead(cpu, passed, sizes, len(clock.gaps))
