"""The one place where what planner and critic see becomes a conversation; serving and training both render here.

A conversation is turns of text and image names, without pixels: `chat` turns it into a provider's messages, training
into its own rows. Prompts are `.md` files beside this module; another folder's files of the same names replace them
one by one. Published checkpoints expect other prompts: give theirs, with the same placeholders.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import CriticInput, ImagePart, Part, Plan, Request, Sha256, Step, TextPart

__all__ = ["BLANK", "Prompts", "Turn", "load_prompts", "render_case", "render_request", "shown_source"]

_NAMES = ("critic", "planner_interleaved", "planner_text", "replan")
BLANK: Sha256 = "0" * 64
"""Stands for a blank white image of the result's size, where a step has no source."""


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text of this turn."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True)
class Prompts:
    """The prompt texts. Placeholders are `{{name}}`."""

    critic: str
    """`{{original_prompt}}`, `{{prompt}}`."""
    planner_interleaved: str
    planner_text: str
    replan: str
    """`{{done}}`, `{{failed}}`, `{{rest}}`."""


@cache
def load_prompts(folder: Path | None = None) -> Prompts:
    """Reads the prompts; files in `folder` replace the shipped ones of the same name.

    Raises:
        ProfileError: The folder has none of them.
    """
    shipped = files("interleavethinker.tools.chat") / "prompts"
    texts = {name: (shipped / f"{name}.md").read_text(encoding="utf-8") for name in _NAMES}
    if folder is not None:
        own = {name: folder / f"{name}.md" for name in _NAMES if (folder / f"{name}.md").is_file()}
        if not own:
            raise ProfileError(f"The prompt folder {folder} must hold at least one of {', '.join(_NAMES)} (.md).")
        texts |= {name: path.read_text(encoding="utf-8") for name, path in own.items()}
    return Prompts(**{name: text.strip() for name, text in texts.items()})


def render_request(request: Request, context: PlanContext | None = None, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the planner's conversation: how to plan, then the request's parts in their order."""
    prompts = prompts or load_prompts()
    system = prompts.planner_interleaved if request.images else prompts.planner_text
    turns = [Turn("system", (TextPart(text=system),)), Turn("user", request.parts)]
    if context is not None and context.previous is not None:
        turns.append(Turn("user", (TextPart(text=_replan(prompts.replan, context, context.previous)),)))
    return turns


def render_case(case: CriticInput, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the critic's conversation: the two pictures, then what to check."""
    prompts = prompts or load_prompts()
    text = _fill(prompts.critic, original_prompt=case.original_prompt, prompt=case.prompt)
    pictures = (ImagePart(sha256=shown_source(case)), ImagePart(sha256=case.image))
    return [Turn("user", (*pictures, TextPart(text=text)))]


def shown_source(case: CriticInput) -> Sha256:
    """Returns the first picture that the critic sees: the source, or `BLANK` where there is none."""
    return case.source or BLANK


def _fill(template: str, **values: str) -> str:
    """Replaces the placeholders in one pass, so that a value that looks like a placeholder stays what it is."""
    pieces = template.split("{{")
    text = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        text.append(values[name] + rest if closed and name in values else "{{" + piece)
    return "".join(text)


def _replan(template: str, context: PlanContext, previous: Plan) -> str:
    done, rest = previous.steps[: context.finished], previous.steps[context.finished :]
    failed = [f"- {_words(previous.steps[index])}" for index in context.failed_steps]
    return _fill(
        template,
        done="\n".join(f"- {_words(step)}" for step in done) or "- nothing",
        failed="\n".join(failed) or "- nothing",
        rest="\n".join(f"- {_words(step)}" for step in rest) or "- nothing",
    )


def _words(step: Step) -> str:
    return step.prompt or step.auxiliary_text or step.instruction or ""
