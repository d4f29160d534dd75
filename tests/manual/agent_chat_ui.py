"""LangChain's agent-chat-ui in Chromium against a real `langgraph dev` of this repository's graph.

Not collected by pytest: agent-chat-ui is a web application of its own, with some 500 npm packages. Once:

    git clone https://github.com/langchain-ai/agent-chat-ui.git
    python -m pip install -c constraints.txt -e '.[local,server,browser]'
    python -P tests/manual/agent_chat_ui.py agent-chat-ui SCREENSHOTS

The script installs and builds the application in its folder, if that has not been done, without changing its sources,
and without the web font that its build otherwise loads from Google. It then runs the profile `micro` and checks, as a
person would see it: a request is answered with visible images, and with the storyboard component; an uploaded image is
taken; a plan waits for approval, and is carried out as approved or as edited; a second message continues; a refused
request shows why; a page that is opened again shows the conversation. It fails at the first thing that is not so, and
leaves screenshots.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
REQUEST = "Draw a big red car on the left, on a beach. Then add a big yellow star on the right."
FONT = """module.exports = new Proxy({}, { get: () =>
  "@font-face { font-family: 'Inter'; font-style: normal; font-weight: 100 900; src: local('Arial'); }" });
"""
SHOWN = (
    "() => [...document.querySelectorAll('img')].filter(e => e.src.includes('/images/') && e.naturalWidth > 1).length"
)
PATIENCE = 300_000
"""Milliseconds for an answer; the micro world's models draw an image in a few seconds on two cores."""


