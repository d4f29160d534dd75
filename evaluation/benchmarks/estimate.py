"""What judging costs, before the first paid call: questions, images, tokens and money.

Questions and images are counted on the answers where they are known; otherwise a typical answer is assumed. Tokens are
estimates: four characters a token, an image by its size, and a fixed length of the judge's answers. Models that think
before they answer write more, and bill it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from interleavethinker.evaluation.judges.chat import ChatJudge
from interleavethinker.evaluation.judges.questions import ImageFile, ImageForm
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.plain_text import quantity
from interleavethinker.tools.prices import Price, dollar_amount, price_of, prices_when_needed

from .benchmark import Benchmark, BenchmarkAnswer, Item, Piece

__all__ = ["TYPICAL_IMAGES", "CostEstimate", "estimate_cost"]

_TYPICAL_TEXT = "word " * 300
TYPICAL_IMAGES = 5
"""Images of an answer whose number is not known."""
_ANSWER_TOKENS = 150
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class CostEstimate:
    """The cost of judging."""

    judge: str
    items: int
    questions: int
    """Calls of the judge, if every answer is usable."""
    cached: int
    """Questions among them that were answered by an earlier run and cost nothing."""
    images: int
    """Images that are sent, counted again for each question."""
    input_tokens: int
    output_tokens: int
    dollars: float | None
    """None if the price of the model is not known."""
    assumed: bool
    """Whether the answers are not known yet."""

    def at(self, price: tuple[float, float]) -> CostEstimate:
        """Returns the estimate with another price: US dollars for a million tokens, in and out."""
        return _priced(self, Price(input=price[0], output=price[1]))

    @property
    def sentence(self) -> str:
        """The estimate for people."""
        money = "price unknown: give --price IN,OUT" if self.dollars is None else f"about {dollar_amount(self.dollars)}"
        basis = "assuming typical answers" if self.assumed else "counted on the answers"
        saved = f", {self.cached} of them answered before" if self.cached else ""
        return (
            f"{quantity(self.items, 'item')}, {quantity(self.questions, 'question')} to {self.judge or 'the judge'}"
            f"{saved}, {quantity(self.images, 'image')}, {self.input_tokens} tokens in, {self.output_tokens} out, "
            f"{money} ({basis})"
        )

    def as_json(self) -> dict[str, JsonValue]:
        """Returns the estimate as JSON."""
        return {**asdict(self)}


def estimate_cost(
    benchmark: Benchmark,
    items: Sequence[Item],
    answers: Mapping[str, BenchmarkAnswer] | None,
    judge: ChatJudge | None,
    *,
    name: str = "",
) -> CostEstimate:
    """Returns what it costs to judge these answers. Blocks: reads images for the hashes of cached questions.

    Args:
        benchmark: The benchmark.
        items: The items.
        answers: The answers by item; None if they are not known yet.
        judge: The judge with its cache; None if none is chosen.
        name: The judge's model, if there is no judge.
    """
    questions = cached = images = characters = image_tokens = 0
    for item in items:
        answer = _typical(benchmark) if answers is None else answers[item.id]
        asked = benchmark.questions(item, answer)
        asked += benchmark.further_questions(item, answer, {one.key: _typical_reply(answer) for one in asked})
        for question in (one.question for one in asked):
            questions += 1
            if answers is not None and judge is not None and judge.has_answers and not judge.unanswered(question):
                cached += 1
                continue
            images += len(question.images)
            characters += question.characters
            image_tokens += len(question.images) * _image_tokens(question.form)
    model = name or (judge.model_name if judge is not None else benchmark.protocol.judge)
    estimate = CostEstimate(
        model,
        len(items),
        questions,
        cached,
        images,
        characters // _CHARACTERS_PER_TOKEN + image_tokens,
        (questions - cached) * _ANSWER_TOKENS,
        None,
        answers is None,
    )
    # A judge that is given by name only has no model yet.
    local = model.startswith(OWN_PREFIX) or (not name and judge is not None and judge.local)
    return _priced(estimate, price_of(model, prices_when_needed(), hosted=not local))


def _priced(estimate: CostEstimate, price: Price | None) -> CostEstimate:
    dollars = None if price is None else price.of_tokens(estimate.input_tokens, estimate.output_tokens)
    return replace(estimate, dollars=None if dollars is None else round(dollars, 4))


def _typical(benchmark: Benchmark) -> BenchmarkAnswer:
    images = 1 if benchmark.one_image else TYPICAL_IMAGES
    pieces: list[Piece] = [_TYPICAL_TEXT, *(ImageFile(Path(f"{number}.png")) for number in range(images))]
    return BenchmarkAnswer(tuple(pieces))


def _typical_reply(answer: BenchmarkAnswer) -> JsonValue:
    """Returns what a further question may quote: a description of each image."""
    return ["word " * 40] * len(answer.images)


def _image_tokens(form: ImageForm) -> int:
    """Returns the tokens of an image, as providers count tiles: 255 up to 512 pixels, 765 up to 768, 1,032 beyond."""
    side = form.square or form.max_side
    return 1032 if side is None or side > 768 else 255 if side <= 512 else 765
