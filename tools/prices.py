"""The price table of hosted models: list prices that ship with the package, and the user's own, which replace them.

Knows names and numbers only; who calls which model is not its business.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from .errors import InputError, ProfileError
from .files import read_at_most
from .image_sizes import ImageSize, read_size
from .settings import config_folder
from .strict_numbers import StrictNumbers
from .structured_text import parse_toml
from .validation import problems_of

__all__ = [
    "CHARACTERS_PER_TOKEN",
    "IMAGE_TOKENS",
    "Price",
    "dollar_amount",
    "load_prices",
    "price_of",
    "prices_path",
    "prices_when_needed",
]

CHARACTERS_PER_TOKEN = 4
"""Assumed wherever tokens are not counted by the provider, as for English text."""
IMAGE_TOKENS = 1000
"""Assumed of an image that a chat model is shown."""

_MAX_FILE = 2**20
"""Bytes of a price table."""
_VERSION = re.compile(r"-(latest|preview|\d{8}|\d{4}-\d{2}-\d{2}|\d{3})$")
"""How providers end the name of a dated version of a model, which costs what the model costs."""


def dollar_amount(dollars: float) -> str:
    """Returns a sum in dollars; what is below a cent is not shown as nothing.

    Examples:
        >>> [dollar_amount(each) for each in (0, 12.345, 0.0042, 0.00001)]
        ['$0.00', '$12.35', '$0.0042', '$0.0001']
    """
    if not 0 < dollars < 0.01:
        return f"${dollars:.2f}"
    return f"${max(dollars, 0.0001):.4f}"


class Price(StrictNumbers):
    """What a hosted model costs, in US dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float | None = Field(default=None, ge=0)
    """For a million input tokens."""
    output: float | None = Field(default=None, ge=0)
    """For a million output tokens."""
    image: float | None = Field(default=None, ge=0)
    """For one generated image, of a size that `image_sizes` does not have."""
    image_sizes: dict[ImageSize, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """For one generated image of this size: `{"1536x1024": 0.063}`."""
    input_image: float | None = Field(default=None, ge=0)
    """For one image that a call shows to the model: the source of an edit, and each reference. None: nothing."""

    def of_tokens(self, input_tokens: int, output_tokens: int) -> float | None:
        """Returns the price of a chat model's call; None if it is not known."""
        if self.input is None or self.output is None:
            return None
        return (self.input * input_tokens + self.output * output_tokens) / 1e6

    def of_image(self, size: str | None = None, inputs: int = 0) -> float | None:
        """Returns the price of an image model's call; None if it is not known.

        Args:
            size: Size (`1536x1024`) or aspect ratio (`3:2`) of the image; None: the model's own.
            inputs: How many images the call shows to the model.

        Examples:
            >>> Price(image=0.04, image_sizes={"1536x1024": 0.06}, input_image=0.002).of_image("3:2", inputs=1)
            0.062
        """
        image = self.image
        if size is not None:
            asked = read_size(size)
            for known, price in self.image_sizes.items():
                given = read_size(known)
                same_shape = given.width * asked.height == given.height * asked.width
                if (given.width, given.height) == (asked.width, asked.height) or (not asked.exact and same_shape):
                    image = price
        return None if image is None else image + inputs * (self.input_image or 0.0)


_TABLE = TypeAdapter(dict[str, Price])


def prices_path() -> Path:
    """Returns the path of the user's own price table, which need not exist."""
    return config_folder() / "prices.toml"


def load_prices() -> dict[str, Price]:
    """Returns all prices by model: the shipped ones, and the user's in their place. Reads files.

    Raises:
        ProfileError: The user's table cannot be read or is malformed.
    """
    path = prices_path()
    try:
        own = read_at_most(path, _MAX_FILE).decode()
    except FileNotFoundError:
        own = ""
    except InputError as error:
        raise ProfileError(str(error)) from error
    except OSError as error:
        raise ProfileError(f"Cannot read the price table {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"The price table {path} is not UTF-8: byte {error.start + 1} is invalid.") from error
    try:
        return _shipped_prices() | _TABLE.validate_python(parse_toml(own))
    except ValueError as error:
        problems = problems_of(error) if isinstance(error, ValidationError) else str(error).rstrip(".")
        raise ProfileError(
            f'The price table {path} cannot be used: {problems}. A model\'s entry is ["MODEL"] with input and '
            "output (dollars for a million tokens), or image, image_sizes and input_image (dollars for one)."
        ) from error


@functools.cache
def _shipped_prices() -> dict[str, Price]:
    return _TABLE.validate_python(
        parse_toml((files("interleavethinker.tools") / "prices.toml").read_text(encoding="utf-8"))
    )


class _Unusable(Mapping[str, Price]):
    """A table that cannot be used: every lookup raises the same error.

    Args:
        error: The error.
    """

    def __init__(self, error: ProfileError) -> None:
        self._error = error

    def _fail(self) -> NoReturn:
        raise ProfileError(str(self._error)) from self._error

    def __getitem__(self, model: str) -> Price:
        self._fail()

    def __iter__(self) -> Iterator[str]:
        self._fail()

    def __len__(self) -> int:
        return len(tuple(self))


def prices_when_needed() -> Mapping[str, Price]:
    """Returns all prices, as `load_prices` does; an error in the user's table is raised by the first lookup.

    So work that calls only local models, and asks for no price, does not depend on that file. Reads files.
    """
    try:
        return load_prices()
    except ProfileError as error:
        return _Unusable(error)


def price_of(model: str, prices: Mapping[str, Price], *, hosted: bool = True) -> Price | None:
    """Returns the price of a model, also under the name of a dated version; None if it is not in the table.

    Args:
        model: The model's name.
        prices: Such as `load_prices` or `prices_when_needed` returns.
        hosted: Whether the model costs money; a local one has a price only if the user's table can be used.

    Raises:
        ProfileError: The model is hosted, the prices are of `prices_when_needed`, and the user's table cannot be used.

    Examples:
        >>> price_of("openai:gpt-5-mini-2025-08-07", {"gpt-5-mini": Price(input=1, output=2)}).output
        2.0
    """
    if isinstance(prices, _Unusable) and not hosted:
        return None
    for name in (model, model.rpartition(":")[2], model.rpartition("/")[2]):
        for candidate in (name, _VERSION.sub("", name)):
            if candidate in prices:
                return prices[candidate]
    return None
