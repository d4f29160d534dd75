"""The form for a new request in a real browser."""

import re
from pathlib import Path
from typing import Any

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .processes import HeldRequests, Open, StudioProcess, needs_browser, start_request

needs_browser()

from playwright.sync_api import expect  # noqa: E402 - after the check that it is installed

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))
GIVE = """([event, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], "b.png", { type: "image/png" }));
    const init = { bubbles: true, cancelable: true, clipboardData: transfer, dataTransfer: transfer };
    const kind = event === "paste" ? ClipboardEvent : DragEvent;
    document.querySelector("form.new-request textarea").dispatchEvent(new kind(event, init));
}"""


def test_the_form_says_what_a_request_will_cost_and_limits_it(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path, ("api", "micro"))
    process.start()
    try:
        page = open_page(process.link)
        page.get_by_role("link", name="New request", exact=True).click()
        page.get_by_label("What do you want to see?").fill("A big boat, in 4 steps")
        estimate = page.get_by_role("main").get_by_text(re.compile("^Estimated cost"))
        expect(estimate).to_contain_text(re.compile(r"4 images, in at most \d+ generator calls: \$\d"))
        before = estimate.inner_text()
        page.get_by_text("Limits of work and cost").click()
        page.get_by_label("Attempts per step", exact=True).fill("1")
        expect(estimate).to_contain_text("in at most 4 generator calls")
        square = estimate.inner_text()
        page.get_by_label("Image size or shape").fill("1536x1024")
        other = re.compile("generator calls: (?!" + re.escape(square.rpartition(": ")[2]) + ")")
        expect(estimate).to_contain_text(other)
        page.get_by_label("Image size or shape").fill("")
        expect(estimate).to_have_text(square)
        page.get_by_label("US dollars").fill("0.05")
        expect(estimate).to_contain_text("to $0.09.")  # the image that passes the limit is paid for, too
        assert estimate.inner_text() != before
        page.get_by_label("US dollars").fill("0")
        page.get_by_label("Profile").select_option("micro")
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_contain_text("Cost in US dollars must be a positive number")
        page.get_by_label("US dollars").fill("$2.50")
        expect(estimate).to_contain_text("nothing for hosted models")
        page.get_by_label("If edits damage the image").select_option("note it in the document")
        with page.expect_request(
            lambda sent: sent.method == "POST" and sent.url.endswith("/api/trajectories")
        ) as started:
            page.get_by_role("button", name="Start").click()
        assert (started.value.post_data_json or {})["on_drift"] == "note"
        expect(page.get_by_text("$2.50 for hosted models")).to_be_visible()
    finally:
        process.kill()


def test_images_are_added_by_file_and_by_paste_and_drop(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    expect(page.get_by_role("img", name="Image 1 of the request")).to_be_visible()
    for number, event in ((2, "paste"), (3, "drop")):
        page.evaluate(GIVE, [event, list(PNG)])
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


def test_a_request_waits_for_images_that_are_still_being_added(open_page: Open) -> None:
    page = open_page()
    held = HeldRequests(page, re.compile("/api/images$"), "PUT")
    page.get_by_role("link", name="New request", exact=True).click()
    words = page.get_by_label("What do you want to see?")
    words.fill("paint these")
    page.get_by_label(re.compile("Show me the plan first")).set_checked(False)
    for event in ("paste", "drop"):  # The second while the first is still on its way.
        page.evaluate(GIVE, [event, list(PNG)])
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": PNG})
    expect(page.get_by_role("button", name="Adding images…")).to_be_disabled()
    words.press("Control+Enter")
    for _ in range(3):
        held.next().continue_()
    expect(page.get_by_role("img", name=re.compile("of the request"))).to_have_count(3)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1, name="paint these")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Image 3 of the request"))).to_be_visible()


