"""Measures trajectories per minute of the micro world by executor and number of workers; `make executor-bench`."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from interleavethinker.evaluation.executors import ExecutorConfig
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.micro_world import GENERATORS, MicroComponents
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.trajectories import roll_out


def main() -> None:
    """Prints a line for each executor; times include the start of the workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--ray", action="store_true", help="also measure Ray")
    arguments = parser.parse_args()
    executors = [ExecutorConfig(), ExecutorConfig("processes", 1), ExecutorConfig("processes", 2)]
    if arguments.ray:
        executors += [ExecutorConfig("ray", 1), ExecutorConfig("ray", 2)]
    for executor in executors:
        with tempfile.TemporaryDirectory() as name:
            folder = DataFolder(Path(name))
            make_prompts(folder, {"train": arguments.requests}, seed=0)
            started = time.perf_counter()
            components = MicroComponents(None, 0)
            summary = asyncio.run(roll_out(folder, GENERATORS, components, seed=0, executor=executor))
            seconds = time.perf_counter() - started
        made = summary.kept.total()
        print(  # noqa: T201 - the result
            f"{executor.name:<10} workers {executor.processes or 1}: "
            f"{made} trajectories in {seconds:.1f} s, {60 * made / seconds:.0f} a minute"
        )


if __name__ == "__main__":
    main()
