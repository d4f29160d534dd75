"""`--ask`: a person answers about the plan and about each image."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.cli.plan_files import edit_steps, read_steps
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import Step

STORY = "a big red ball on the left, at night. then make the ball blue"
Run = Callable[..., tuple[int, str, str]]
Answer = Callable[[str], None]


def record(run: Run) -> Any:
    name = json.loads(run("list", "--json")[1])[0]["id"]
    return json.loads(run("show", name, "--json")[1])


def editor(home: Path, monkeypatch: pytest.MonkeyPatch, *contents: str) -> None:
    """Installs an editor that replaces the file by the given contents, one for each time that it is opened."""
    script = home / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        f"contents, file, log = {list(contents)!r}, pathlib.Path(sys.argv[1]), pathlib.Path({str(home / 'opened')!r})\n"
        "opened = log.read_text().split(chr(0)) if log.exists() else []\n"
        "log.write_text(chr(0).join([*opened, file.read_text()]))\n"
        "file.write_text(contents[len(opened)])\n"
    )
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" "{script}"')


def test_an_answer_in_another_encoding_is_asked_for_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lines(io.BytesIO):
        """A terminal: each read brings one line."""

        def read1(self, _size: int | None = -1) -> bytes:
            return self.readline()

    typed = Lines("a\nr\nun été\na blue ball\nq\n".encode("latin-1"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(typed, "utf-8"))
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.INTERRUPTED
    assert err.count("New prompt") == 2
    assert "This is not text in utf-8. Please type it again." in err
    attempts = record(run)["attempts"]
    assert [one["prompt"] for one in attempts][1:] == ["a blue ball"]


def test_a_person_accepts_the_plan_rejects_an_image_with_own_words_and_accepts_the_others(
    run: Run, answer: Answer
) -> None:
    answer("a\nreject\nmake the ball pink\nsomething\na\na\n")
    code, out, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.OK
    assert "The plan: [a]ccept, [e]dit, [q]uit?" in err
    assert "The critic accepts it" in err
    assert "Please answer with a, r, q." in err
    assert "Storyboard: " in out
    attempts = record(run)["attempts"]
    assert [(one["step"], one["verdict"]["success"], one["verdict"]["by_hand"]) for one in attempts] == [
        (0, False, True),
        (0, True, True),
        (1, True, True),
    ]
    assert attempts[1]["prompt"] == "make the ball pink"
    image = err.split("Image: ")[1].splitlines()[0]
    assert Path(image).is_file()


def test_quitting_pauses_and_resume_asks_the_open_question_again(run: Run, answer: Answer) -> None:
    answer("q\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.WAITING
    name = record(run)["id"]
    assert f"interleavethinker approve {name}" in err
    assert f"interleavethinker resume {name} --ask" in err
    answer("a\n")  # Then the input ends, at the question about the first image.
    assert run("resume", name, "--ask")[0] == exits.INTERRUPTED
    waiting = record(run)
    assert (waiting["status"], len(waiting["attempts"])) == ("paused", 1)
    answer("r\n\na\nq\n")
    assert run("resume", name, "--ask")[0] == exits.INTERRUPTED
    later = record(run)
    assert [one["verdict"]["by_hand"] for one in later["attempts"]] == [True, True, False]
    assert later["attempts"][0]["prompt"] == later["attempts"][1]["prompt"], "no new words: the same prompt again"
    assert later["attempts"][0]["seed"] != later["attempts"][1]["seed"]
    assert run("resume", name)[0] == exits.OK, "without --ask the critic's verdict counts"
    assert record(run)["stop_reason"] == "complete"


CRITIC = """
from interleavethinker.tools.types import Verdict

class Critic:
    gives_confidence = True
    def __init__(self, store): pass
    async def judge(self, cases):
        return [Verdict(success="!" in case.prompt, refined_prompt=case.prompt + "!", reasoning="Too dull.")
                for case in cases]
