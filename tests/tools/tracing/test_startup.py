"""When this project's commands trace, as whom, and what happens if they cannot."""

import os
import subprocess
import sys

import pytest

from interleavethinker.tools.tracing.startup import start_tracing, traces_wanted

from ...collector import collecting

OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({OTLP: "http://localhost:4318"}, True),
        ({OTLP: ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": " None ", OTLP: "http://localhost:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "", OTLP: "http://localhost:4318"}, True),
        ({"OTEL_SDK_DISABLED": "TRUE", OTLP: "http://localhost:4318", "OTEL_TRACES_EXPORTER": "otlp"}, False),
        ({"OTEL_SDK_DISABLED": "false", OTLP: "http://localhost:4318"}, True),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], wanted: bool) -> None:
    assert traces_wanted(environment) == wanted


@pytest.mark.parametrize(
    ("missing", "variables", "told"),
    [
        ("opentelemetry.sdk.trace", {}, "Install the extra: pip install 'interleavethinker[otel]'"),
        ("opentelemetry.exporter.otlp.proto.http.trace_exporter", {}, "interleavethinker[otel]"),
        ("", {"OTEL_TRACES_EXPORTER": "zipkin"}, "no exporter 'zipkin' is installed"),
        ("", {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "no exporter 'otlp (http/json)' is installed"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "no exporter 'otlp_proto_grpc' is installed"),
        ("", {"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"}, "Traces are off: "),
    ],
)
def test_what_cannot_be_used_is_said_and_traces_are_off(
    missing: str,
    variables: dict[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from interleavethinker.tools.tracing import spans

    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    for name, value in ({OTLP: "http://127.0.0.1:1"} | variables).items():
        monkeypatch.setenv(name, value)
    start_tracing("test")
    error = capsys.readouterr().err
    assert error.startswith("Traces are off: ")
    assert told in error
    assert error.count("\n") == 1
    assert not spans.is_on()


PROGRAM = """
from interleavethinker.tools.tracing.spans import span
from interleavethinker.tools.tracing.startup import start_tracing
start_tracing("own-name")
start_tracing("another-name")
with span("work"):
    pass
"""


@pytest.mark.parametrize(
    ("variables", "services"),
    [
        ({}, ["own-name"]),
        ({"OTEL_SERVICE_NAME": "mine"}, ["mine"]),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=ours"}, ["ours"]),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, []),
        ({"OTEL_TRACES_EXPORTER": "otlp,console", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, ["own-name"]),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=of%20ours"}, ["own-name"]),
    ],
)
def test_spans_are_sent_before_a_program_ends_under_the_name_that_was_chosen(
    variables: dict[str, str], services: list[str]
) -> None:
    with collecting() as collector:
        environment = os.environ | collector.variables() | {"OTEL_BSP_SCHEDULE_DELAY": "60000"} | variables
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert [one.service for one in collector.spans] == services
        if "OTEL_EXPORTER_OTLP_HEADERS" in variables:
            assert collector.headers[0]["api-key"] == "of ours"
    assert done.stdout == "", "results and MCP messages are there"
    assert ('"name": "work"' in done.stderr) == ("console" in variables.get("OTEL_TRACES_EXPORTER", ""))
