"""One call of a chat model, with the providers' exceptions turned into this project's `ModelError`.

LangChain's providers raise exceptions of their own client libraries, which share no base class. This is the only place
that catches them all.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from interleavethinker.tools.calls_in_flight import call_in_flight, call_waiting
from interleavethinker.tools.errors import InterleaveError, ModelAnswerError, ModelError
from interleavethinker.tools.plain_text import quotation
from interleavethinker.tools.secrets import redact, without_secrets

from .bounded_answers import REFUSED_RESPONSES, bounded_answers
from .traced_calls import model_span, record_answer
from .usage import count_call
from .waiting import CallPolicy, pause_before_retry, report_pause

__all__ = ["check_complete", "invoke", "show_tokens"]

_CUT_OFF = {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
_NORMAL_ENDS = {
    *("stop", "end_turn", "stop_sequence", "eos", "eos_token", "end", "end_of_text", "complete", "completed", "done"),
    *("tool_calls", "tool_use", "tool_call", "function_call"),
}
"""All others, such as `content_filter`, `refusal` and `SAFETY`, end an answer before its end."""
_UNKNOWN_ENDS = {"", "none", "null", "unknown", "unspecified", "finish_reason_unspecified"}
_UNFINISHED = {"incomplete", "failed", "cancelled"}
"""Values of `status`, as OpenAI's Responses API has it."""
_LONGEST_REASON = 60
_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""The names under which providers report why an answer ended."""
_HIDDEN = "nostream"
"""LangGraph leaves model calls with this tag out of `messages` streams. The answers are JSON, not words for a chat."""
_PATIENT = CallPolicy()
_LONGEST_QUOTE = 600
"""Characters of a provider's words in a message."""
_UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)
"""Errors of a provider's client that no server reports, such as the IndexError at an answer without choices."""
_DEEPEST_CAUSE = 10
"""Exceptions behind an exception that are looked at."""
_shown: ContextVar[bool] = ContextVar("shown", default=False)


@contextlib.contextmanager
def show_tokens(shown: bool) -> Iterator[None]:
    """Sets whether the models called in this context appear in LangGraph's `messages` streams; by default none does."""
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


async def invoke(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    *,
    role: str = "chat model",
    policy: CallPolicy = _PATIENT,
) -> AIMessage:
    """Sends a conversation to a chat model and returns its answer; waits while the provider is overloaded.

    Args:
        model: Any LangChain chat model.
        messages: The conversation.
        role: What the model is used as, for the error message.
        policy: How long an answer may take, and how often an overloaded provider is asked again.

    Raises:
        ModelError: The model could not be loaded or reached, its provider refused the call, or the answer took too
            long (`timeout`), is too large (`answer_too_large`) or sends the call to another host (`redirected`).
        InterleaveError: Whatever a model of this project raises itself, unchanged.
    """
    with call_in_flight():
        return await _answer_in_time(model, messages, role, policy)


async def _answer_in_time(
    model: BaseChatModel, messages: Sequence[BaseMessage], role: str, policy: CallPolicy
) -> AIMessage:
    left = policy.longest_wait
    for attempt in range(1, policy.max_retries + 2):
        limit = asyncio.timeout(policy.timeout)
        try:
            with model_span(model, messages) as span:
                async with limit:
                    answer = await _answer(model, messages)
                record_answer(span, answer)
                return answer
        except Exception as error:
            refused = _refused(error)
            if refused is not None:
                raise ModelError(f"The {role} failed. {refused}", code=refused.code) from error
            if isinstance(error, InterleaveError):
                raise
            if limit.expired():
                raise ModelError(
                    f"The {role} gave no answer in {policy.timeout:g} s. Raise `timeout` in the profile's section of "
                    "this model, or use a faster one.",
                    code="timeout",
                ) from error
            pause = pause_before_retry(error, attempt)
            if pause is None or attempt > policy.max_retries:
                raise ModelError(f"The {role} failed: {_told(error)}") from error
            if pause[0] > left:
                raise ModelError(
                    f"The {role} failed: {_told(error)} The next attempt would be in {pause[0]:.0f} s, but a call "
                    f"waits for at most {policy.longest_wait:.0f} s in all. Resume when the provider takes calls again."
                ) from error
        left -= pause[0]
        report_pause(*pause)
        with call_waiting():
            await asyncio.sleep(pause[0])
    raise AssertionError("unreachable")


async def _answer(model: BaseChatModel, messages: Sequence[BaseMessage]) -> AIMessage:
    with bounded_answers():
        said = await model.ainvoke(list(messages), {"tags": [] if _shown.get() else [_HIDDEN]})
    answer = _without_secrets(said)
    count_call(model, messages, answer)
    return answer


def _without_secrets(answer: AIMessage) -> AIMessage:
    """Returns an answer that may be stored and exported: a model may repeat the key that it is called with."""
    said = {name: getattr(answer, name) for name in ("content", "tool_calls", "additional_kwargs")}
    said["response_metadata"] = {key: each for key, each in answer.response_metadata.items() if isinstance(each, str)}
    masked = without_secrets(said)
    if masked == said:
        return answer
    masked["response_metadata"] = answer.response_metadata | masked["response_metadata"]
    return answer.model_copy(update=masked)


def _told(error: BaseException) -> str:
    """Returns what an exception says, and what it was caused by: providers' clients say only "Connection error."."""
    told = f"{type(error).__name__}: {quotation(redact(str(error)), _LONGEST_QUOTE)}"
    if isinstance(error, _UNREADABLE):
        told = f"its client could not send the request or read the answer ({told})"
    cause = error
    for _ in range(_DEEPEST_CAUSE):
        cause = cause.__cause__ or cause
    reason = quotation(redact(str(cause)), _LONGEST_QUOTE // 2)
    return told if cause is error or reason in told else f"{told} ({type(cause).__name__}: {reason})"


def _refused(error: BaseException | None) -> ModelError | None:
    """Returns the error of `bounded_answers` that a provider's client has wrapped in one of its own."""
    for _ in range(_DEEPEST_CAUSE):
        if error is None or (isinstance(error, ModelError) and error.code in REFUSED_RESPONSES):
            return error
        error = error.__cause__ or error.__context__
    return None


def check_complete(answer: AIMessage) -> None:
    """Checks that the model ended its answer itself.

    Raises:
        ModelAnswerError: Its limit of tokens or its provider cut it off, so whatever it holds is a draft.
    """
    metadata = answer.response_metadata
    reasons = [metadata.get(name) for name in _REASONS]
    details = metadata.get("incomplete_details")
    if isinstance(details, Mapping):
        reasons.append(details.get("reason"))
    told = [_plain(reason) for reason in reasons if isinstance(reason, str)]
    if any(reason in _CUT_OFF for reason in told):
        raise ModelAnswerError("The answer reached the limit of tokens before it ended. Think and write less.")
    status = metadata.get("status")
    told += [status] if isinstance(status, str) and status in _UNFINISHED else []
    for reason in told:
        if reason not in _NORMAL_ENDS | _UNKNOWN_ENDS:
            raise ModelAnswerError(f"The answer was stopped before its end ({quotation(reason, _LONGEST_REASON)}).")


def _plain(reason: str) -> str:
    """Returns a reason as providers mean it: `FinishReason.STOP` and `stopstop`, of merged chunks, are `stop`."""
    plain = reason.rpartition(".")[2].strip().lower()
    return next((end for end in _NORMAL_ENDS if plain and not plain.replace(end, "")), plain)
