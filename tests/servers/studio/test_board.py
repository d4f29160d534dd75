"""The storyboard as an MCP App: the real page in a real browser, the real server behind a host of a few lines."""

import asyncio
import re
from pathlib import Path

from interleavethinker.servers.studio.page_files import board_html
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, Plan, Step, Verdict

from .hosted_board import hosted_board
from .processes import needs_browser
from .scripted_studio import HOSTILE

needs_browser()

from playwright.async_api import expect  # noqa: E402 - after the check that it is installed

PNG = fake_image(GenerationRequest(prompt="mine", seed=1))


def test_the_board_is_small_and_names_no_address() -> None:
    html = board_html()
    assert len(html.encode()) < 60_000
    assert "</script" not in html.partition("<script>")[2].partition("</script>")[0].lower()
    # Names of XML namespaces, in the library, are no addresses.
    assert {one for one in re.findall(r"https?://[^\s\"'`)]+", html) if "www.w3.org" not in one} == set()
    for forbidden in ("localStorage", "sessionStorage", "eval(", "new Function", "Worker(", "fetch("):
        assert forbidden not in html


async def test_a_person_edits_and_approves_the_plan_and_watches(tmp_path: Path) -> None:
    async with hosted_board(tmp_path, approve_plan=True, close_after=1) as board:
        await board.shows("waiting for approval")
        await board.click("Edit steps")
        await board.app.get_by_label("Prompt for the image").first.fill("a moon")
        await board.click("Remove step 2")
        await board.click("Approve changed plan (2 steps)")
        await board.shows("running")
        await expect(
            board.app.get_by_role("img", name=re.compile("Step 1, attempt 1, accepted: a moon"))
        ).to_be_visible()
        drawn = board.app.locator(".step-panel .picture.shown canvas")  # It has one pixel until the image has come.
        assert await drawn.evaluate("(canvas) => canvas.width * canvas.height") == 96 * 96
        assert await board.page.evaluate("() => boardHeight") <= 500
        board.studio.generator.open_gate()
        await board.shows("2 of 2 steps")
        await board.shows("complete, not checked")
        await expect(board.app.locator(".cells .picture.shown")).to_have_count(2)  # No image is still asked for.
        assert [call.prompt for call in board.studio.generator.calls] == ["a moon", "make it green"]
        count = len(board.calls)
        await asyncio.sleep(1.5)
        assert len(board.calls) == count  # An ended trajectory is not asked about any more.


async def test_a_person_judges_pauses_branches_and_adds_an_image(tmp_path: Path) -> None:
    critic = RuleCritic(accept_only("draw a!", "make it b", "make it c"))
    async with hosted_board(tmp_path, plan=plan_of("draw a", "make it b"), critic=critic, close_after=1) as board:
        await board.shows("rejected")
        await board.shows("by rule")
        await board.click("Reject…")
        form = board.app.get_by_role("form", name="Reject attempt 1")
        await form.get_by_label("Prompt of the next attempt").fill("make it c")
        await form.get_by_label("What is wrong (optional)").fill("too small")
        await board.click("Reject and try again")
        await expect(form).to_have_count(0)
        await board.click("Pause")
        await board.acted("pause")
        board.studio.generator.open_gate()
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
        await expect(board.app.get_by_text(re.compile("The assistant can use image"))).to_be_visible()
        await board.page.wait_for_function("() => window.modelContext")
        told = await board.page.evaluate("() => modelContext.content[0].text")
        assert "image://" in told
        branches = (await board.studio.service.view(board.trajectory)).branches
        assert len(branches) == 2
        assert {"steer_storyboard judge", "steer_storyboard pause", "steer_storyboard branch"} <= set(board.calls)


async def test_a_limit_that_ended_an_answer_is_raised_on_the_board(tmp_path: Path) -> None:
    async with hosted_board(tmp_path, max_calls=1) as board:
        await board.shows("stopped by a limit")
        await board.shows("Stopped at the limit of 1 generator call")
        await board.app.get_by_text("Other limits").click()
        field = board.app.get_by_label("Generator calls in all")
        await field.fill("1.5")
        await board.click("Resume with these")
        await board.shows("Generator calls in all must be a whole number of at least 1.")
        await field.fill("9")
        await board.app.get_by_label("Cost in US dollars").fill("$2.50")
        await board.click("Resume with these")
        await board.shows("3 of 3 steps")
        await expect(board.app.get_by_text("Other limits")).to_have_count(0)
        limits = (await board.studio.service.view(board.trajectory)).limits
        assert (limits.max_calls, limits.max_cost) == (9, 2.5)


async def test_news_do_not_take_away_a_form_that_somebody_fills_in(tmp_path: Path) -> None:
    async with hosted_board(tmp_path, plan=plan_of("draw a", "make it b"), close_after=1) as board:
        await board.shows("1 of 2 steps")
        await board.click("Branch…")
        words = board.app.get_by_label("Other words for the step (optional)")
        await words.fill("draw half a sen")
        board.studio.generator.open_gate()
        await board.shows("2 of 2 steps")
        await board.shows("complete, not checked")
        await expect(words).to_have_value("draw half a sen")
        await board.click("Close")
        await expect(board.app.get_by_role("region", name="Step 2")).to_be_visible()
        await board.click("Branch…")
        await board.app.get_by_label(re.compile("^Step 1, accepted")).click()
        await expect(board.app.get_by_role("region", name="Step 1")).to_be_visible()
        await expect(board.app.get_by_role("form")).to_have_count(0)


async def test_hostile_words_are_only_text_on_a_narrow_darkhosted_board(tmp_path: Path) -> None:
    long = "a text that does not end " * 40
    texts = (*HOSTILE, long)
    plan = Plan(steps=tuple(Step(instruction=words, prompt=words, auxiliary_text=words) for words in texts))
    critic = RuleCritic(lambda case: Verdict(success=True, refined_prompt=case.prompt, reasoning=long))
    async with hosted_board(tmp_path, plan=plan, critic=critic, theme="dark", width=500) as board:
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


async def test_forty_steps_are_turned_over_on_a_narrow_board(tmp_path: Path) -> None:
    async with hosted_board(tmp_path, plan=plan_of(*(f"panel {number}" for number in range(40))), width=374) as board:
        await board.shows("40 of 40 steps")
        inside = board.app.locator("html")
        for step in (40, 35, 30):
            await expect(board.app.get_by_role("region", name=f"Step {step}", exact=True)).to_be_visible()
            assert await inside.evaluate("(root) => root.scrollWidth <= root.clientWidth")
            assert await board.page.evaluate("() => boardHeight") <= 500
            await board.click("Earlier steps")
