"""The only place where the inputs of planner and critic become conversations, for serving and for training.

A conversation is a list of turns with texts and image names, without pixels: `agents` converts it to a provider's
messages, training to its own rows. The prompts are the `.md` files next to this module. Files of the same names in
another folder replace them one by one; published checkpoints expect other prompts, with the same placeholders.
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
"""Name of a blank white image with the size of the result, shown to the critic if a step has no source."""


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """All text of this turn, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True)
class Prompts:
    """The prompt templates. Placeholders have the form `{{name}}`."""

    critic: str
    """Placeholders: `{{original_prompt}}`, `{{prompt}}`."""
    planner_interleaved: str
    """For requests with images."""
    planner_text: str
    """For requests without images."""
    replan: str
    """Placeholders: `{{done}}`, `{{failed}}`, `{{rest}}`."""


@cache
def load_prompts(folder: Path | None = None) -> Prompts:
    """Loads the prompts. Files in `folder` replace the shipped ones of the same name.

    Raises:
        ProfileError: The folder has none of these files.
    """
    shipped = files("interleavethinker.tools.chat") / "prompts"
    texts = {name: (shipped / f"{name}.md").read_text(encoding="utf-8") for name in _NAMES}
    if folder is not None:
        own = {name: folder / f"{name}.md" for name in _NAMES if (folder / f"{name}.md").is_file()}
        if not own:
            raise ProfileError(
                f"The prompt folder {folder} has none of these files: {', '.join(f'{name}.md' for name in _NAMES)}."
            )
        texts |= {name: path.read_text(encoding="utf-8") for name, path in own.items()}
    return Prompts(**{name: text.strip() for name, text in texts.items()})


def render_request(request: Request, context: PlanContext | None = None, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the planner's conversation: the instructions, then the parts of the request in order."""
    prompts = prompts or load_prompts()
    system = prompts.planner_interleaved if request.images else prompts.planner_text
    turns = [Turn("system", (TextPart(text=system),)), Turn("user", request.parts)]
    if context is not None and context.previous is not None:
        turns.append(Turn("user", (TextPart(text=_replan(prompts.replan, context, context.previous)),)))
    return turns


def render_case(case: CriticInput, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the critic's conversation: the source image, the result, then the instructions with both prompts."""
    prompts = prompts or load_prompts()
    text = _fill(prompts.critic, original_prompt=case.original_prompt, prompt=case.prompt)
    images = (ImagePart(sha256=shown_source(case)), ImagePart(sha256=case.image))
    return [Turn("user", (*images, TextPart(text=text)))]


def shown_source(case: CriticInput) -> Sha256:
    """Returns the first image that the critic sees: the source, or `BLANK` if there is none."""
    return case.source or BLANK


def _fill(template: str, **values: str) -> str:
    """Replaces all placeholders in one pass, so that a value that looks like a placeholder is left alone."""
    pieces = template.split("{{")
    text = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        text.append(values[name] + rest if closed and name in values else "{{" + piece)
    return "".join(text)


def _replan(template: str, context: PlanContext, previous: Plan) -> str:
    done, rest = previous.steps[: context.finished], previous.steps[context.finished :]
    failed = [f"- {_summary(previous.steps[index])}" for index in context.failed_steps]
    return _fill(
        template,
        done="\n".join(f"- {_summary(step)}" for step in done) or "- nothing",
        failed="\n".join(failed) or "- nothing",
        rest="\n".join(f"- {_summary(step)}" for step in rest) or "- nothing",
    )


def _summary(step: Step) -> str:
    return step.prompt or step.auxiliary_text or step.instruction or ""
