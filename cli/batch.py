"""`interleavethinker batch` and `sweep`: the requests of a manifest, side by side, into one folder with one report."""

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.structured_text import parse_json

from .estimating import print_batch_estimate, require_prices
from .exit_codes import FAILURE, INTERRUPTED, OK, WAITING
from .interrupts import pause_on_interrupt
from .options import (
    Aspect,
    Estimate,
    Json,
    LookAhead,
    MaxAttempts,
    MaxCalls,
    MaxCost,
    MaxDrift,
    OnDrift,
    ProfileName,
    Quiet,
    Size,
    TimeLimit,
    Variants,
    check_export_folder,
    image_size_of,
    limits_with,
    with_drift_guard,
)
from .terminal import console, echo, echo_json, minutes_of
from .workspace_command import workspace_command

if TYPE_CHECKING:
    from pydantic import JsonValue

    from interleavethinker.evaluation.executors.base import ExecutorName
    from interleavethinker.graph import Limits, Workspace
    from interleavethinker.graph.batch.batch import Batch
    from interleavethinker.graph.batch.manifest import BatchRequest
    from interleavethinker.graph.batch.results import BatchResult
    from interleavethinker.graph.batch.working import BatchExecutor

__all__ = ["batch", "sweep"]

_PAUSING = "Pausing after the calls in flight. Press Ctrl-C again to stop at once."
_STYLES = {"done": "green", "failed": "red", "refused": "red", "waiting": "yellow"}

Manifest = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="JSON Lines: a request with text, images and options on each line.")
]
AtOnce = Annotated[int, typer.Option(min=1, max=1024, help="Most trajectories that run at the same time.")]
BatchFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        callback=check_export_folder,
        help="Folder of the answers; by default runs/ and the manifest's name.",
    ),
]
Executor = Annotated[
    str, typer.Option(help="Where the requests run: local (this process), processes, or ray (a cluster, RAY_ADDRESS).")
]
Processes = Annotated[int, typer.Option(min=0, help="Worker processes or Ray actors; 0: one for each core.")]
Gpus = Annotated[float, typer.Option(min=0, help="With ray: GPUs of each worker.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the answers of another batch in the folder.")]
ApprovePlans = Annotated[
    bool, typer.Option("--approve-plan", help="Only plan; each plan waits for your approval with `approve`.")
]


