"""`interleavethinker prices`: the price table from which the cost of hosted models is computed."""

from typing import TYPE_CHECKING

from .options import Json
from .terminal import echo, echo_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interleavethinker.tools.prices import Price

__all__ = ["prices"]


def prices(json_output: Json = False) -> None:
    """Show the prices of hosted models, by which costs are computed.

    US dollars: input and output for a million tokens, image for one image,
    input image for each one that a call shows to the model. Where a provider
    does not report tokens, one is counted for every four characters, and 1,000
    for each image; that counts towards --max-cost, too.
    Prices change; write yours into the file named below, in the same form:

    ["gpt-5-mini"]
    input = 0.25
    output = 2.0
    """
    from interleavethinker.tools.prices import load_prices, prices_path

    table, path = load_prices(), prices_path()
    if json_output:
        models = {model: price.model_dump(exclude_defaults=True) for model, price in table.items()}
        echo_json({"path": str(path), "prices": models})
        return
    width = max(map(len, table))
    for model, price in sorted(table.items()):
        echo(f"{model:<{width}}  {', '.join(_words(price))}")
    echo(f"Your own prices: {path}" + ("" if path.exists() else " (not there yet)"), err=True)


def _words(price: "Price") -> "Iterator[str]":
    sums = {
        "input": price.input,
        "output": price.output,
        "image": price.image,
        **{f"image {size}": value for size, value in price.image_sizes.items()},
        "input image": price.input_image,
    }
    return (f"{name} ${value:g}" for name, value in sums.items() if value is not None)
