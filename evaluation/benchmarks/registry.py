"""The benchmarks by name."""

from __future__ import annotations

from pathlib import Path

from interleavethinker.tools.errors import InputError

from .benchmark import Benchmark, ProtocolVersion
from .comm import Comm
from .opening import Opening
from .prompt_files import PromptFiles
from .rise import Rise
from .ueval import UEval
from .wise import Wise

__all__ = ["BENCHMARKS", "make_benchmark"]

BENCHMARKS = {benchmark.name: benchmark for benchmark in (UEval, Comm, Wise, Rise, Opening)}


def make_benchmark(
    name: str, protocol: str | None = None, prompts: Path | None = None
) -> tuple[Benchmark, PromptFiles]:
    """Returns a benchmark under a protocol, and its prompts.

    Args:
        name: A name of `BENCHMARKS`.
        protocol: The protocol; default: the benchmark's first.
        prompts: A folder whose files replace ours.

    Raises:
        InputError: There is no such benchmark or protocol, or the folder has no prompt of this benchmark.
    """
    if name not in BENCHMARKS:
        raise InputError(f"Unknown benchmark {name!r}; choose from: {', '.join(BENCHMARKS)}.")
    kind = BENCHMARKS[name]
    version = _version(kind.protocols, protocol)
    files = PromptFiles(kind.prompt_names, prompts)
    return kind(version, files), files


def _version(known: tuple[ProtocolVersion, ...], name: str | None) -> ProtocolVersion:
    found = next((version for version in known if name in {None, version.name}), None)
    if found is None:
        choices = "; ".join(f"{version.name} ({version.note})" for version in known)
        raise InputError(f"Unknown protocol {name!r}; choose from: {choices}")
    return found
