"""A studio process for tests, and the browser in which they open its page."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = [
    "CHROMIUM",
    "TIMEOUT",
    "HeldRequests",
    "Open",
    "StudioProcess",
    "browser_of_tests",
    "needs_browser",
    "start_request",
]

TIMEOUT = 90_000
"""Milliseconds; machines may be busy."""
Open = Callable[..., "Page"]

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def needs_browser() -> None:
    """Skips the calling module where there is no browser or nothing to drive it."""
    pytest.importorskip("playwright", reason="needs the extra `browser`", exc_type=ImportError)
    if CHROMIUM is None:
        pytest.skip("needs Chromium, for example Debian's package `chromium`", allow_module_level=True)


@contextlib.contextmanager
def browser_of_tests() -> "Iterator[Browser]":
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=TIMEOUT)
        try:
            yield browser
        finally:
            browser.close()


class StudioProcess:
    """`scripted_studio.py` in a process; it can be killed and started again at the same address."""

    def __init__(self, folder: Path, profiles: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._profiles = profiles
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.key = ""

    @property
    def link(self) -> str:
        """What the studio printed."""
        return f"http://127.0.0.1:{self.port}/#key={self.key}"

    @property
    def calls(self) -> list[str]:
        """The prompts of all generator calls that gave an image."""
        log = self.folder / "calls.txt"
        return log.read_text().splitlines() if log.exists() else []

    def start(self) -> None:
        """Starts it and waits until it listens."""
        program = Path(__file__).with_name("scripted_studio.py")
        words = [sys.executable, "-P", str(program), str(self.folder), str(self.port), *self._profiles]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ)
        assert self._process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/#key=([\w-]+)", self._process.stdout.readline())
        assert found is not None, "the studio ended before it listened"
        self.port, self.key = int(found.group(1)), found.group(2)

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class HeldRequests:
    """Holds the requests of a page back, until a test lets them go one by one."""

    def __init__(self, page: "Page", address: re.Pattern[str], method: str = "GET") -> None:
        self._page = page
        self._waiting: list[Route] = []
        self._open = False
        self._method = method
        page.route(address, self._hold)

    def _hold(self, route: "Route") -> None:
        if self._open or route.request.method != self._method:
            route.fallback()
        else:
            self._waiting.append(route)

    def next(self) -> "Route":
        """Waits until the page has made a request, and returns it."""
        for _ in range(TIMEOUT // 50):
            if self._waiting:
                break
            self._page.wait_for_timeout(50)
        assert self._waiting, "the page has made no such request"
        return self._waiting.pop(0)

    def release(self) -> None:
        """Lets all of them go, and those to come."""
        self._open = True
        for route in self._waiting:
            route.continue_()
        self._waiting.clear()


def start_request(page: "Page", words: str, *, approve: bool = False) -> str:
    """Sends a request through the form, and returns the trajectory's id."""
    from playwright.sync_api import expect

    page.get_by_role("link", name="New request", exact=True).click()
    page.get_by_label("What do you want to see?").fill(words)
    page.get_by_label(re.compile("Show me the plan first")).set_checked(approve)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1, name=words)).to_be_visible()
    return page.url.rpartition("/")[2]
