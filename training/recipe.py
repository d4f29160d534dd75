"""Recipes of planner and critic training: small TOML files, checked once, overridable from the command line.

A recipe says what is trained on what; `[arguments]` goes to TRL's own configuration class, whose names and defaults
hold. What TRL refuses is told as a bad recipe. Knows nothing of training itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from interleavethinker.microworld.agents.registry import prompts_folder
from interleavethinker.tools.chat.rendering import Prompts, load_prompts
from interleavethinker.tools.errors import InputError
from interleavethinker.training.agents.rewards import RewardWeights

__all__ = [
    "GrpoRecipe",
    "Lora",
    "Recipe",
    "SftRecipe",
    "SightRecipe",
    "kind_of",
    "load_training_recipe",
    "prompts_of",
    "recipe_path",
    "save_recipe",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lora(_Part):
    """Train an adapter instead of the weights."""

    rank: Annotated[int, Field(gt=0)] = 16
    alpha: Annotated[int, Field(gt=0)] = 32
    targets: str = "all-linear"


class _DataRecipe(_Part):
    data: Path
    """Folder that `interleavethinker data` filled."""
    prompts: str = "shipped"
    """`shipped`, `micro`, or a folder with prompt files: the ones that serving will use."""
    seed: Annotated[int, Field(ge=0)] = 0


class SightRecipe(_DataRecipe):
    """The micro Qwen3-VL from nothing, until it sees; see `micro_sight`."""

    kind: Literal["sight"]
    steps: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=1)]
    """Pictures a step."""
    learning_rate: Annotated[float, Field(gt=0)]
    pictures: Annotated[int, Field(gt=0)] = 4000
    """At most this many of the generators' own."""


class _Recipe(_DataRecipe):
    model: str
    """Folder or repository of a Qwen3-VL."""
    rows: Annotated[int, Field(gt=0)] | None = None
    """At most this many rows, drawn by the seed; all by default."""
    freeze: tuple[str, ...] = ()
    """Parameters whose names contain one of these stay as they are."""
    lora: Lora | None = None
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments of TRL's `SFTConfig` or `GRPOConfig`."""


class SftRecipe(_Recipe):
    """Learning from teachers' answers."""

    kind: Literal["sft"]
    role: Literal["planner", "critic", "both"]
    """`both`: one set of weights learns the rows and rehearsals of both."""
    captions: Annotated[int, Field(ge=0)] = 0
    """Pictures of random scenes, described, that come first: how a model from scratch learns to see."""
    words: Annotated[int, Field(ge=0)] = 0
    """Questions and answers without pictures, which come next: what prompts wish for, what is what it should be."""
    comparisons: Annotated[int, Field(ge=0)] = 0
    """Pairs of pictures, described cell by cell, which come next."""
    glances: Annotated[int, Field(ge=0)] = 0
    """Pictures and what there is to ask about them, which come next."""
    rehearsals: Annotated[int, Field(ge=0)] = 0
    """Rows from rendered pictures, which come next; see `rehearsal`."""
    rl_failures: Annotated[float, Field(ge=0, le=1)] | None = None
    """Critic only: learn from the RL rows that GRPO takes with this share of failures, instead of the SFT rows."""
    muon: bool = False
    """Orthogonal momentum for matrices and AdamW for the rest, instead of the optimizer that the arguments name; with
    it a model from scratch learns several times as fast."""
    repeats: Annotated[int, Field(ge=0)] = 1
    """How often the rows are gone through, each time in another order; TRL's epochs would repeat the captions too. With
    0 the run ends before them."""

    @property
    def roles(self) -> tuple[Literal["planner", "critic"], ...]:
        """Whose rows are learned."""
        return ("planner", "critic") if self.role == "both" else (self.role,)


class GrpoRecipe(_Recipe):
    """Learning from rewards; the critic only, as in the paper."""

    kind: Literal["grpo"]
    failures: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of prompts whose attempt failed; only these can earn a step-wise reward."""
    weights: RewardWeights = RewardWeights()
    generator: str = "micro"
    """The profile whose image server makes the pictures, over MCP."""
    server: tuple[str, ...] = ()
    """Options for that server instead of the profile's, if it is the own one: `["--max-batch", "16"]`."""
    judge: str = "micro"
    """`micro`: the scorer. Any other: a vision-language model, as profiles name them."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of known judgements, and of the judge's marks, that are turned round: how brittle is learning?"""

    @property
    def roles(self) -> tuple[Literal["planner", "critic"], ...]:
        """Whose rows are learned."""
        return ("critic",)


Recipe = Annotated[SightRecipe | SftRecipe | GrpoRecipe, Field(discriminator="kind")]
_RECIPES: TypeAdapter[SightRecipe | SftRecipe | GrpoRecipe] = TypeAdapter(Recipe)


def recipe_path(name: str) -> Path:
    """Where a recipe lies: a file, or a shipped one by its name.

    Raises:
        InputError: There is no such recipe.
    """
    path = Path(name)
    if path.is_file():
        return path
    recipes = Path(str(files("interleavethinker.training").joinpath("recipes")))
    shipped = recipes / f"{name}.toml"
    if not shipped.is_file():
        known = sorted(entry.stem for entry in recipes.glob("*.toml"))
        msg = f"RECIPE must be a recipe file or one of {', '.join(known)}; found {name!r}"
        raise InputError(msg)
    return shipped


def kind_of(path: Path) -> str:
    """The kind of a recipe; those without one are of the micro generator.

    Raises:
        InputError: Not valid TOML.
    """
    return str(_read(path).get("kind", "micro-generator"))


def load_training_recipe(path: Path, overrides: Sequence[str] = ()) -> SightRecipe | SftRecipe | GrpoRecipe:
    """Reads a recipe.

    Args:
        path: The file.
        overrides: Like `rows=100` or `arguments.learning_rate=1e-4`; values are TOML, or else text.

    Raises:
        InputError: The file or an override breaks a rule of recipes.
    """
    data = _read(path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            msg = f"an override must look like key=value; found {override!r}"
            raise InputError(msg)
        _set(data, key.split("."), _value(value))
    try:
        return _RECIPES.validate_python(data)
    except ValidationError as error:
        msg = f"{path.name} must be a recipe for training; found: {error}"
        raise InputError(msg) from error


def prompts_of(recipe: SightRecipe | SftRecipe | GrpoRecipe) -> Prompts:
    """The prompt files that a recipe names."""
    if recipe.prompts == "shipped":
        return load_prompts()
    if recipe.prompts == "micro":
        return load_prompts(prompts_folder())
    return load_prompts(Path(recipe.prompts))


def save_recipe(recipe: BaseModel, root: Path) -> None:
    """Keeps the recipe with the run.

    Raises:
        InputError: The folder cannot be written, or holds a run of another recipe.
    """
    path, text = root / "recipe.json", recipe.model_dump_json(indent=2) + "\n"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_text(encoding="utf-8") != text:
            msg = f"{root} must be a new folder or hold a run of the same recipe; its recipe.json differs. Use --out."
            raise InputError(msg)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"A run needs a folder that can be written; {root} is none: {error.strerror}. Name another: --out."
        raise InputError(msg) from error


def _read(path: Path) -> dict[str, JsonValue]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path.name} must be valid TOML in UTF-8; found: {error}"
        raise InputError(msg) from error


def _value(text: str) -> JsonValue:
    try:
        value: JsonValue = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
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
