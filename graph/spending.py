"""What a trajectory has cost: hosted chat models by tokens, hosted image models by images, at the prices of the moment.

Each node's calls are counted where the node ends, so they are saved with its result, and so are the drafts that ended
meanwhile, used or not. Calls of a node that did not end, since the process was killed, the node failed or a person
ended it, are counted only if the same process goes on; images from a server's cache never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from interleavethinker.tools.chat.usage import ChatCall, counting_calls
from interleavethinker.tools.prices import Price, dollar_amount, price_of, prices_when_needed

from .ledger import BoughtImage, Ledger

__all__ = ["ModelUse", "Spending", "counted", "dollar_words", "spending_of"]

_HOSTED_IMAGE_MODELS = ("gpt-image", "dall-e", "gemini-", "imagen-")
"""How the names of hosted image models begin, whose price is unknown unless the table has it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelUse(_Frozen):
    """All calls of one hosted model."""

    model: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    """Images that it generated."""
    dollars: float = 0.0
    """The cost of the calls whose price was known."""
    unpriced: int = 0
    """Calls whose price was not known."""
    estimated: int = 0
    """Calls whose tokens were estimated from the lengths of prompt and answer, since the provider did not say."""


class Spending(_Frozen):
    """What a trajectory has cost so far. Models on this machine cost nothing and are left out."""

    uses: tuple[ModelUse, ...] = ()
    """One entry for each hosted model."""

    @property
    def dollars(self) -> float:
        """US dollars, as far as prices are known."""
        return sum(use.dollars for use in self.uses)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Models of which some calls have no known price."""
        return tuple(use.model for use in self.uses if use.unpriced)

    @property
    def estimated(self) -> tuple[str, ...]:
        """Models of which some calls count by an estimate of their tokens."""
        return tuple(use.model for use in self.uses if use.estimated)

    def plus(self, further: Iterable[ModelUse]) -> "Spending":
        """Returns the sum of this and further uses."""
        uses = {use.model: use for use in self.uses}
        for use in further:
            known = uses.get(use.model, ModelUse(model=use.model))
            sums = {
                name: getattr(known, name) + getattr(use, name) for name in ModelUse.model_fields if name != "model"
            }
            uses[use.model] = ModelUse(model=use.model, **sums)
        return Spending(uses=tuple(uses.values()))


def dollar_words(spending: Spending) -> str:
    """Returns a sum in words, such as `$0.12`; empty if no hosted model was called."""
    if not spending.uses:
        return ""
    estimated = f" (tokens of {', '.join(spending.estimated)} estimated)" if spending.estimated else ""
    unpriced = f" without {', '.join(spending.unpriced)} (price unknown)" if spending.unpriced else ""
    return f"{dollar_amount(spending.dollars)}{estimated}{unpriced}"


def spending_of(state: Mapping[str, Any]) -> Spending:
    """Returns what a trajectory has cost; nothing is known about those of earlier versions."""
    return state.get("spending") or Spending()


def counted(
    node: Callable[[Any, Runtime[Any]], Awaitable[dict[str, Any]]], ledger_of: Callable[[Any, Runtime[Any]], Ledger]
) -> Callable[[Any, Runtime[Any]], Any]:
    """Returns a node that adds what its calls cost to the state's `spending`, and announces the new sum.

    Args:
        node: The node.
        ledger_of: Returns the entries of the trajectory, which the new sum contains.
    """
    from .events import Spent

    async def run(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
        with counting_calls() as calls:
            update = await node(state, runtime)
        ledger = ledger_of(state, runtime)
        if not calls and not ledger:
            return update
        prices = await asyncio.to_thread(prices_when_needed)
        uses = [*_chat_uses([*calls, *ledger.chat], prices), *_image_uses(ledger.images, prices)]
        ledger.clear()
        if not uses:
            return update
        before = update["spending"] if "spending" in update else spending_of(state)  # A first plan resets it.
        spending = before.plus(uses)
        runtime.stream_writer(Spent(spending=spending, dollars=spending.dollars))
        return update | {"spending": spending}

    return run


def _chat_uses(calls: Iterable[ChatCall], prices: Mapping[str, Price]) -> Iterator[ModelUse]:
    for call in calls:
        price = price_of(call.model, prices) or price_of(call.configured, prices)
        dollars = None if price is None else price.of_tokens(call.input_tokens, call.output_tokens)
        yield ModelUse(
            model=call.model,
            calls=1,
            input_tokens=call.input_tokens,
            output_tokens=call.output_tokens,
            dollars=dollars or 0.0,
            unpriced=int(dollars is None),
            estimated=int(call.estimated),
        )


def _image_uses(bought: Iterable[BoughtImage], prices: Mapping[str, Price]) -> Iterator[ModelUse]:
    """Yields the uses of hosted image models; a model that no price names and no provider hosts is a local one."""
    for one in bought:
        hosted = one.model.startswith(_HOSTED_IMAGE_MODELS)
        price = price_of(one.model, prices, hosted=hosted)
        dollars = None if price is None else price.of_image(one.size, one.inputs)
        if dollars is not None or hosted:
            yield ModelUse(model=one.model, calls=1, images=1, dollars=dollars or 0.0, unpriced=int(dollars is None))
