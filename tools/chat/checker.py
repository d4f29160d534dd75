"""A chat model as the check of plans and documents.

The model answers with a JSON list of faults. An answer that stays unreadable, or a model that cannot be reached, leaves
the plan or document unchecked: a check never fails a trajectory.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel

from interleavethinker.tools.errors import ModelAnswerError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.types import Attempt, CheckReport, Plan, Request

from .agents import usable_answer
from .answers import read_faults
from .messages import to_messages
from .rendering import Prompts, Turn, load_prompts, render_document_check, render_plan_check
from .waiting import CallPolicy

__all__ = ["ChatChecker"]

_PATIENT = CallPolicy()


class ChatChecker:
    """Checks plans and documents with a chat model.

    Args:
        model: Any LangChain chat model; it must accept images to check documents, and requests with images.
        store: Holds the images.
        prompts: Folder of prompt files that replace the shipped ones.
        max_answers: How many answers the model may give until one is readable, including the first.
        policy: How long an answer may take, and how often an overloaded provider is asked again.
    """

    def __init__(
        self,
        model: BaseChatModel,
        store: ImageStore,
        *,
        prompts: Path | None = None,
        max_answers: int = 2,
        policy: CallPolicy = _PATIENT,
    ) -> None:
        self._model = model
        self._store = store
        self._prompts: Prompts = load_prompts(prompts)
        self._max_answers = max_answers
        self._policy = policy

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:  # noqa: ARG002
        """See `PlanCheck.check_plan`."""
        return await self._report(render_plan_check(request, plan, self._prompts))

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        """See `DocumentCheck.check_document`. A plan that a person changed is not measured by the request."""
        if plan.made_by == "person":
            return CheckReport(checked=False)
        images = [None if attempt is None else attempt.image for attempt in shown]
        return await self._report(render_document_check(request, plan, images, self._prompts))

    async def _report(self, turns: Sequence[Turn]) -> CheckReport:
        messages = await asyncio.to_thread(to_messages, turns, self._store)
        try:
            return await usable_answer(
                self._model, messages, lambda answer: read_faults(answer.text), self._max_answers, self._policy
            )
        except (ModelAnswerError, ModelError):
            return CheckReport(checked=False)
