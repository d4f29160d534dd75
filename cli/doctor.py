"""`interleavethinker doctor`: what this installation has and what it lacks, without loading a model."""

import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

__all__ = ["CheckResult", "doctor"]

LIBRARIES = ("torch", "diffusers", "transformers", "langgraph", "langchain", "mcp", "pydantic")


@dataclass(frozen=True)
class CheckResult:
    """One line of the report."""

    name: str
    good: bool
    found: str


def doctor(
    profile: Annotated[str, typer.Option(help="Also check what this profile needs: a name or a TOML file.")] = "micro",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this installation, and what a profile needs of it. Exits with 3 if something needed is missing."""
    findings = [check() for check in (_python, *map(_library, LIBRARIES), _device)]
    if all(finding.good for finding in findings):  # Else what a profile needs cannot even be looked for.
        findings += _profile(profile)
    if json_output:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = typer.style("ok", fg="green") if finding.good else typer.style("--", fg="red")
            typer.echo(f"{mark}  {finding.name:<14} {finding.found}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(3)


def _profile(name: str) -> list[CheckResult]:
    from interleavethinker.graph.profiles.checks import check_profile, wants_gpu
    from interleavethinker.graph.profiles.profile import load_profile

    profile = load_profile(name)
    findings = [CheckResult(f"{name} {found.name}", found.good, found.found) for found in check_profile(profile)]
    return [*findings, _gpu(name)] if wants_gpu(profile) else findings


def _gpu(name: str) -> CheckResult:
    import torch

    if not torch.cuda.is_available():
        return CheckResult(f"{name} GPU", False, "none found; models of this size take minutes an answer on a CPU")
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    return CheckResult(
        f"{name} GPU", memory > 35, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB (about 40 are needed)"
    )


def _python() -> CheckResult:
    return CheckResult("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.machine()}")


def _library(name: str) -> Callable[[], CheckResult]:
    def check() -> CheckResult:
        try:
            return CheckResult(name, True, version(name))
        except PackageNotFoundError:
            return CheckResult(name, False, "not installed; run `make setup`, or `pip install` this project again")

    return check


def _device() -> CheckResult:
    try:
        import torch
    except ImportError as error:
        return CheckResult("device", False, f"torch cannot be imported: {error}")
    if torch.cuda.is_available():
        return CheckResult("device", True, f"{torch.cuda.get_device_name(0)}, {os.cpu_count()} CPU cores")
    return CheckResult("device", True, f"no GPU, {os.cpu_count()} CPU cores (enough for the micro world)")
