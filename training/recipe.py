"""Recipes: small TOML files that say which model is trained on which data, validated and overridable by the CLI.

`[arguments]` is passed to TRL's own configuration class; TRL's names and defaults apply, and an argument that TRL
rejects is reported as an error in the recipe. This module reads, validates and saves recipes. It does not train.

Recipes and fields that have been renamed keep working under their old names, because run folders hold saved recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from interleavethinker.microworld.agents.registry import prompts_folder
from interleavethinker.tools.chat.answers import ChecklistForm
from interleavethinker.tools.chat.rendering import Prompts, load_prompts
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_toml
from interleavethinker.tools.validation import problems_of
from interleavethinker.training.agents.rewards import RewardWeights

__all__ = [
    "AnyRecipe",
    "GrpoRecipe",
    "Lora",
    "Recipe",
    "RestaterRecipe",
    "SftRecipe",
    "VisionPretrainingRecipe",
    "kind_of",
    "load_saved_recipe",
    "load_training_recipe",
    "present_recipe_name",
    "prompts_of",
    "recipe_path",
    "save_recipe",
]

_RENAMED_RECIPES = {
    "micro-critic-rehearsal": "micro-critic-synthetic",
    "micro-planner-looking": "micro-planner-vision",
    "micro-sight": "micro-vision-pretraining",
}
_RENAMED_KINDS = {"sight": "vision-pretraining"}
_RENAMED_FIELDS = {
    "glances": "image_facts",
    "pictures": "images",
    "rehearsals": "synthetic_rows",
    "words": "text_only",
}


class _Part(StrictNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lora(_Part):
    """Train a LoRA adapter instead of the full weights."""

    rank: Annotated[int, Field(gt=0)] = 16
    alpha: Annotated[int, Field(gt=0)] = 32
    targets: str = "all-linear"


class _DataRecipe(_Part):
    data: Path
    """Folder that `interleavethinker data` filled."""
    prompts: str = "shipped"
    """`shipped`, `micro`, or a folder of prompt files; use the ones that inference will use."""
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, data: object) -> object:
        return with_new_names(data, _RENAMED_FIELDS)


class VisionPretrainingRecipe(_DataRecipe):
    """Pre-trains the vision tower of a new micro Qwen3-VL; see `training.micro.vision_pretraining`."""

    kind: Literal["vision-pretraining"]
    steps: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=1)]
    """Images per step."""
    learning_rate: Annotated[float, Field(gt=0)]
    images: Annotated[int, Field(gt=0)] = 4000
    """Use at most this many of the images that the generators made for the data set."""

    @model_validator(mode="before")
    @classmethod
    def _accept_old_kind(cls, data: object) -> object:
        return _with_new_kind(data)


class RestaterRecipe(_Part):
    """Trains the restater from scratch; see `training.micro.restater`. Its data belong to the package."""

    kind: Literal["restater"]
    steps: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(min_length=1)]
    """Steps of each stage. A stage trains on its own pairs of wordings and on those of the stages before it."""
    batch: tuple[Annotated[int, Field(gt=1)], ...]
    """Pairs of usual length per step, of each stage."""
    learning_rate: Annotated[float, Field(gt=0)]
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        if len(self.batch) != len(self.steps):
            msg = f"'batch' needs one number for each stage of 'steps': {len(self.steps)}, not {len(self.batch)}."
            raise ValueError(msg)
        return self


def _with_new_kind(data: object) -> object:
    if isinstance(data, dict) and data.get("kind") in _RENAMED_KINDS:
        return {**data, "kind": _RENAMED_KINDS[data["kind"]]}
    return data


class _Recipe(_DataRecipe):
    model: str
    """Folder or repository of a Qwen3-VL."""
    rows: Annotated[int, Field(gt=0)] | None = None
    """Use at most this many rows, sampled with the seed; by default all of them."""
    freeze: tuple[str, ...] = ()
    """Parameters whose name contains one of these strings are not trained."""
    lora: Lora | None = None
    evaluate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between evaluations on held-out rows: SFT logs their loss (`eval_loss`), GRPO the reward of one group of
    answers to each (`eval_reward`). A checkpoint is saved each time, and the best one becomes the finished model. With
    0 there is no evaluation, and the last step's weights are the finished model."""
    evaluation_rows: Annotated[int, Field(gt=1)] = 64
    """Use at most this many held-out rows, of the critic's half failed attempts."""
    samples: Annotated[int, Field(ge=0)] = 4
    """Held-out rows of which each evaluation writes the model's answers to `samples/step-N.md`."""
    sample_tokens: Annotated[int, Field(gt=0)] = 640
    """Longest of these answers in SFT, in tokens; GRPO shows answers that it evaluated anyway."""
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of TRL's `SFTConfig` or `GRPOConfig`."""


