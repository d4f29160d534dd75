"""`run --ask`: asks a person about the plan and about each image. Answers are read from stdin, line by line.

The answers become an approval or a verdict in the workspace, as those of `approve` and `judge`, so that a question that
was left open is asked again by `resume --ask`.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interleavethinker.graph.attempts import attempts_to_review
from interleavethinker.graph.workspace.drafts import draft_file
from interleavethinker.graph.workspace.human_review import HumanVerdict
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.types import Attempt, Plan, Step

from .estimating import cost_of_plan
from .live_view import plan_lines
from .plan_files import UnusableEditError, answer_line, edit_steps, steps_of, text_of
from .terminal import console, echo

if TYPE_CHECKING:
    from interleavethinker.graph import Workspace

__all__ = ["accepts_suggestion", "ask_about_attempt", "ask_about_open_question", "ask_about_plan"]


class _QuitError(Exception):
    """The person wants to stop for now."""


def accepts_suggestion() -> bool:
    """Asks whether to answer the request that a refusal, which the person has just read, suggests."""
    with contextlib.suppress(_QuitError):
        return _choose("Answer that one instead?", {"y": "yes", "n": "no"}, enter="yes") != "n"
    return False


async def ask_about_plan(workspace: "Workspace", trajectory: str, plan: Plan) -> bool:
    """Asks about a waiting plan and records the approval; returns False if the person quits.

    What the person has edited is kept in a file until the plan is approved, and shown when they are asked again.
    """
    waiting = await workspace.get(trajectory)
    limits = waiting.limits
    file = draft_file(workspace.root, waiting.id, plan.version)
    steps, draft = _read_draft(file, limits.max_steps)
    if steps is not None:
        echo("Your edited plan, which is not approved yet:", err=True)
        _print_steps(steps)
    if cost := await cost_of_plan(waiting):
        echo(cost, err=True)
    with contextlib.suppress(_QuitError):
        while True:
            answer = _choose("The plan:", {"a": "accept", "e": "edit", "q": "quit"})
            if answer == "a":
                await workspace.approve(trajectory, steps)
                with contextlib.suppress(OSError):
                    file.unlink()
                return True
            try:
                finished = plan.steps[: waiting.current_step]
                edited = edit_steps(plan.steps if steps is None else steps, limits.max_steps, draft, finished)
                draft = ""
            except InputError as error:
                echo(f"error: {error}", err=True, style="red")
                if isinstance(error, UnusableEditError):
                    draft = error.text
                    if _keep_draft(file, draft):
                        echo(f"What you wrote is in {file}; [e]dit opens it again.", err=True)
                continue
            if edited is not None:
                steps = edited
                _keep_draft(file, text_of(edited))
            _print_steps(plan.steps if steps is None else steps)
    return False


def _print_steps(steps: Sequence[Step]) -> None:
    terminal = console(stderr=True)
    for line in plan_lines(Plan(steps=tuple(steps))):
        terminal.print(line)


def _read_draft(file: Path, max_steps: int) -> tuple[Sequence[Step] | None, str]:
    """Returns the steps of an earlier edit; or None and its text, if they cannot be used as they are."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None, ""
    try:
        return steps_of(text, str(file), max_steps), ""
    except InputError:
        echo(f"What you wrote last, which cannot be used yet, is in {file}; [e]dit opens it again.", err=True)
        return None, text


