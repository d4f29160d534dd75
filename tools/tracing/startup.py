"""Starts OpenTelemetry's SDK for a command of this project, if its standard environment variables ask for traces.

On: `OTEL_TRACES_EXPORTER` names an exporter, or `OTEL_EXPORTER_OTLP_ENDPOINT` (or that of traces alone) says where to
send spans. `OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none` mean off. Tracing never ends or fails a command:
what is wrong with it is said once, on stderr.
"""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Mapping
from importlib.metadata import entry_points, version
from typing import TYPE_CHECKING
from urllib.parse import unquote

from interleavethinker.tools.secrets import redact, remember_secret

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["start_tracing", "stop_tracing", "traces_wanted"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_EXPORTERS = "opentelemetry_traces_exporter"
"""The entry points under which packages offer exporters."""
_LAST_SECONDS = 2.0
"""How long the end of a process waits for the last spans. Chat clients kill a server after two seconds."""
_LONGEST_QUOTE = 200
_started: list["TracerProvider"] = []


def traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = _exporters(environment)
    return bool(exporters) if exporters is not None else any(environment.get(name) for name in _ENDPOINTS)


def start_tracing(service: str) -> None:
    """Sets the process's tracer provider up, if the environment asks for traces and nobody else has done it.

    Args:
        service: Name of the service, unless the environment has one.
    """
    if _started or not traces_wanted(os.environ):
        return
    try:
        provider = _provider(service)
    except ImportError as error:
        _warn(f"Traces are off: {error.name} is missing. Install the extra: pip install 'interleavethinker[otel]'")
    except Exception as error:  # noqa: BLE001 - whatever a setting makes the SDK or an exporter raise
        _warn(f"Traces are off: {redact(str(error)) or type(error).__name__}")
    else:
        if provider is not None:
            _started.append(provider)
            atexit.register(stop_tracing)


def stop_tracing() -> None:
    """Sends what was recorded, and stops. Called at the end of a process, but for those of `multiprocessing`."""
    while _started:
        # An exporter tries again for ten seconds if its collector is down.
        sending = threading.Thread(target=_started.pop().shutdown, daemon=True)
        sending.start()
        sending.join(_LAST_SECONDS)


def _provider(service: str) -> "TracerProvider | None":
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # Its imports read files, which the first span in an event loop should not wait for.
    from . import recording  # noqa: F401

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None  # `opentelemetry-instrument` has set one.
    for value in ",".join(os.environ.get(name, "") for name in _HEADERS).split(","):
        remember_secret(unquote(value.partition("=")[2]).strip())
    _say_once()
    exporters = [_exporter(name) for name in _exporters(os.environ) or ["otlp"]]
    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": service}))
    if "service.version" not in resource.attributes:
        resource = resource.merge(Resource({"service.version": version("interleavethinker")}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def _exporters(environment: Mapping[str, str]) -> list[str] | None:
    """Returns the exporters that the environment names; None: it names none, and the default applies."""
    given = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    return [name for name in names if name != "none"] if names else None


def _exporter(name: str) -> "SpanExporter":
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # Results and MCP messages are on stdout.
    if name in {"otlp", "otlp_proto_http"}:
        protocol = next((given for one in _PROTOCOLS if (given := os.environ.get(one, "").strip())), "http/protobuf")
        if protocol == "http/protobuf" or name == "otlp_proto_http":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter()
        name = "otlp_proto_grpc" if protocol == "grpc" else f"otlp ({protocol})"
    for found in entry_points(group=_EXPORTERS, name=name):
        made: SpanExporter = found.load()()
        return made
    raise ValueError(f"no exporter {name!r} is installed. Use OTEL_TRACES_EXPORTER=otlp with protocol http/protobuf.")


class _OnceHandler(logging.Handler):
    """Says the first problem of the SDK, and no further ones: a collector that is down fails every few seconds."""

    def emit(self, record: logging.LogRecord) -> None:
        self.setLevel(logging.CRITICAL + 1)
        _warn(f"Traces cannot be sent: {redact(record.getMessage())[:_LONGEST_QUOTE]} (said once)")


def _say_once() -> None:
    log = logging.getLogger("opentelemetry")
    log.addHandler(_OnceHandler(logging.WARNING))
    log.propagate = False


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
