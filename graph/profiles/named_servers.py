"""Checks the servers, commands and variables that a profile names, for `doctor`. Nothing is generated or looked up."""

import asyncio
import os
import shutil
from collections.abc import Sequence

from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.server_check import tools_of
from interleavethinker.tools.secrets import secret_variable

from .endpoints import without_secrets
from .knowledge import Knowledge, toolboxes_of
from .profile import import_object

__all__ = ["check_command", "check_image_server", "check_knowledge", "check_variables"]

_CONTRACT = ("generate_image", "edit_image")


def check_image_server(config: GeneratorConfig) -> CheckResult:
    """Connects to the image server at a URL and looks for the tools that the profile calls."""
    mapped = None if config.tools is None else (config.tools.generate, config.tools.edit)
    wanted = _CONTRACT if mapped is None else [tool.name for tool in mapped if tool is not None]
    return _check_server("generator", config.url or "", config.token_variable, wanted)


def check_command(config: GeneratorConfig) -> CheckResult:
    """Looks for the program of an image server's command, without starting it: it may load a model."""
    program, shown = config.command[0], " ".join(config.command)
    if shutil.which(program) is None:
        return CheckResult("generator", False, f"the program {program!r} of the command was not found: {shown}")
    return CheckResult("generator", True, f"{shown} (not started; `doctor --server COMMAND` does)")


def check_variables(config: GeneratorConfig) -> list[CheckResult]:
    """Returns a warning about the variables of the generator's `environment` that are not set; none if all are."""
    unset = [name for name in config.environment if not os.environ.get(name)]
    if not unset:
        return []
    found = f"not set, so the image server does not get it: {', '.join(unset)}"
    return [CheckResult("generator environment", True, found, warning=True)]


def check_knowledge(knowledge: Knowledge | None) -> list[CheckResult]:
    """Imports the tools of `[knowledge]` and connects to its server."""
    if knowledge is None:
        return []
    checks = []
    if knowledge.tools:
        name = "knowledge tools"
        try:
            toolboxes_of(knowledge.model_copy(update={"mcp": None}), import_object)
            checks.append(CheckResult(name, True, ", ".join(knowledge.tools)))
        except InterleaveError as error:
            checks.append(CheckResult(name, False, str(error)))
    if knowledge.mcp is not None:
        checks.append(_check_server("knowledge server", knowledge.mcp, knowledge.token_variable, ()))
    return checks


def _check_server(name: str, url: str, token_variable: str | None, wanted: Sequence[str]) -> CheckResult:
    shown = without_secrets(url)
    token = None if token_variable is None else secret_variable(os.environ, token_variable)
    if token_variable is not None and not token:
        return CheckResult(name, False, f"{shown} needs the environment variable {token_variable}, which is not set")
    tools, problem = asyncio.run(tools_of(url, token))
    if problem:
        return CheckResult(name, False, f"{shown}: {problem}")
    missing = [tool for tool in wanted if tool not in tools]
    has = ", ".join(sorted(tools)[:10]) or "none"
    if missing:
        return CheckResult(name, False, f"{shown} has no tool {', '.join(missing)}; its tools: {has}")
    if not wanted and tools & set(_CONTRACT):
        return CheckResult(name, False, f"{shown} is an image server, not one to look facts up with")
    return CheckResult(name, bool(tools), f"{shown} answers; its tools: {has}")