@workspace_command
async def batch(
    workspace: "Workspace",
    manifest: Manifest,
    profile: ProfileName = None,
    out: BatchFolder = None,
    at_once: AtOnce = 8,
    executor: Executor = "local",
    processes: Processes = 0,
    gpus: Gpus = 0.0,
    approve_plan: ApprovePlans = False,
    size: Size = None,
    aspect: Aspect = None,
    max_attempts: MaxAttempts = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    time_limit: TimeLimit = None,
    look_ahead: LookAhead = None,
    variants: Variants = None,
    on_drift: OnDrift = None,
    max_drift: MaxDrift = None,
    estimate: Estimate = False,
    force: Force = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Answer the requests of a manifest side by side.

    Each line is a JSON object: text, images (paths), and if needed name,
    profile, seed, image_size, limits, approve_plan. Every answer gets a
    folder with its storyboard; report.csv and the contact sheet index.html
    show all of them.

    Nothing finished is done again: run the same command to continue after
    Ctrl-C, a crash or a failure. A failed request stops no other one.
    --executor processes, or ray, spreads the requests over several workers.

    Examples:
    interleavethinker batch requests.jsonl --at-once 8
    interleavethinker batch requests.jsonl --profile klein --out runs/klein
    interleavethinker batch requests.jsonl --executor processes --processes 4

    Exit codes: 0 all done, 2 refused manifest, 3 some requests failed,
    4 plans wait for approval, 130 paused or cancelled.
    """
    from interleavethinker.graph.batch.manifest import read_manifest

    limits = _chosen_limits(
        profile,
        max_attempts=max_attempts,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
        look_ahead=look_ahead,
        variants=variants,
        on_drift=on_drift,
        max_drift=max_drift,
    )
    requests = read_manifest(manifest)
    if estimate:
        return _estimated(requests, profile, limits, image_size_of(size, aspect), as_json=json_output)
    return await _run(
        workspace,
        requests,
        out or Path("runs") / manifest.stem,
        profile=profile,
        limits=limits,
        at_once=at_once,
        executor=_executor(executor, processes, gpus),
        image_size=image_size_of(size, aspect),
        approve_plan=approve_plan,
        force=force,
        quiet=quiet,
        as_json=json_output,
    )


@workspace_command
async def sweep(
    workspace: "Workspace",
    manifest: Manifest,
    vary: Annotated[
        list[str],
        typer.Option(help="NAME=VALUE,VALUE,…: profile, seed, image_size, or a limit as max_attempts; repeatable."),
    ],
    profile: ProfileName = None,
    out: BatchFolder = None,
    at_once: AtOnce = 8,
    executor: Executor = "local",
    processes: Processes = 0,
    gpus: Gpus = 0.0,
    size: Size = None,
    aspect: Aspect = None,
    max_attempts: MaxAttempts = None,
    max_calls: MaxCalls = None,
    max_cost: MaxCost = None,
    time_limit: TimeLimit = None,
    look_ahead: LookAhead = None,
    variants: Variants = None,
    on_drift: OnDrift = None,
    max_drift: MaxDrift = None,
    estimate: Estimate = False,
    force: Force = False,
    quiet: Quiet = False,
    json_output: Json = False,
) -> int:
    """Answer a manifest with every combination of several profiles, seeds or limits.

    A batch like that of `batch`, with a further report: settings.csv, and in
    the contact sheet a table, compare the combinations.

    Examples:
    interleavethinker sweep requests.jsonl --vary seed=1,2,3
    interleavethinker sweep requests.jsonl --vary profile=micro,klein
    interleavethinker sweep requests.jsonl --vary seed=1,2 --vary max_attempts=1,5

    Exit codes: those of `batch`.
    """
    from interleavethinker.graph.batch.manifest import read_manifest
    from interleavethinker.graph.batch.manifest import sweep as swept

    limits = _chosen_limits(
        profile,
        max_attempts=max_attempts,
        max_calls=max_calls,
        max_cost=max_cost,
        time_limit=time_limit,
        look_ahead=look_ahead,
        variants=variants,
        on_drift=on_drift,
        max_drift=max_drift,
    )
    requests = swept(read_manifest(manifest), _varied(vary))
    if estimate:
        return _estimated(requests, profile, limits, image_size_of(size, aspect), as_json=json_output)
    return await _run(
        workspace,
        requests,
        out or Path("runs") / f"{manifest.stem}-sweep",
        profile=profile,
        limits=limits,
        at_once=at_once,
        executor=_executor(executor, processes, gpus),
        image_size=image_size_of(size, aspect),
        force=force,
        quiet=quiet,
        as_json=json_output,
    )


def _varied(options: Sequence[str]) -> "dict[str, list[JsonValue]]":
    """Returns the values of `--vary` by name; what is a number or true or false in JSON becomes one."""
    varied: dict[str, list[JsonValue]] = {}
    for option in options:
        name, equals, values = option.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name in varied:
            raise InputError(f"--vary takes NAME=VALUE,VALUE, each name once; got {option!r}.")
        varied[name] = [_value(value.strip()) for value in values.split(",") if value.strip()]
    return varied


def _value(word: str) -> "JsonValue":
    try:
        value: JsonValue = parse_json(word)
    except ValueError:
        return word
    return value if isinstance(value, int | float) or value is None else word


def _chosen_limits(
    profile: str | None, *, on_drift: str | None, max_drift: float | None, **changes: float | None
) -> "Limits | None":
    """Returns the profile's limits with those of the command line; None if that gives none."""
    from interleavethinker.graph import load_profile
    from interleavethinker.tools.settings import chosen_profile

    if all(value is None for value in (on_drift, max_drift, *changes.values())):
        return None
    chosen = load_profile(chosen_profile(profile))
    limits = with_drift_guard(limits_with(chosen.limits, **changes), on_drift, max_drift)
    require_prices(chosen, limits)
    return limits


def _estimated(
    requests: "Sequence[BatchRequest]", profile: str | None, limits: "Limits | None", size: str | None, *, as_json: bool
) -> int:
    from interleavethinker.tools.settings import chosen_profile

    print_batch_estimate(requests, chosen_profile(profile), limits, size, as_json=as_json)
    return OK


def _executor(name: str, processes: int, gpus: float) -> "BatchExecutor | None":
    """Returns what works on the requests; None for this process.

    Raises:
        InputError: The options do not fit together.
    """
    from interleavethinker.evaluation.executors import ExecutorConfig

    config = ExecutorConfig(cast("ExecutorName", name), processes, gpus=gpus)
    if config.name == "local":
        return None
    from interleavethinker.evaluation.batch_workers import BatchWorkers

    return BatchWorkers(config)


async def _run(
    workspace: "Workspace",
    requests: "Sequence[BatchRequest]",
    folder: Path,
    *,
    profile: str | None,
    limits: "Limits | None",
    at_once: int,
    executor: "BatchExecutor | None",
    image_size: str | None,
    approve_plan: bool = False,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    from interleavethinker.graph.batch.batch import Batch
    from interleavethinker.tools.settings import chosen_profile

    work = Batch(
        workspace,
        requests,
        folder,
        at_once=at_once,
        profile=chosen_profile(profile),
        limits=limits,
        approve_plan=approve_plan,
        image_size=image_size,
        executor=executor,
        force=force,
    )
    terminal = console(stderr=True, quiet=as_json or quiet)
    terminal.print(f"{len(requests)} requests, at most {at_once} at once, into {folder}", style="bold", soft_wrap=True)
    progress = _Progress(len(requests))

    async def pause() -> bool:
        work.pause()
        return True

    with pause_on_interrupt(pause, lambda text: terminal.print(text, soft_wrap=True), _PAUSING):
        async with contextlib.aclosing(work.run()) as results:
            async for result in results:
                terminal.print(progress.line(result), style=_STYLES.get(result.status), soft_wrap=True)
    _report(work, as_json=as_json)
    return _exit_code(work.results)


class _Progress:
    """Lines about finished requests, with the time that is left.

    Args:
        total: Number of requests.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._worked = 0
        self._dollars = 0.0
        self._start, self._clock = datetime.now(UTC), time.monotonic()

    def line(self, result: "BatchResult") -> str:
        """Returns the line about a request that has just ended, waits or failed."""
        self._done += 1
        # Requests that were refused, or that an earlier run finished, say nothing about the time that is left.
        self._worked += result.finished is not None and result.finished >= self._start
        line = f"[{self._done:{len(str(self._total))}}/{self._total}] {result.name}: {result.status}"
        if result.calls:
            line += f", {result.calls} generator call{'s' * (result.calls != 1)}, {result.seconds:.1f} s"
        if result.error:
            line += f": {one_line(result.error)}"
        self._dollars += result.dollars
        left = self._total - self._done
        if self._dollars:
            from interleavethinker.tools.prices import dollar_amount

            line += f"; {dollar_amount(self._dollars)} so far"
        if left and self._worked:
            seconds = (time.monotonic() - self._clock) / self._worked * left
            line += f"; about {minutes_of(seconds)} left"
        return line


def _report(work: "Batch", *, as_json: bool) -> None:
    counts = Counter(one.status for one in work.results)
    sheet, table = work.folder / "index.html", work.folder / "report.csv"
    if as_json:
        results = [one.model_dump(mode="json") | {"page": one.page} for one in work.results]
        echo_json({"contact_sheet": str(sheet), "report": str(table), "counts": counts, "results": results})
        return
    echo(", ".join(f"{number} {status}" for status, number in counts.items()) + ".", err=True)
    if counts.keys() - {"done", "refused", "cancelled"}:
        hint = "Approve plans with `approve ID --no-run`, then run" if "waiting" in counts else "Run"
        echo(f"{hint} the same command to go on from here; nothing finished is done again.", err=True)
    echo(f"Report: {table}")
    echo(f"Contact sheet: {sheet}")


def _exit_code(results: "Sequence[BatchResult]") -> int:
    if any(one.failed for one in results):
        return FAILURE
    statuses = {one.status for one in results}
    if statuses - {"done", "waiting"}:
        return INTERRUPTED
    return WAITING if "waiting" in statuses else OK
