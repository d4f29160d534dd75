"""`interleavethinker connect`: prints what a chat client needs to start a server of ours, or writes it."""

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interleavethinker.tools.bounded_http import is_http_address
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import USER_TEXT, atomic_write, read_at_most
from interleavethinker.tools.plain_text import valid_unicode

from .options import Json
from .terminal import echo, echo_json

if TYPE_CHECKING:
    from .chat_clients import Entry

__all__ = ["connect"]

_Client = Literal[
    "claude-desktop", "claude-code", "vscode", "cursor", "codex", "goose", "librechat", "open-webui"
]  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_FILE = 16 * 2**20
"""Bytes of a client's file."""
_URLS = {"agent": "http://127.0.0.1:8766/mcp", "images": "http://127.0.0.1:8765/mcp"}


def connect(
    client: Annotated[_Client, typer.Argument(help="The chat client.")],
    server: Annotated[Literal["agent", "images"], typer.Option(help="The whole agent, or single images.")] = "agent",
    name: Annotated[str, typer.Option(help="Name of the server in the client.")] = "interleavethinker",
    profile: Annotated[list[str] | None, typer.Option(help="With agent: profile to allow; repeatable.")] = None,
    model: Annotated[str, typer.Option(help="With images: the image model.")] = "micro",
    images: Annotated[list[Path] | None, typer.Option(help="Folder whose images may be used; repeatable.")] = None,
    require_person: Annotated[
        bool, typer.Option("--require-person", help="With agent: every plan waits for a person.")
    ] = False,
    url: Annotated[
        str | None, typer.Option("--connect", metavar="URL", help="Use a server that already runs over HTTP.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Merge it into the client's file; the old file is kept as a backup.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="The client's file, if it is not in its usual place.")] = None,
    json_output: Json = False,
) -> None:
    """Print the configuration with which a chat client starts this program, with absolute paths.

    Examples:
    interleavethinker connect claude-desktop --write
    interleavethinker connect vscode --profile api --images ~/Pictures
    interleavethinker connect codex --server images --model klein
    """
    from .chat_clients import CLIENTS, Entry, config_path, snippet

    if _NAME.fullmatch(name) is None:
        raise InputError(f"A server's name consists of letters, digits, '_' and '-'; got {name!r}.")
    words = _words(server, profile or [], model, images or [], require_person=require_person, url=url)
    if undecodable := next((word for word in words if valid_unicode(word) != word), None):
        raise InputError(f"{undecodable!r} is not valid Unicode, so no client's file can name it. Rename it.")
    entry = Entry(name, (*_program(), *words))
    chosen = CLIENTS[client]
    if chosen.form == "url":
        if write:
            raise InputError(f"{chosen.title} keeps its servers in its database. Follow the steps instead of --write.")
        _print_url(chosen.title, server, (*_program(), *words), url)
        return
    path = file or config_path(client)
    if write:
        _write(client, path, entry)
        echo(chosen.note)
    elif json_output:
        echo_json({"file": str(path), "content": snippet(client, entry)})
    else:
        if client == "claude-code":
            echo(f"claude mcp add --scope user {name} -- {shlex.join(entry.command)}")
            echo()
            echo("Or for one project:")
        echo(f"Add this to {path}, or run the same command with --write:")
        echo()
        echo(snippet(client, entry))
        echo()
        echo(chosen.note)


def _program() -> tuple[str, ...]:
    """Returns the absolute command of this program: clients do not have the shell's search path."""
    suffix = ".exe" if sys.platform == "win32" else ""
    beside = Path(sys.executable).parent / f"interleavethinker{suffix}"
    if beside.is_file():
        return (str(beside),)
    return (sys.executable, "-P", "-m", "interleavethinker.cli")


def _words(
    server: str, profiles: list[str], model: str, images: list[Path], *, require_person: bool, url: str | None
) -> list[str]:
    """Returns the server's command line; everything that can be wrong is checked now and not in the client's log."""
    from interleavethinker.graph.profiles.profile import load_profile
    from interleavethinker.tools.images.folders import ImageFolders

    command = "trajectory-server" if server == "agent" else "image-server"
    if url is not None:
        if not is_http_address(url):
            raise InputError(f"--connect takes the address of a server, as {_URLS[server]}; got {url!r}.")
        if server == "images":
            command = "trajectory-server"  # The bridge passes any server's messages on.
        return [command, "--connect", url]
    words = [command]
    ImageFolders(images)
    folders = [word for folder in images for word in ("--images", str(folder.expanduser().resolve()))]
    if server == "images":
        return [*words, "--model", model, *folders]
    for profile in profiles:
        load_profile(profile)
        words += ["--profile", str(Path(profile).resolve()) if profile.endswith(".toml") else profile]
    return [*words, *folders, *(["--require-person"] if require_person else [])]


def _print_url(title: str, server: str, command: tuple[str, ...], url: str | None) -> None:
    if url is None:
        echo("Start the server:")
        echo(f"  {shlex.join(command)} --transport http")
    echo(f"In {title}: Admin Settings, External Tools, add a connection of the type MCP (Streamable HTTP) with the URL")
    echo(f"  {url or _URLS[server]}")
    echo("If the server has a token (INTERLEAVETHINKER_TOKEN), choose Bearer and enter it.")


def _write(client: str, path: Path, entry: "Entry") -> None:
    from .chat_clients import merged

    try:
        old = read_at_most(path, _MAX_FILE)
    except FileNotFoundError:
        old = b""
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    try:
        text = old.decode(USER_TEXT)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte {error.start + 1} is invalid.") from error
    try:
        new = merged(client, text, entry)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if new == text and old:
        echo(f"{path} has this entry already.")
        return
    try:
        if old:
            backup = _free_name(path)
            shutil.copy2(path, backup)
            echo(f"Kept the old file as {backup}.")
        target = path.resolve()  # A link, as dotfile managers make them, stays one.
        atomic_write(target, new.encode(), mode=0o600)
        if old:
            shutil.copymode(backup, target)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.") from error
    echo(f"Wrote {path}.")


def _free_name(path: Path) -> Path:
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.bak{number or ''}")
        if not backup.exists():
            return backup
        number += 1