"""


@pytest.mark.parametrize("answers", ["a\n\n\n\n\n", "a\nr\n\n\nr\n\n\n"])
def test_enter_goes_on_as_the_critic_says_and_is_never_recorded_as_a_persons_words(
    answers: str, run: Run, with_critic: Callable[[str], str], answer: Answer
) -> None:
    profile = with_critic(CRITIC)
    answer(answers)
    code, _, err = run("run", STORY, "--profile", profile, "--ask")
    assert code == exits.OK, err
    assert "[q]uit (Enter: go on as the critic says)?" in err
    done = record(run)
    assert len(done["plans"]) == 1, "no version of the plan with a person's words"
    for step in (0, 1):
        first, second = (one for one in done["attempts"] if one["step"] == step)
        assert second["prompt"] == first["prompt"] + "!"
        assert first["verdict"]["by_hand"] == ("r" in answers)
        assert second["verdict"]["by_hand"] is False


def test_a_plan_is_edited_until_it_is_valid(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, "# a comment\n[{]", '[{"prompt": " "}]', '# kept\n[{"prompt": "a green tree"}]')
    answer("e\na\na\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.OK
    assert "  1. a green tree" in err
    first, second, third = (home / "opened").read_text().split("\0")
    assert first.startswith("# Edit the steps")
    assert json.loads("".join(line for line in first.splitlines() if not line.startswith("#")))[1]["prompt"]
    assert second.startswith("# ERROR: The plan in the editor is not a JSON list of steps")
    assert "[{]" in second, "nothing that was typed is lost"
    assert third.startswith("# ERROR: Step 1 of the plan in the editor")
    assert [one["prompt"] for one in record(run)["attempts"]] == ["a green tree"]


def test_an_editor_that_never_writes_a_plan_is_opened_a_few_times_and_its_last_words_are_kept(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, *[f"[{number}]" for number in range(6)], '[{"prompt": "a green tree"}]')
    answer("e\ne\na\na\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.OK
    assert "opened 5 times, the most for one answer" in err
    assert err.count("The plan: [a]ccept, [e]dit, [q]uit?") == 3
    opened = (home / "opened").read_text().split("\0")
    assert len(opened) == 7
    assert "[4]" in opened[5], "what was typed last, when one goes on editing"
    assert [one["prompt"] for one in record(run)["attempts"]] == ["a green tree"]


def test_the_plan_stays_as_it_was_after_an_editor_that_never_writes_one(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, *["[{]"] * 5)
    answer("e\nq\n")
    assert run("run", STORY, "--profile", "cells.toml", "--ask")[0] == exits.WAITING
    assert len(record(run)["plans"]) == 1


def test_an_edited_plan_is_there_again_after_quitting(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, '[{"prompt": "a green tree"}]', '[{"prompt": "a yellow tree"}]')
    answer("e\nq\n")
    assert run("run", STORY, "--profile", "cells.toml", "--ask")[0] == exits.WAITING
    name = record(run)["id"]
    answer("e\n")  # Then the input ends.
    code, _, err = run("resume", name, "--ask")
    assert code == exits.WAITING
    assert "Your edited plan, which is not approved yet:\n" in err
    assert "  1. a green tree" in err.split("not approved yet")[1]
    answer("a\na\n")
    assert run("resume", name, "--ask")[0] == exits.OK
    assert [one["prompt"] for one in record(run)["attempts"]] == ["a yellow tree"]
    assert list(home.rglob("plan-drafts/*")) == []


def test_what_an_editor_saved_before_it_failed_is_kept(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, '[{"prompt": "a green', '[{"prompt": "a green tree"}]')
    with (home / "editor.py").open("a") as script:
        script.write("sys.exit(0 if opened else 3)\n")
    answer("e\nq\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.WAITING
    file = Path(err.split("What you wrote is in ")[1].split("; [e]dit")[0])
    assert file.read_text().strip() == '[{"prompt": "a green'
    answer("e\na\na\n")
    code, _, err = run("resume", "last", "--ask")
    assert (code, str(file) in err) == (exits.OK, True)
    assert (home / "opened").read_text().split("\0")[1].strip().endswith('[{"prompt": "a green'), "the edit goes on"
    assert [one["prompt"] for one in record(run)["attempts"]] == ["a green tree"]


def test_a_deleted_trajectory_leaves_no_edited_plan(
    run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, '[{"prompt": "a green tree"}]')
    answer("e\nq\n")
    run("run", STORY, "--profile", "cells.toml", "--ask")
    assert len(list(home.rglob("plan-drafts/*"))) == 1
    assert run("delete", record(run)["id"])[0] == exits.OK
    assert list(home.rglob("plan-drafts/*")) == []


@pytest.mark.parametrize("later", [("resume", "last", "--ask"), ("approve", "last"), ("resume", "last")])
def test_a_recorded_answer_to_a_plan_is_shown_and_kept_and_not_asked_again(
    later: tuple[str, ...], run: Run, home: Path, answer: Answer
) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--approve-plan")[0] == exits.WAITING
    for words in ("not this", "a green tree"):
        (home / "mine.json").write_text(json.dumps([{"prompt": words}]))
        assert run("approve", "last", "--plan", "mine.json", "--no-run")[0] == exits.OK
    assert run("approve", "last", "--no-run")[0] == exits.OK
    shown = run("show", "last")[1].split("The plan is replaced by these steps.")[1]
    assert "1. a green tree" in shown
    assert "approved" in run("list")[1]
    answer("a\n" if "--ask" in later else "")
    code, _, err = run(*later)
    assert code == exits.OK, err
    assert "The plan: " not in err
    assert [one["prompt"] for one in record(run)["attempts"]] == ["a green tree"]
    assert "approved" not in run("list")[1]


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff# a comment\n"])
def test_an_editor_may_write_a_byte_order_mark(before: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(home, monkeypatch, before + '[{"prompt": "a tree"}]')
    assert edit_steps([Step(prompt="a cat")], 9) == [Step(prompt="a tree")]
    (home / "plan.json").write_text('[{"prompt": "a tree"}]', encoding="utf-8-sig")
    assert read_steps(home / "plan.json") == [Step(prompt="a tree")]


def test_the_editor_opens_again_if_a_finished_step_was_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = '[{"prompt": "a cat"}, {"prompt": "a tree"}]'
    editor(home, monkeypatch, '[{"prompt": "a tree"}]', kept)
    steps = [Step(prompt="a cat"), Step(prompt="a dog")]
    assert edit_steps(steps, 9, finished=steps[:1]) == [Step(prompt="a cat"), Step(prompt="a tree")]
    first, second = (home / "opened").read_text().split("\0")
    assert "# Finished, leave them as they are: the first 1." in first
    assert "# ERROR: Step 1 is finished: an edited plan has all steps" in second


def test_a_plan_in_which_a_step_has_a_key_twice_is_refused(home: Path) -> None:
    (home / "plan.json").write_text('[{"prompt": "a tree", "prompt": "a cat"}]')
    with pytest.raises(InputError, match=r"plan\.json is not a JSON list of steps: it has the key 'prompt' twice\."):
        read_steps(home / "plan.json")


def test_texts_may_contain_any_line_separator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" -c "pass"')
    assert edit_steps([Step(prompt="a cat\u2028# and\x85a dog")], 9) is None, "nothing was changed"


@pytest.mark.parametrize("contents", ["", "[]", "# nothing\n"])
def test_an_emptied_plan_changes_nothing(
    contents: str, run: Run, home: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, contents)
    answer("e\nq\n")
    assert run("run", STORY, "--profile", "cells.toml", "--ask")[0] == exits.WAITING
    assert len(record(run)["plans"]) == 1


def test_a_missing_editor_is_an_error_after_which_one_may_go_on(
    run: Run, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    answer("e\nq\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask")
    assert code == exits.WAITING
    assert "The editor 'no-such-editor --wait' failed" in err


def test_an_editor_whose_name_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vi 'a")
    with pytest.raises(InputError, match="No closing quotation"):
        edit_steps([Step(prompt="a cat")], 9)


def test_of_what_an_editor_leaves_no_more_is_read_than_a_plan_may_have(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(home, monkeypatch, " " * 2**21)
    with pytest.raises(InputError, match="too large"):
        edit_steps([Step(prompt="a cat")], 9)


def test_ask_is_refused_where_nobody_could_answer_each_image(run: Run) -> None:
    assert run("run", STORY, "--profile", "cells.toml", "--ask", "--json")[0] == exits.BAD_INPUT
    assert "No trajectories yet" in run("list")[1], "a worker would answer it without asking anybody"


def test_with_a_look_ahead_a_person_is_asked_about_each_image_and_nothing_is_drafted_meanwhile(
    home: Path, run: Run, answer: Answer
) -> None:
    answer("a\nr\nmake the ball pink\na\nq\n")
    code, _, err = run("run", STORY, "--profile", "cells.toml", "--ask", "--look-ahead", "3")
    assert (code, err.count("[a]ccept, [r]eject")) == (exits.INTERRUPTED, 3)
    attempts = record(run)["attempts"]
    assert [(one["step"], one["iteration"]) for one in attempts] == [(0, 0), (0, 1), (1, 0)]
    assert len([*(home / "server").rglob("*.png")]) == 3, "no image but those that the person saw"
    answer("a\n")
    code, _, err = run("resume", "last", "--ask")
    assert (code, err.count("[a]ccept, [r]eject")) == (exits.OK, 1)
    assert {one["verdict"]["by_hand"] for one in record(run)["attempts"]} == {True}


def test_quiet_prints_the_result_only(run: Run) -> None:
    code, out, err = run("run", STORY, "--profile", "cells.toml", "--quiet")
    assert (code, err) == (exits.OK, "Complete, not checked.\n")
    assert [line.split(":")[0] for line in out.splitlines()] == ["Trajectory", "Document", "Storyboard"]
    for line in out.splitlines()[1:]:
        assert Path(line.split(": ")[1]).is_file()


def test_the_id_is_the_first_line_of_a_run_and_the_way_to_open_the_result_the_last(run: Run) -> None:
    _, out, err = run("run", STORY, "--profile", "cells.toml")
    name = out.split()[1]
    assert err.splitlines()[0] == f"Trajectory {name}"
    assert err.splitlines()[-1] == f"Open it with: interleavethinker open {name}"


NEAR, MEANT = "a smal red goat on the left, at night", "a small red boat on the left, at night"


def at_a_terminal(home: Path, typed: str, *words: str) -> tuple[int, str]:
    """Runs the program on a terminal of its own; returns its exit code and what it printed. Unix only."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(home)
        program = [sys.executable, "-P", "-m", "interleavethinker", *words]
        os.execve(sys.executable, program, {**os.environ, "TERM": "dumb", "NO_COLOR": "1"})  # noqa: S606
    os.write(terminal, typed.encode())
    printed = b""
    with contextlib.suppress(OSError):  # how a closed terminal ends on Linux
        while block := os.read(terminal, 4096):
            printed += block
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), printed.decode()


