"""`interleavethinker prices`: the price table from which the cost of hosted models is computed."""

from .options import Json
from .terminal import echo, echo_json

__all__ = ["prices"]


def prices(json_output: Json = False) -> None:
    """Show the prices of hosted models, by which costs are computed.

    US dollars: input and output for a million tokens, image for one image.
    Prices change; write yours into the file named below, in the same form:

    ["gpt-5-mini"]
    input = 0.25
    output = 2.0
    """
    from interleavethinker.tools.prices import load_prices, prices_path

    table, path = load_prices(), prices_path()
    if json_output:
        models = {model: price.model_dump(exclude_none=True) for model, price in table.items()}
        echo_json({"path": str(path), "prices": models})
        return
    width = max(map(len, table))
    for model, price in sorted(table.items()):
        words = ", ".join(f"{name} ${value:g}" for name, value in price.model_dump(exclude_none=True).items())
        echo(f"{model:<{width}}  {words}")
    echo(f"Your own prices: {path}" + ("" if path.exists() else " (not there yet)"), err=True)
