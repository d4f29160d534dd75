"""Studio and storyboard as people see them: every state at three widths, light and dark, for somebody to look at.

Not collected by pytest. Needs Chromium and the extra `browser`:

    .venv/bin/python -P tests/manual/studio_screenshots.py SCREENSHOTS [PART_OF_A_NAME]

Writes one PNG file for each state, width and theme. It also says, and fails, where a page is wider than its window,
where a text has less contrast than 4.5 to 1, and where the storyboard inside a chat is higher than 500 pixels.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

WIDTHS = (1280, 768, 390)
THEMES: tuple[Any, ...] = ("light", "dark")
IMAGE = fake_image(GenerationRequest(prompt="mine", seed=1))
ARABIC = "اصنع قصة مصورة عن كرة حمراء اسمها Bolly في 2 خطوات"
REQUESTS = {
    "failed": "a story that fails",
    "waiting": "a story about a ball that changes its color",
    "forty steps": "a story in forty panels",
    "rejected attempts": "a picky story about a ball",
    "hostile texts": "a hostile story",
    "long texts": "an endless story, " + "told with very many words and without any full stop, " * 12,
    "right to left": ARABIC,
    "running": "a story that is told just now",
}
CHECK = """() => {
    const luminance = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((value) => {
            const share = value / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const alpha = (color) => Number(color.match(/[\\d.]+/g)[3] ?? 1);
    const behind = (one) => {
        for (let parent = one; parent; parent = parent.parentElement) {
            const color = getComputedStyle(parent).backgroundColor;
            if (alpha(color) === 1) return color;
        }
        return PAPER;
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const one = walker.currentNode.parentElement;
        const text = walker.currentNode.data.trim();
        if (!text || !one.checkVisibility() || one.closest(".sr, script, style, :disabled")) continue;
        const [first, second] = [getComputedStyle(one).color, behind(one)].map(luminance).sort((a, b) => b - a);
        const contrast = (first + 0.05) / (second + 0.05);
        if (contrast < 4.5) found.push(`contrast ${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
    }
    for (const one of document.querySelectorAll("button, a, h1, h2, h3, p, .chip, input, select")) {
        if (!one.checkVisibility() || one.closest(".sr, .skip")) continue;
        const { left, right } = one.getBoundingClientRect();
        if (right > innerWidth + 1 || left < -1) found.push(`outside: ${one.outerHTML.slice(0, 80)}`);
    }
    if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the window");
    return [...new Set(found)];
}"""


class Camera:
    """Takes the pictures whose names contain a text, and collects what is wrong on them."""

    def __init__(self, folder: Path, part: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._part = part
        self.problems: list[str] = []

    def wants(self, state: str) -> bool:
        return self._part in state

    async def take(self, page: "Page", name: str, check: Callable[[], Awaitable[list[str]]], most: int = 2600) -> None:
        await page.wait_for_timeout(400)  # Images are drawn, and animations are at rest.
        height = await page.evaluate("() => document.documentElement.scrollHeight")
        width = page.viewport_size["width"] if page.viewport_size else 0
        clip: Any = {"x": 0, "y": 0, "width": width, "height": min(height, most)}
        await page.screenshot(path=self._folder / f"{name.replace(' ', '-')}.png", full_page=True, clip=clip)
        self.problems += [f"{name}: {problem}" for problem in await check()]
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


async def studio(browser: "Browser", camera: Camera) -> None:
    """Takes pictures of the studio's pages."""
    processes = import_module("tests.servers.studio.processes")
    with tempfile.TemporaryDirectory(prefix="studio-") as home:
        empty, process = (processes.StudioProcess(Path(home, name)) for name in ("empty", "full"))
        priced = processes.StudioProcess(Path(home, "priced"), ("api", "micro"))
        held = processes.StudioProcess(Path(home, "held"))
        for one in (empty, process, priced, held):
            one.folder.mkdir()
        (held.folder / "hold").touch()
        try:
            if camera.wants("studio"):
                empty.start(), priced.start(), process.start(), held.start()
                names = await asyncio.to_thread(_fill, process)
                for width, theme in ((width, theme) for width in WIDTHS for theme in THEMES):
                    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
                    page = await context.new_page()
                    page.set_default_timeout(90_000)
                    await _studio_pages(page, camera, (empty, priced, process, held), names, f"{width} {theme}")
                    await context.close()
        finally:
            for one in (empty, process, priced, held):
                one.kill()


def _fill(process: Any) -> dict[str, str]:
    """Starts a trajectory for each state and waits until it is reached; returns their ids."""
    key = {"authorization": f"Bearer {process.key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{process.port}", headers=key, timeout=60) as client:

        def view(name: str) -> Any:
            return client.get(f"/api/trajectories/{name}").raise_for_status().json()

        names = {}
        for state, request in REQUESTS.items():
            if state == "running":
                (process.folder / "hold").touch()
            body = {"request": request, "approve_plan": state == "waiting"}
            names[state] = client.post("/api/trajectories", json=body).raise_for_status().json()["trajectory"]
            wanted = {"failed": "failed", "waiting": "waiting", "running": "running"}.get(state, "done")
            while (shown := view(names[state]))["status"] != wanted or (wanted == "running" and not shown["work"]):
                time.sleep(0.2)
        return names


async def _studio_pages(page: "Page", camera: Camera, processes: Any, names: dict[str, str], kind: str) -> None:
    empty, priced, process, held = processes

    async def check() -> list[str]:
        found: list[str] = await page.evaluate(
            CHECK.replace("PAPER", "getComputedStyle(document.body).backgroundColor")
        )
        return found

    async def take(state: str) -> None:
        await camera.take(page, f"studio {state} {kind}", check)

    await page.goto(empty.link)
    await page.get_by_text("No trajectories yet.").wait_for()
    await take("empty")
    await page.goto(priced.link)
    await page.get_by_role("link", name="New request", exact=True).click()
    await page.get_by_label("What do you want to see?").fill("A big boat at the beach, in 4 steps")
    await page.get_by_text("Limits of work and cost").click()
    await page.get_by_text("Estimated cost").wait_for()
    await take("new request")
    for number, name in ((1, "tom"), (2, "كرة")):
        image: Any = {"name": "a.png", "mimeType": "image/png", "buffer": IMAGE}
        await page.locator("input[type=file]").set_input_files(image)
        await page.get_by_label(f"Name of image {number}").fill(name)
    await page.get_by_label("What image 1 is for").fill("the hero, keep his coat and his hat as they are")
    await take("named images")
    await page.goto(held.link)
    if await page.get_by_text("No trajectories yet.").is_visible():
        await page.get_by_label("What do you want to see?").fill("a picky story")
        await page.get_by_label("Show me the plan first").uncheck()
        await page.get_by_role("button", name="Start").click()
    else:
        await page.get_by_role("navigation", name="Trajectories").get_by_role("link").first.click()
    await page.locator("#step-1").get_by_role("button", name="Reject…").first.click()
    await page.get_by_role("button", name="Change only a part of the image").click()
    await page.get_by_label("Or a rectangle").fill("10%, 20%, 40%, 30%")
    await page.get_by_label("Or a rectangle").press("Enter")
    await page.get_by_label("Or a rectangle").fill("half of it")
    await page.get_by_label("Or a rectangle").press("Enter")
    await take("painted region")
    await page.goto(process.link)
    await page.get_by_role("navigation", name="Trajectories").get_by_role("listitem").first.wait_for()
    await take("list")
    for state, name in names.items():
        await page.evaluate("hash => (location.hash = hash)", f"#/t/{name}")
        await page.locator("article.trajectory h1").wait_for()
        await page.get_by_role("heading", name="Details").wait_for()
        await take(state)
    await page.evaluate("hash => (location.hash = hash)", f"#/t/{names['rejected attempts']}")
    await page.locator("#step-1").get_by_role("button", name="Branch…").first.click()
    await page.get_by_label("Compare step 1, attempt 1").check()
    await take("branch form")
    await page.get_by_label("Compare step 1, attempt 2").check()
    await page.get_by_role("dialog").wait_for()
    await take("compared attempts")
    await page.keyboard.press("Escape")
    await page.evaluate(
        "hash => (location.hash = hash)", f"#/compare/{names['rejected attempts']}/{names['long texts']}"
    )
    await page.get_by_role("heading", name="Two branches").wait_for()
    await page.get_by_role("heading", name="Step 1").wait_for()
    await take("compared branches")


async def board(camera: Camera) -> None:
    """Takes pictures of the storyboard in a host."""
    from interleavethinker.tools.errors import ModelError
    from interleavethinker.tools.testing.agents import RuleCritic, plan_of
    from interleavethinker.tools.types import Plan, Step

    scripted = import_module("tests.servers.studio.scripted_studio")
    hosted_board = import_module("tests.servers.studio.hosted_board").hosted_board
    critic = RuleCritic(scripted.judge, gives_confidence=True)
    long = Step(instruction=scripted.LONG, prompt=f"{scripted.LONG}!", auxiliary_text=f"{scripted.LONG} {'x' * 300}")
    texts = scripted.RIGHT_TO_LEFT
    states: dict[str, tuple[str, dict[str, Any]]] = {
        "waiting": ("waiting for approval", {"approve_plan": True}),
        "running": ("running", {"close_after": 1}),
        "failed": ("failed", {"plan": ModelError("The provider refused the key. Check it, then resume.")}),
        "forty steps": ("40 of 40", {"plan": plan_of(*(f"panel {number}!" for number in range(1, 41)))}),
        "rejected attempts": ("2 of 2", {"plan": plan_of("a red ball", "make it blue!")}),
        "long texts": ("3 of 3", {"plan": Plan(steps=(long, long, long)), "request": REQUESTS["long texts"]}),
        "right to left": (
            "2 of 2",
            {
                "plan": Plan(steps=tuple(Step(instruction=a, prompt=b, auxiliary_text=c) for a, b, c in texts)),
                "request": ARABIC,
            },
        ),
    }
    for state, (words, options) in states.items():
        if not camera.wants(f"board {state}"):
            continue
        with tempfile.TemporaryDirectory(prefix="board-") as home:
            async with hosted_board(Path(home), critic=critic, **options) as shown:
                await shown.shows(words)
                for width, theme in ((width, theme) for width in WIDTHS for theme in THEMES):
                    await _board_picture(shown, camera, f"board {state} {width} {theme}", width, theme)
                shown.problems.clear()


async def _board_picture(shown: Any, camera: Camera, name: str, width: int, theme: str) -> None:
    paper = {"light": "rgb(255, 255, 255)", "dark": "rgb(32, 33, 36)"}[theme]
    await shown.page.set_viewport_size({"width": width, "height": 700})
    await shown.page.evaluate(
        "([theme, paper]) => { document.body.style.background = paper; "
        "tell({ method: 'ui/notifications/host-context-changed', params: { theme } }); }",
        [theme, paper],
    )

    async def check() -> list[str]:
        (frame,) = shown.page.main_frame.child_frames
        found: list[str] = await frame.evaluate(CHECK.replace("PAPER", f"'{paper}'"))
        height = await shown.page.evaluate("() => boardHeight")
        return [*found, *([f"{height} pixels high"] if height > 500 else [])]

    await camera.take(shown.page, name, check)


async def main() -> None:
    """Takes all pictures, or exits with what is wrong on them."""
    if len(sys.argv) not in {2, 3}:
        sys.exit(f"usage: {Path(__file__).name} FOLDER_FOR_SCREENSHOTS [PART_OF_A_NAME]")
    from playwright.async_api import async_playwright

    processes = import_module("tests.servers.studio.processes")
    camera = Camera(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=processes.CHROMIUM, args=["--no-sandbox"])
        await studio(browser, camera)
        await browser.close()
    await board(camera)
    if camera.problems:
        sys.exit("\n".join(camera.problems))


if __name__ == "__main__":
    asyncio.run(main())
