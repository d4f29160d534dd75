"""The pages about `bench loop` and `bench look-ahead`: ratios beside what is aimed at, and where the time goes."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["look_ahead_markdown", "loop_markdown"]

_AIMS = {
    "ratio.1": ("one trajectory at a time", 1.2),
    "ratio.8": ("8 at once", 2.5),
    "ratio.16": ("16 at once", 3.0),
    "look_ahead.2.latency_ratio": ("one at a time, look-ahead 2, against none", 1.0),
    "look_ahead.4.latency_ratio": ("one at a time, look-ahead 4, against none", 1.0),
}
_LOOK_AHEAD_AIM = 1.3
_STAGES = {
    "plan": "plan",
    "check": "checks",
    "generate": "generate",
    "judge": "judge",
    "write": "write",
    "mcp_and_queue": "MCP and queue",
    "rest": "rest",
}


def loop_markdown(figures: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        figures: What `measure_loops` returns, with the origin of the measurement under `run`.
    """
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: Mapping[str, Any]) -> Iterator[str]:
    yield _origin(figures, "interleavethinker bench loop")
    counted = any("check_seconds_per_trajectory" in values for values in figures["variants"].values())
    yield "\n| trajectories | times the speed | aimed at | |\n| --- | --- | --- | --- |"
    for key, (name, aim) in _AIMS.items():
        if key in figures:
            reached = "reached" if figures[key] >= aim else "missed"
            yield f"| {name} (`{key}`) | {figures[key]:.2f} | {aim:g} | {reached} |"
    different = sum(figures["different_documents"].values())
    yield f"\nDocuments that differ from the serial loop's: {different}."
    if "overhead_ms_per_call" in figures:
        parts = "planner, checks, critic" if counted else "planner, critic"
        yield f"Time outside of {parts} and pipeline: {figures['overhead_ms_per_call']:.1f} ms for each image."
    yield "\nSeconds of each trajectory by stage; those of concurrent trajectories overlap:\n"
    stages = _stages(figures["variants"])
    yield f"| variant | trajectories an hour | CPU seconds | {' | '.join(stages.values())} |"
    yield f"| --- | --- | --- |{' --- |' * len(stages)}"
    for name, values in figures["variants"].items():
        seconds = (values.get(f"{stage}_seconds_per_trajectory") for stage in stages)
        cells = " | ".join("–" if each is None else f"{each:.2f}" for each in seconds)
        yield (
            f"| {name.replace('_', ' ').replace('.', ' ')} | {values['trajectories_per_hour']:,.0f} | "
            f"{values['cpu_seconds_per_trajectory']:.2f} | {cells} |"
        )


def look_ahead_markdown(figures: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        figures: What `measure_look_ahead` returns, with the origin of the measurement under `run`.
    """
    return "\n".join(_look_ahead_lines(figures)) + "\n"


def _look_ahead_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    yield _origin(figures, "interleavethinker bench look-ahead")
    yield (
        f"{figures['first_attempts_passed']:.1%} of the {figures['images']} first attempts passed. "
        f"Documents that differ from those without look-ahead: {figures['different_documents']}."
    )
    yield "\n| generator | look-ahead | times the speed | aimed at | |\n| --- | --- | --- | --- | --- |"
    for generator, values in figures["generators"].items():
        for key, ratio in values.items():
            if key.endswith(".latency_ratio"):
                reached = "reached" if ratio >= _LOOK_AHEAD_AIM else "missed"
                yield f"| {_place(generator)} | {key.split('.')[1]} | {ratio:.2f} | {_LOOK_AHEAD_AIM:g} | {reached} |"
    yield "\nSeconds of each trajectory, and those by stage, which overlap with look-ahead:\n"
    stages = _stages(
        {name: each for values in figures["generators"].values() for name, each in values["variants"].items()}
    )
    yield f"| generator | look-ahead | seconds | CPU seconds | generator calls | {' | '.join(stages.values())} |"
    yield f"| --- | --- | --- | --- | --- |{' --- |' * len(stages)}"
    for generator, values in figures["generators"].items():
        for name, each in values["variants"].items():
            cells = " | ".join(f"{each[f'{stage}_seconds_per_trajectory']:.2f}" for stage in stages)
            yield (
                f"| {_place(generator)} | {name.split('.')[1]} | {each['seconds_per_trajectory']:.2f} | "
                f"{each['cpu_seconds_per_trajectory']:.2f} | {each['generator_calls']} | {cells} |"
            )


def _place(generator: str) -> str:
    return "on this machine" if generator == "0" else f"waits until {generator} s have passed"


def _origin(figures: Mapping[str, Any], command: str) -> str:
    """Returns how and where the figures were measured."""
    run = figures.get("run", {})
    command, commit = run.get("command", command), run.get("commit") or "unknown"
    machine, date = run.get("machine", "an unknown machine"), run.get("date", "date unknown")
    return (
        f"Measured by `{command}` at commit {commit}, {date}, on {machine}: {figures['requests']} requests, medians of "
        f"{figures['rounds']} rounds."
    )


def _stages(variants: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Returns the stages that any of the variants measured, with their names."""
    measured = {key for values in variants.values() for key in values}
    return {stage: name for stage, name in _STAGES.items() if f"{stage}_seconds_per_trajectory" in measured}
