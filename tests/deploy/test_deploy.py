"""The files in deploy/: their commands are ours, their profiles load, and what they probe answers as they expect.

`make deploy-test` also checks them against the schemas of Kubernetes and Compose. No image is built here.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.error import URLError

import pytest
import yaml  # type: ignore[import-untyped]

from interleavethinker.graph import load_profile
from interleavethinker.tools.tracing.startup import traces_wanted

from ..docs.command_lines import check_command

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROFILES = "/etc/interleavethinker"
TOKEN = "a token of the tests"  # noqa: S105 - of this server, which ends with its test
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
Yaml = dict[str, Any]


def read(path: Path) -> list[Yaml]:
    return cast("list[Yaml]", list(yaml.safe_load_all(path.read_text(encoding="utf-8"))))


def resources(kind: str) -> dict[str, Yaml]:
    found = [one for path in sorted(DEPLOY.glob("kubernetes/*.yaml")) for one in read(path)]
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def containers() -> Iterator[tuple[str, Yaml, Yaml]]:
    for name, one in resources("Deployment").items():
        pod = one["spec"]["template"]["spec"]
        yield from ((name, container, pod) for container in pod["containers"])


def commands() -> Iterator[list[str]]:
    """Yields our program's arguments in every service of Compose and every Deployment."""
    for path in COMPOSE:
        (content,) = read(path)
        yield from (one["command"] for name, one in content["services"].items() if "command" in one)
    yield from (container["args"] for _, container, _ in containers())


def ours() -> list[list[str]]:
    return [words for words in commands() if not words[0].startswith("Qwen/")]


def test_every_command_is_accepted_by_the_program_and_every_profile_is_there() -> None:
    assert len(ours()) == 8
    for words in ours():
        given = [f"--profile={DEPLOY / 'profiles' / Path(word).name}" if word.startswith("--profile=") else word
                 for word in words]  # fmt: skip
        check_command(["interleavethinker", *given])
        for word in words:
            if word.startswith("--profile="):
                assert word.startswith(f"--profile={PROFILES}/")
                assert (DEPLOY / "profiles" / Path(word).name).is_file()


@pytest.mark.parametrize(("name", "shipped"), [("micro", "micro"), ("klein", "klein-vllm")])
def test_a_profile_differs_from_the_shipped_one_only_in_where_its_models_are(name: str, shipped: str) -> None:
    own = load_profile(str(DEPLOY / "profiles" / f"{name}.toml")).model_dump(mode="json")
    other = load_profile(shipped).model_dump(mode="json")
    assert own["generator"]["url"] == "http://images:8765/mcp"
    assert own["generator"]["token_variable"] == "INTERLEAVETHINKER_TOKEN"  # noqa: S105 - a name
    for role in ("planner", "critic"):
        for profile in (own, other):
            assert profile[role]["options"].pop("base_url", "") in {
                "", "http://127.0.0.1:8000/v1", "http://planner:8000/v1"
            }  # fmt: skip
    for field in ("generator", "description", "notice", "name", "source", "path"):
        own.pop(field, None), other.pop(field, None)
    assert own == other


def test_the_config_map_has_the_profile_of_the_folder() -> None:
    data = resources("ConfigMap")["interleavethinker"]["data"]
    assert tomllib.loads(data["klein.toml"]) == tomllib.loads((DEPLOY / "profiles" / "klein.toml").read_text("utf-8"))


def test_the_vllm_that_is_started_serves_the_profiles_model_at_the_profiles_port() -> None:
    profile = load_profile(str(DEPLOY / "profiles" / "klein.toml"))
    started = [words for words in commands() if words[0].startswith("Qwen/")]
    assert len(started) == 2
    port = str(profile.planner.options["base_url"]).removesuffix("/v1").rpartition(":")[2]
    for words in started:
        assert profile.planner.model == f"openai:{words[0]}"
        assert f"--port={port}" in words
        assert f"{words[0]} {words[1].replace('=', ' ')}" in load_profile("klein-vllm").notice


