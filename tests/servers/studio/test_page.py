"""The studio's page in a real browser, against a studio process with scripted components."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .processes import TIMEOUT, HeldRequests, Open, StudioProcess, needs_browser, start_request

needs_browser()

from playwright.sync_api import expect  # noqa: E402 - after the check that it is installed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))


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


def test_a_tab_without_the_key_opens_once_another_tab_has_it(
    open_page: Open, studio: StudioProcess, browser: "Browser"
) -> None:
    with browser.new_context() as context:
        page = open_page(f"http://127.0.0.1:{studio.port}/#/new", context=context)
        expect(page.get_by_text("needs the studio’s key")).to_be_visible()
        open_page(studio.link, context=context)
        expect(page.get_by_role("heading", name="New request", exact=True)).to_be_visible()


def test_a_plan_is_reordered_edited_extended_and_approved(open_page: Open) -> None:
    page = open_page()
    start_request(page, "a story to approve", approve=True)
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


def test_changes_of_a_plan_survive_a_reload_and_keep_what_a_step_looks_at(open_page: Open) -> None:
    page = open_page()
    name = start_request(page, "a story with references", approve=True)
    plan = page.get_by_role("region", name="Plan that waits for approval")
    expect(plan.get_by_label("Looks at")).to_have_value("step 1")
    plan.get_by_label("Prompt for the image").first.fill("my red ball!")
    page.reload()
    expect(plan.get_by_label("Prompt for the image").first).to_have_value("my red ball!")
    second = open_page(page.url, context=page.context)  # Another tab has changes of its own.
    expect(second.get_by_label("Prompt for the image").first).to_have_value("a red ball!")
    plan.get_by_role("button", name="Approve changed plan (2 steps)").click()
    expect(page.get_by_text("2 of 2 steps")).to_be_visible()
    steps = page.evaluate(
        """async name => (await (await fetch(`/api/trajectories/${name}`, {
            headers: { authorization: `Bearer ${sessionStorage.getItem("studio-key")}` } })).json()).steps""",
        name,
    )
    assert [step["references"] for step in steps] == [[], ["step 1"]]
    assert steps[0]["prompt"] == "my red ball!"


def test_attempts_show_their_rewritten_words_and_can_be_compared(open_page: Open) -> None:
    page = open_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    start_request(page, "a picky story")
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
    parent = start_request(page, "another picky story")
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
    start_request(page, "a story to branch")
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
    start_request(page, "a hostile story")
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
    start_request(page, "a story that fails")
    expect(page.get_by_text("The provider refused the key. Check it, then resume.").first).to_be_visible()
    expect(page.get_by_role("main").get_by_text("failed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("failed", exact=True)).to_have_count(0)


def test_the_fields_of_the_form_keep_to_their_places(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("New request").first.click()
    page.get_by_text("Limits of work and cost, image size, seed").click()
    for width in (1100, 700):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = page.locator(".grid input, .grid select").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().toJSON())"
        )
        assert len(boxes) >= 9
        for one in boxes:
            for other in boxes:
                beside = one["top"] < other["bottom"] and other["top"] < one["bottom"]
                assert not (beside and one["left"] < other["left"] < one["right"]), width


def test_search_delete_with_undo_and_export(open_page: Open) -> None:
    page = open_page()
    start_request(page, "a story about elephants")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    for form in ("zip", "docx", "webp"):
        with page.expect_download() as download:
            page.get_by_label("Export").select_option(form)
        assert download.value.suggested_filename.endswith(f".{form}")
    listed = page.get_by_role("navigation", name="Trajectories")
    listed.get_by_label("Search").fill("elephants ABOUT")
    expect(listed.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(listed.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("heading", level=1, name="a story about elephants")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(listed.get_by_text(re.compile("Nothing fits this search|No trajectories yet"))).to_be_visible()
    expect(page.get_by_role("heading", level=1, name="a story about elephants")).to_have_count(0)


def test_dark_and_narrow_pages_fit(open_page: Open) -> None:
    page = open_page(color_scheme="dark", viewport={"width": 390, "height": 800})
    start_request(page, "a dark story")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert max(int(value) for value in re.findall(r"\d+", background)) < 60
    listed = page.get_by_role("navigation", name="Trajectories").get_by_role("link", name="a dark story")
    heading = page.get_by_role("heading", level=1)
    for route, shown in (
        ("#/", listed),
        ("#/new", heading.and_(page.get_by_text("New request", exact=True))),
        (f"#{page.url.partition('#')[2]}", heading.and_(page.get_by_role("heading", name="a dark story"))),
    ):
        page.evaluate("hash => (location.hash = hash)", route)
        expect(shown).to_be_visible()
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
    start_request(page, "a story in forty panels")
    expect(page.get_by_text("40 of 40 steps")).to_be_visible()
    expect(page.get_by_role("region", name="Answer").get_by_role("listitem")).to_have_count(40)


def test_news_that_overtake_the_answer_to_an_action_stay(open_page: Open) -> None:
    page = open_page()
    name = start_request(page, "a story for a slow connection", approve=True)
    held = HeldRequests(page, re.compile("/approve$"), "POST")
    page.get_by_role("button", name="Approve plan").click()
    approval = held.next()
    answer = approval.fetch()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    with page.expect_response(re.compile(f"/api/trajectories/{name}$")):  # It asks again, after the old answer.
        approval.fulfill(response=answer)
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()


def test_images_that_a_broken_connection_kept_away_come_later(open_page: Open) -> None:
    page = open_page()
    held = HeldRequests(page, re.compile(r"/api/images/\w+\?size="))
    start_request(page, "a story on a bad line")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    for _ in range(2):
        held.next().abort("connectionreset")
    held.release()
    expect(page.get_by_role("region", name="Answer").locator(".picture.shown")).to_have_count(3)
    expect(page.get_by_text("missing or damaged")).to_have_count(0)


def test_a_branch_waits_for_the_image_that_is_being_added(open_page: Open) -> None:
    page = open_page()
    start_request(page, "a story to branch slowly")
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    held = HeldRequests(page, re.compile("/api/images$"), "PUT")
    page.locator("#step-2").get_by_role("button", name="Branch…").click()
    form = page.get_by_role("form", name="Branch at step 2, attempt 1")
    form.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    expect(form.get_by_role("button", name="Create branch")).to_be_disabled()
    held.next().continue_()
    expect(form.get_by_role("button", name="Branch with this image")).to_be_enabled()


def test_ten_pages_of_one_browser_stay_live(open_page: Open, browser: "Browser") -> None:
    context = browser.new_context()
    pages = [open_page(context=context) for _ in range(10)]
    name = start_request(pages[0], "a story for ten", approve=True)
    for page in pages[1:]:
        page.evaluate("hash => (location.hash = hash)", f"#/t/{name}")
    for page in pages:
        expect(page.get_by_role("button", name="Approve plan")).to_be_visible()
    pages[7].get_by_role("button", name="Approve plan").click()
    for page in pages:
        expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    pages[0].close()  # It may have held the connection; another page takes over.
    last = start_request(pages[1], "another story for ten", approve=True)
    expect(pages[9].get_by_role("navigation", name="Trajectories").locator(f"a[href='#/t/{last}']")).to_be_visible()
    context.close()


def test_an_open_page_survives_a_killed_studio_and_no_image_is_generated_twice(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path)
    hold = tmp_path / "hold"
    hold.touch()
    process.start()
    try:
        page = open_page(process.link)
        start_request(page, "a story to interrupt")
        expect(page.get_by_text("1 of 3 steps")).to_be_visible()
        process.kill()
        expect(page.get_by_text("Not connected; trying again…")).to_be_visible()
        expect(page.get_by_role("heading", level=1, name="a story to interrupt")).to_be_visible()
        hold.unlink()
        process.start()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("3 of 3 steps")).to_be_visible()
        expect(page.get_by_text("Not connected")).to_have_count(0)
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
    requests = _listen(process.port, page)
    assert any("/hello?nonce=" in one for one in requests)
    assert not any(process.key in one or "authorization" in one.lower() for one in requests)


def _listen(port: int, page: "Page") -> list[str]:
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
        try:
            for _ in range(TIMEOUT // 50):
                if len(seen) > 1:  # The answer to the first question was no proof: it asked again.
                    break
                page.wait_for_timeout(50)
            page.get_by_role("button", name="Start").click()
            expect(page.get_by_role("alert")).to_contain_text("does not answer")
        finally:
            server.shutdown()
            thread.join()
    return seen