def _keep_draft(file: Path, text: str) -> bool:
    """Writes an edit down, so that a person who quits does not lose it; returns whether that was possible."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        echo(f"The edited plan could not be saved in {file}: {error}", err=True, style="yellow")
        return False
    return True


async def ask_about_attempt(
    workspace: "Workspace", trajectory: str, attempt: Attempt, variants: Sequence[Attempt] = ()
) -> bool:
    """Asks about an image, or about several variants, and records the verdict; returns False if the person quits.

    Args:
        workspace: The workspace.
        trajectory: ID of the trajectory.
        attempt: The attempt; of several variants the one that is kept or refined if the critic decides.
        variants: All of them, in order; empty if there is only one.
    """
    for one in variants or (attempt,):
        if variants:
            echo(f"Attempt {one.iteration + 1}:", err=True)
        if one.image is not None:
            echo(f"Image: {workspace.store.file(one.image)}", err=True)
        echo(_opinion(one), err=True)
    verdict, step = attempt.verdict, attempt.step
    numbers = {one.iteration + 1: one for one in variants if one.image is not None}
    choices = {"r": "reject all" if variants else "reject", "q": "quit"}
    if attempt.image is not None:
        choices = {"a": f"accept attempt {attempt.iteration + 1}" if variants else "accept"} | choices
    judged = verdict is not None and verdict.success is not None
    with contextlib.suppress(_QuitError):
        enter = "go on as the critic says" if judged else ""
        answer = _choose(f"Step {step + 1}:", choices, enter, numbers)
        if not answer:
            return True
        if answer != "r":
            chosen = attempt if answer == "a" else numbers[int(answer)]
            await workspace.judge(trajectory, HumanVerdict(success=True, step=step, iteration=chosen.iteration))
            return True
        reworded = one_line(verdict.refined_prompt) if verdict is not None and verdict.success is False else ""
        default = f"the critic's: {reworded}" if reworded else "the same prompt with a new seed"
        words = _read(f"New prompt (Enter: {default}): ").strip()
        rejection = HumanVerdict(
            success=False, prompt=words or None, critics_prompt=bool(reworded), step=step, iteration=attempt.iteration
        )
        await workspace.judge(trajectory, rejection)
        return True
    return False


def _opinion(attempt: Attempt) -> str:
    verdict = attempt.verdict
    if attempt.image is None:
        return f"No image. {one_line(attempt.refusal)}"
    if verdict is None or verdict.success is None:
        return "The critic gave no verdict."
    reason = f": {one_line(verdict.reasoning)}" if verdict.reasoning.strip() else "."
    return f"The critic {'accepts' if verdict.success else 'rejects'} it{reason}"


async def ask_about_open_question(workspace: "Workspace", trajectory: str) -> bool:
    """Asks the question at which an earlier run was left; returns False if the person quits, and True without one."""
    now = await workspace.get(trajectory)
    if (answer := await workspace.recorded_approval(now.id)) is not None:
        echo(answer_line(answer.steps), err=True)
        _print_steps(answer.steps or (now.plan.steps if now.plan else ()))
        return True
    if now.status == "waiting" and now.plan is not None:
        _print_steps(now.plan.steps)
        return await ask_about_plan(workspace, trajectory, now.plan)
    if now.status != "paused" or now.plan is None or now.stop_reason is not None:
        return True
    version = now.plan.version
    attempts = [one for one in now.attempts_for(now.current_step) if one.plan_version == version]
    asked = attempts_to_review([one for one in attempts if not one.outdated])
    if any(one.verdict is None for one in asked) or not asked:
        return True
    variants = sorted(asked, key=lambda one: one.iteration) if len(asked) > 1 else ()
    numbers = ", ".join(str(one.iteration + 1) for one in variants or asked)
    echo(f"step {asked[0].step + 1}, attempt{'s' * bool(variants)} {numbers}: {asked[0].prompt}", err=True)
    return await ask_about_attempt(workspace, trajectory, asked[0], variants)


def _choose(question: str, choices: dict[str, str], enter: str = "", numbers: Collection[int] = ()) -> str:
    """Returns the first letter of the choice that the person names by its letter or its word.

    Args:
        question: What is asked.
        choices: Words by their letters.
        enter: What an empty answer means; it is returned as an empty text. Empty: it has no meaning.
        numbers: Numbers of attempts, which are answers, too.

    Raises:
        _QuitError: They choose `q`, end the input, or press Ctrl-C.
    """
    shown = ", ".join(f"[{letter}]{word[1:]}" for letter, word in choices.items())
    shown += ", or the number of the attempt to accept" if numbers else ""
    shown += f" (Enter: {enter})" if enter else ""
    while True:
        answer = _read(f"{question} {shown}? ").strip().lower()
        if enter and not answer:
            return ""
        if answer.isdecimal() and int(answer) in numbers:
            return answer
        if answer and any(word.startswith(answer) for word in choices.values()):
            if answer[0] == "q":
                raise _QuitError
            return answer[0]
        echo(f"Please answer with {', '.join([*choices, *map(str, numbers)])}.", err=True)


def _read(prompt: str) -> str:
    while True:
        echo(prompt, err=True, end="")
        with _interruptible():
            try:
                line = sys.stdin.readline()
            except KeyboardInterrupt:
                line = ""
            except UnicodeDecodeError:  # What was typed is gone then.
                echo(f"This is not text in {sys.stdin.encoding}. Please type it again.", err=True)
                continue
        if not line:
            echo(err=True)
            raise _QuitError
        return line


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end the waiting for a line; asyncio's own handler would only note it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
