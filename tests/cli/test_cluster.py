"""Two hosts share one workspace: a database and an object store. Each has its own folder; one of them is killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interleavethinker.cli.doctor import _check_workspace
from interleavethinker.tools.check_result import CheckResult

from ..graph.conftest import postgres
from ..postgres import Server
from .gated_profile import write_gated_profile
from .test_worker import COUNTING, repeated

__all__ = ["postgres"]

pytestmark = [
    pytest.mark.skipif(not os.environ.get("CLUSTER_TESTS"), reason="run by `make cluster-test`"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]
PROGRAM = "from interleavethinker.cli import main; main()"


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3-compatible server with a bucket; returns its address."""
    pytest.importorskip("moto", reason="needs moto[server]")
    pytest.importorskip("s3fs", reason="needs the extra `s3`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)],
            stdout=file,
            stderr=file,
        )
    try:
        until(lambda: _listens(port) or server.poll() is not None)
        assert server.poll() is None, log.read_text()
        import urllib.request

        bucket = urllib.request.Request(f"http://127.0.0.1:{port}/pictures", method="PUT")
        with urllib.request.urlopen(bucket, timeout=60):  # noqa: S310
            pass
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Host:
    """One machine: a home of its own, and the two addresses that all hosts share."""

    def __init__(self, folder: Path, url: str, endpoint: str) -> None:
        self.home = folder
        folder.mkdir()
        self.environment = os.environ | {
            "INTERLEAVETHINKER_HOME": str(folder / "home"),
            "INTERLEAVETHINKER_IMAGE_STORE": str(folder.parent / "image-server"),
            "INTERLEAVETHINKER_WORKSPACE": url,
            "INTERLEAVETHINKER_IMAGES": "s3://pictures/stories",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PYTHONPATH": str(folder.parent),
        }

    def start(self, *words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", PROGRAM, *words]
        return subprocess.Popen(
            command,
            cwd=self.home.parent,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def shown(self, name: str) -> dict[str, object]:
        code, out, err = self.run("show", name, "--json")
        assert code == 0, err
        shown: dict[str, object] = json.loads(out)
        return shown


@pytest.fixture
def hosts(postgres: Server, object_store: str, tmp_path: Path) -> tuple[Host, Host]:
    command = json.dumps([sys.executable, str(COUNTING), str(tmp_path / "server"), str(tmp_path / "log")])
    write_gated_profile(tmp_path, f"{{ command = {command} }}", ["a", "b", "c"])
    url = postgres.new_schema()
    return Host(tmp_path / "one", url, object_store), Host(tmp_path / "two", url, object_store)


def test_a_worker_on_another_host_goes_on_where_a_killed_one_was_and_generates_nothing_twice(
    hosts: tuple[Host, Host], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = hosts
    code, out, err = one.run("run", "--queue", "--profile", str(tmp_path / "gated.toml"), "--json", "x")
    assert code == 0, err
    name = json.loads(out)["id"]
    first = one.start("worker")
    try:
        until(lambda: len(two.shown(name)["attempts"]) == 2 or first.poll() is not None)  # type: ignore[arg-type]
        assert first.poll() is None, first.communicate()
        busy = two.run("worker", "--until-empty")
        assert busy[:2] == (0, "")
        assert two.shown(name)["status"] == "running"
    finally:
        os.killpg(first.pid, signal.SIGKILL)  # the image server, too: the host is gone
        first.communicate()
    until(lambda: two.shown(name)["status"] == "interrupted")
    (tmp_path / "go").touch()
    code, out, err = two.run("worker", "--until-empty")
    assert (code, out) == (0, f"{name} done\n"), err
    shown = two.shown(name)
    assert [attempt["prompt"] for attempt in shown["attempts"]] == ["a", "b", "c"]  # type: ignore[attr-defined]
    assert repeated(tmp_path / "log") == set()
    # Images that only the dead host's folder had are read from the object store.
    code, _, err = two.run("export", name, "--out", str(tmp_path / "story"))
    assert code == 0, err
    assert len(list((tmp_path / "story").rglob("*.png"))) >= 3
    for variable, value in two.environment.items():
        monkeypatch.setenv(variable, value)
    assert _check_workspace() == CheckResult("workspace", True, "the database answers; images at s3://pictures/stories")


def test_errors_of_the_program_say_what_is_wrong_and_hold_no_password(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    url = one.environment["INTERLEAVETHINKER_WORKSPACE"]
    for wrong, message in (
        (re.sub(r":[^:@]+@", ":mistyped@", url), "the user or the password is wrong"),
        (url.replace("/postgres?", "/nowhere?"), "there is no such database"),
        ("postgresql://tester:mistyped@127.0.0.1:1/x", "no server listens there"),
    ):
        code, out, err = one.run("list", "--workspace", wrong)
        assert (code, out, message in " ".join(err.split())) == (3, "", True), err
        assert ("mistyped" in err, "Traceback" in err) == (False, False)
        code, out, err = one.run("settings", "set", "workspace", wrong)
        assert (code, "INTERLEAVETHINKER_WORKSPACE" in err) == (2, True)
