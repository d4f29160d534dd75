"""Refuses empty values, as of `--out "$FOLDER"` without that variable.

Python takes an empty path for the current folder, and an empty host for every address of the machine. The check needs
the words as they were typed, before they become paths; hence a class of commands.
"""

from pathlib import Path
from typing import Any, get_args

import typer
from typer.core import TyperCommand

from interleavethinker.tools.errors import InputError

__all__ = ["ValueCheckingCommand", "check_values_of"]

_NAMES_OF_FILES = {"folder", "profile", "image", "images", "source"}
"""Parameters that are texts and may name a file or a folder."""
_MAY_BE_EMPTY = {"grep", "reason"}
"""Texts of which an empty one means something."""
_OWN_ERRORS = {"prompt", "trajectory", "trajectories"}
"""Texts whose commands say what to give instead of an empty one."""


class ValueCheckingCommand(TyperCommand):
    """A command none of whose paths, names and addresses may be empty."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `TyperCommand.parse_args`.

        Raises:
            InputError: A value is empty.
        """
        if any(not word.strip() for word in args) or any(word.startswith("--") and word.endswith("=") for word in args):
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            for param in self.params:
                value = given.get(param.name or "")
                values = value if isinstance(value, list | tuple) else [value]
                if any(isinstance(one, str) and not one.strip() for one in values):
                    option = param.opts[0] if param.opts[0].startswith("-") else param.metavar or param.opts[0].upper()
                    if self._is_path(param.name):
                        raise InputError(f"{option} is empty. Give a path, or leave it out.")
                    if param.name not in _MAY_BE_EMPTY | _OWN_ERRORS and _mentions(self._annotation(param.name), str):
                        raise InputError(f"{option} is empty. Give a value, or leave it out.")
        return super().parse_args(ctx, args)

    def _is_path(self, name: str | None) -> bool:
        return name in _NAMES_OF_FILES or _mentions(self._annotation(name), Path)

    def _annotation(self, name: str | None) -> object:
        return getattr(self.callback, "__annotations__", {}).get(name)


def check_values_of(app: typer.Typer) -> None:
    """Makes the commands of an application, and of those in it, refuse empty values."""
    for command in app.registered_commands:
        command.cls = ValueCheckingCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            check_values_of(group.typer_instance)


def _mentions(annotation: object, kind: type) -> bool:
    return annotation is kind or any(_mentions(one, kind) for one in get_args(annotation))
