"""The real trajectory server over stdio and HTTP: the core story, crashes of client and server, and the bridge."""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil  # type: ignore[import-untyped]
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestParams, ElicitResult

from interleavethinker.graph import Workspace

from .agents import open_studio
from .kill import LostError, compare, kill_processes
from .programs import (
    PROGRAM,
    STEPS,
    STORY,
    Program,
    http_program,
    repeated_calls,
    server_words,
    stdio_program,
    write_profile,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts its servers through a shell, and kills them")


async def finished(program: Program, view: dict[str, Any]) -> dict[str, Any]:
    while view["status"] == "running":
        view = await program.call("follow", trajectory=view["trajectory"], since=view["version"], wait=20)
    assert (view["status"], view["finished"]) == ("done", STEPS)
    return view


async def with_a_plan(program: Program, view: dict[str, Any]) -> dict[str, Any]:
    """Returns the view once the plan waits: a loaded machine takes longer to make it than `illustrate` waits for it."""
    while view["status"] == "running":
        view = await program.call("follow", trajectory=view["trajectory"], since=view["version"], wait=20)
    assert view["status"] == "waiting"
    return view


async def killed_after_a_step(program: Program) -> str:
    """Starts a trajectory and kills the server once a step is finished; returns its id."""
    view = await program.call("illustrate", request=STORY, key="story")
    while not view["finished"]:
        view = await program.call("follow", trajectory=view["trajectory"], since=view["version"], wait=20)
    program.kill()
    return str(view["trajectory"])


async def test_a_killed_stdio_server_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    write_profile(tmp_path)
    with contextlib.suppress(Exception):
        async with stdio_program(tmp_path) as first:
            name = await killed_after_a_step(first)
            with pytest.raises(Exception, match=r".+"):
                await first.call("list_trajectories")
    async with stdio_program(tmp_path, mode="legacy") as second:
        left = await second.call("follow", trajectory=name)
        assert left["status"] in {"interrupted", "done"}
        result = await second.client.call_tool("follow", {"trajectory": name})
        if left["status"] == "interrupted":
            assert "call resume" in str(result.content[0])
        done = await finished(second, await second.call("resume", trajectory=name))
        assert [step["status"] for step in done["steps"]] == ["accepted"] * STEPS
        repeat = await second.call("illustrate", request=STORY, key="story")
        assert repeat["trajectory"] == name
    assert repeated_calls(tmp_path) == []


async def test_two_servers_share_a_workspace_and_a_closed_client_pauses_its_trajectory(tmp_path: Path) -> None:
    write_profile(tmp_path)
    async with stdio_program(tmp_path) as watcher:
        async with stdio_program(tmp_path) as runner:
            view = await runner.call("illustrate", request=STORY)
            seen = await watcher.call("show_storyboard", trajectory=view["trajectory"])
            assert seen["title"] == view["title"]
        left = await watcher.call("follow", trajectory=view["trajectory"], wait=0)
        assert left["status"] in {"paused", "done"}
        await finished(watcher, await watcher.call("resume", trajectory=view["trajectory"]))
    assert repeated_calls(tmp_path) == []


TOKEN = "a-secret-of-the-tests"  # noqa: S105


async def test_one_http_server_serves_clients_and_bridges_and_may_be_restarted_under_them(tmp_path: Path) -> None:
    write_profile(tmp_path)
    asked: list[str] = []

    async def elicit(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    async with contextlib.AsyncExitStack() as stack:
        url, process = await stack.enter_async_context(http_program(tmp_path, INTERLEAVETHINKER_TOKEN=TOKEN))
        words = (*PROGRAM, "trajectory-server", "--connect", url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("INTERLEAVETHINKER_TOKEN", TOKEN)
            bridges = [
                await stack.enter_async_context(stdio_program(tmp_path, *words, mode=mode, elicitation_callback=elicit))
                for mode in ("legacy", "auto")
            ]
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=120) as http,
            Client(streamable_http_client(url, http_client=http)) as direct,
        ):
            waiting = (
                await direct.call_tool("illustrate", {"request": STORY, "approve_plan": True})
            ).structured_content
            assert waiting is not None
        name = (await with_a_plan(bridges[0], waiting))["trajectory"]
        for bridge in bridges:
            assert (await bridge.call("show_storyboard", trajectory=name))["status"] == "waiting"
        process.kill()
        await process.wait()
        for bridge in bridges:
            with pytest.raises(Exception, match=r"cannot be reached|closed"):
                await bridge.call("show_storyboard", trajectory=name)
        port = urlsplit(url).port
        assert port is not None
        await stack.enter_async_context(http_program(tmp_path, port, INTERLEAVETHINKER_TOKEN=TOKEN))
        view = await bridges[0].call("approve_plan", trajectory=name)
        for bridge in bridges:
            await finished(bridge, view)
        assert len(asked) == 1
        waiting = await bridges[1].call("illustrate", request=STORY, approve_plan=True, seed=5)
        name = (await with_a_plan(bridges[1], waiting))["trajectory"]
        await finished(bridges[1], await bridges[1].call("approve_plan", trajectory=name))
        assert len(asked) == 2
    assert repeated_calls(tmp_path) == []


HELD_SERVER = Path(__file__).parents[2] / "cli" / "held_server.py"


async def test_sigterm_keeps_the_call_in_flight_also_where_the_image_server_gets_it_too(tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.touch()
    write_profile(tmp_path, (sys.executable, str(HELD_SERVER), str(tmp_path / "generated"), str(held)))
    async with (
        http_program(tmp_path) as (url, process),
        httpx2.AsyncClient(timeout=120) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        view = (await client.call_tool("illustrate", {"request": STORY})).structured_content or {}
        while "generating" not in json.dumps(view.get("work")) or view["work"]["step"] < 2:
            words = {"trajectory": view["trajectory"], "since": view["version"]}
            view = (await client.call_tool("follow", words)).structured_content or {}
        for child in psutil.Process(process.pid).children(recursive=True):
            child.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        async with asyncio.timeout(120):
            while not (line := (await process.stderr.readline()).decode()).startswith("Pausing 1 running trajectory"):
                assert line, "it ended without a word"
            shown = (
                await client.call_tool("show_storyboard", {"trajectory": view["trajectory"]})
            ).structured_content or {}
            assert shown["status"] == "running", "it still answers"
            held.unlink()
            assert await process.wait() == 0
    async with Workspace.open(tmp_path / "w") as workspace:
        kept = await workspace.get(view["trajectory"])
    assert (kept.status, len(kept.attempts)) == ("paused", 2)


async def test_the_http_server_is_on_loopback_and_checks_host_origin_and_token(tmp_path: Path) -> None:
    write_profile(tmp_path)
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with (
        http_program(tmp_path, INTERLEAVETHINKER_TOKEN=TOKEN) as (url, _),
        httpx2.AsyncClient(timeout=120) as http,
    ):
        assert urlsplit(url).hostname == "127.0.0.1"
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer wrong"}, 401),
            ({"authorization": f"Bearer {TOKEN}", "origin": "http://evil.example"}, 403),
            ({"authorization": f"Bearer {TOKEN}", "host": "evil.example"}, 421),
        ):
            assert (await http.post(url, json=body, headers=headers)).status_code == status


async def test_a_wrong_start_says_what_is_wrong(tmp_path: Path) -> None:
    write_profile(tmp_path)
    wrong = {
        ("--connect", "nonsense"): "--connect needs the URL",
        ("--profile", str(tmp_path / "missing.toml")): "Cannot read the profile file",
        ("--images", str(tmp_path / "missing")): "no folder",
        ("--transport", "http", "--host", "0.0.0.0"): "requires a token",  # noqa: S104
        ("--port", "99999"): "must be at most 65535",
    }

    async def start(options: tuple[str, ...]) -> tuple[int | None, bytes, str]:
        process = await asyncio.create_subprocess_exec(
            *server_words(tmp_path, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode, output, " ".join(errors.decode().split())

    for expected, result in zip(wrong.values(), await asyncio.gather(*map(start, wrong)), strict=True):
        assert result[:2] == (2, b""), result
        assert expected in result[2]


async def test_random_kills_of_clients_and_servers_lose_nothing() -> None:
    figures = await kill_processes(4, seed=1)
    assert figures["kills"] >= 4
    assert figures["calls"]


async def test_the_kill_harness_notices_what_is_lost(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as studio:
        name = await studio.service.start("a ball")
        view = (await studio.until(name, lambda view: view.status == "done")).model_dump(mode="json")
        compare(view, view)
        first, *others = view["steps"]
        (attempt,) = first["attempts"]
        for lost in (
            view | {"finished": 2},
            view | {"plan_version": 0},
            view | {"steps": [first | {"attempts": []}, *others]},
            view | {"steps": [first | {"attempts": [attempt | {"image": None}]}, *others]},
        ):
            with pytest.raises(LostError):
                compare(view, lost)
        with pytest.raises(LostError, match="was cancelled"):
            compare(view | {"status": "cancelled"}, view)