def main() -> None:
    """Runs the whole conversation, or exits with what was not seen."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {Path(__file__).name} FOLDER_OF_AGENT_CHAT_UI FOLDER_FOR_SCREENSHOTS")
    from playwright.sync_api import sync_playwright

    ui, screenshots = (Path(argument).resolve() for argument in sys.argv[1:])
    screenshots.mkdir(parents=True, exist_ok=True)
    _build(ui)
    graph, page_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory(prefix="agent-chat-ui-") as home, contextlib.ExitStack() as stack:
        stack.enter_context(_langgraph(Path(home), graph))
        program = ["npx", "next", "start", "--hostname", "127.0.0.1", "--port", str(page_port)]
        stack.enter_context(_process(program, ui, {}, f"http://127.0.0.1:{page_port}/"))
        playwright = stack.enter_context(sync_playwright())
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 1000})
        page.set_default_timeout(PATIENCE)
        try:
            _converse(page, f"http://127.0.0.1:{page_port}", f"http://127.0.0.1:{graph}", screenshots, Path(home))
        except BaseException:
            page.screenshot(path=screenshots / "failed.png")
            raise
        finally:
            browser.close()
    print(f"All seen. Screenshots are in {screenshots}.")


def _converse(page: "Page", ui: str, graph: str, screenshots: Path, home: Path) -> None:
    # The server names the component's script relative to the page: a proxy before both would pass `/ui` on.
    page.route(f"{ui}/ui/**", lambda route: route.fulfill(body=httpx.get(graph + route.request.url[len(ui) :]).content))
    _open(page, ui, graph, "trajectory")
    _say(page, REQUEST)
    _until(page, 2, "images of the first answer")
    board = page.locator("section img")  # in the shadow root of a component
    board.nth(1).wait_for()
    assert all(image.evaluate("image => image.decode().then(() => image.naturalWidth)") for image in board.all())
    page.wait_for_timeout(1000)  # the page scrolls to its end
    page.screenshot(path=screenshots / "answer.png")
    _say(page, "In step 1, add a big green tree in the middle.")
    _until(page, 3, "the image of a second message, which continues")
    page.screenshot(path=screenshots / "continued.png")
    page.reload()
    _until(page, 3, "the conversation in a page that was opened again")

    _open(page, ui, graph, "trajectory")
    page.locator("#file-input").set_input_files(_drawn(home))
    _say(page, "make the car blue")
    _until(page, 1, "the image of a request with an upload")
    page.screenshot(path=screenshots / "upload.png")

    asking = _asking_assistant(graph)
    _open(page, ui, graph, asking)
    _say(page, REQUEST)
    page.get_by_text("carry_out_plan").first.wait_for()
    page.screenshot(path=screenshots / "plan.png")
    page.get_by_role("button", name="Approve", exact=True).click()
    _until(page, 2, "images of an approved plan")
    _open(page, ui, graph, asking)
    _say(page, REQUEST)
    steps = page.get_by_role("textbox").filter(has_text="instruction")
    steps.fill(json.dumps(json.loads(steps.input_value())[:1]))
    page.get_by_role("button", name="Submit", exact=True).click()
    _until(page, 1, "the image of an edited plan")
    assert page.evaluate(SHOWN) == 1, "the step that was taken out is not carried out"
    page.screenshot(path=screenshots / "edited.png")

    _open(page, ui, graph, "trajectory")
    _say(page, "A photorealistic astronaut on the moon.")
    page.get_by_text("astronaut").nth(1).wait_for()
    page.screenshot(path=screenshots / "refused.png")


def _open(page: "Page", ui: str, graph: str, assistant: str) -> None:
    page.goto(f"{ui}/?apiUrl={graph}&assistantId={assistant}")
    page.get_by_placeholder("Type your message...").wait_for()


def _say(page: "Page", words: str) -> None:
    page.get_by_placeholder("Type your message...").fill(words)
    page.get_by_role("button", name="Send").click()


def _until(page: "Page", images: int, description: str) -> None:
    try:
        page.wait_for_function(f"({SHOWN})() >= {images}")
        page.get_by_role("button", name="Send").wait_for()  # instead of Cancel: the run has ended
    except Exception as error:
        seen = page.locator("body").inner_text()[-1500:]
        raise SystemExit(f"Not seen: {description}. The page says:\n{seen}") from error


def _drawn(home: Path) -> Path:
    """An image that a person could upload: one of an earlier answer."""
    stored = next((home / "home" / "embedded" / "images").rglob("*.png"))
    file = home / "car.png"
    shutil.copy(stored, file)
    return file


def _asking_assistant(graph: str) -> str:
    """The id of an assistant whose context asks before a plan is carried out."""
    from langgraph_sdk import get_sync_client

    created = get_sync_client(url=graph).assistants.create("trajectory", context={"approve_plan": True}, name="asks")
    return created["assistant_id"]


def _build(ui: Path) -> None:
    """Installs and builds the application, unless that has been done."""
    if not (ui / "package.json").exists():
        sys.exit(f"{ui} is not a checkout of agent-chat-ui.")
    if not (ui / "node_modules" / ".bin" / "next").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps"], cwd=ui, check=True)
    if (ui / ".next" / "BUILD_ID").exists():
        return
    with tempfile.NamedTemporaryFile("w", suffix=".cjs") as font:
        font.write(FONT)
        font.flush()
        environment = os.environ | {"NEXT_FONT_GOOGLE_MOCKED_RESPONSES": font.name, "NEXT_TELEMETRY_DISABLED": "1"}
        subprocess.run(["npx", "next", "build"], cwd=ui, env=environment, check=True)


@contextlib.contextmanager
def _langgraph(home: Path, port: int) -> Iterator[None]:
    (home / "servers").mkdir()
    for name in ("langgraph.ui.json", "servers/storyboard_ui.tsx"):
        shutil.copy(ROOT / name, home / name)
    program = [str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser", "--no-reload"]
    program += ["--config", "langgraph.ui.json"]
    environment = {
        "INTERLEAVETHINKER_HOME": str(home / "home"),
        "INTERLEAVETHINKER_PROFILE": "micro",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    with _process([*program, "--port", str(port)], home, environment, f"http://127.0.0.1:{port}/ok"):
        yield


@contextlib.contextmanager
def _process(program: list[str], folder: Path, environment: dict[str, str], address: str) -> Iterator[None]:
    """A server, from its first answer at the address until it is stopped."""
    log = Path(tempfile.mkstemp(suffix=".log")[1])
    with log.open("wb") as output:
        process = subprocess.Popen(
            program, cwd=folder, env=os.environ | environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(address, timeout=2).is_success:
                    break
            if process.poll() is not None:
                sys.exit(f"{program[0]} ended:\n{log.read_text()}")
            time.sleep(0.2)
        else:
            sys.exit(f"{program[0]} does not answer at {address}:\n{log.read_text()}")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
