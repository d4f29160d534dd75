"""Checks shell commands of the documentation: ours by the program's own parser, the others by what they name."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from interleavethinker.cli.app import build_app
from interleavethinker.graph import load_profile
from interleavethinker.training.recipe import recipe_path

from .blocks import ROOT

__all__ = ["check_command", "commands_in", "known_options"]

_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_OTHERS = {"docker", "export", "kubectl", "langgraph", "pre-commit", "python3", "source", "trl", "vllm", "."}
"""Programs whose arguments are not ours to check."""


def commands_in(code: str) -> Iterator[list[str]]:
    """Yields the words of each command of a shell block; a quoted text may run over several lines.

    A loop's commands are those of its first round.
    """
    pending = ""
    code = code.replace("\\\n", " ")
    for name, first in re.findall(r"^for (\w+) in (\S+).*; do$", code, re.MULTILINE):
        code = code.replace(f"${name}", first)
    for line in re.sub(r"^(for .*; do|done)$", "", code, flags=re.MULTILINE).splitlines():
        pending += line + "\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # A quotation that is still open.
            continue
        pending = ""
        command: list[str] = []
        for word in [*words, "&&"]:
            if word not in {"&&", "||", "|", ";", "&"}:
                command.append(word)
            elif command:
                yield command
                command = []
    if pending:
        raise ValueError(f"a quotation is not closed: {pending}")


def check_command(words: Sequence[str]) -> None:
    """Raises an error unless the command could be typed as it is.

    Raises:
        AssertionError: It names a target, an extra, a file or a program that does not exist.
        typer.TyperException: Our program refuses its options or arguments.
        InterleaveError: It names a profile or a recipe that does not exist.
    """
    program, *arguments = [word for word in words if not re.fullmatch(r"[A-Z_]+=.*", word)] or ["export"]
    if program == "interleavethinker":
        _check_ours(arguments)
    elif program in {"accelerate", "claude"}:  # They start our program.
        first = next(i for i, word in enumerate(arguments) if word.startswith("interleavethinker"))
        _check_ours(arguments[first + 1 :])
    elif program == "uvx":
        _check_ours(arguments[arguments.index("interleavethinker") + 1 :])
    elif program.endswith("bin/python") and arguments[:1] == ["-m"]:
        assert (ROOT / f"{arguments[1].replace('.', '/')}.py").exists(), arguments
    elif program == "make":
        for target in arguments:
            assert re.search(rf"^{re.escape(target)}:", _MAKEFILE, re.MULTILINE), f"the Makefile has no {target}"
    elif program == "pip":
        _check_pip(arguments)
    elif program.endswith("pytest"):
        assert all((ROOT / path).exists() for path in arguments if path.startswith("tests/")), arguments
    else:
        assert program in _OTHERS, f"{program}: add it to the programs that the documentation may name"


def known_options() -> set[str]:
    """Returns every option of our program, such as `--max-calls`."""
    from interleavethinker.cli.commands import TABLE

    options = {"--help", *_options(typer.main.get_command(build_app([])), hidden=False)}
    for entry in TABLE:
        stack = [typer.main.get_command(build_app([entry.name])).commands[entry.name]]  # type: ignore[attr-defined]
        while stack:
            command = stack.pop()
            stack += getattr(command, "commands", {}).values()
            options |= _options(command, hidden=False)
    return options


def _check_ours(arguments: Sequence[str]) -> None:
    command = typer.main.get_command(build_app(arguments))
    if len(arguments) == 1 and arguments[0].startswith("--"):  # These act while they are parsed.
        assert arguments[0] in _options(command, hidden=False) | {"--help"}, f"no option {arguments[0]}"
        return
    context = command.make_context("interleavethinker", list(arguments), resilient_parsing=False)
    while hasattr(command, "commands") and context._protected_args:
        name, *rest = [*context._protected_args, *context.args]
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
        assert not command.hidden, f"{name} is an old name"
        assert not _options(command, hidden=True) & set(rest), f"{rest} has an old option"
        if "--help" in rest:
            return
        context = command.make_context(name, rest, parent=context)
    for option, check in (("profile", load_profile), ("recipe", recipe_path)):
        given = context.params.get(option)
        for value in given if isinstance(given, list | tuple) else [given]:  # Some commands take several.
            if value and not str(value).endswith(".toml"):
                check(value)


def _options(command: Any, *, hidden: bool) -> set[str]:
    """Returns the options of a command that its help shows, or those that it hides because they are old names."""
    options = (parameter for parameter in command.params if getattr(parameter, "hidden", False) is hidden)
    return {option for parameter in options for option in parameter.opts + parameter.secondary_opts}


def _check_pip(arguments: Sequence[str]) -> None:
    for extra in re.findall(r"\[([\w,-]+)\]", " ".join(arguments)):
        unknown = set(extra.split(",")) - set(_PROJECT["optional-dependencies"])
        assert not unknown, f"no extra {unknown}"
    if "-c" in arguments:
        assert (ROOT / arguments[arguments.index("-c") + 1]).exists()
