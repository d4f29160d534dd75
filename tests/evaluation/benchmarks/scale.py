"""Reads, judges (scripted) and reports UEval items in this process, and prints seconds and megabytes.

Not a test: times depend on the machine. `make benchmark-scale` runs it; the promise is 10,000 items in under two
minutes and 500 MB on a quiet machine.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from PIL import Image

from interleavethinker.cli.research.benchmarks import write_reports
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark

TASKS = ("art", "life", "tech", "exercise", "space", "textbook", "diagram", "paper")


class Yes(BaseChatModel):
    """Finds every rubric met."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        del messages
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content='{"criteria_met": true}'))])

    async def _agenerate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        return self._generate(messages)


def write_items(folder: Path, count: int) -> None:
    """Writes items with two text and two image rubrics, and an answer with an image of its own for each."""
    items, answers = [], []
    (folder / "images").mkdir()
    for number in range(count):
        color = (number % 256, number // 256 % 256, 90)
        Image.new("RGB", (64, 64), color).save(folder / "images" / f"{number}.png", compress_level=1)
        rubrics = {f"{kind}_rubrics": [f"First of {number}.", f"Second of {number}."] for kind in ("text", "image")}
        items.append({"id": str(number), "prompt": f"Question {number}?", "task": TASKS[number % 8], **rubrics})
        answers.append(
            {"id": str(number), "text_answer": f"Answer {number}.", "image_answer": [f"images/{number}.png"]}
        )
    (folder / "data.json").write_text(json.dumps(items))
    (folder / "answers.json").write_text(json.dumps(answers))


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=10_000)
    count = parser.parse_args().items
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_items(folder, count)
        config = RunConfig("ueval", str(folder / "data.json"), folder / "out", answers=str(folder / "answers.json"))
        begun, worked = time.perf_counter(), time.process_time()
        run = asyncio.run(run_benchmark(config, model=Yes()))
        write_reports(run)
        seconds, busy = time.perf_counter() - begun, time.process_time() - worked
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(  # noqa: T201 - the result
        f"{count} items, {run.usage.calls} judgments: {seconds:.1f} s, {busy:.1f} s of CPU time, {megabytes:.0f} MB"
    )


if __name__ == "__main__":
    main()
