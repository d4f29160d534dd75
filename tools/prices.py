"""The price table of hosted models: list prices that ship with the package, and the user's own, which replace them.

Knows names and numbers only; who calls which model is not its business.
"""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import ProfileError
from .settings import config_folder

__all__ = ["Price", "load_prices", "price_of", "prices_path"]

_VERSION = re.compile(r"-(latest|preview|\d{8}|\d{4}-\d{2}-\d{2}|\d{3})$")
"""How providers end the name of a dated version of a model, which costs what the model costs."""


class Price(BaseModel):
    """What a hosted model costs, in US dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float | None = Field(default=None, ge=0)
    """For a million input tokens."""
    output: float | None = Field(default=None, ge=0)
    """For a million output tokens."""
    image: float | None = Field(default=None, ge=0)
    """For one generated image."""

    def of_tokens(self, input_tokens: int, output_tokens: int) -> float | None:
        """Returns the price of a chat model's call; None if it is not known."""
        if self.input is None or self.output is None:
            return None
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


_TABLE = TypeAdapter(dict[str, Price])


def prices_path() -> Path:
    """Returns the path of the user's own price table, which need not exist."""
    return config_folder() / "prices.toml"


def load_prices() -> dict[str, Price]:
    """Returns all prices by model: the shipped ones, and the user's in their place. Reads files.

    Raises:
        ProfileError: The user's table cannot be read or is malformed.
    """
    shipped = (files("interleavethinker.tools") / "prices.toml").read_text(encoding="utf-8")
    path = prices_path()
    try:
        own = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        own = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"Cannot read the price table {path}: {error}.") from error
    try:
        return _TABLE.validate_python(tomllib.loads(shipped)) | _TABLE.validate_python(tomllib.loads(own))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ProfileError(
            f'The price table {path} cannot be used: {error}. A model\'s entry is ["MODEL"] with input and output '
            "(dollars for a million tokens), or image (dollars for one)."
        ) from error


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Returns the price of a model, also under the name of a dated version; None if it is not in the table.

    Examples:
        >>> price_of("openai:gpt-5-mini-2025-08-07", {"gpt-5-mini": Price(input=1, output=2)}).output
        2.0
    """
    for name in (model, model.rpartition(":")[2], model.rpartition("/")[2]):
        for candidate in (name, _VERSION.sub("", name)):
            if candidate in prices:
                return prices[candidate]
    return None
