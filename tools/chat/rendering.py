"""The only place where the inputs of planner and critic become conversations, for serving and for training.

A conversation is a list of turns with texts and image names, without pixels: `agents` converts it to a provider's
messages, training to its own rows. The prompts are the `.md` files next to this module. Files of the same names in
another folder replace them one by one; published checkpoints expect other prompts, with the same placeholders.
"""

import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import CriticInput, ImagePart, Part, Plan, Request, Sha256, Step, TextPart

from .answers import write_plan

__all__ = [
    "BLANK",
    "Prompts",
    "Turn",
    "load_prompts",
    "render_case",
    "render_document_check",
    "render_plan_check",
    "render_request",
    "render_rewording",
    "shown_source",
]

_NAMES = (
    *("check_document", "check_plan", "critic", "plan_faults", "planner_interleaved", "planner_text", "replan"),
    "reword",
)
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

    check_document: str
    """For the check of a complete document."""
    check_plan: str
    """For the check of a plan."""
    critic: str
    """Placeholders: `{{original_prompt}}`, `{{prompt}}`."""
    plan_faults: str
    """Asks for another plan after a failed check. Placeholder: `{{faults}}`."""
    planner_interleaved: str
    """For requests with images."""
    planner_text: str
    """For requests without images."""
    replan: str
    """Placeholders: `{{done}}`, `{{failed}}`, `{{rest}}`."""
    reword: str
    """Asks the critic for other words. Placeholders: `{{original_prompt}}`, `{{prompt}}`, `{{refusal}}`."""
    lowercase: bool = False
    """Whether the model reads texts from users and other models in lower case, in NFKC form and with single spaces."""

    def normalize(self, text: str) -> str:
        """Returns a text from a user or another model as this prompt set's models read it."""
        return " ".join(unicodedata.normalize("NFKC", text).lower().split()) if self.lowercase else text


@cache
def load_prompts(folder: Path | None = None) -> Prompts:
    """Loads the prompts. Files in `folder` replace the shipped ones of the same name.

    The folder may also hold a `settings.toml` with `lowercase = true`, for models trained on lower-case texts.

    Raises:
        ProfileError: The folder has none of these files, or its settings are invalid.
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
    lowercase = folder is not None and _is_lowercase(folder / "settings.toml")
    return Prompts(**{name: text.strip() for name, text in texts.items()}, lowercase=lowercase)


def _is_lowercase(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"The prompt settings {file} are not valid TOML: {error}.") from error
    lowercase = settings.get("lowercase", False)
    if set(settings) - {"lowercase"} or not isinstance(lowercase, bool):
        raise ProfileError(
            f"The prompt settings {file} may only contain `lowercase = true` or `false`; got {settings}."
        )
    return lowercase


def render_request(request: Request, context: PlanContext | None = None, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the planner's conversation: the instructions, then the parts of the request in order."""
    prompts = prompts or load_prompts()
    system = prompts.planner_interleaved if request.images else prompts.planner_text
    parts = tuple(_normalized(part, prompts) for part in request.parts)
    turns = [Turn("system", (TextPart(text=system),)), Turn("user", parts)]
    if context is not None and context.previous is not None:
        turns.append(Turn("user", (TextPart(text=_replan(prompts, context, context.previous)),)))
    if context is not None and context.rejected is not None:
        first = len(request.images) + context.finished + 1
        faults = "\n".join(f"- {fault}" for fault in context.faults)
        turns.append(Turn("assistant", (TextPart(text=write_plan(context.rejected, first)),)))
        turns.append(Turn("user", (TextPart(text=_fill(prompts.plan_faults, faults=faults)),)))
    return turns


