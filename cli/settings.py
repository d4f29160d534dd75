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


@app.callback()
def settings() -> None:
    """Show and change the default profile and the default workspace.

    An option comes before an environment variable, which comes before a
    setting, which comes before the built-in default.
    """


@app.command()
def show(json_output: Json = False) -> None:
    """Print the settings file's path, and each setting's value and where it comes from."""
    from interleavethinker.tools.folders import default_home
    from interleavethinker.tools.settings import chosen_profile, load_settings, settings_path

    stored = load_settings()
    values = {
        "profile": (chosen_profile(None), _origin("INTERLEAVETHINKER_PROFILE", stored.profile)),
        "workspace": (str(default_home()), _origin("INTERLEAVETHINKER_HOME", stored.workspace)),
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
    from interleavethinker.tools.settings import change_setting

    if name == "profile":
        load_profile(value)
        stored = str(Path(value).resolve()) if value.endswith(".toml") else value
    else:
        stored = str(Path(value).expanduser().absolute()) if value else value
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
    variable = {"profile": "INTERLEAVETHINKER_PROFILE", "workspace": "INTERLEAVETHINKER_HOME"}[name]
    if os.environ.get(variable):
        echo(f"The environment variable {variable} is set and comes first.", err=True, style="yellow")


def _origin(variable: str, stored: str | None) -> str:
    if os.environ.get(variable):
        return f"environment variable {variable}"
    return "default" if stored is None else "settings"
