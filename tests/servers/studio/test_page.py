"""The studio's page in a real browser, against a studio process with scripted components."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .processes import StudioProcess, browser_of_tests, needs_browser

needs_browser()

from playwright.sync_api import expect  # noqa: E402 - after the check that it is installed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))
TIMEOUT = 90_000

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with browser_of_tests() as browser:
        yield browser


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    process = StudioProcess(tmp_path_factory.mktemp("studio"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def open_page(browser: "Browser", studio: StudioProcess) -> Iterator[Open]:
    """Opens pages; a script error or a violated policy on any of them fails the test."""
    problems: list[str] = []
    with contextlib.ExitStack() as stack:

        def opener(link: str | None = None, context: Any = None, **options: Any) -> "Page":
            if context is None:
                context = browser.new_context(**options)
                stack.callback(context.close)
            page: Page = context.new_page()
            page.set_default_timeout(TIMEOUT)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda message: _keep(problems, message))
            page.goto(link or studio.link)
            return page

        expect.set_options(timeout=TIMEOUT)
        yield opener
    assert not problems


def _keep(problems: list[str], message: Any) -> None:
    # A refused or broken connection is reported by the browser itself, and is what some tests are about.
    if message.type == "error" and "Failed to load resource" not in message.text:
        problems.append(message.text)


def _start(page: "Page", words: str, *, approve: bool = False) -> str:
    """Sends a request through the form, and returns the trajectory's id."""
    page.get_by_role("link", name="New request", exact=True).click()
    page.get_by_label("What do you want to see?").fill(words)
    page.get_by_label(re.compile("Show me the plan first")).set_checked(approve)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1, name=words)).to_be_visible()
    return page.url.rpartition("/")[2]


def test_without_the_key_the_page_shows_nothing(open_page: Open, studio: StudioProcess) -> None:
    page = open_page(f"http://127.0.0.1:{studio.port}/")
    expect(page.get_by_text("needs the studio’s key")).to_be_visible()
    wrong = open_page(f"http://127.0.0.1:{studio.port}/#key={'x' * 43}")
    expect(wrong.get_by_text("is not, or no longer, that of this studio")).to_be_visible()
    expect(wrong.get_by_role("link", name="New request", exact=True)).to_have_count(0)


def test_the_key_leaves_the_address_and_serves_further_tabs_and_reloads(open_page: Open, studio: StudioProcess) -> None:
    page = open_page()
    expect(page.get_by_role("link", name="New request", exact=True)).to_be_visible()
    assert studio.key not in page.url
    page.reload()
    expect(page.get_by_role("link", name="New request", exact=True)).to_be_visible()
    second = open_page(f"http://127.0.0.1:{studio.port}/#/new", context=page.context)
    expect(second.get_by_role("heading", name="New request", exact=True)).to_be_visible()


def test_a_plan_is_reordered_edited_extended_and_approved(open_page: Open) -> None:
    page = open_page()
    _start(page, "a story to approve", approve=True)
    plan = page.get_by_role("region", name="Plan that waits for approval")
    expect(plan.get_by_role("button", name="Approve plan")).to_be_visible()
    plan.get_by_role("button", name="Move step 3 up").click()
    plan.get_by_role("button", name="Remove step 1").click()
    plan.get_by_label("Prompt for the image").first.fill("a green ball!")
    plan.get_by_role("button", name="Add step").click()
    plan.get_by_label("Heading").last.fill("The end")
    plan.get_by_label("Text beside the image").last.fill("That was all.")
    plan.get_by_role("button", name="Approve changed plan (3 steps)").click()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    steps = page.get_by_role("region", name="Steps and attempts")
    expect(steps.get_by_text("a green ball!")).to_be_visible()
    expect(steps.get_by_text("make it blue!", exact=True)).to_be_visible()
    expect(steps.get_by_text("That was all.")).to_be_visible()
    expect(page.get_by_text("a red ball!")).to_have_count(0)


def test_images_are_added_by_file_and_by_paste_and_drop(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    expect(page.get_by_role("img", name="Image 1 of the request")).to_be_visible()
    for number, event in ((2, "paste"), (3, "drop")):
        page.evaluate(
            """([event, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], "b.png", { type: "image/png" }));
                const init = { bubbles: true, cancelable: true, clipboardData: transfer, dataTransfer: transfer };
                const kind = event === "paste" ? ClipboardEvent : DragEvent;
                document.querySelector("form.new-request textarea").dispatchEvent(new kind(event, init));
            }""",
            [event, list(PNG)],
        )
        expect(page.get_by_role("img", name=f"Image {number} of the request")).to_be_visible()
    page.get_by_role("button", name="Remove image 3").click()
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(page.get_by_role("alert")).to_contain_text("image")
    page.get_by_label("What do you want to see?").fill("paint this and that")
    page.get_by_label(re.compile("Show me the plan first")).set_checked(False)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1, name="paint this and that")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("of the request"))).to_have_count(2)
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()


