"""A studio process for tests, and the browser in which they open its page."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["CHROMIUM", "StudioProcess", "browser_of_tests", "needs_browser"]

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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class StudioProcess:
    """`scripted_studio.py` in a process; it can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
        words = [sys.executable, "-P", str(program), str(self.folder), str(self.port)]
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
