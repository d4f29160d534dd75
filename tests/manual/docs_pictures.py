"""The three pictures of studio and storyboard in the guide, from a workspace with answers of the micro world.

Not collected by pytest. Needs Chromium and the extra `browser`:

    W=$(mktemp -d)
    interleavethinker run "Tell a picture story. First a small white kitten on the left, in a meadow. Then put a big \
        crimson ball on the right. Then put a tiny golden bird at the top. At the end make the background night." \
        --workspace $W
    interleavethinker run "a small red boat on the left, then make it blue, then make it night" --approve-plan \
        --workspace $W
    .venv/bin/python -P tests/manual/docs_pictures.py $W docs/assets
"""

import asyncio
import io
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mcp import Client
from PIL import Image

from interleavethinker.graph import Workspace
from interleavethinker.servers.studio.page_files import board_html
from interleavethinker.servers.trajectories.server import build_server
from interleavethinker.servers.trajectories.service import TrajectoryService

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page


async def keep(page: "Page", path: Path, size: tuple[int, int]) -> None:
    """Saves the upper left part of a page as a small WebP file."""
    await page.wait_for_timeout(800)
    png = await page.screenshot(clip={"x": 0, "y": 0, "width": size[0], "height": size[1]})
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(small, "WEBP", quality=80, method=6)
    await asyncio.to_thread(path.write_bytes, small.getvalue())
    sys.stdout.write(f"{path.name}: {len(small.getvalue())} bytes\n")


async def studio(browser: "Browser", workspace: Path, folder: Path, done: str, waiting: str) -> None:
    """Takes the two pictures of the studio."""
    process = import_module("tests.servers.studio.processes").StudioProcess(workspace)
    process.start()
    try:
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        await page.goto(process.link)
        for name, trajectory, height in (("trajectory", done, 1000), ("plan", waiting, 860)):
            await page.set_viewport_size({"width": 1280, "height": height})
            await page.evaluate("hash => (location.hash = hash)", f"#/t/{trajectory}")
            await page.get_by_role("heading", name="Details").wait_for()
            await keep(page, folder / f"studio-{name}.webp", (1280, height))
    finally:
        process.kill()


async def board(browser: "Browser", service: TrajectoryService, folder: Path, done: str) -> None:
    """Takes the picture of the storyboard in a chat."""
    host = import_module("tests.servers.studio.hosted_board")
    html = board_html()
    async with Client(build_server(service, board=html), extensions=[host.Pages()]) as client:
        first = await client.call_tool("show_storyboard", {"trajectory": done})
        context = await browser.new_context(viewport={"width": 516, "height": 500}, device_scale_factor=1.5)
        page = await context.new_page()
        await host.show_in_host(page, client, first, html, "dark")
        await page.evaluate("() => { document.body.style.background = '#202124'; }")
        await page.frame_locator("iframe").get_by_label("Step 3, ").first.click()
        height = await page.evaluate("() => boardHeight")
        await keep(page, folder / "studio-board.webp", (516, height + 16))


async def main() -> None:
    """Takes all three."""
    from playwright.async_api import async_playwright

    workspace, folder = Path(sys.argv[1]), Path(sys.argv[2])
    chromium = import_module("tests.servers.studio.processes").CHROMIUM
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        async with Workspace.open(workspace) as opened, TrajectoryService(opened) as service:
            by_status = {one.status: one.id for one in await service.list()}
            await board(browser, service, folder, by_status["done"])
        await studio(browser, workspace, folder, by_status["done"], by_status["waiting"])
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
