"""Spans that this process records, for tests of single components."""

import contextlib
from collections.abc import Iterator

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra otel")

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from interleavethinker.tools.tracing import recording, spans

__all__ = ["RecordedSpans", "recorded"]


class RecordedSpans:
    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def named(self, name: str) -> list[ReadableSpan]:
        return [one for one in self._exporter.get_finished_spans() if one.name == name]

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.named(name)
        return found

    def text(self) -> str:
        """Everything that is sent."""
        return "\n".join(one.to_json() for one in self._exporter.get_finished_spans())


@contextlib.contextmanager
def recorded() -> Iterator[RecordedSpans]:
    """Gives this process a tracer provider for a while, which a program can do only once."""
    assert recording.CAPTURE_VARIABLE, "is imported before an event loop runs"
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        patch.setitem(spans._state, "on", True)
        yield RecordedSpans(exporter)
    provider.shutdown()