def test_attempts_show_their_rewritten_words_and_can_be_compared(open_page: Open) -> None:
    page = open_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    _start(page, "a picky story")
    steps = page.get_by_role("region", name="Steps and attempts")
    expect(page.get_by_text("2 of 2 steps")).to_be_visible()
    expect(steps.get_by_text("best effort").first).to_be_visible()
    expect(steps.locator("ins").first).to_contain_text("with a small star")
    expect(steps.get_by_text("the star is missing").first).to_be_visible()
    steps.get_by_label("Compare step 1, attempt 1").check()
    steps.get_by_label("Compare step 1, attempt 2").check()
    dialog = page.get_by_role("dialog", name="Two attempts side by side")
    expect(dialog.get_by_text("From the first prompt to the second")).to_be_visible()
    expect(dialog.get_by_role("img")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_another_attempt_is_kept_and_the_branches_are_compared(open_page: Open) -> None:
    page = open_page()
    parent = _start(page, "another picky story")
    expect(page.get_by_text("2 of 2 steps")).to_be_visible()
    page.get_by_role("button", name="Keep this one").first.click()
    branches = page.get_by_role("region", name="Branches")
    expect(branches.get_by_text(re.compile("From step 1, attempt . .this one."))).to_be_visible()
    expect(page.get_by_text("accepted by a person").first).to_be_visible()
    assert parent not in page.url
    branches.get_by_role("link", name="compare").click()
    expect(page.get_by_role("heading", name="Two branches")).to_be_visible()
    expect(page.get_by_role("heading", level=3)).to_have_count(2)
    page.get_by_role("link", name="another picky story").first.click()
    expect(page.get_by_role("region", name="Branches")).to_be_visible()


def test_a_branch_gets_other_words_and_an_image_of_the_person(open_page: Open) -> None:
    page = open_page()
    _start(page, "a story to branch")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    step = page.locator("#step-2")
    step.get_by_role("button", name="Branch…").click()
    form = page.get_by_role("form", name="Branch at step 2, attempt 1")
    form.get_by_label("Seed (optional)").fill("many")
    form.get_by_role("button", name="Create branch").click()
    expect(form.get_by_role("alert")).to_contain_text("whole number")
    form.get_by_label("Seed (optional)").fill("")
    form.get_by_label("Other words for the step (optional)").fill("a moon!")
    form.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    form.get_by_role("button", name="Branch with this image").click()
    expect(page.get_by_text("From step 2, attempt 1 (this one)")).to_be_visible()
    expect(page.locator("#step-2").get_by_text("accepted by a person").first).to_be_visible()
    expect(page.locator("#step-2").get_by_text("a moon!").first).to_be_visible()


def test_hostile_captions_are_only_text(open_page: Open) -> None:
    page = open_page()
    _start(page, "a hostile story")
    expect(page.get_by_text("4 of 4 steps")).to_be_visible()
    answer = page.get_by_role("region", name="Answer")
    expect(answer.get_by_text("<script>document.title = 'hacked'</script>").first).to_be_visible()
    expect(answer.get_by_text("[link](javascript:document.title='hacked')").first).to_be_visible()
    expect(answer.get_by_text("red bell").first).to_be_visible()  # Without the terminal's codes.
    assert (
        page.evaluate("() => document.querySelectorAll('main script, main img, main a[href^=javascript]').length") == 0
    )
    assert "hacked" not in page.title()
    # A direction override ends with its own text: every such text stands in an isolating element.
    outside = """() => {
        const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
            const { data, parentElement } = walker.currentNode;
            if (/[\\u202e\\u2066]/.test(data) && !parentElement.closest("bdi")) found.push(data);
        }
        return found;
    }"""
    assert page.evaluate(outside) == []


def test_a_failed_request_says_why_and_is_resumed(open_page: Open) -> None:
    page = open_page()
    _start(page, "a story that fails")
    expect(page.get_by_text("The provider refused the key. Check it, then resume.").first).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("main").get_by_text("failed", exact=True)).to_be_visible()


