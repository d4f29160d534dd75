"""The storyboard in a host of a few lines that forbids all that a chat program may forbid: the real page and server."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.client.extension import ClientExtension
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import CallToolResult, TextResourceContents

from interleavethinker.servers.studio.page_files import board_html
from interleavethinker.servers.trajectories.server import build_server
from interleavethinker.servers.trajectories.tools import BOARD_URI
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import Plan

from ..trajectories.agents import PLAN, Studio, open_studio
from .processes import CHROMIUM

if TYPE_CHECKING:
    from playwright.async_api import FrameLocator, Page

__all__ = ["TIMEOUT", "Board", "Pages", "hosted_board", "show_in_host"]

TIMEOUT = 90_000
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'none'; connect-src 'none'"
HOST = """<!doctype html><meta charset="utf-8"><body><script>
const frame = document.createElement("iframe");
frame.sandbox = "allow-scripts";
frame.style = "width: 100%; border: 0";
frame.srcdoc = BOARD;
const tell = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
const hostCapabilities = { serverTools: {}, updateModelContext: { text: {} } };
const answers = {
  "ui/initialize": () => ({
    protocolVersion: "2026-01-26",
    hostInfo: { name: "test", version: "1" },
    hostCapabilities,
    hostContext: { theme: THEME },
  }),
  "ui/update-model-context": (params) => { window.modelContext = params; return {}; },
  "tools/call": async (params) => {
    const result = await callTool(params.name, params.arguments);
    acted.push(params.arguments.action);
    return result;
  },
};
window.acted = [];
addEventListener("message", async ({ source, data }) => {
  if (source !== frame.contentWindow) return;
  if (data.method === "ui/notifications/initialized")
    tell({ method: "ui/notifications/tool-result", params: await firstResult() });
  else if (data.method === "ui/notifications/size-changed") {
    window.boardHeight = data.params.height;
    frame.style.height = `${boardHeight}px`;
  } else if (answers[data.method]) tell({ id: data.id, result: await answers[data.method](data.params) });
  else if (data.id !== undefined) tell({ id: data.id, error: { code: -32601, message: "no such method" } });
});
document.body.append(frame);
</script>"""


class Pages(ClientExtension):
    """A client that shows MCP Apps."""

    identifier = EXTENSION_ID

    def settings(self) -> dict[str, Any]:
        return {"mimeTypes": [APP_MIME_TYPE]}


class Board:
    """A storyboard in a host."""

    def __init__(self, page: "Page", studio: Studio, trajectory: str, problems: list[str]) -> None:
        self.page = page
        self.studio = studio
        self.trajectory = trajectory
        self.problems = problems
        self.calls: list[str] = []

    @property
    def app(self) -> "FrameLocator":
        return self.page.frame_locator("iframe")

    async def shows(self, words: str) -> None:
        from playwright.async_api import expect

        await expect(self.app.get_by_text(words).first).to_be_visible()

    async def click(self, name: str) -> None:
        await self.app.get_by_role("button", name=name, exact=True).first.click()

    async def acted(self, verb: str) -> None:
        """Waits until the server has answered to a verb of the board."""
        await self.page.wait_for_function("(verb) => window.acted.includes(verb)", arg=verb)


@contextlib.asynccontextmanager
async def hosted_board(
    folder: Path,
    *,
    plan: Plan | Exception = PLAN,
    critic: RuleCritic | None = None,
    request: str = "a story",
    approve_plan: bool = False,
    close_after: int = -1,
    theme: str = "light",
    width: int = 500,
    **options: object,
) -> AsyncIterator[Board]:
    """A board of a trajectory that has just been started, beside the components that it runs with.

    Other options are arguments of `illustrate`.
    """
    from playwright.async_api import async_playwright, expect

    html = board_html()
    expect.set_options(timeout=TIMEOUT)
    async with open_studio(folder, plan, critic) as studio:
        studio.generator.close_after = close_after
        server = build_server(studio.service, board=html)
        async with Client(server, extensions=[Pages()]) as client, async_playwright() as playwright:
            arguments = {"request": request, "approve_plan": approve_plan, **options}
            first = await client.call_tool("illustrate", arguments)
            assert first.structured_content is not None
            (resource,) = (await client.read_resource(BOARD_URI)).contents
            assert isinstance(resource, TextResourceContents)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=TIMEOUT)
            page = await browser.new_page(viewport={"width": width + 16, "height": 700})
            page.set_default_timeout(TIMEOUT)
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
            board = Board(page, studio, first.structured_content["trajectory"], problems)

            await show_in_host(page, client, first, resource.text, theme, board.calls)
            yield board
            studio.generator.open_gate()
            await browser.close()
    assert not problems


async def show_in_host(
    page: "Page", client: Client, first: CallToolResult, html: str, theme: str = "light", calls: list[str] | None = None
) -> None:
    """Shows a storyboard in a host that passes its calls on to a client."""

    async def call_tool(name: str, given: dict[str, Any]) -> dict[str, Any]:
        if calls is not None:
            calls.append(f"{name} {given.get('action', '')}".strip())
        answer = await client.call_tool(name, given)
        return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def first_result() -> dict[str, Any]:
        return first.model_dump(mode="json", by_alias=True, exclude_none=True)

    await page.expose_function("callTool", call_tool)
    await page.expose_function("firstResult", first_result)
    guarded = html.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">')
    script = HOST.replace("BOARD", json.dumps(guarded).replace("</", "<\\/")).replace("THEME", json.dumps(theme))
    await page.set_content(script)