class SftRecipe(_Recipe):
    """Supervised fine-tuning on the teachers' answers.

    Examples are used in the order of the fields below: captions, text-only pairs, comparisons, image facts, synthetic
    rows, and last the rows of the data set.
    """

    kind: Literal["sft"]
    role: Literal["planner", "critic", "both"]
    """`both`: one set of weights learns the rows and synthetic rows of both roles."""
    captions: Annotated[int, Field(ge=0)] = 0
    """Images of random scenes with a caption of every cell, from which a model learns to see."""
    text_only: Annotated[int, Field(ge=0)] = 0
    """Questions and answers without images: what a prompt asks for, and whether two descriptions match."""
    comparisons: Annotated[int, Field(ge=0)] = 0
    """Pairs of images, compared cell by cell."""
    image_facts: Annotated[int, Field(ge=0)] = 0
    """Single images with counts, places and colors of what they show."""
    natural_rows: Annotated[int, Field(ge=0)] = 0
    """Number of planner rows with requests as people word them, mixed evenly with the synthetic rows."""
    synthetic_rows: Annotated[int, Field(ge=0)] = 0
    """Rows made from rendered images; see `training.data.synthetic`."""
    style: Literal["", "plain", "varied", "synonyms", "mistake", "position", "keep"] = ""
    """Critic only: the rewriting strategy that the teacher of the synthetic rows chooses in half of its answers; empty:
    none is preferred. The rows of the data set have the style that `data scores --style` gave them."""
    rl_failures: Annotated[float, Field(ge=0, le=1)] | None = None
    """Critic only: train on the RL rows that GRPO uses with this share of failed attempts, instead of the SFT rows."""
    checklist: ChecklistForm = "none"
    """Critic only: answers contain the rows' checklists before the verdict, as `objects` or as `lines`. The prompt
    stays the same, and a critic that was trained so always gives one."""
    muon: bool = False
    """Use Muon for matrices and AdamW for the other parameters, instead of the optimizer that `arguments` names. A
    model trained from scratch learns several times as fast with it."""
    repeats: Annotated[int, Field(ge=0)] = 1
    """Passes over the data set's rows, each in another order. (TRL's epochs would repeat the captions too.) With 0,
    training ends before them."""

    @property
    def roles(self) -> tuple[Literal["planner", "critic"], ...]:
        """The roles whose rows are learned."""
        return ("planner", "critic") if self.role == "both" else (self.role,)


class GrpoRecipe(_Recipe):
    """Reinforcement learning with GRPO, for the critic only, as in the paper."""

    kind: Literal["grpo"]
    failures: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of rows whose attempt failed; only these can earn a step-wise reward."""
    weights: RewardWeights = RewardWeights()
    generator: str = "micro"
    """The profile whose image server generates the images, over MCP."""
    server: tuple[str, ...] = ()
    """Options of that image server, instead of the profile's: `["--max-batch", "16"]`. Applies only to a server that
    this process starts itself."""
    judge: str = "micro"
    """`micro`: the micro world's scorer. Otherwise a vision-language model, named as in profiles."""
    judge_options: dict[str, JsonValue] = Field(default_factory=dict)
    """Options of that model, as in profiles: `{ temperature = 0, timeout = 60 }`."""
    concurrent_images: Annotated[int, Field(gt=0)] = 16
    """Images that each process has generated and judged at once; lower it for a judge that limits its rate."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of known verdicts, and of the judge's scores, that are inverted, to measure how robust learning is."""

    @property
    def roles(self) -> tuple[Literal["planner", "critic"], ...]:
        """The roles whose rows are learned."""
        return ("critic",)


Recipe = Annotated[
    Annotated[VisionPretrainingRecipe | RestaterRecipe | SftRecipe | GrpoRecipe, Field(discriminator="kind")],
    BeforeValidator(_with_new_kind),
]
AnyRecipe = VisionPretrainingRecipe | RestaterRecipe | SftRecipe | GrpoRecipe
_RECIPES: TypeAdapter[AnyRecipe] = TypeAdapter(Recipe)


def present_recipe_name(name: str) -> str:
    """Returns the present name of a shipped recipe that was renamed; any other name is returned unchanged.

    Examples:
        >>> present_recipe_name("micro-sight")
        'micro-vision-pretraining'
    """
    return _RENAMED_RECIPES.get(name, name)


