"""`interleavethinker doctor`: reports what is installed and what is missing, without loading a model."""

import asyncio
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.local_extra import INSTALL_LOCAL, LOCAL_LIBRARIES
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.secrets import secret_variable

from .options import ProfileName
from .terminal import console, echo_json

__all__ = ["doctor"]

LIBRARIES = ("langgraph", "langchain", "mcp", "pydantic")
"""What every profile needs; `LOCAL_LIBRARIES` are needed only by profiles that load models in this process."""
_USABLE = 0.9
"""A GPU sold with 40 GiB reports a little less; the estimates are no more exact than this."""


def doctor(
    profile: ProfileName = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL|COMMAND", help="Check an MCP server as a chat client would, instead of a profile."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print machine-readable output.")] = False,
) -> None:
    """Check this installation, your settings, and what a profile needs. Exits with 3 if a requirement is not met.

    With --server, check a server of this project or another one: connect as a
    chat client does, list the tools, and read. Nothing is generated.

    Examples:
    interleavethinker doctor --profile klein
    interleavethinker doctor --server http://127.0.0.1:8766/mcp
    interleavethinker doctor --server "interleavethinker trajectory-server"
    """
    checks = [_check_python(), *_check_libraries(LIBRARIES)]
    if server is not None and all(check.good for check in checks):
        checks += _check_server(server)
    elif all(check.good for check in checks):  # Loading a profile needs these libraries.
        from interleavethinker.tools.settings import DEFAULT_PROFILE, chosen_profile

        settings = _check_settings()
        checks += [settings, _check_workspace()]
        checks += _check_with_profile(chosen_profile(profile) if settings.good else profile or DEFAULT_PROFILE)
    else:
        checks += _check_libraries(LOCAL_LIBRARIES)
    if json_output:
        echo_json([asdict(check) for check in checks], indent=2)
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            _print(check, width)
    if not all(check.good for check in checks):
        raise typer.Exit(3)


def _check_server(words: str) -> list[CheckResult]:
    from interleavethinker.tools.mcp.server_check import check_server, target_of

    target = target_of(words)
    return asyncio.run(check_server(target, secret_variable(os.environ, "INTERLEAVETHINKER_TOKEN")))


def _print(check: CheckResult, width: int) -> None:
    from rich.text import Text

    line = Text.assemble(_mark(check), f"  {check.name:<{width}}  {one_line(check.found)}")
    console().print(line, soft_wrap=True)


def _mark(check: CheckResult) -> tuple[str, str]:
    """Returns a check's mark and its color."""
    if not check.good:
        return "--", "red"
    return ("!!", "yellow") if check.warning else ("ok", "green")


def _check_settings() -> CheckResult:
    from interleavethinker.tools.settings import load_settings, settings_path

    try:
        stored = load_settings().model_dump(exclude_none=True)
    except InputError as error:
        return CheckResult("settings", False, str(error))
    if not settings_path().exists():
        return CheckResult("settings", True, f"none; they would be in {settings_path()}")
    contents = ", ".join(f"{name} = {value}" for name, value in stored.items()) or "empty"
    return CheckResult("settings", True, f"{contents} ({settings_path()})")


def _check_workspace() -> CheckResult:
    """Opens the workspace if it is a database, and names its images' place; of a folder it looks only at the
    permissions.
    """
    from interleavethinker.tools.folders import default_workspace, is_database_url, refuse_foreign_url

    try:
        place = str(default_workspace())
        refuse_foreign_url(place)
        return _check_database(place) if is_database_url(place) else _check_folder(Path(place))
    except InterleaveError as error:
        return CheckResult("workspace", False, str(error))


def _check_database(url: str) -> CheckResult:
    from interleavethinker.graph.workspace.opening import open_storage

    async def check() -> str:
        async with open_storage(url) as storage:
            await asyncio.to_thread(storage.store.__contains__, "0" * 64)
            images = getattr(storage.store, "shown", storage.store.root)
            return f"the database answers; images at {images}"

    return CheckResult("workspace", True, asyncio.run(check()))