def test_a_keystroke_survives_a_reload_right_after_it(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    expect(page.get_by_label("What do you want to see?")).to_be_focused()
    kept = page.evaluate(
        """async () => {
            const area = document.activeElement;
            area.value = "a kept word";
            area.dispatchEvent(new Event("input", { bubbles: true }));
            for (let turn = 0; turn < 9; turn++) await null;  // Neither a timer nor a frame has its turn.
            return sessionStorage.getItem("studio-draft");
        }"""
    )
    assert "a kept word" in kept


def test_what_is_dropped_beside_the_form_and_damaged_links_do_no_harm(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    drop = """selector => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["words"], "a.pdf", { type: "application/pdf" }));
        const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
        document.querySelector(selector).dispatchEvent(event);
        return event.defaultPrevented;  // Otherwise the browser shows the file instead of the page.
    }"""
    expect(page.get_by_label("What do you want to see?")).to_be_visible()
    for place in ("nav.list", "form.new-request textarea"):
        assert page.evaluate(drop, place)
    expect(page.get_by_role("alert")).to_contain_text("image")
    for link in ("#/t/%", "#/t/..%2F..%2Foptions", "#/t/nobody", "#/compare/%/%E0"):
        page.evaluate("hash => (location.hash = hash)", link)
        expect(page.get_by_label("What do you want to see?")).to_have_count(0)
        expect(page.get_by_role("alert").first).to_be_visible()
        page.get_by_role("link", name="New request", exact=True).click()
        expect(page.get_by_label("What do you want to see?")).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


def test_usable_files_are_added_beside_others_and_an_old_complaint_goes_away(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    pdf: Any = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    png: Any = {"name": "b.png", "mimeType": "image/png", "buffer": PNG}
    choose = page.locator("input[type=file]")
    choose.set_input_files([pdf, png])
    expect(page.get_by_role("alert")).to_contain_text("a.pdf: Not an image in a supported format")
    expect(page.get_by_role("img", name=re.compile("of the request"))).to_have_count(1)
    assert "bmp" not in (choose.get_attribute("accept") or "")
    choose.set_input_files([png])
    expect(page.get_by_role("img", name=re.compile("of the request"))).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("What do you want to see?").fill("a story")
    page.get_by_text("Limits of work and cost").click()
    for label, words, problem in (
        ("Seed", "4294967296", "less than or equal to 2147483647"),
        ("Cost in US dollars", "$", "must be a positive number"),
        ("Image size or shape", "big", "image_size: An image size must be pixels"),
    ):
        page.get_by_label(label, exact=True).fill(words)
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_contain_text(problem)
        page.get_by_label(label, exact=True).fill("")


def test_two_clicks_start_one_trajectory(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path)
    process.start()
    try:
        page = open_page(process.link)
        sent: list[str] = []
        page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
        page.get_by_label("What do you want to see?").fill("a story for two clicks")
        page.get_by_role("button", name="Start").dblclick()
        expect(page.get_by_role("button", name="Approve plan")).to_be_visible()
        assert len([url for url in sent if url.endswith("/api/trajectories")]) == 1
        page.reload()
        expect(page.get_by_role("navigation", name="Trajectories").get_by_role("listitem")).to_have_count(1)
    finally:
        process.kill()


def test_the_form_of_an_empty_studio_keeps_focus_and_words_when_a_trajectory_comes(
    tmp_path: Path, open_page: Open
) -> None:
    process = StudioProcess(tmp_path)
    process.start()
    try:
        page = open_page(process.link)
        words = page.get_by_label("What do you want to see?")
        expect(words).to_be_focused()
        words.fill("half a sen")
        other = open_page(process.link)
        start_request(other, "a story from elsewhere", approve=True)
        expect(page.get_by_role("navigation", name="Trajectories").get_by_role("listitem")).to_have_count(1)
        expect(words).to_have_value("half a sen")
        expect(words).to_be_focused()
        page.get_by_role("link", name="New request", exact=True).focus()
        page.keyboard.press("Enter")
        expect(words).to_be_focused()
        expect(words).to_have_value("half a sen")
        page.get_by_role("link", name="interleavethinker studio").click()
        expect(page.get_by_text("Choose a trajectory")).to_be_visible()
    finally:
        process.kill()


def test_a_click_takes_the_request_that_a_refusal_suggests(tmp_path: Path, open_page: Open) -> None:
    process = StudioProcess(tmp_path, ("micro",))
    process.start()
    try:
        page = open_page(process.link)
        page.get_by_role("link", name="New request", exact=True).click()
        words = page.get_by_label("What do you want to see?")
        words.fill("a smal red goat on the left")
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_contain_text("smal")
        page.get_by_role("button", name="Use this request: a small red boat on the left").click()
        expect(words).to_have_value("a small red boat on the left")
        expect(words).to_be_focused()
        expect(page.get_by_role("button", name="Use this request")).to_have_count(0)
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page).to_have_url(re.compile(r"#/[a-z]"))
    finally:
        process.kill()
