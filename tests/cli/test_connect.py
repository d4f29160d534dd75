"""`interleavethinker connect`: the snippets start a real server, and files of clients keep everything else."""

import asyncio
import json
import sys
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from interleavethinker.cli.app import main
from interleavethinker.cli.chat_clients import CLIENTS, Entry, config_path, merged, snippet

ENTRY = Entry("interleavethinker", ("/opt/my programs/it", "trajectory-server", "--profile", "micro"))
PARSERS = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
FILES = [name for name, client in CLIENTS.items() if client.form != "url"]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["connect", *words])
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("CODEX_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("client", FILES)
def test_a_snippet_is_valid_and_merging_it_into_nothing_gives_the_same(client: str) -> None:
    parse = PARSERS[CLIENTS[client].form]
    assert parse(snippet(client, ENTRY)) == parse(merged(client, "", ENTRY))
    assert "/opt/my programs/it" in snippet(client, ENTRY)


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("claude-desktop", '{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}'),
        ("vscode", '{"inputs": [], "servers": {}}'),
        ("codex", '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "y"\n'),
        ("goose", "# mine\nGOOSE_MODEL: x\nextensions:\n    other: # keep\n        cmd: y\n"),
        ("librechat", "version: 1.2.1\n# mine\n"),
    ],
)
def test_everything_else_in_the_file_stays(client: str, text: str) -> None:
    parse = PARSERS[CLIENTS[client].form]
    result = merged(client, text, ENTRY)
    before, after = parse(text), parse(result)
    assert after[CLIENTS[client].key].pop(ENTRY.name)
    assert {**before, CLIENTS[client].key: before.get(CLIENTS[client].key) or {}} == after
    assert ("# mine" in text) == ("# mine" in result)
    assert merged(client, result, ENTRY) == result


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("cursor", "{ // comment\n}"),
        ("cursor", "[]"),
        ("cursor", '{"mcpServers": 3}'),
        ("codex", "= broken"),
        ("codex", '[mcp_servers.interleavethinker]\ncommand = "another"\n'),
        ("goose", "extensions: {a: {cmd: x}}\n"),
        ("goose", "- a list"),
        ("goose", "a: [unclosed"),
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left_alone(
    client: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_path(client)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert run(client, "--write") == 2
    assert path.read_text() == text
    assert str(path.name) in capsys.readouterr().err
    assert list(path.parent.glob("*.bak*")) == []


def test_writing_keeps_a_backup_and_writing_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    path = config_path("claude-desktop")
    path.parent.mkdir(parents=True)
    path.write_text('{"theme": "dark"}')
    path.chmod(0o600)
    assert run("claude-desktop", "--write") == 0
    assert json.loads(path.read_text())["theme"] == "dark"
    assert path.with_name(path.name + ".bak").read_text() == '{"theme": "dark"}'
    assert sys.platform == "win32" or path.stat().st_mode & 0o777 == 0o600
    assert run("claude-desktop", "--write") == 0
    assert "already" in capsys.readouterr().out
    assert len(list(path.parent.glob("*.bak*"))) == 1
    assert run("claude-desktop", "--write", "--require-person") == 0
    assert len(list(path.parent.glob("*.bak*"))) == 2


def test_wrong_options_are_refused_before_anything_is_written(home: Path) -> None:
    for words in (
        ("unknown",),
        ("vscode", "--name", "a b"),
        ("vscode", "--write", "--profile", "missing"),
        ("vscode", "--write", "--images", str(home / "missing")),
        ("open-webui", "--write"),
    ):
        assert run(*words) == 2
    assert not (home / ".vscode").exists()


def test_open_webui_gets_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("open-webui") == 0
    assert "http://127.0.0.1:8766/mcp" in capsys.readouterr().out


def test_what_is_written_starts_the_server(home: Path) -> None:
    assert run("claude-code", "--write", "--profile", "micro") == 0
    written = json.loads((home / ".mcp.json").read_text())["mcpServers"]["interleavethinker"]
    assert Path(written["command"]).is_absolute()

    async def tools() -> list[str]:
        parameters = StdioServerParameters(command=written["command"], args=written["args"], cwd=str(home))
        with (home / "log").open("w") as log:
            async with Client(stdio_client(parameters, errlog=log)) as client:
                return [tool.name for tool in (await client.list_tools()).tools]

    assert "illustrate" in asyncio.run(tools())


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("cursor", '{"mcpServers": ' + "[" * 100_000),
        ("cursor", '{"x": 1e999}'),
        ("cursor", '{"mcpServers": {"a": {}}, "mcpServers": {}}'),
        ("codex", "x = " + "[" * 100_000),
        ("codex", "x = " + "1" * 5000),
        ("goose", "x: " + "[" * 100_000),
        ("goose", "x: 2001-99-99"),
        ("librechat", "x: &x [*x]"),
        ("codex", "[[mcp_servers]]\na = 1"),
        ("codex", "a" + ".a" * 20_000 + " = 1"),
        ("goose", "extensions: 5"),
        ("librechat", "mcpServers: [a]"),
    ],
)
def test_a_damaged_file_is_an_error_and_stays_as_it_is(
    client: str, text: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "file"
    path.write_text(text)
    assert run(client, "--write", "--file", "file") == 2
    assert "file: The file" in capsys.readouterr().err
    assert (path.read_text(), [one.name for one in home.iterdir()]) == (text, ["file"])


def test_half_a_character_in_a_file_stays_and_an_endless_file_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "file").write_text('{"note": "\\ud800"}')
    assert run("cursor", "--write", "--file", "file") == 0
    assert json.loads((home / "file").read_text())["note"] == "\ud800"
    if sys.platform != "win32":
        assert run("cursor", "--write", "--file", "/dev/zero") == 2
        assert "too large" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--connect", "javascript:alert(1)"), ("--connect", "http://["), ("--connect", "x")])
def test_an_address_that_is_none_is_not_written(words: tuple[str, ...], home: Path) -> None:
    assert run("cursor", "--write", *words) == 2
    assert list(home.iterdir()) == []
