"""A teacher's style: scores of the same trajectories in another folder, with another choice of rewordings."""

from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.training.data.folder import DataFolder

from ..conftest import Made


def test_a_style_changes_the_answers_and_nothing_else(made: Made, tmp_path: Path) -> None:
    into = tmp_path / "styled"
    words = ["data", "scores", str(made.folder.root), "--style", "position", "--into", str(into), "--seed", "3"]
    for _ in range(2):  # The second time there is nothing left to score.
        result = CliRunner().invoke(build_app(words), words)
        assert result.exit_code == 0, result.output
    plain = {row.id: row for row in made.folder.scored}
    styled = {row.id: row for row in DataFolder(into).scored}
    assert set(styled) == set(plain)
    for name, row in styled.items():
        assert (row.semantics, row.quality, row.success) == (
            plain[name].semantics, plain[name].quality, plain[name].success
        )  # fmt: skip
    chosen = Counter(row.strategy for row in styled.values() if not row.success)
    before = Counter(row.strategy for row in plain.values() if not row.success)
    assert chosen["position"] > before["position"]
    assert (into / "images").resolve() == (made.folder.root / "images").resolve()


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--style", "loud"], "Choose one of plain"), (["--style", "plain", "--judge", "openai:x"], "has no")],
)
def test_a_style_that_cannot_be_given_is_refused(made: Made, options: list[str], words: str, tmp_path: Path) -> None:
    command = ["data", "scores", str(made.folder.root), "--into", str(tmp_path / "x"), *options]
    result = CliRunner().invoke(build_app(command), command)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "x").exists()
