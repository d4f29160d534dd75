"""Measures trajectories per minute of the micro world by executor and number of workers; `make executor-bench`.

`results/executors.json` keeps the figures and `results/executors.md` is the table that the training guide shows.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interleavethinker.cli.research.source import run_record
from interleavethinker.evaluation.executors import ExecutorConfig
from interleavethinker.evaluation.markdown_tables import markdown_table
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.micro_world import GENERATORS, MicroComponents
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.trajectories import roll_out


def measure(executor: ExecutorConfig, requests: int) -> dict[str, Any]:
    """Runs the trajectories of some requests; the time includes the start of the workers."""
    with tempfile.TemporaryDirectory() as name:
        folder = DataFolder(Path(name))
        make_prompts(folder, {"train": requests}, seed=0)
        started = time.perf_counter()
        summary = asyncio.run(roll_out(folder, GENERATORS, MicroComponents(None, 0), seed=0, executor=executor))
        seconds = time.perf_counter() - started
    made = summary.kept.total()
    return {
        "executor": executor.name,
        "workers": executor.processes or 1,
        "trajectories": made,
        "seconds": round(seconds, 1),
        "a_minute": round(60 * made / seconds, 1),
    }


def table(report: Any) -> str:
    """Returns the figures as a table in Markdown; gains are those over one worker of the same executor."""
    single = {one["executor"]: one["a_minute"] for one in report["executors"] if one["workers"] == 1}
    rows = [
        (
            f"`{one['executor']}`",
            str(one["workers"]),
            f"{one['a_minute']:.0f}",
            "" if one["workers"] == 1 else f"{one['a_minute'] / single[one['executor']]:.2f}",
        )
        for one in report["executors"]
    ]
    heads = ("executor", "workers", "trajectories a minute", "times one worker")
    made = report["executors"][0]["trajectories"]
    machine = f"{made} trajectories of the micro world, {report['cores']} cores, {report['run']['date']}"
    return f"{machine}; the start of workers is included.\n\n{markdown_table(heads, rows)}\n".replace("|  |", "| |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table; with --out, writes figures and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--ray", action="store_true", help="also measure Ray")
    parser.add_argument("--out", type=Path, help="folder for executors.json and executors.md")
    given = parser.parse_args(arguments)
    executors = [ExecutorConfig(), ExecutorConfig("processes", 1), ExecutorConfig("processes", 2)]
    if given.ray:
        executors += [ExecutorConfig("ray", 1), ExecutorConfig("ray", 2)]
    report = {
        "requests": given.requests,
        "cores": os.cpu_count(),
        "executors": [measure(executor, given.requests) for executor in executors],
        "run": {**run_record(), "command": "make executor-bench"},
    }
    print(table(report))  # noqa: T201 - the result
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "executors.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        (given.out / "executors.md").write_text(table(report), encoding="utf-8")


if __name__ == "__main__":
    main()
