"""A killed writer costs the line that it was writing, and no other."""

from pathlib import Path

import pytest

from interleavethinker.evaluation.microbench.lines import Lines
from interleavethinker.tools.errors import StoreError


def test_a_torn_last_line_is_dropped_and_the_next_one_does_not_join_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines"
    assert Lines(path).read() == []
    Lines(path).append("first")
    with path.open("ab") as file:
        file.write("half a ké".encode()[:-1])
    lines = Lines(path)
    assert lines.read() == ["first"]
    lines.append("second")
    assert Lines(path).read() == ["first", "second"]


def test_a_place_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can be written"):
        Lines(tmp_path / "file" / "lines").append("x")