def test_every_service_selects_pods_and_sends_to_a_port_that_they_have() -> None:
    pods = {one["metadata"]["labels"]["app.kubernetes.io/name"]: one
            for one in (deployment["spec"]["template"] for deployment in resources("Deployment").values())}  # fmt: skip
    for name, service in resources("Service").items():
        pod = pods[service["spec"]["selector"]["app.kubernetes.io/name"]]
        ports = {port["name"]: port["containerPort"] for each in pod["spec"]["containers"] for port in each["ports"]}
        for port in service["spec"]["ports"]:
            assert port["port"] == ports[port["targetPort"]]
        if name in {"images", "chat"}:  # An MCP session belongs to one replica.
            assert service["spec"]["sessionAffinity"] == "ClientIP"
    for deployment in resources("Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_every_volume_and_every_setting_that_a_container_names_exists() -> None:
    settings = set(resources("ConfigMap")["interleavethinker"]["data"])
    guide = (ROOT / "docs" / "guides" / "deployment.md").read_text(encoding="utf-8")
    secrets = set(re.findall(r"--from-literal=(\w+)=", guide))
    environment = (ROOT / "docs" / "reference" / "environment.md").read_text(encoding="utf-8")
    claims = resources("PersistentVolumeClaim")
    for name, container, pod in containers():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name
        assert {one["persistentVolumeClaim"]["claimName"] for one in pod.get("volumes", [])
                if "persistentVolumeClaim" in one} <= set(claims)  # fmt: skip
        for variable in container.get("env", []):
            assert f"`{variable['name']}`" in environment, f"{variable['name']} is not documented"
            source = variable.get("valueFrom", {})
            if "secretKeyRef" in source:
                assert source["secretKeyRef"]["name"] == "interleavethinker"
                assert source["secretKeyRef"]["key"] in secrets
            if "configMapKeyRef" in source:
                assert source["configMapKeyRef"]["key"] in settings


def test_compose_mounts_only_its_own_volumes_and_the_variant_changes_services_that_exist() -> None:
    base, gpu = ({name: one for content in read(path) for name, one in content["services"].items()} for path in
                 (DEPLOY / "compose.yaml", DEPLOY / "compose.gpu.yaml"))  # fmt: skip
    (content,) = read(DEPLOY / "compose.yaml")
    assert set(gpu) - set(base) == {"planner"}
    for services in (base, gpu):
        for service in services.values():
            assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= set(content["volumes"])
            assert set(service.get("depends_on", {})) <= set(base) | set(gpu)
            for needed in service.get("depends_on", {}):
                assert "healthcheck" in (base.get(needed) or gpu[needed])


def test_the_variant_with_traces_sends_those_of_every_process_of_ours_to_a_service_of_its_own() -> None:
    (base,), (traces,) = (read(DEPLOY / name) for name in ("compose.yaml", "compose.traces.yaml"))
    ours_ = {name for name, one in base["services"].items() if one["image"] == "interleavethinker"}
    changed = {name: one for name, one in traces["services"].items() if name in base["services"]}
    assert set(changed) == ours_
    (added,) = set(traces["services"]) - set(changed)
    for service in changed.values():
        assert set(service) == {"environment"}
        assert traces_wanted(service["environment"])
        assert service["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{added}:4318"
    (extras,) = re.findall(r"^ARG EXTRAS=(.+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert "otel" in extras.split(",")
    guide = (ROOT / "docs" / "guides" / "deployment.md").read_text(encoding="utf-8")
    assert all(name in guide for name in traces["x-traces"])


def test_the_dockerfile_copies_files_that_exist_and_starts_the_installed_program() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE):
        assert (ROOT / source).exists()
    (extras,) = re.findall(r"^ARG EXTRAS=(.+)$", text, re.MULTILINE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    (entry,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', text, re.MULTILINE)
    assert entry in project["scripts"]
    assert "USER 1000" in text
    assert {pod["securityContext"]["runAsUser"] for _, container, pod in containers()
            if container["name"] != "vllm"} == {1000}  # fmt: skip
    (python,) = re.findall(r"^ARG PYTHON=(.+)$", text, re.MULTILINE)
    assert tuple(map(int, python.split("."))) >= (3, 11)


def asked(path: str, port: int, host: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.skipif(sys.platform == "win32", reason="listens on every address, which its firewall asks about")
def test_the_image_server_of_the_manifests_answers_their_probes_and_prometheus(tmp_path: Path) -> None:
    (words,) = [container["args"] for name, container, _ in containers() if name == "images"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    replaced = {
        "--model=klein": "--model=fake",
        "--port=8765": f"--port={port}",
        "--store=/store": f"--store={tmp_path}",
    }
    assert set(replaced) <= set(words)
    command = [sys.executable, "-P", "-m", "interleavethinker", *(replaced.get(word, word) for word in words)]
    (container,) = [container for name, container, _ in containers() if name == "images"]
    probe = container["readinessProbe"]["httpGet"]
    with subprocess.Popen(command, env=os.environ | {"INTERLEAVETHINKER_TOKEN": TOKEN}) as server:
        try:
            until = time.monotonic() + 120
            while True:
                assert server.poll() is None
                try:
                    status, text = asked(
                        probe["path"], port, f"10.1.2.3:{port}"
                    )  # The pod's address, as Kubernetes asks.
                except URLError:
                    status, text = 0, ""
                if status == 200:
                    break
                assert time.monotonic() < until, text
                time.sleep(0.1)
            assert asked("/metrics", port, "images:8765", TOKEN)[0] == 200
            assert asked("/metrics", port, "images:8765")[0] == 401
            assert asked("/metrics", port, "elsewhere:8765", TOKEN)[0] == 421
            assert asked("/mcp", port, "images:8765", TOKEN)[0] == 406  # Of MCP, which a browser does not speak.
            assert asked("/mcp", port, "elsewhere:8765", TOKEN)[0] == 421
            assert asked("/ready", port, f"127.0.0.1:{port}")[0] == 200  # As the health check of Compose asks.
        finally:
            server.terminate()


# The linters are in an environment of their own.

PYTHON = os.environ.get("DEPLOY_PYTHON")
linted = pytest.mark.skipif(PYTHON is None, reason="`make deploy-test` installs the schemas")


def lint(folder: Path) -> tuple[int, str]:
    assert PYTHON is not None
    command = [PYTHON, str(Path(__file__).with_name("lint.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@linted
def test_all_files_fit_the_schemas() -> None:
    assert lint(DEPLOY) == (0, "")


@linted
@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("kubernetes/workers.yaml", "replicas: 8", "replicas: many", "many"),
        ("kubernetes/images.yaml", "readinessProbe:", "readyProbe:", "readyProbe"),
        ("kubernetes/chat.yaml", "kind: Service\n", "kind: Servize\n", "SchemaNotFound"),
        ("compose.yaml", "command: [worker, --at-once=8]", "comand: [worker]", "comand"),
        ("compose.gpu.yaml", "ipc: host", "ipc: [host]", "expected a string"),
        ("compose.traces.yaml", "ports:", "port:", "port"),
    ],
)
def test_a_mistake_in_a_file_is_found(file: str, old: str, new: str, told: str, tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    path = tmp_path / "deploy" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    code, printed = lint(tmp_path / "deploy")
    assert code == 1
    assert printed.startswith(f"{path.name}: ")
    assert told in printed
