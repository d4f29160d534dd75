"""Spans for the rest of the project: recorded once this process has a tracer provider, and nothing until then.

`startup` sets one, or a program that uses this project as a library and traces itself. Without one, a span costs less
than a microsecond, and nothing of OpenTelemetry is imported. Knows nothing of what is traced.
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Literal, Self, TypeAlias

__all__ = [
    "AttributeValue",
    "Attributes",
    "Carrier",
    "Kind",
    "Span",
    "annotate",
    "carrier",
    "is_on",
    "note_error",
    "span",
    "untraced",
]

AttributeValue: TypeAlias = str | bool | int | float | Sequence[str] | None
"""None leaves the attribute out."""
Attributes: TypeAlias = Mapping[str, AttributeValue]
Carrier: TypeAlias = Mapping[str, str]
"""W3C trace context as text, to cross a process: `traceparent`, and `tracestate` if there is one. Empty: no span."""
Kind: TypeAlias = Literal["internal", "client", "server"]

_API = "opentelemetry.trace"
_state = {"on": False}
"""Whether a provider was seen; one that is set stays."""


_NOTHING = nullcontext()


class Span:
    """One operation. This class records nothing; `recording.RecordedSpan` does.

    As a context manager it is the parent of all spans that begin inside, and its error is the one that leaves the
    block. Without `with` it is nobody's parent except in `context`, and must be ended.
    """

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        return None

    def set(self, attributes: Attributes) -> None:
        """Adds or replaces attributes."""

    def link(self, other: Carrier) -> None:
        """Adds a link to a span of another trace; one that cannot be read is left out."""

    def context(self) -> Context | None:
        """Returns a copy of the present context in which this span is the parent; None: any context will do."""
        return None

    def carrier(self) -> Carrier:
        """Returns this span as the parent of spans in another process."""
        return {}

    def around(self) -> AbstractContextManager[object]:
        """Returns a block in which this span is the parent, and which does not end it."""
        return _NOTHING

    def end(self, error: BaseException | None = None) -> None:
        """Ends a span that was not entered. Safe to call twice."""


_OFF = Span()


def is_on() -> bool:
    """Whether this process has a tracer provider."""
    if _state["on"]:
        return True
    # Whoever sets a provider has imported the API; the MCP library does so, too.
    api = sys.modules.get(_API)
    # The public function takes 20 times as long, at every span that is not recorded.
    if api is None or getattr(api, "_TRACER_PROVIDER", api) is None:
        return False
    _state["on"] = not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)
    return _state["on"]


def span(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: Kind = "internal",
    parent: Carrier | None = None,
    links: Sequence[Carrier] = (),
    expected: tuple[type[BaseException], ...] = (),
) -> Span:
    """Begins a span.

    Args:
        name: Of few different values.
        attributes: Its first attributes. No prompts and no images: see `recording.content`.
        kind: `client` for a call of another program.
        parent: Its parent; None: the span around. An empty or malformed one makes it the first of a new trace.
        links: Spans of other traces that it belongs to.
        expected: Exceptions that leave its block and are no errors.
    """
    if not is_on():
        return _OFF
    from .recording import RecordedSpan

    return RecordedSpan(name, attributes or {}, kind, parent, links, expected)


def annotate(attributes: Attributes) -> None:
    """Adds attributes to the span around, if there is one."""
    if is_on():
        from .recording import annotate_current

        annotate_current(attributes)


def note_error(error: BaseException) -> None:
    """Adds an error to the span around, where it does not leave a block but becomes an answer."""
    if is_on():
        from .recording import note_error_in_current

        note_error_in_current(error)


def carrier() -> Carrier:
    """Returns the span around as the parent of spans elsewhere; empty if there is none."""
    if not is_on():
        return {}
    from .recording import current_carrier

    return current_carrier()


def untraced() -> Context | None:
    """Returns a copy of the present context without its span, for a task that outlives the call that starts it.

    None where there is nothing to leave out.
    """
    if not is_on():
        return None
    from .recording import context_without_span

    return context_without_span()
