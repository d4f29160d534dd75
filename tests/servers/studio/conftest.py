"""A studio process and a browser for each module of tests, and pages that fail a test by an error of their script."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .processes import TIMEOUT, Open, StudioProcess, browser_of_tests

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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

        from playwright.sync_api import expect

        expect.set_options(timeout=TIMEOUT)
        yield opener
    assert not problems


def _keep(problems: list[str], message: Any) -> None:
    # A refused or broken connection is reported by the browser itself, and is what some tests are about.
    if message.type == "error" and "Failed to load resource" not in message.text:
        problems.append(message.text)