def render_rewording(prompt: str, original_prompt: str, refusal: str, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the critic's conversation about a prompt that the image service refused."""
    prompts = prompts or load_prompts()
    text = _fill(prompts.reword, prompt=prompt, original_prompt=original_prompt, refusal=refusal)
    return [Turn("user", (TextPart(text=text),))]


def render_plan_check(request: Request, plan: Plan, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the checker's conversation about a plan: the instructions, the request, then the plan's steps."""
    prompts = prompts or load_prompts()
    steps = "\n\n".join(_described(number, step, prompt=True) for number, step in enumerate(plan.steps, 1))
    question = (TextPart(text="The request:"), *request.parts, TextPart(text=f"The plan:\n\n{steps}"))
    return [Turn("system", (TextPart(text=prompts.check_plan),)), Turn("user", question)]


def render_document_check(
    request: Request, plan: Plan, images: Sequence[Sha256 | None], prompts: Prompts | None = None
) -> list[Turn]:
    """Returns the checker's conversation about a document: the instructions, the request, then texts and images.

    Args:
        request: The request.
        plan: The plan that was carried out.
        images: The image that each step shows; None for a text-only step.
        prompts: The prompts; the shipped ones by default.
    """
    prompts = prompts or load_prompts()
    parts: list[Part] = [TextPart(text="The request:"), *request.parts, TextPart(text="The answer:")]
    for number, (step, image) in enumerate(zip(plan.steps, images, strict=True), 1):
        parts.append(TextPart(text=_described(number, step, prompt=False)))
        if image is not None:
            parts.append(ImagePart(sha256=image))
    return [Turn("system", (TextPart(text=prompts.check_document),)), Turn("user", tuple(parts))]


def render_case(case: CriticInput, prompts: Prompts | None = None) -> list[Turn]:
    """Returns the critic's conversation: the source image, the result, then the instructions with both prompts."""
    prompts = prompts or load_prompts()
    text = _fill(
        prompts.critic, original_prompt=prompts.normalize(case.original_prompt), prompt=prompts.normalize(case.prompt)
    )
    images = (ImagePart(sha256=shown_source(case)), ImagePart(sha256=case.image))
    return [Turn("user", (*images, TextPart(text=text)))]


def shown_source(case: CriticInput) -> Sha256:
    """Returns the first image that the critic sees: the source, or `BLANK` if there is none."""
    return case.source or BLANK


def with_limit(turns: Sequence[Turn], words: int | None) -> list[Turn]:
    """Returns a conversation whose first turn ends with the length of prompts that the image model reads.

    Args:
        turns: The conversation.
        words: None changes nothing.
    """
    first, *others = turns
    if words is None:
        return [first, *others]
    sentence = f"The image program reads only the first {words} words of a prompt: keep every prompt shorter than that."
    return [Turn(first.role, (*first.parts, TextPart(text=f"\n\n{sentence}"))), *others]


def _normalized(part: Part, prompts: Prompts) -> Part:
    return TextPart(text=prompts.normalize(part.text)) if isinstance(part, TextPart) else part


def _fill(template: str, **values: str) -> str:
    """Replaces all placeholders in one pass, so that a value that looks like a placeholder is left alone."""
    pieces = template.split("{{")
    text = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}}")
        text.append(values[name] + rest if closed and name in values else "{{" + piece)
    return "".join(text)


def _replan(prompts: Prompts, context: PlanContext, previous: Plan) -> str:
    done, rest = previous.steps[: context.finished], previous.steps[context.finished :]
    failed = [previous.steps[index] for index in context.failed_steps]
    listed = {
        name: "\n".join(f"- {prompts.normalize(_summary(step))}" for step in steps) or "- nothing"
        for name, steps in (("done", done), ("failed", failed), ("rest", rest))
    }
    return _fill(prompts.replan, **listed)


def _described(number: int, step: Step, *, prompt: bool) -> str:
    lines = [("", step.instruction), ("Prompt: ", step.prompt if prompt else None), ("Text: ", step.auxiliary_text)]
    return "\n".join([f"Step {number}.", *(f"{label}{text}" for label, text in lines if text)])


def _summary(step: Step) -> str:
    return step.prompt or step.auxiliary_text or step.instruction or ""