@pytest.mark.parametrize("typed", ["\n", "yes\n"])
def test_a_person_may_have_the_request_that_a_refusal_suggests(home: Path, run: Run, typed: str) -> None:
    code, printed = at_a_terminal(home, typed, "run", NEAR, "--profile", "cells.toml", "--out", "answer")
    assert code == exits.OK, printed
    assert "'smal' (nearest: small)" in printed
    assert "Answer that one instead? [y]es, [n]o (Enter: yes)?" in printed
    assert record(run)["request"]["parts"] == [{"kind": "text", "text": MEANT}]
    assert (home / "answer").is_dir()


def test_who_declines_a_suggestion_has_recorded_nothing(home: Path, run: Run) -> None:
    code, printed = at_a_terminal(home, "n\n", "run", NEAR, "--profile", "cells.toml")
    assert code == exits.BAD_INPUT
    assert printed.count("Nearest request that works") == 1
    assert json.loads(run("list", "--json")[1]) == []


def test_programs_get_a_suggestion_as_data_and_are_asked_nothing(run: Run) -> None:
    code, out, err = run("run", NEAR, "--profile", "cells.toml", "--json")
    assert (code, err) == (exits.BAD_INPUT, "")
    assert json.loads(out)["error"]["suggestion"] == MEANT
    code, out, err = run("run", NEAR, "--profile", "cells.toml")
    assert code == exits.BAD_INPUT
    assert "instead?" not in err
