"""Edited plans in files: which ones go with their trajectory."""

from pathlib import Path

from interleavethinker.graph.workspace.drafts import draft_file, forget_drafts


def test_only_the_drafts_of_one_trajectory_are_forgotten(tmp_path: Path) -> None:
    files = [draft_file(tmp_path, name, version) for name, version in (("a", 1), ("a", 2), ("ab", 1))]
    files[0].parent.mkdir()
    for file in files:
        file.write_text("[]")
    forget_drafts(tmp_path, "a")
    assert [file.exists() for file in files] == [False, False, True]
    forget_drafts(tmp_path / "nothing", "a")
