"""The page about `bench loop`: ratios beside what is aimed at, and where the time goes, from the figures alone."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["loop_markdown"]

_AIMS = {
    "ratio.1": ("one trajectory at a time", 1.2),
    "ratio.8": ("8 at once", 2.5),
    "ratio.16": ("16 at once", 3.0),
    "look_ahead.2.latency_ratio": ("one at a time, look-ahead 2, against none", 1.0),
    "look_ahead.4.latency_ratio": ("one at a time, look-ahead 4, against none", 1.0),
}
_STAGES = {
    "plan": "plan",
    "generate": "generate",
    "judge": "judge",
    "write": "write",
    "mcp_and_queue": "MCP and queue",
}


def loop_markdown(figures: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        figures: What `measure_loops` returns, with the origin of the measurement under `run`.
    """
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: Mapping[str, Any]) -> Iterator[str]:
    run = figures.get("run", {})
    command, commit = run.get("command", "interleavethinker bench loop"), run.get("commit") or "unknown"
    machine, date = run.get("machine", "an unknown machine"), run.get("date", "date unknown")
    yield (
        f"Measured by `{command}` at commit {commit}, {date}, on {machine}: {figures['requests']} requests, medians of "
        f"{figures['rounds']} rounds."
    )
    yield "\n| trajectories | times the speed | aimed at | |\n| --- | --- | --- | --- |"
    for key, (name, aim) in _AIMS.items():
        if key in figures:
            reached = "reached" if figures[key] >= aim else "missed"
            yield f"| {name} (`{key}`) | {figures[key]:.2f} | {aim:g} | {reached} |"
    different = sum(figures["different_documents"].values())
    yield f"\nDocuments that differ from the serial loop's: {different}."
    if "overhead_ms_per_call" in figures:
        yield f"Time outside of planner, critic and pipeline: {figures['overhead_ms_per_call']:.1f} ms for each image."
    yield "\nSeconds of each trajectory by stage; those of concurrent trajectories overlap:\n"
    yield f"| variant | trajectories an hour | CPU seconds | {' | '.join(_STAGES.values())} |"
    yield f"| --- | --- | --- |{' --- |' * len(_STAGES)}"
    for name, values in figures["variants"].items():
        stages = (values.get(f"{stage}_seconds_per_trajectory") for stage in _STAGES)
        cells = " | ".join("–" if seconds is None else f"{seconds:.2f}" for seconds in stages)
        yield (
            f"| {name.replace('_', ' ').replace('.', ' ')} | {values['trajectories_per_hour']:,.0f} | "
            f"{values['cpu_seconds_per_trajectory']:.2f} | {cells} |"
        )
