"""A benchmark in miniature: two items in UEval's form, answered by the shipped models and judged by a rule.

A real run names the benchmark's data and a hosted judge instead: `RunConfig(..., judge="google_genai:gemini-2.5-pro")`.
"""

import asyncio
import json
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interleavethinker.evaluation.benchmarks.report import as_report, markdown_report
from interleavethinker.evaluation.benchmarks.run import RunConfig, run_benchmark

ITEMS = [
    {
        "id": str(number),
        "prompt": prompt,
        "task": "art",
        "text_rubrics": ["The text names the ball."],
        "image_rubrics": ["There is an image."],
    }
    for number, prompt in enumerate(("a big red ball on the left", "a small blue ball at the top, at night"))
]


class RuleJudge(BaseChatModel):
    """Any LangChain chat model can be the judge; this one needs no service."""

    @property
    def _llm_type(self) -> str:
        return "rule"

    def _generate(self, messages: list[BaseMessage], *args: object, **options: object) -> ChatResult:
        question = messages[-1]
        shown = any(block["type"] == "image" for block in question.content_blocks)
        answer = question.text.partition("Text of the answer:")[2].partition("Requirement:")[0]
        met = shown or "ball" in answer
        return ChatResult(generations=[ChatGeneration(message=AIMessage(json.dumps({"criteria_met": met})))])


Path("items.json").write_text(json.dumps(ITEMS))
run = asyncio.run(run_benchmark(RunConfig("ueval", "items.json", Path("runs/miniature")), model=RuleJudge()))
report = as_report(run)
print(markdown_report(report))
