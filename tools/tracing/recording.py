"""Spans that are recorded: through OpenTelemetry's API, to whichever provider this process has set.

An error is recorded with its code, its cause and where it was raised. Messages that quote what people, models and image
services wrote are left out unless the content of messages is captured, as the GenAI conventions' own variable asks for.
"""

import asyncio
import contextvars
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, Token
from types import FrameType
from typing import Any, Self

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from interleavethinker.tools.errors import InputError, InterleaveError, ModelAnswerError, RefusalError
from interleavethinker.tools.secrets import redact

from .spans import Attributes, Carrier, Kind, Span

__all__ = [
    "CAPTURE_VARIABLE",
    "RecordedSpan",
    "annotate_current",
    "captures_content",
    "context_without_span",
    "current_carrier",
    "note_error_in_current",
]

CAPTURE_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""Of OpenTelemetry's GenAI instrumentations."""
_CAPTURING = {"true", "span_only", "span_and_event"}
_TRACER = "interleavethinker"
_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
    "server": SpanKind.SERVER,
}
_QUOTING = (InputError, ModelAnswerError, RefusalError)
"""Their messages have words of the request, of a model's answer or of an image service."""
_CANCELLATIONS = (asyncio.CancelledError, GeneratorExit)
_DEEPEST_CAUSE = 10
_LONGEST_TRACE = 20_000
"""Characters."""


class RecordedSpan(Span):
    """See `spans.span` for the arguments."""

    __slots__ = ("_context", "_expected", "_span", "_token")

    def __init__(
        self,
        name: str,
        attributes: Attributes,
        kind: Kind,
        parent: Carrier | None,
        links: Sequence[Carrier],
        expected: tuple[type[BaseException], ...],
    ) -> None:
        around = otel_context.get_current() if parent is None else _extracted(parent)
        parent_id = trace.get_current_span(around).get_span_context().span_id
        found = [linked for linked in map(_linked, links) if linked is not None and linked.context.span_id != parent_id]
        self._span = trace.get_tracer(_TRACER).start_span(
            name, around, _KINDS[kind], _given(attributes), found, record_exception=False, set_status_on_exception=False
        )
        self._context = trace.set_span_in_context(self._span, around)
        self._expected = expected
        self._token: Token[Any] | None = None

    def __enter__(self) -> Self:
        self._token = otel_context.attach(self._context)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._token is not None:
            otel_context.detach(self._token)
        self.end(error)

    def set(self, attributes: Attributes) -> None:
        """See `Span.set`."""
        self._span.set_attributes(_given(attributes))

    def link(self, other: Carrier) -> None:
        """See `Span.link`."""
        linked = _linked(other)
        if linked is not None:
            self._span.add_link(linked.context)

    def context(self) -> Context | None:
        """See `Span.context`."""
        copied = contextvars.copy_context()
        copied.run(otel_context.attach, self._context)
        return copied

    def carrier(self) -> Carrier:
        """See `Span.carrier`."""
        return _injected(self._context)

    @contextmanager
    def around(self) -> Iterator[None]:
        """See `Span.around`."""
        token = otel_context.attach(self._context)
        try:
            yield
        finally:
            otel_context.detach(token)

    def end(self, error: BaseException | None = None) -> None:
        """See `Span.end`."""
        if not self._span.is_recording():
            return
        if error is not None and not isinstance(error, self._expected):
            _record(self._span, error)
        self._span.end()


def annotate_current(attributes: Attributes) -> None:
    """See `spans.annotate`."""
    trace.get_current_span().set_attributes(_given(attributes))


def note_error_in_current(error: BaseException) -> None:
    """See `spans.note_error`."""
    current = trace.get_current_span()
    if current.is_recording():
        current.set_attribute("interleavethinker.error.code", _code(error))
        current.add_event("exception", _event(error))


def current_carrier() -> Carrier:
    """See `spans.carrier`."""
    return _injected(otel_context.get_current())


def context_without_span() -> Context:
    """See `spans.untraced`."""
    copied = contextvars.copy_context()
    copied.run(otel_context.attach, otel_context.Context())
    return copied


def captures_content() -> bool:
    """Whether spans may have prompts, answers and the words of errors."""
    return os.environ.get(CAPTURE_VARIABLE, "").strip().lower() in _CAPTURING


def _given(attributes: Attributes) -> dict[str, str | bool | int | float | Sequence[str]]:
    return {name: value for name, value in attributes.items() if value is not None}


def _injected(context: otel_context.Context) -> Carrier:
    found: dict[str, str] = {}
    propagate.inject(found, context)
    return found


def _extracted(carrier: Carrier) -> otel_context.Context:
    try:
        return propagate.extract(carrier, otel_context.Context())
    except (TypeError, ValueError):
        return otel_context.Context()


def _linked(carrier: Carrier) -> Link | None:
    found = trace.get_current_span(_extracted(carrier)).get_span_context()
    return Link(found) if found.is_valid else None


def _record(span: trace.Span, error: BaseException) -> None:
    if isinstance(error, _CANCELLATIONS):
        span.set_attribute("error.type", "cancelled")
        span.set_status(Status(StatusCode.ERROR, "cancelled"))
        return
    code, said = _code(error), _words(error)
    span.set_attribute("error.type", code)
    span.add_event("exception", _event(error))
    span.set_status(Status(StatusCode.ERROR, f"{code}: {said}" if said else code))


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, InterleaveError) else _name(error)


def _event(error: BaseException) -> dict[str, str]:
    said = _words(error)
    event = {"exception.type": _name(error), "exception.stacktrace": _told(error)[-_LONGEST_TRACE:]}
    return event | ({"exception.message": said} if said else {})


def _words(error: BaseException) -> str:
    """Returns an error's message if it has no words of people and models, or these are captured; else nothing."""
    own = isinstance(error, InterleaveError | OSError) and not isinstance(error, _QUOTING)
    return redact(str(error)) if own or captures_content() else ""


def _told(error: BaseException) -> str:
    """Returns what was raised where, the first cause first, as Python prints it but without words of people."""
    parts = []
    for one in _causes(error):
        said = _words(one)
        frames = "".join(map(_place, traceback.walk_tb(one.__traceback__)))
        parts.append(f"Traceback (most recent call last):\n{frames}{_name(one)}{': ' if said else ''}{said}\n")
    return "\nThe above exception was the cause of the following one:\n\n".join(reversed(parts))


def _place(where: tuple[FrameType, int]) -> str:
    """Returns a frame's line without its source, which would be read from a file while the event loop waits."""
    code = where[0].f_code
    return f'  File "{code.co_filename}", line {where[1]}, in {code.co_qualname}\n'


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_DEEPEST_CAUSE):
        if found is None:
            return
        yield found
        if isinstance(found, BaseExceptionGroup):
            found = found.exceptions[0]
        else:
            found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
