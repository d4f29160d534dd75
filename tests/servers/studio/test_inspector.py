"""The storyboard in the official MCP Inspector, whose web page is a host of MCP Apps: the real server, a real browser.

`make protocol-tools` installs the Inspector; without that, or without Chromium, this is skipped. The link to its page
names server, tool and arguments, so that it connects over HTTP, calls `illustrate`, and opens the page that the tool
names, in the Inspector's own two sandboxed frames. What the board then shows and does goes through the Inspector.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ..images.test_official import MODULES, NODE
from ..trajectories.programs import http_program, write_profile
from .processes import CHROMIUM, needs_browser

needs_browser()

from playwright.async_api import async_playwright, expect  # noqa: E402 - after the check that it is installed

TOKEN = "a-token-of-the-test"  # noqa: S105 - the Inspector asks for one; it is nobody's
LAUNCHER = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
STORY = "Draw a big red ball on the left. Then make it blue."
TIMEOUT = 90_000

pytestmark = pytest.mark.skipif(not NODE.exists(), reason="needs `make protocol-tools` (npm)")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.asynccontextmanager
async def _inspector(folder: Path) -> AsyncIterator[str]:
    """Starts the Inspector's web server; yields its address."""
    port, sandbox = _free_ports(2)
    settings = {
        "HOST": "127.0.0.1",
        "CLIENT_PORT": str(port),
        "MCP_SANDBOX_PORT": str(sandbox),
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_API_TOKEN": TOKEN,
        "HOME": str(folder),  # It keeps its own settings there.
    }
    with (folder / "inspector.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            str(NODE), str(LAUNCHER), "--web", env=os.environ | settings, stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            async with httpx.AsyncClient() as client, asyncio.timeout(180):
                while True:
                    assert process.returncode is None, (folder / "inspector.log").read_text()
                    with contextlib.suppress(httpx.TransportError):
                        await client.get(address)
                        break
                    await asyncio.sleep(0.1)
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def test_a_person_approves_the_plan_and_sees_the_images_in_the_official_inspector(tmp_path: Path) -> None:
    write_profile(tmp_path)
    arguments = json.dumps({"request": STORY, "approve_plan": True}).encode()
    async with (
        http_program(tmp_path) as (server, _),
        _inspector(tmp_path) as inspector,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=TIMEOUT)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(TIMEOUT)
        expect.set_options(timeout=TIMEOUT)
        link = {
            "serverUrl": server,
            "transport": "http",
            "autoConnect": TOKEN,
            "openApp": "illustrate",
            "appArgs": base64.urlsafe_b64encode(arguments).decode().rstrip("="),
            "autoOpen": TOKEN,
        }
        await page.goto(f"{inspector}?{urlencode(link)}")
        await expect(page.locator("[data-app-status=ready]")).to_be_visible()
        board = page.frame_locator("iframe").frame_locator("iframe")
        await expect(board.get_by_text("waiting for approval")).to_be_visible()
        await board.get_by_role("button", name="Approve plan", exact=True).click()
        await expect(board.get_by_text("2 of 2 steps")).to_be_visible()
        image = board.get_by_role("img", name=re.compile("Step 2, attempt 1, accepted"))
        await expect(image).to_be_visible()
        await expect(board.locator(".step-panel .picture.shown canvas")).to_be_visible()
        assert await image.evaluate("(canvas) => canvas.width * canvas.height") > 1
        await browser.close()
