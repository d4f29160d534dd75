"""Code blocks and inline code of the project's Markdown files, as the tests of this folder read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Block", "blocks_of", "inline_code"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *(ROOT / "docs").rglob("*.md")]
)
_DIRECTIVE = re.compile(r"<!-- test: (?P<word>\w+) -->")


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    page: Path
    line: int
    """Of its first line of code, from 1."""
    language: str
    code: str
    directive: str = ""
    """`check`: do not run it here, but check its names and calls."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Yields the code blocks of a page, in order.

    Raises:
        ValueError: A fence is not closed.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    start, language, directive = None, "", ""
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            if start is None and line.strip():
                found = _DIRECTIVE.fullmatch(line.strip())
                directive = found["word"] if found else ""
        elif start is None:
            start = number + 1
            language = re.split(r"[\s}]", line.strip("`").lstrip("{."))[0]
        else:
            yield Block(page, start + 1, language, "\n".join(lines[start:number]) + "\n", directive)
            start, directive = None, ""
    if start is not None:
        raise ValueError(f"{page}: the code block of line {start} is not closed")


def inline_code(page: Path) -> Iterator[str]:
    """Yields what stands between single backticks outside code blocks."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
