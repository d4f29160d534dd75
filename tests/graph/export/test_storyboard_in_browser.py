"""The storyboard in a real browser: the marks that its style sheet draws."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.export.storyboard import storyboard
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import CriticInput, Verdict

from ...servers.studio.processes import CHROMIUM, TIMEOUT, needs_browser

needs_browser()

from playwright.async_api import async_playwright  # noqa: E402 - after the check that it is installed

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
MARKS = """() => [...document.querySelectorAll("#step-1 .attempt")].map((one) => [
    one.querySelector(".head .small").textContent, getComputedStyle(one, "::before").content.replace(/[^→↓]/g, "")])"""


async def test_arrows_lead_to_retries_and_not_between_variants(opened: Opened) -> None:
    def never(case: CriticInput) -> Verdict:
        return Verdict(success=False, refined_prompt=case.prompt)

    async with opened(plan_of("a boat"), never) as ws:
        made = await ws.run(await ws.create("x", limits=Limits(variants=3, max_attempts=2)))
        text = storyboard(made, ws.store)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=TIMEOUT)
        for width, mark in ((1280, "→"), (390, "↓")):
            page = await browser.new_page(viewport={"width": width, "height": 800})
            await page.set_content(text, timeout=TIMEOUT)
            marks = [(re.sub(r"\d+", "N", name), arrow) for name, arrow in await page.evaluate(MARKS)]
            assert marks == [("Variant N", "")] * 3 + [("Attempt N", mark)]
        await browser.close()