def test_search_delete_with_undo_and_export(open_page: Open) -> None:
    page = open_page()
    _start(page, "a story about elephants")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_label("Export").select_option("zip")
    assert download.value.suggested_filename.endswith(".zip")
    listed = page.get_by_role("navigation", name="Trajectories")
    listed.get_by_label("Search").fill("elephants ABOUT")
    expect(listed.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    expect(listed.get_by_text("Nothing fits this search.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(listed.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("heading", level=1, name="a story about elephants")).to_be_visible()


def test_dark_and_narrow_pages_fit(open_page: Open) -> None:
    page = open_page(color_scheme="dark", viewport={"width": 390, "height": 800})
    _start(page, "a dark story")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert max(int(value) for value in re.findall(r"\d+", background)) < 60
    for route in ("#/", "#/new", page.url.partition("#")[2]):
        page.evaluate("hash => (location.hash = hash)", route)
        page.wait_for_timeout(100)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_the_page_is_used_by_keyboard_alone(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("link", name="New request", exact=True)).to_be_visible()
    page.get_by_role("link", name="New request", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What do you want to see?")).to_be_focused()
    page.keyboard.type("a typed story")
    page.keyboard.press("Control+Enter")
    plan = page.get_by_role("region", name="Plan that waits for approval")
    expect(plan).to_be_visible()
    plan.get_by_role("button", name="Remove step 2").focus()
    page.keyboard.press("Enter")
    expect(plan.get_by_label("Heading").nth(1)).to_be_focused()
    names = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, select, textarea, canvas[role=img]")]
            .filter((one) => one.checkVisibility())
            .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
            .map((one) => one.outerHTML)"""
    )
    assert names == []


def test_forty_steps_are_all_shown(open_page: Open) -> None:
    page = open_page()
    _start(page, "a story in forty panels")
    expect(page.get_by_text("40 of 40 steps")).to_be_visible(timeout=60_000)
    assert page.get_by_role("region", name="Answer").get_by_role("listitem").count() == 40


def test_ten_pages_of_one_browser_stay_live(open_page: Open, browser: "Browser") -> None:
    context = browser.new_context()
    pages = [open_page(context=context) for _ in range(10)]
    name = _start(pages[0], "a story for ten", approve=True)
    for page in pages[1:]:
        page.evaluate("hash => (location.hash = hash)", f"#/t/{name}")
    for page in pages:
        expect(page.get_by_role("button", name="Approve plan")).to_be_visible()
    pages[7].get_by_role("button", name="Approve plan").click()
    for page in pages:
        expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    pages[0].close()  # It may have held the connection; another page takes over.
    last = _start(pages[1], "another story for ten", approve=True)
    expect(pages[9].get_by_role("navigation", name="Trajectories").locator(f"a[href='#/t/{last}']")).to_be_visible()
    context.close()


def test_an_open_page_survives_a_killed_studio_and_no_image_is_generated_twice(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path)
    hold = tmp_path / "hold"
    hold.touch()
    process.start()
    try:
        page = open_page(process.link)
        _start(page, "a story to interrupt")
        expect(page.get_by_text("1 of 3 steps")).to_be_visible()
        process.kill()
        expect(page.get_by_text("Not connected; trying again…")).to_be_visible()
        expect(page.get_by_role("heading", level=1, name="a story to interrupt")).to_be_visible()
        hold.unlink()
        process.start()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("3 of 3 steps")).to_be_visible()
        assert page.get_by_text("Not connected").count() == 0
    finally:
        process.kill()
    assert sorted(process.calls) == ["a red ball!", "make it blue!", "make it green!"]


def test_a_page_does_not_send_its_key_to_another_program_at_the_address(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path)
    process.start()
    page = open_page(process.link)
    expect(page.get_by_text("No trajectories yet.")).to_be_visible()
    process.kill()
    expect(page.get_by_text("Not connected; trying again…")).to_be_visible()
    page.get_by_label("What do you want to see?").fill("a secret")
    requests = _listen(process.port, seconds=4.0, page=page)
    assert any("/hello?nonce=" in one for one in requests)
    assert not any(process.key in one or "authorization" in one.lower() for one in requests)


def _listen(port: int, seconds: float, page: "Page") -> list[str]:
    """Takes the place of the studio with a program that knows no key, and returns what it was sent."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    seen: list[str] = []

    class Impostor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.requestline}\n{self.headers}")
            body = b'{"proof": "0000"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Impostor) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page.wait_for_timeout(seconds * 1000)
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_contain_text("does not answer")
        server.shutdown()
        thread.join()
    return seen
