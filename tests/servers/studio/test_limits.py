"""Limits on the studio's page: a trajectory that one of them stopped goes on with another."""

import re

from .processes import Open, needs_browser

needs_browser()

from playwright.sync_api import expect  # noqa: E402 - after the check that it is installed


def test_a_trajectory_that_a_limit_stopped_goes_on_with_another_limit(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="New request", exact=True).click()
    page.get_by_label("What do you want to see?").fill("a story with a limit")
    page.get_by_label(re.compile("Show me the plan first")).set_checked(False)
    page.get_by_text("Limits of work and cost").click()
    page.get_by_label("Generator calls in all").fill("1")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("main").get_by_text("stopped by a limit", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("^Stopped at"))).to_have_count(1)
    expect(page.get_by_role("button", name="Resume", exact=True)).to_have_count(0)
    page.get_by_text("Raise the limit and go on").click()
    expect(page.get_by_label("Generator calls in all")).to_have_attribute("placeholder", "1")
    further = page.get_by_role("button", name="Resume with these limits")
    further.click()
    expect(page.get_by_role("alert")).to_contain_text("Give at least one limit")
    for unusable in ("nine", "1.5", "0"):
        page.get_by_label("Generator calls in all").fill(unusable)
        further.click()
        expect(page.get_by_role("alert")).to_contain_text("Generator calls in all must be a whole number of at least 1")
    page.get_by_label("Generator calls in all").fill("9")
    page.get_by_label("If edits damage the image").select_option("note it in the document")
    page.get_by_label("Damage by edits that is tolerated").fill("0.2")
    further.click()
    expect(page.get_by_text("3 of 3 steps")).to_be_visible()
    expect(page.get_by_text(re.compile("9 generator calls, note after damage by edits above 0.2"))).to_be_visible()
    expect(page.get_by_text("Raise the limit and go on")).to_have_count(0)
