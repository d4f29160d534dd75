"""`interleavethinker settings …`: shows and changes the default profile and the default workspace."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from .completions import complete_setting_values
from .options import Json
from .terminal import echo, echo_json

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_Name = Annotated[Literal["profile", "workspace"], typer.Argument(metavar="NAME", help="profile or workspace.")]


_VARIABLES = {
    "profile": ("INTERLEAVETHINKER_PROFILE",),
    "workspace": ("INTERLEAVETHINKER_WORKSPACE", "INTERLEAVETHINKER_HOME"),
}
"""The environment variables that come before each setting, in order."""


@app.callback()
def settings() -> None:
    """Show and change the default profile and the default workspace.

    An option comes before an environment variable, which comes before a
    setting, which comes before the built-in default.
    """


@app.command()
def show(json_output: Json = False) -> None:
    """Print the settings file's path, and each setting's value and where it comes from."""
    from interleavethinker.graph.profiles.endpoints import without_secrets
    from interleavethinker.tools.folders import default_workspace, is_database_url
    from interleavethinker.tools.settings import chosen_profile, load_settings, settings_path

    stored = load_settings()
    workspace = str(default_workspace())
    shown = without_secrets(workspace) if is_database_url(workspace) else workspace
    values = {
        "profile": (chosen_profile(None), _origin("profile", stored.profile)),
        "workspace": (shown, _origin("workspace", stored.workspace)),
    }
    path = settings_path()
    if json_output:
        found = {name: {"value": value, "origin": origin} for name, (value, origin) in values.items()}
        echo_json({"path": str(path), "exists": path.exists()} | found)
        return
    echo(f"{path}{'' if path.exists() else ' (does not exist)'}")
    for name, (value, origin) in values.items():
        echo(f"{name:<9}  {value}  ({origin})")


@app.command("set")
def set_(
    name: _Name,
    value: Annotated[
        str, typer.Argument(metavar="VALUE", autocompletion=complete_setting_values, help="A profile, or a folder.")
    ],
) -> None:
    """Store a setting.

    Examples:
    interleavethinker settings set profile klein
    interleavethinker settings set workspace ~/stories
    """
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.tools.errors import InputError
    from interleavethinker.tools.folders import is_database_url, refuse_foreign_url
    from interleavethinker.tools.settings import change_setting

    if name == "profile":
        load_profile(value)
        stored = str(Path(value).resolve()) if value.endswith(".toml") else value
    else:
        if is_database_url(value):
            raise InputError(
                "The setting names a folder. For a database, set the environment variable INTERLEAVETHINKER_WORKSPACE: "
                "its URL may hold a password."
            )
        refuse_foreign_url(value)
        folder = Path(value).expanduser().absolute()
        if value and folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is not a folder, so it cannot be a workspace. Name another path.")
        stored = str(folder) if value else value
    change_setting(name, stored)
    _report(name, stored)


@app.command()
def unset(name: _Name) -> None:
    """Remove a setting, so that the built-in default applies again."""
    from interleavethinker.tools.settings import change_setting

    change_setting(name, None)
    _report(name, None)


def _report(name: str, value: str | None) -> None:
    from interleavethinker.tools.settings import settings_path

    change = f"{name} removed from" if value is None else f"{name} = {value} in"
    echo(f"{change} {settings_path()}")
    if variable := _variable(name):
        echo(f"The environment variable {variable} is set and comes first.", err=True, style="yellow")


def _origin(name: str, stored: str | None) -> str:
    if variable := _variable(name):
        return f"environment variable {variable}"
    return "default" if stored is None else "settings"


def _variable(name: str) -> str | None:
    """Returns the environment variable that comes before a setting, if there is one."""
    return next(filter(os.environ.get, _VARIABLES[name]), None)
