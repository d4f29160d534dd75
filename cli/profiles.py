"""`interleavethinker profiles …`: lists and shows profiles, and starts a new one."""

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from pydantic import BaseModel

from interleavethinker.tools.addresses import shown_address
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.secrets import holds_secret, without_named_secrets

from .completions import complete_profiles
from .options import Json
from .terminal import console, echo, echo_json

if TYPE_CHECKING:
    from interleavethinker.graph import Profile

__all__ = ["app"]

_M = TypeVar("_M", bound=BaseModel)

app = typer.Typer(no_args_is_help=True)

_Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=complete_profiles, help="Name of a profile, or a TOML file.")
]


@app.callback()
def profiles() -> None:
    """List and show profiles, and start a new one.

    A profile names the planner, the critic, the image generator and the limits.
    """


@app.command("list")
def list_(json_output: Json = False) -> None:
    """List the shipped profiles and your own; * marks the default."""
    from interleavethinker.graph.profiles.profile import load_profile, shipped_profiles, user_profiles
    from interleavethinker.tools.settings import chosen_profile, config_folder

    default = chosen_profile(None)
    rows = []
    shipped = shipped_profiles()
    for name in (*shipped, *user_profiles()):
        origin = "shipped" if name in shipped else "yours"
        try:
            description = load_profile(name).description
        except ProfileError as error:
            description = f"cannot be used: {error}"
        rows.append({"name": name, "origin": origin, "description": description, "default": name == default})
    if json_output:
        echo_json(rows)
        return
    from rich.text import Text

    width = max(len(str(row["name"])) for row in rows)
    terminal = console()
    for row in rows:
        mark = "*" if row["default"] else " "
        line = Text(f"{mark} {row['name']:<{width}}  {row['origin']:<7}  {one_line(str(row['description']))}")
        if terminal.is_terminal:
            line.truncate(terminal.width, overflow="ellipsis")
        terminal.print(line, soft_wrap=True)
    echo(f"Your profiles are in {config_folder() / 'profiles'}", err=True)


@app.command()
def show(name: _Name, json_output: Json = False) -> None:
    """Print a profile as it is used, with its defaults and a comment on every field.

    *** stands for keys among the options of its models, at any depth.
    Passwords in addresses are left out.

    Examples:
    interleavethinker profiles show micro
    """
    profile = _without_keys(_load(name), "***")
    if json_output:
        echo_json(profile.model_dump(mode="json"))
        return
    from interleavethinker.graph.profiles.rendering import as_toml

    echo(as_toml(profile), end="")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of your profile, or the path of a TOML file.")],
    template: Annotated[
        str, typer.Option("--from", autocompletion=complete_profiles, help="Profile to start from.")
    ] = "micro",
    json_output: Json = False,
) -> None:
    """Write a commented profile to start from; an existing file is never replaced.

    Keys among the options of its models are not copied.

    Examples:
    interleavethinker profiles new mine --from api
    """
    from interleavethinker.graph.profiles.rendering import write_starter

    profile = _load(template)
    starter = _without_keys(profile, None)
    path = write_starter(name, starter)
    if starter != profile and not json_output:
        echo("The keys of the models were not copied. Set them as environment variables.", err=True, style="yellow")
    if json_output:
        echo_json({"path": str(path)})
    else:
        echo(path)


def _load(name: str) -> "Profile":
    from interleavethinker.graph.profiles.profile import load_profile

    return load_profile(name)


def _without_keys(model: _M, replacement: str | None) -> _M:
    """Returns a profile, or a part of it, with another text in place of each key; None leaves the keys out.

    Keys are what bears the name of one among the options, variables and fixed arguments, at any depth. Addresses lose
    their passwords and queries.
    """
    changed: dict[str, object] = {}
    for field in type(model).model_fields:
        value = getattr(model, field)
        if isinstance(value, BaseModel):
            changed[field] = _without_keys(value, replacement)
        elif isinstance(value, dict):
            changed[field] = _without_passwords(without_named_secrets(value, replacement))
        elif isinstance(value, str):
            changed[field] = _without_passwords(value)
    return model.model_copy(update=changed)


def _without_passwords(value: object) -> object:
    """Returns a value in which addresses have neither passwords nor keys."""
    if isinstance(value, dict):
        return {name: _without_passwords(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    return shown_address(value) if isinstance(value, str) and holds_secret("", value) else value
