"""Chat clients: where each keeps its servers, in which form, and how an entry is merged into its file.

Pure functions of text, apart from the paths. Everything else in a client's file stays as it is, comments included.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import valid_unicode
from interleavethinker.tools.structured_text import parse_json, parse_toml, parse_yaml

__all__ = ["CLIENTS", "ChatClient", "Entry", "config_path", "merged", "snippet"]

_TOOL_SECONDS = 300
_START_SECONDS = 60


@dataclass(frozen=True)
class Entry:
    """A server as a client starts it."""

    name: str
    command: Sequence[str]
    """Program and arguments."""


@dataclass(frozen=True)
class ChatClient:
    """One chat client."""

    title: str
    form: Literal["json", "toml", "yaml", "url"]
    key: str
    """The table of servers in its file."""
    note: str = ""
    """What to do after the file is written."""


CLIENTS: Mapping[str, ChatClient] = {
    "claude-desktop": ChatClient("Claude Desktop", "json", "mcpServers", "Restart Claude Desktop."),
    "claude-code": ChatClient("Claude Code", "json", "mcpServers", "Start claude in this folder and allow the server."),
    "vscode": ChatClient("VS Code", "json", "servers", "Open this folder in VS Code and start the server in mcp.json."),
    "cursor": ChatClient("Cursor", "json", "mcpServers", "Enable the server in Cursor's settings, under Tools & MCP."),
    "codex": ChatClient("Codex", "toml", "mcp_servers", "Start codex again."),
    "goose": ChatClient("Goose", "yaml", "extensions", "Start a new Goose session."),
    "librechat": ChatClient("LibreChat", "yaml", "mcpServers", "Restart LibreChat."),
    "open-webui": ChatClient("Open WebUI", "url", ""),
}


def config_path(client: str) -> Path:
    """Returns a client's file: the user's, or for clients with files in projects, one below the current folder."""
    home = Path.home()
    if client == "claude-desktop":
        if sys.platform == "darwin":
            base = home / "Library" / "Application Support"
        elif sys.platform == "win32":
            base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
        else:
            base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return base / "Claude" / "claude_desktop_config.json"
    if client == "goose":
        if sys.platform == "win32":
            return Path(os.environ.get("APPDATA") or home) / "Block" / "goose" / "config" / "config.yaml"
        return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "goose" / "config.yaml"
    return {
        "claude-code": Path.cwd() / ".mcp.json",
        "vscode": Path.cwd() / ".vscode" / "mcp.json",
        "cursor": home / ".cursor" / "mcp.json",
        "codex": Path(os.environ.get("CODEX_HOME") or home / ".codex") / "config.toml",
        "librechat": Path.cwd() / "librechat.yaml",
    }[client]


def snippet(client: str, entry: Entry) -> str:
    """Returns what a client's file must contain."""
    form, key = CLIENTS[client].form, CLIENTS[client].key
    if form == "json":
        return json.dumps({key: {entry.name: _fields(client, entry)}}, indent=2, ensure_ascii=False)
    if form == "toml":
        return _toml_block(key, entry)
    return "\n".join([f"{key}:", *_yaml_block(client, entry, "  ")])


def merged(client: str, text: str, entry: Entry) -> str:
    """Returns a client's file with the entry; the same text if it is there already.

    Raises:
        InputError: The file cannot be read as what it should be, or has another server of that name where replacing it
            would lose comments.
    """
    form, key = CLIENTS[client].form, CLIENTS[client].key
    if form == "json":
        return _merged_json(client, text, entry)
    parse = _parse_toml if form == "toml" else _parse_yaml
    before = parse(text)
    servers = before.get(key) or {}
    if not isinstance(servers, dict):
        raise InputError(f"The file has no table {key!r} of servers, but something else there. Add the entry by hand.")
    wanted = _fields(client, entry)
    if entry.name in servers:
        if servers[entry.name] == wanted:
            return text
        raise InputError(
            f"The file already has a server {entry.name!r} with other settings. Remove it, or choose another --name."
        )
    if form == "toml":
        result = f"{text.rstrip()}\n\n{_toml_block(key, entry)}\n".lstrip("\n")
    else:
        result = _with_yaml_entry(client, text, key, entry)
    try:
        unchanged = parse(result) == before | {key: {**servers, entry.name: wanted}}
    except InputError:
        unchanged = False
    if not unchanged:
        raise InputError("The entry cannot be added safely to a file of this layout. Add it by hand.")
    return result


def _fields(client: str, entry: Entry) -> dict[str, Any]:
    program, *arguments = entry.command
    match client:
        case "vscode" | "claude-code":
            return {"type": "stdio", "command": program, "args": arguments}
        case "codex":
            return {
                "command": program,
                "args": arguments,
                "startup_timeout_sec": _START_SECONDS,
                "tool_timeout_sec": _TOOL_SECONDS,
            }
        case "goose":
            return {"type": "stdio", "name": entry.name, "enabled": True, "cmd": program, "args": arguments,
                    "timeout": _TOOL_SECONDS}  # fmt: skip
        case "librechat":
            return {"type": "stdio", "command": program, "args": arguments, "timeout": 1000 * _TOOL_SECONDS}
        case _:
            return {"command": program, "args": arguments}


def _merged_json(client: str, text: str, entry: Entry) -> str:
    key = CLIENTS[client].key
    try:
        data = parse_json(text, unique=True) if text.strip() else {}
        json.dumps(data, allow_nan=False)  # A number beyond all floats would be written as a word.
    except ValueError as error:
        raise InputError(
            f"The file is not plain JSON ({error}); it may have comments. Add the entry by hand."
        ) from error
    servers = data.setdefault(key, {}) if isinstance(data, dict) else None
    if not isinstance(servers, dict):
        raise InputError(f"The file has no table {key!r} of servers, but something else there. Add the entry by hand.")
    if servers.get(entry.name) == _fields(client, entry):
        return text
    servers[entry.name] = _fields(client, entry)
    written = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    # Half a character can be written as an escape sequence only.
    return written if valid_unicode(written) == written else json.dumps(data, indent=2) + "\n"


def _toml_block(key: str, entry: Entry) -> str:
    fields = _fields("codex", entry)
    return "\n".join([f"[{key}.{entry.name}]", *(f"{name} = {_quoted(value)}" for name, value in fields.items())])


def _yaml_block(client: str, entry: Entry, indent: str) -> list[str]:
    # Every JSON value is YAML as well.
    fields = _fields(client, entry)
    return [f"{indent}{entry.name}:", *(f"{indent}  {name}: {_quoted(value)}" for name, value in fields.items())]


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _with_yaml_entry(client: str, text: str, key: str, entry: Entry) -> str:
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if line.split("#")[0].rstrip() == f"{key}:"), None)
    if at is None:
        return "\n".join([*lines, f"{key}:", *_yaml_block(client, entry, "  ")]) + "\n"
    following = next((line for line in lines[at + 1 :] if line.strip() and not line.lstrip().startswith("#")), "")
    indent = following[: len(following) - len(following.lstrip())] or "  "
    return "\n".join([*lines[: at + 1], *_yaml_block(client, entry, indent), *lines[at + 1 :]]) + "\n"


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:
        raise InputError(f"The file is not valid TOML: {error}.") from error


def _parse_yaml(text: str) -> dict[str, Any]:
    try:
        data = parse_yaml(text) or {}
    except ValueError as error:
        raise InputError(f"The file is not valid YAML: {error}.") from error
    if not isinstance(data, dict):
        raise InputError("The file is no YAML mapping. Add the entry by hand.")
    return data
