"""The storyboard as an MCP App: the real page in a real browser, the real server behind a host of a few lines."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp import Client
from mcp.client.extension import ClientExtension
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import TextResourceContents

from interleavethinker.servers.studio.page_files import board_html
from interleavethinker.servers.trajectories.server import build_server
from interleavethinker.servers.trajectories.tools import BOARD_URI
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, Plan, Step, Verdict

from ..trajectories.agents import PLAN, Studio, open_studio
from .processes import CHROMIUM, needs_browser
from .scripted_studio import HOSTILE

needs_browser()

from playwright.async_api import async_playwright, expect  # noqa: E402 - after the check that it is installed

if TYPE_CHECKING:
    from playwright.async_api import FrameLocator, Page

TIMEOUT = 90_000
PNG = fake_image(GenerationRequest(prompt="mine", seed=1))
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
  "tools/call": (params) => callTool(params.name, params.arguments),
};
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


class _Pages(ClientExtension):
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
        await expect(self.app.get_by_text(words).first).to_be_visible()

    async def click(self, name: str) -> None:
        await self.app.get_by_role("button", name=name, exact=True).first.click()


@contextlib.asynccontextmanager
async def _board(
    folder: Path,
    *,
    plan: Plan = PLAN,
    critic: RuleCritic | None = None,
    approve_plan: bool = False,
    close_after: int = -1,
    theme: str = "light",
    width: int = 500,
) -> AsyncIterator[Board]:
    html = board_html()
    expect.set_options(timeout=TIMEOUT)
    async with open_studio(folder, plan, critic) as studio:
        studio.generator.close_after = close_after
        server = build_server(studio.service, board=html)
        async with Client(server, extensions=[_Pages()]) as client, async_playwright() as playwright:
            arguments = {"request": "a story", "approve_plan": approve_plan}
            first = await client.call_tool("illustrate", arguments)
            assert first.structured_content is not None
            (resource,) = (await client.read_resource(BOARD_URI)).contents
            assert isinstance(resource, TextResourceContents)
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page(viewport={"width": width + 16, "height": 700})
            page.set_default_timeout(TIMEOUT)
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
            board = Board(page, studio, first.structured_content["trajectory"], problems)

            async def call_tool(name: str, given: dict[str, Any]) -> dict[str, Any]:
                board.calls.append(f"{name} {given.get('action', '')}".strip())
                answer = await client.call_tool(name, given)
                return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

            async def first_result() -> dict[str, Any]:
                return first.model_dump(mode="json", by_alias=True, exclude_none=True)

            await page.expose_function("callTool", call_tool)
            await page.expose_function("firstResult", first_result)
            guarded = resource.text.replace(
                "<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            )
            script = HOST.replace("BOARD", json.dumps(guarded).replace("</", "<\\/")).replace(
                "THEME", json.dumps(theme)
            )
            await page.set_content(script)
            yield board
            studio.generator.gate.set()
            await browser.close()
    assert not problems


def test_the_board_is_small_and_names_no_address() -> None:
    html = board_html()
    assert len(html.encode()) < 60_000
    assert "</script" not in html.partition("<script>")[2].partition("</script>")[0].lower()
    # Names of XML namespaces, in the library, are no addresses.
    assert {one for one in re.findall(r"https?://[^\s\"'`)]+", html) if "www.w3.org" not in one} == set()
    for forbidden in ("localStorage", "sessionStorage", "eval(", "new Function", "Worker(", "fetch("):
        assert forbidden not in html


async def test_a_person_edits_and_approves_the_plan_and_watches(tmp_path: Path) -> None:
    async with _board(tmp_path, approve_plan=True, close_after=1) as board:
        await board.shows("waiting for approval")
        await board.click("Edit steps")
        await board.app.get_by_label("Prompt for the image").first.fill("a moon")
        await board.click("Remove step 2")
        await board.click("Approve changed plan (2 steps)")
        await board.shows("running")
        await expect(
            board.app.get_by_role("img", name=re.compile("Step 1, attempt 1, accepted: a moon"))
        ).to_be_visible()
        pixels = await board.app.locator(".step-panel canvas").evaluate("(canvas) => canvas.width * canvas.height")
        assert pixels == 96 * 96
        assert await board.page.evaluate("() => boardHeight") <= 500
        board.studio.generator.gate.set()
        await board.shows("2 of 2 steps")
        await board.shows("complete, not checked")
        assert [call.prompt for call in board.studio.generator.calls] == ["a moon", "make it green"]
        count = len(board.calls)
        await asyncio.sleep(1.5)
        assert len(board.calls) == count  # An ended trajectory is not asked about any more.


async def test_a_person_judges_pauses_branches_and_adds_an_image(tmp_path: Path) -> None:
    critic = RuleCritic(accept_only("draw a!", "make it b", "make it c"))
    async with _board(tmp_path, plan=plan_of("draw a", "make it b"), critic=critic, close_after=1) as board:
        await board.shows("rejected")
        await board.shows("by rule")
        await board.click("Reject…")
        form = board.app.get_by_role("form", name="Reject attempt 1")
        await form.get_by_label("Prompt of the next attempt").fill("make it c")
        await form.get_by_label("What is wrong (optional)").fill("too small")
        await board.click("Reject and try again")
        await board.click("Pause")
        board.studio.generator.close_after = -1
        board.studio.generator.gate.set()
        await board.shows("paused")
        await board.click("Resume")
        await board.shows("2 of 2 steps")
        view = await board.studio.service.view(board.trajectory)
        assert (view.steps[0].attempts[0].reason, view.steps[0].attempts[0].by_person) == ("too small", True)

        await board.app.get_by_label(re.compile("^Step 2, accepted")).click()
        await board.click("Branch…")
        await board.app.get_by_label("Other words for the step (optional)").fill("make it c")
        await board.click("Create branch")
        await expect(board.app.get_by_role("form")).to_have_count(0)
        await board.app.locator(".steering input[type=file]").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": PNG}
        )
        await board.shows("2 of 2 steps")
        await expect(board.app.get_by_text(re.compile("The assistant can now use the image"))).to_be_visible()
        told = await board.page.evaluate("() => modelContext.content[0].text")
        assert "image://" in told
        branches = (await board.studio.service.view(board.trajectory)).branches
        assert len(branches) == 2
        assert {"steer_storyboard judge", "steer_storyboard pause", "steer_storyboard branch"} <= set(board.calls)


async def test_hostile_words_are_only_text_on_a_narrow_dark_board(tmp_path: Path) -> None:
    long = "a text that does not end " * 40
    texts = (*HOSTILE, long)
    plan = Plan(steps=tuple(Step(instruction=words, prompt=words, auxiliary_text=words) for words in texts))
    critic = RuleCritic(lambda case: Verdict(success=True, refined_prompt=case.prompt, reasoning=long))
    async with _board(tmp_path, plan=plan, critic=critic, theme="dark", width=500) as board:
        await board.shows("5 of 5 steps")
        await expect(board.app.get_by_role("button", name="Whole text").first).to_be_visible()
        assert await board.page.evaluate("() => boardHeight") <= 500
        await board.page.set_viewport_size({"width": 406, "height": 700})
        for number in (1, 2, 3, 4):
            await board.app.get_by_label(re.compile(f"^Step {number}, accepted")).click()
            await expect(board.app.get_by_role("region", name=f"Step {number}")).to_be_visible()
        inside = board.app.locator("html")
        assert await inside.evaluate("(root) => root.querySelectorAll('#app script, #app img, #app a').length") == 0
        assert await inside.evaluate("(root) => root.dataset.theme") == "dark"
        assert (
            await inside.evaluate("(root) => getComputedStyle(root.ownerDocument.body).backgroundColor")
            == "rgba(0, 0, 0, 0)"
        )
        assert await inside.evaluate("(root) => root.scrollWidth <= root.clientWidth")
        small = await inside.evaluate(
            """(root) => [...root.querySelectorAll("button:not(.link)")]
                .map((one) => one.getBoundingClientRect())
                .filter(({ width, height }) => width < 44 || height < 44).length"""
        )
        assert small == 0
