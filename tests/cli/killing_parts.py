"""What the profiles of `killing` name: planner, critic and tool without a model, and the answers of a chat model."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.tools import tool

from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Plan, Request, Requirement, Step, Verdict

__all__ = ["DamageReader", "SentencePlanner", "chat_answer", "find_fact", "strict_critic"]


class SentencePlanner:
    """Plans one step for each part of the request between the words ` then `."""

    def __init__(self, store: ImageStore) -> None:
        del store

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        return plan_for(request.text, len(context.lookups))


def plan_for(text: str, facts: int) -> Plan:
    words = text.strip().split(" then ")
    return Plan(steps=tuple(Step(prompt=f"{each}, {facts} facts", auxiliary_text=each) for each in words))


def strict_critic(store: ImageStore) -> RuleCritic:
    """Rejects what is wanted twice once, with a checklist; its confidence depends on the image."""
    del store

    def rule(case: CriticInput) -> Verdict:
        accepted = "twice" not in case.original_prompt or case.prompt.endswith("!")
        return Verdict(
            success=accepted,
            refined_prompt=case.prompt if accepted else f"{case.prompt}!",
            confidence=int(hashlib.sha256(case.image.encode()).hexdigest()[:2], 16) / 256,
            checklist=(Requirement(kind="count", text="twice", met=accepted),),
            same_identity=True if case.references else None,
        )

    return RuleCritic(rule, gives_confidence=True)


class DamageReader:
    """Finds the same damage outside the wish of every edit, and merges all prompts."""

    def __init__(self, store: ImageStore) -> None:
        del store

    def outside(self, wish: str, source: bytes, image: bytes) -> float | None:
        """See `WishReader.outside`."""
        return 0.3 if wish and source != image else 0.0

    def merged(self, prompts: Sequence[str], source: bytes | None) -> str | None:
        """See `WishReader.merged`."""
        return f"{' and '.join(prompts)} on {'nothing' if source is None else 'an image'}"


@tool
def find_fact(query: str) -> str:
    """Returns what is known about a subject."""
    with Path(os.environ["KILL_LOG"]).open("a") as log:
        log.write(f"begin fact-{query}\n")
    return f"Facts about {query}. See https://example.org/{query}."


def chat_answer(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the message of a model that looks two facts up and then says that it knows enough."""
    done = [message for message in body["messages"] if message["role"] == "tool"]
    if done:
        return {"role": "assistant", "content": "ENOUGH"}
    calls = [_call(number, subject) for number, subject in enumerate(("herons", "lakes"))]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _call(number: int, subject: str) -> dict[str, Any]:
    arguments = json.dumps({"query": subject})
    return {"id": f"call-{number}", "type": "function", "function": {"name": "find_fact", "arguments": arguments}}


def reply_to(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a whole answer of an OpenAI-compatible server."""
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    message = chat_answer(body)
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def images_of(lines: Sequence[str]) -> tuple[set[str], list[str]]:
    """Returns the images in an image server's log, and those that were generated again after they were stored."""
    stored: set[str] = set()
    generated: set[str] = set()
    repeated: list[str] = []
    for line in lines:
        word, image = line.split()
        if image.startswith("fact-"):
            continue
        if word == "finished":
            stored.add(image)
            continue
        generated.add(image)
        if image in stored:
            repeated.append(image)
    return generated, repeated
