"""Requests that a chat model writes the vocabulary and templates for, over OpenAI's protocol with a scripted server."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.writing.assembly import assemble
from interleavethinker.training.data.writing.banks import BankFiles, Category
from tests.evaluation.benchmarks.judges import chat_server


class ScriptedAuthor:
    """Writes as asked, with a repetition and an unusable entry in every answer, and a first answer without JSON."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.first = ""
        self.broken: str | None = None

    def __call__(self, text: str, _images: list[bytes]) -> str:
        self.asked.append(text)
        if self.broken is not None and (self.broken in text or text.startswith("Your")):
            return "I would rather not."
        if len(self.asked) == 1:
            self.first = text
            return "Here they are: soups, stews."
        if text.startswith("Your answer cannot be used."):  # The server shows the last message only.
            text = self.first
        category = re.search(r"Category: (.*)", text)
        count = re.search(r"(?:Name|Write) (\d+)", text)
        if category is None or count is None:
            return "?"
        if "Slots that may be used" in text:
            chapter = re.search(r"Sub-category: (.*)", text)
            assert chapter is not None
            entries = [f"Show {{action}} with {{tool}} for {chapter[1]}, way {n}" for n in range(int(count[1]))]
            return json.dumps({"entries": [*entries, "Show {nothing}", entries[0].upper().lower()]})
        if "different values" in text:
            slot = re.search(r"Slot: (.*)", text)
            assert slot is not None
            entries = [f"{slot[1]} {number}" for number in range(int(count[1]))]
        elif "slots for this category" in text:
            entries = ["action", "tool", "place", "style", "Not a slot!"][: int(count[1]) + 1]
        else:
            entries = [f"{category[1]} {number}" for number in range(int(count[1]))]
        return "<think>…</think>" + json.dumps({"entries": [*entries, entries[0].upper()]})


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAuthor]:
    script = ScriptedAuthor()
    with chat_server(script) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        yield script


def prompts(folder: Path, *words: str) -> tuple[int, str]:
    arguments = ["data", "prompts", str(folder), "--write-with", "openai:author", *words]
    result = CliRunner().invoke(build_app(arguments), arguments)
    return result.exit_code, result.output if result.exception is None else f"{result.output}{result.exception!r}"


def test_a_chat_model_writes_banks_that_balanced_requests_come_from(tmp_path: Path, author: ScriptedAuthor) -> None:
    root = tmp_path / "set"
    code, output = prompts(root, "--train", "1400", "--held-out", "100")
    assert code == 0, output
    rows = list(DataFolder(root).prompts)
    assert Counter(row.split for row in rows) == {"train": 1400, "test": 100}
    assert len({row.request.text.casefold() for row in rows}) == 1500
    by_category = Counter(row.family for row in rows)
    assert len(by_category) == 8
    assert max(by_category.values()) <= 1.15 * min(by_category.values())
    assert all("{" not in row.request.text for row in rows)
    banks = BankFiles(root / "banks")
    categories = banks.load(lambda _reason: None)
    assert sum(len(category.templates) for category in categories) == 75
    assert sum(len(category.vocabulary) for category in categories) == 32
    assert sum(len(found) for category in categories for found in category.templates.values()) == 225
    assert len({row.template for row in rows}) == 225
    report = (root / "banks" / "report.md").read_text()
    assert "1500 requests from 8 categories, 75 sub-categories, 32 vocabulary banks and 225 of 225 templates" in report
    assert "templates: entries that repeat another one or cannot be used" in output
    asked = len(author.asked)
    assert prompts(root, "--train", "1500", "--held-out", "100")[0] == 0
    assert len(author.asked) == asked, "files that exist are not written again"
    more = list(DataFolder(root).prompts)
    assert more[:1500] == rows
    assert Counter(row.split for row in more) == {"train": 1500, "test": 100}


def test_files_may_be_edited_and_a_stopped_run_asks_nothing_twice(tmp_path: Path, author: ScriptedAuthor) -> None:
    author.asked.append("not the first one")
    root = tmp_path / "set"
    (root / "banks").mkdir(parents=True)
    (root / "banks" / "categories.txt").write_text("# mine\ngames: on boards\nmusic: with instruments\n")
    author.broken = "Slot: tool"
    code, output = prompts(root, "--train", "10", "--held-out", "0")
    assert code != 0
    assert "no usable vocabulary for" in output
    asked = len(author.asked)
    author.broken = None
    (root / "banks" / "vocabulary" / "games").mkdir(parents=True, exist_ok=True)
    for category in ("games", "music"):
        (root / "banks" / "vocabulary" / category / "tool.txt").write_text("a hammer\nA  hammer!\n# no\na saw\n")
    code, output = prompts(root, "--train", "40", "--held-out", "0")
    assert code == 0, output
    later = author.asked[asked:]
    assert later
    usable = {text for text in author.asked[:asked] if "Slot: tool" not in text and not text.startswith("Your")}
    assert not set(later) & usable
    texts = [row.request.text for row in DataFolder(root).prompts]
    assert all("a hammer" in text.casefold() or "a saw" in text for text in texts)
    assert {row.family for row in DataFolder(root).prompts} == {"games", "music"}


def test_files_with_too_few_words_say_so(tmp_path: Path) -> None:
    small = Category("games", "on boards", {"piece": ["a rook", "a pawn"]}, {"chess": ["Show {piece}"], "go": []})
    assert [one.text for one in assemble([small], 10, seed=0)] in (
        ["Show a rook", "Show a pawn"],
        ["Show a pawn", "Show a rook"],
    )
    with pytest.raises(InputError, match="No template can be used"):
        list(assemble([Category("games", "on boards", {}, {"chess": []})], 1, seed=0))
    (tmp_path / "categories.txt").write_text("games\n")
    with pytest.raises(InputError, match="not of the form"):
        BankFiles(tmp_path).categories()


def test_thousands_of_requests_need_no_call(tmp_path: Path, author: ScriptedAuthor) -> None:
    root = tmp_path / "set"
    assert prompts(root, "--train", "0", "--held-out", "0")[0] == 0
    asked = len(author.asked)
    code, output = prompts(root, "--train", "8000", "--held-out", "0")
    assert code == 0, output
    assert "8000 kept" in output
    assert len(author.asked) == asked
