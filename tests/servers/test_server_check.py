"""`doctor --server`: what a check finds out about real servers, and how it words what is wrong."""

import sys
from pathlib import Path

import pytest

from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.mcp import server_check
from interleavethinker.tools.mcp.server_check import check_server, target_of

from .processes import PROGRAM
from .trajectories.programs import http_program, write_profile

TOKEN = "a-secret-of-the-tests"  # noqa: S105
NOISY = """
from mcp.server.mcpserver import MCPServer
print("Loading…", flush=True)
server = MCPServer("noisy")
@server.tool()
def add(a: int, b: int) -> int:
    return a + b
server.run("stdio")
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine some of these servers need longer than a minute to start."""
    monkeypatch.setattr(server_check, "_SECONDS", 300.0)


def by_name(checks: list[CheckResult]) -> dict[str, CheckResult]:
    return {check.name: check for check in checks}


async def test_a_trajectory_server_is_checked_over_http_without_starting_anything(tmp_path: Path) -> None:
    write_profile(tmp_path)
    async with http_program(tmp_path, INTERLEAVETHINKER_TOKEN=TOKEN) as (url, _):
        checks = by_name(await check_server(url, TOKEN))
        assert all(check.good for check in checks.values()), checks
        assert checks["connection"].found.startswith("interleavethinker ")
        assert "protocol 2026-07-28" in checks["connection"].found
        assert checks["server"].found == "the whole agent, for answers with text and images"
        assert checks["call"].found == "0 trajectories"
        assert checks["profiles"].found == "scripted"
        assert checks["storyboard"].found.endswith("characters")
        assert checks["older clients"].found == "protocol 2025-11-25, 15 tools"
        assert not (tmp_path / "log").exists(), "no image server was started"
        wrong = {
            (url, "another-secret-word"): "HTTP 401: it needs a token, or another one: set INTERLEAVETHINKER_TOKEN",
            (url, None): "HTTP 401",
            (url.replace("/mcp", "/elsewhere"), TOKEN): "HTTP 404: there is no MCP endpoint at this path",
        }
        for (target, token), words in wrong.items():
            (check,) = await check_server(target, token)
            assert not check.good
            assert words in check.found
    (check,) = await check_server(url, TOKEN)
    assert check.found.startswith(f"nothing listens at {url}. Start the server")


async def test_an_image_server_is_started_and_asked_for_its_model(tmp_path: Path) -> None:
    words = (*PROGRAM, "image-server", "--model", "fake", "--store", str(tmp_path))
    checks = by_name(await check_server(words))
    assert all(check.good for check in checks.values()), checks
    assert checks["server"].found == "single images"
    assert checks["call"].found == "model cells/1, loaded, device none"
    assert checks["tools"].found == "4: generate_image, edit_image, put_image, server_status"


async def test_a_foreign_server_that_prints_to_its_output_is_recognized() -> None:
    checks = by_name(await check_server((sys.executable, "-c", NOISY)))
    assert checks["server"].warning
    assert checks["tools"].found == "1: add"
    assert not checks["output"].good
    assert "1 lines on standard output" in checks["output"].found


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (("no-such-program",), "the program 'no-such-program' is not found. Chat clients need its absolute path."),
        ((sys.executable, "-c", "raise SystemExit('out of luck')"), "It printed: out of luck"),
        (("/",), "may not be executed"),
        ("http://[", "http://[ is no URL of a server"),
        ("http://127.0.0.1:99999/mcp", "is no URL of a server"),
    ],
)
async def test_a_server_that_cannot_be_started_is_explained(target: tuple[str, ...] | str, words: str) -> None:
    (check,) = await check_server(target)
    assert not check.good
    assert words in check.found


def test_a_target_is_a_url_or_a_command_line() -> None:
    assert target_of("http://127.0.0.1:1/mcp") == "http://127.0.0.1:1/mcp"
    for words in ("", "  ", "a 'b"):
        with pytest.raises(InputError, match="--server needs a URL or a command line"):
            target_of(words)
