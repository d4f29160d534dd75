"""A collector of OpenTelemetry traces for tests: an OTLP/HTTP receiver that decodes what programs send."""

import contextlib
import gzip
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2", reason="needs the extra otel")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

__all__ = ["Collector", "Received", "collecting"]


@dataclass(frozen=True)
class Received:
    """A span as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    attributes: Mapping[str, Any]
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    links: tuple[str, ...]
    """`trace/span` of each."""
    error: str | None
    """The description of its status if it failed."""

    @property
    def address(self) -> str:
        return f"{self.trace}/{self.id}"


class Collector:
    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.headers: list[Mapping[str, str]] = []
        self.raw: list[bytes] = []
        self.endpoint = ""
        self._changed = threading.Condition()

    def variables(self) -> dict[str, str]:
        """The environment of a program that sends its spans here, soon after they end."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def add(self, headers: Mapping[str, str], body: bytes) -> None:
        body = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        request = ExportTraceServiceRequest.FromString(body)
        with self._changed:
            self.headers.append(headers)
            self.raw.append(body)
            for group in request.resource_spans:
                service = str(_values(group.resource.attributes).get("service.name"))
                self.spans += [_received(service, one) for scope in group.scope_spans for one in scope.spans]
            self._changed.notify_all()

    def wait_for(self, name: str, number: int = 1, seconds: float = 120.0) -> list[Received]:
        """Waits until so many spans of a name have arrived."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.named(name)) >= number, seconds)
            found = self.named(name)
        assert len(found) >= number, f"{name}: {sorted({one.name for one in self.spans})}"
        return found

    def named(self, name: str) -> list[Received]:
        return [one for one in self.spans if one.name == name]

    def ancestors(self, span: Received) -> list[str]:
        """The names of a span's ancestors, the nearest first; `?` for one that never arrived."""
        known = {one.address: one for one in self.spans}
        found = []
        while span.parent:
            above = known.get(f"{span.trace}/{span.parent}")
            found.append("?" if above is None else above.name)
            if above is None:
                break
            span = above
        return found

    def by_trace(self) -> Mapping[str, list[Received]]:
        found: defaultdict[str, list[Received]] = defaultdict(list)
        for one in self.spans:
            found[one.trace].append(one)
        return found


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on this machine."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
                self.send_error(404)
                return
            collector.add(dict(self.headers), body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _received(service: str, span: Span) -> Received:
    failed = span.status.code == Status.StatusCode.STATUS_CODE_ERROR
    return Received(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        attributes=_values(span.attributes),
        events=tuple((event.name, _values(event.attributes)) for event in span.events),
        links=tuple(f"{link.trace_id.hex()}/{link.span_id.hex()}" for link in span.links),
        error=span.status.message if failed else None,
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None
