"""Finding trajectories: the list, the most recent one, and its storyboard in a browser."""

import io
import json
import re
import sqlite3
import sys
import webbrowser
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli import listing
from interleavethinker.cli.listing import _unique_prefixes

Run = Callable[..., tuple[int, str, str]]
BALL = "a big red ball on the left, at night"
TREE = "a small green tree on the right"


class Stopped(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Stopped":
        return cls(2020, 1, 1, tzinfo=tz or UTC)


@pytest.fixture
def ids(run: Run) -> list[str]:
    """Two trajectories, the older one done and the newer one waiting; returns their IDs in this order."""
    run("run", BALL, "--profile", "cells.toml", "--quiet")
    run("run", f"{TREE}. then make the tree blue", "--profile", "cells.toml", "--quiet", "--approve-plan")
    return [one["id"] for one in reversed(json.loads(run("list", "--json")[1]))]


def test_the_list_has_one_line_for_each_trajectory_newest_first(
    run: Run, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "datetime", Stopped)  # A slow machine would show minutes.
    code, out, err = run("list")
    assert (code, err) == (exits.OK, "")
    newer, older = (line.split() for line in out.splitlines())
    assert newer[1:6] == ["waiting", "0/2", "now", "a", "small"]
    assert older[1:6] == ["done", "1/1", "now", "a", "big"]
    for prefix, name in ((newer[0], ids[1]), (older[0], ids[0])):
        assert json.loads(run("show", prefix, "--json")[1])["id"] == name


def test_the_list_can_be_narrowed_down(run: Run, ids: list[str]) -> None:
    def listed(*words: str) -> list[str]:
        return [one["id"] for one in json.loads(run("list", *words, "--json")[1])]

    assert listed("--status", "done") == [ids[0]]
    assert listed("--grep", "GREEN tr.e") == [ids[1]]
    assert listed("--limit", "1") == [ids[1]]
    assert listed("--limit", "0") == ids[::-1]
    assert run("list", "--grep", "zebra")[1] == "No trajectory fits.\n"
    _, out, err = run("list", "-n", "1")
    assert out.count("\n") == 1
    assert err == "1 more; --limit 0 shows all.\n"


@pytest.mark.parametrize(
    ("words", "message"), [(("--status", "over"), "Choose one of: ready"), (("--grep", "["), "regular expression")]
)
def test_a_filter_that_makes_no_sense_is_bad_input(words: tuple[str, ...], message: str, run: Run) -> None:
    code, _, err = run("list", *words)
    assert code == exits.BAD_INPUT
    assert message in err


def test_titles_are_cut_on_a_terminal_and_cannot_leave_their_line(
    run: Run, ids: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(home / "home" / "trajectories.sqlite")) as database, database:
        title = "\x1b[2Jred\n261127-999999  done  [bold]" + "long " * 30
        database.execute("UPDATE trajectories SET title = ? WHERE id = ?", (title, ids[0]))
    whole = run("list")[1].splitlines()
    assert len(whole) == 2
    assert "red 261127-999999 done [bold]long" in whole[1]

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    run("list")
    lines = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue()).splitlines()
    assert [len(line) <= 60 for line in lines] == [True, True]
    assert lines[1].endswith("…")


def test_the_shown_prefixes_are_unique() -> None:
    names = ["261127-065047-aaa111", "261127-065047-aab222", "261127-065048-aaa111"]
    prefixes = _unique_prefixes(names)
    assert prefixes == {names[0]: "261127-065047-aaa", names[1]: "261127-065047-aab", names[2]: "261127-065048"}


def test_last_stands_for_the_most_recent_trajectory_everywhere(run: Run, ids: list[str]) -> None:
    assert json.loads(run("last", "--json")[1])["id"] == ids[1]
    assert run("last")[1] == run("show", ids[1])[1] == run("show", "last")[1]
    assert run("approve", "last", "--quiet")[0] == exits.OK
    assert json.loads(run("export", "last", "--json")[1])["storyboard"] == str(Path("runs") / ids[1] / "index.html")
    assert json.loads(run("delete", "last", "--json")[1])["deleted"] == [ids[1]]
    assert json.loads(run("last", "--json")[1])["id"] == ids[0]


@pytest.mark.parametrize("words", [("last",), ("show", "last"), ("open",), ("delete", "last")])
def test_last_without_any_trajectory_says_how_to_create_one(words: tuple[str, ...], run: Run) -> None:
    code, _, err = run(*words)
    assert code == exits.FAILURE
    assert "interleavethinker run" in err


def test_open_shows_the_storyboard_in_the_browser(run: Run, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def without_browser(url: str) -> bool:
        opened.append(url)
        return False

    monkeypatch.setattr(webbrowser, "open", without_browser)
    code, out, err = run("open", ids[0])
    page = Path("runs") / ids[0] / "index.html"
    assert (code, out) == (exits.OK, f"{page}\n")
    assert opened == [page.resolve().as_uri()]
    assert "open the file yourself" in err
    assert run("open", "--no-browser", "--out", "elsewhere")[1] == f"{Path('elsewhere') / 'index.html'}\n"
    assert Path("elsewhere/index.html").is_file()
    assert len(opened) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way")
def test_the_list_ends_quietly_when_its_reader_leaves(
    run: Run, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    assert ids
    monkeypatch.setattr("sys.stdout", Closed())
    assert run("list")[0] == exits.OUTPUT_CLOSED


@pytest.mark.parametrize("columns", ["0", "00", " 0 ", "", "-3", "abc"])
def test_a_width_that_is_none_hides_no_title(run: Run, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    run("run", "a big red ball on the left", "--profile", "cells.toml", "--queue")
    monkeypatch.setenv("COLUMNS", columns)
    assert "a big red ball" in run("list")[1]


def test_a_trajectory_that_a_limit_ended_is_not_listed_as_done(run: Run) -> None:
    assert run("run", f"{BALL}. then make the ball blue", "--profile", "cells.toml", "--max-calls", "1")[0] == exits.OK
    _, out, _ = run("list")
    assert " call limit " in out
    assert " done " not in out
    assert run("resume", "last", "--max-calls", "2")[0] == exits.OK
    assert " done " in run("list")[1]


def test_a_new_limit_below_what_was_used_is_refused_and_changes_nothing(run: Run) -> None:
    story = f"{BALL}. then make the ball blue. then make the ball green"
    assert run("run", story, "--profile", "cells.toml", "--max-calls", "2")[0] == exits.OK
    for words, said in (
        (["--max-calls", "1"], "has used 2 generator calls already; max_calls 1 would only end it"),
        (["--time-limit", "0.000001"], "s of work already; time_limit 1e-06 would only end it"),
    ):
        code, _, err = run("resume", "last", *words)
        assert (code, said in " ".join(err.split())) == (exits.BAD_INPUT, True), err
        assert json.loads(run("show", "last", "--json")[1])["stop_reason"] == "max_calls"
    assert run("resume", "last", "--max-calls", "3")[0] == exits.OK
    assert json.loads(run("show", "last", "--json")[1])["stop_reason"] == "complete"