def _check_folder(folder: Path) -> CheckResult:
    from interleavethinker.tools.files import is_folder

    nearest = next(one for one in (folder, *folder.absolute().parents) if is_folder(one))
    if nearest != folder and os.path.lexists(folder):
        return CheckResult("workspace", False, f"{folder} is not a folder, or may not be looked into")
    if not os.access(nearest, os.R_OK | os.X_OK):
        return CheckResult("workspace", False, f"{folder} may not be looked into by this user")
    if os.access(nearest, os.W_OK):
        return CheckResult("workspace", True, str(folder))
    if os.access(folder / "trajectories.sqlite", os.R_OK):
        return CheckResult("workspace", True, f"{folder} may only be read by this user", warning=True)
    way_out = "Choose another folder with `settings set workspace` or the variable INTERLEAVETHINKER_HOME"
    return CheckResult("workspace", False, f"{folder} cannot be written by this user. {way_out}")


def _check_with_profile(name: str) -> list[CheckResult]:
    from interleavethinker.graph.profiles.checks import (
        check_profile,
        gpu_memory_need,
        local_models,
        models_of_unknown_size,
        offload_advice,
    )
    from interleavethinker.graph.profiles.profile import load_profile

    profile = load_profile(name)
    local = _check_libraries(LOCAL_LIBRARIES)
    if not local_models(profile):
        # Nothing of this profile runs in this process, so a missing extra deserves only a note.
        local = [replace(check, good=True, warning=not check.good) for check in local]
    checks = [*local, _check_device()]
    checks += [replace(check, name=f"{name} {check.name}") for check in check_profile(profile)]
    unknown = models_of_unknown_size(profile)
    if unknown:
        found = f"not known for {', '.join(unknown)} before the download"
        checks.append(CheckResult(f"{name} memory", True, found, warning=True))
    needed = gpu_memory_need(profile)
    if not needed:
        return checks
    return [*checks, _check_gpu(name, needed, lambda memory: offload_advice(profile, memory))]


def _check_gpu(name: str, needed: float, advice: Callable[[float], str]) -> CheckResult:
    title = f"{name} GPU"
    try:
        import torch
    except ImportError as error:
        return CheckResult(title, False, f"not checked: torch cannot be imported ({error})")
    if not torch.cuda.is_available():
        return CheckResult(
            title, False, f"none found, about {needed:.0f} GiB needed; on a CPU each answer takes minutes"
        )
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    found = f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB (about {needed:.0f} GiB needed)"
    fits = memory >= _USABLE * needed
    way_out = "" if fits else advice(memory / _USABLE)
    return CheckResult(title, fits, f"{found}; {way_out}" if way_out else found)


def _check_python() -> CheckResult:
    return CheckResult("python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.machine()}")


def _check_libraries(names: Sequence[str]) -> list[CheckResult]:
    return [_check_library(name) for name in names]


def _check_library(name: str) -> CheckResult:
    try:
        return CheckResult(name, True, version(name))
    except PackageNotFoundError:
        remedy = INSTALL_LOCAL if name in LOCAL_LIBRARIES else "make setup, or install this project again with pip"
        return CheckResult(name, False, f"not installed; run: {remedy}")


def _check_device() -> CheckResult:
    try:
        import torch
    except ModuleNotFoundError:
        return CheckResult("device", True, f"{os.cpu_count()} CPU cores; GPUs not checked: torch is not installed")
    except ImportError as error:
        return CheckResult("device", False, f"torch cannot be imported: {error}")
    if torch.cuda.is_available():
        return CheckResult("device", True, f"{torch.cuda.get_device_name(0)}, {os.cpu_count()} CPU cores")
    return CheckResult("device", True, f"no GPU, {os.cpu_count()} CPU cores (enough for the micro world)")
