"""The `[generator]` section: what it accepts, and the child process that it describes."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from interleavethinker.tools.mcp.config import IMAGE_SERVER_COMMAND, GeneratorConfig


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "micro", "url": "http://127.0.0.1/mcp"},
        {"command": ("x",), "arguments": ("--fast",)},
        {"url": "http://127.0.0.1/mcp", "tools": {}},
        {"model": "micro", "call_timeout": 0},
        {"model": "micro", "unknown": 1},
    ],
)
def test_a_contradictory_config_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|Extra|greater|belong"):
        GeneratorConfig.model_validate(fields)


def test_a_child_process_gets_what_its_model_needs_and_no_other_secret() -> None:
    present = {
        "CUDA_VISIBLE_DEVICES": "1",
        "HF_HOME": "/cache",
        "OMP_NUM_THREADS": "2",
        "INTERLEAVETHINKER_IMAGE_STORE": "/images",
        "OPENAI_API_KEY": "secret",
        "GEMINI_API_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MY_KEY": "secret",
    }
    micro = GeneratorConfig(model="micro", variables={"X": "1"}).child_environment(present)
    assert set(micro) == {"CUDA_VISIBLE_DEVICES", "HF_HOME", "OMP_NUM_THREADS", "INTERLEAVETHINKER_IMAGE_STORE", "X"}
    assert "OPENAI_API_KEY" in GeneratorConfig(model="openai:gpt-image-1").child_environment(present)
    assert "GEMINI_API_KEY" not in GeneratorConfig(model="openai:gpt-image-1").child_environment(present)
    assert GeneratorConfig(command=("x",), environment=("MY_KEY",)).child_environment(present)["MY_KEY"] == "secret"


def test_fields_of_version_0_1_are_still_read() -> None:
    old = {"model": "micro", "deadline": 60, "resends": 2, "connect_seconds": 5, "quiet_seconds": 7}
    new = GeneratorConfig(model="micro", call_timeout=60, max_resends=2, connect_timeout=5, probe_interval=7)
    assert GeneratorConfig.model_validate(old) == new


def test_the_command_line_of_the_own_server_is_its_command_and_the_options(tmp_path: Path) -> None:
    config = GeneratorConfig(model="micro", server_store=tmp_path, arguments=("--max-batch", "1"))
    options = ("--model", "micro", "--preload", "--store", str(tmp_path), "--max-batch", "1")
    assert config.command_line(["my-server"]) == ("my-server", *options)
    assert config.command_line() == (*IMAGE_SERVER_COMMAND, *options)
    assert GeneratorConfig(command=("other", "server")).command_line() == ("other", "server")
    assert GeneratorConfig(url="http://127.0.0.1/mcp").command_line() == ()


def test_the_default_command_starts_the_image_server_of_this_installation(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*IMAGE_SERVER_COMMAND, "--help"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "--model" in shown
    assert IMAGE_SERVER_COMMAND[0] == sys.executable


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "127.0.0.1:8765", "http://", "http://[::1", "http://u:pw-1@h:99999"]
)
def test_an_address_that_no_client_can_reach_is_refused_before_anything_is_planned(url: str) -> None:
    with pytest.raises(ValidationError, match="must be the address of an HTTP server") as error:
        GeneratorConfig(url=url)
    assert "pw-1" not in error.value.errors()[0]["msg"]
    for fine in ("http://127.0.0.1:8765/mcp", "https://user:pw@images.example/mcp", "http://[::1]:8765/mcp"):
        assert GeneratorConfig(url=fine).url == fine


def test_settings_of_traces_reach_every_server_and_a_collectors_key_only_this_projects_own() -> None:
    plain = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "false"}
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=x", "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/key.pem"}
    present = {**plain, **secret, "OTEL_SERVICE_NAME": "of this process"}
    assert GeneratorConfig(model="micro").child_environment(present) == plain | secret
    assert GeneratorConfig(command=("x",)).child_environment(present) == plain
    named = GeneratorConfig(command=("x",), environment=("OTEL_EXPORTER_OTLP_HEADERS",))
    assert "OTEL_EXPORTER_OTLP_HEADERS" in named.child_environment(present)