def recipe_path(name: str) -> Path:
    """Finds a recipe: a file, or a shipped recipe by its present or old name.

    Raises:
        InputError: There is no such recipe.
    """
    path = Path(name)
    if path.is_file():
        return path
    recipes = Path(str(files("interleavethinker.training").joinpath("recipes")))
    shipped = recipes / f"{present_recipe_name(name)}.toml"
    if not shipped.is_file():
        known = sorted(entry.stem for entry in recipes.glob("*.toml"))
        msg = f"Unknown recipe {name!r}. Give a recipe file or one of {', '.join(known)}."
        raise InputError(msg)
    return shipped


def kind_of(path: Path) -> str:
    """Returns the kind of a recipe; the micro generator's recipe has no `kind` of its own.

    Raises:
        InputError: The file is not valid TOML.
    """
    kind = str(_read(path).get("kind", "micro-generator"))
    return _RENAMED_KINDS.get(kind, kind)


def load_training_recipe(path: Path, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Reads a recipe and applies overrides.

    Args:
        path: The file.
        overrides: Strings such as `rows=100` or `arguments.learning_rate=1e-4`. Values are parsed as TOML; a value that
            is not valid TOML is taken as text.

    Raises:
        InputError: The file or an override is invalid.
    """
    data = _with_present_fields(path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            msg = f"--set takes key=value; got {override!r}."
            raise InputError(msg)
        first, *rest = key.split(".")
        _set(data, [_RENAMED_FIELDS.get(first, first), *rest], _value(value))
    try:
        return _RECIPES.validate_python(data)
    except ValidationError as error:
        msg = f"{path.name} is not a valid training recipe: {_problems(error)}."
        raise InputError(msg) from error


def _problems(error: ValidationError) -> str:
    """Returns what is wrong with a recipe in one line, without the kind before each field."""
    problems = problems_of(error)
    kind = error.errors()[0]["loc"][:1]
    return problems.replace(f"{kind[0]}.", "") if kind else problems


def load_saved_recipe(root: Path) -> AnyRecipe:
    """Reads the `recipe.json` of a planner's or critic's run folder.

    Raises:
        InputError: The file is missing or invalid.
    """
    try:
        return _RECIPES.validate_json((root / "recipe.json").read_bytes())
    except (OSError, ValidationError) as error:
        problem = _problems(error) if isinstance(error, ValidationError) else error.strerror
        msg = f"Found no usable recipe.json of a planner or critic run in {root}: {problem}."
        raise InputError(msg) from error


def prompts_of(recipe: VisionPretrainingRecipe | SftRecipe | GrpoRecipe) -> Prompts:
    """Loads the prompt files that a recipe names."""
    if recipe.prompts == "shipped":
        return load_prompts()
    if recipe.prompts == "micro":
        return load_prompts(prompts_folder())
    return load_prompts(Path(recipe.prompts))


def save_recipe(recipe: StrictNumbers, root: Path) -> None:
    """Saves the recipe as `recipe.json` in the run folder; a folder of the same recipe may be used again.

    Raises:
        InputError: The folder cannot be written, or it belongs to a run of another recipe.
    """
    path, text = root / "recipe.json", recipe.model_dump_json(indent=2) + "\n"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _is_same(recipe, path.read_text(encoding="utf-8")):
            msg = (
                f"{root} belongs to a run of another recipe: its recipe.json differs. Use the same recipe or name a new"
                " folder with --out."
            )
            raise InputError(msg)
        atomic_write(path, text.encode())  # Several ranks may arrive at once; each finds nothing or a whole file.
    except OSError as error:
        msg = f"Cannot write to the run folder {root}: {error.strerror}. Name another folder with --out."
        raise InputError(msg) from error


def _is_same(recipe: StrictNumbers, saved: str) -> bool:
    """Compares by value, so that a recipe saved under old field names is still the same recipe."""
    try:
        return type(recipe).model_validate_json(saved) == recipe
    except ValidationError:
        return False


def _with_present_fields(path: Path) -> dict[str, JsonValue]:
    try:
        data = with_new_names(_read(path), _RENAMED_FIELDS)
    except ValueError as error:
        msg = f"{path.name} is not a valid training recipe: {error}"
        raise InputError(msg) from error
    assert isinstance(data, dict)  # noqa: S101 - a TOML file is a table
    return data


def _read(path: Path) -> dict[str, JsonValue]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path.name} is not valid TOML in UTF-8: {error}"
        raise InputError(msg) from error


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
    return value


def _set(data: dict[str, JsonValue], keys: Sequence[str], value: JsonValue) -> None:
    first, *rest = keys
    if not rest:
        data[first] = value
        return
    inner = data.setdefault(first, {})
    if not isinstance(inner, dict):
        msg = f"{first} is a value, not a table; it has no {'.'.join(rest)}"
        raise InputError(msg)
    _set(inner, rest, value)
