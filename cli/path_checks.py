"""Refuses empty paths, as of `--out "$FOLDER"` without that variable: Python takes them for the current folder.

The check needs the words as they were typed, before they become paths; hence a class of commands.
"""

from pathlib import Path
from typing import Any, get_args

import typer
from typer.core import TyperCommand

from interleavethinker.tools.errors import InputError

__all__ = ["PathCheckingCommand", "check_paths_of"]

_NAMES_OF_FILES = {"folder", "profile", "image", "images", "source"}
"""Parameters that are texts and may name a file or a folder."""


class PathCheckingCommand(TyperCommand):
    """A command none of whose paths may be empty."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `TyperCommand.parse_args`.

        Raises:
            InputError: A path is empty.
        """
        if "" in args or any(word.startswith("--") and word.endswith("=") for word in args):
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            for param in self.params:
                value = given.get(param.name or "")
                if "" in (value if isinstance(value, list | tuple) else [value]) and self._is_path(param.name):
                    option = param.opts[0] if param.opts[0].startswith("-") else param.metavar or param.opts[0].upper()
                    raise InputError(f"{option} is empty. Give a path, or leave it out.")
        return super().parse_args(ctx, args)

    def _is_path(self, name: str | None) -> bool:
        if name in _NAMES_OF_FILES:
            return True
        return _mentions_path(getattr(self.callback, "__annotations__", {}).get(name))


def check_paths_of(app: typer.Typer) -> None:
    """Makes the commands of an application, and of those in it, refuse empty paths."""
    for command in app.registered_commands:
        command.cls = PathCheckingCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            check_paths_of(group.typer_instance)


def _mentions_path(annotation: object) -> bool:
    return annotation is Path or any(_mentions_path(one) for one in get_args(annotation))
