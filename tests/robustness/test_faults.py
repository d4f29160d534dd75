"""Every known fault has a test that exists, and what only a sentence can mend has its sentence."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DOCS = TESTS.parent / "docs"
ROWS = [line.split(" | ") for line in (TESTS / "robustness" / "README.md").read_text().splitlines() if line[:2] == "| "]


def test_every_fault_names_tests_that_exist() -> None:
    for row in ROWS[2:]:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[-1])
        assert named, row
        for file, test in named:
            assert re.search(rf"^(?:async )?def {test}\(", (TESTS / file).read_text(), re.MULTILINE), (file, test)


def test_no_number_of_a_fault_is_missing() -> None:
    found = {one for row in ROWS[2:] for one in re.findall(r"[CDG]\d+b?", row[0])}
    assert found >= {f"D{number}" for number in range(1, 17)} | {f"G{number}" for number in range(1, 16)}
    reported = (1, 3, 5, 9, 10, 15, 16, 19, 20, 21, 23, 32, 34, 38, 40, 44, 45)
    assert found >= {f"C{number:02}" for number in reported}


def test_the_threat_model_says_who_is_trusted_with_what() -> None:
    page = (DOCS / "guides" / "threat-model.md").read_text()
    assert "**A profile is code.**" in page
    assert "**The token is one key for everybody who holds it.**" in page
    assert "A profile can name commands and import strings" in (TESTS.parent / "SECURITY.md").read_text()


def test_the_incompatible_adapter_is_named_with_the_way_out() -> None:
    page = (DOCS / "guides" / "embedding.md").read_text()
    section = page.partition("## Beside langchain-mcp-adapters")[2].partition("\n## ")[0]
    assert "an environment of their own" in " ".join(section.split()) or "environments" in section


def test_the_log_that_belongs_to_a_copy_is_named() -> None:
    assert "trajectories.sqlite-wal" in (DOCS / "guides" / "deployment.md").read_text()
