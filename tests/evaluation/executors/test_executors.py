"""Executors: the same results wherever the workers run, whoever is killed."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from interleavethinker.evaluation.executors import ExecutorConfig, Lost, run_items
from interleavethinker.evaluation.executors.base import EXECUTORS, ExecutorName, RemoteError
from interleavethinker.evaluation.spawned_processes import spawn_context
from interleavethinker.tools.errors import InputError, InterleaveError, ModelError, ProfileError

sys.path.append(str(Path(__file__).parent))

from .executor_workers import Diary

ROOT = Path(__file__).resolve().parents[3]

REMOTE: tuple[ExecutorName, ...] = ("processes", "ray")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def config(name: ExecutorName, processes: int = 2, at_once: int = 4) -> ExecutorConfig:
    if name == "ray" and "RAY_TESTS" not in os.environ:
        pytest.skip("`make ray-test` starts clusters")
    return ExecutorConfig(name, 0 if name == "local" else processes, at_once)


def results(where: ExecutorConfig, worker: Diary, items: list[int]) -> dict[int, int | Lost]:
    found: dict[int, int | Lost] = {}

    def save(number: int, result: int | Lost) -> None:
        assert number not in found, "each item has one result"
        found[number] = result

    asyncio.run(run_items(where, worker, items, save))
    return found


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_item_has_one_result_and_every_worker_is_closed(tmp_path: Path, name: ExecutorName) -> None:
    found = results(config(name), Diary(tmp_path), list(range(40)))
    assert found == {number: number**2 for number in range(40)}
    workers = {path.name.removeprefix("pid-") for path in tmp_path.glob("pid-*")}
    assert len(workers) == (1 if name == "local" else 2)
    assert (str(os.getpid()) in workers) == (name == "local")
    assert {path.name.removeprefix("closed-") for path in tmp_path.glob("closed-*")} == workers
    assert len(list(tmp_path.glob("did-*"))) == 40


@pytest.mark.parametrize("name", REMOTE)
def test_workers_work_in_the_drivers_trace(tmp_path: Path, name: ExecutorName, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra otel")
    from interleavethinker.tools.tracing.spans import span

    from ...collector import collecting
    from ...recorded_spans import recorded

    where = config(name)
    with collecting() as collector, recorded() as spans:
        for variable, value in collector.variables().items():
            monkeypatch.setenv(variable, value)
        with span("driver"):
            results(where, Diary(tmp_path), list(range(5)))
        found = collector.wait_for("work on item", 5)
        driver = spans.one("driver").context
    assert {one.parent for one in found} == {f"{driver.span_id:016x}"}
    assert {one.service for one in found} == {"interleavethinker-worker-process"}


@pytest.mark.skipif(sys.platform == "win32", reason="workers kill themselves with SIGKILL")
@pytest.mark.parametrize("name", REMOTE)
def test_a_killed_worker_is_replaced_and_nothing_is_lost(tmp_path: Path, name: ExecutorName) -> None:
    items = [*range(10), -2, *range(10, 20), -6]  # Else the other worker might do the rest before.
    found = results(config(name), Diary(tmp_path), items)
    assert found == {number: item**2 for number, item in enumerate(items)}
    assert len(list(tmp_path.glob("pid-*"))) >= 3
    repeated = Counter(path.name.rsplit("-", 1)[0] for path in tmp_path.glob("did-*"))
    assert repeated["did--2"] == 2
    assert sum(count - 1 for count in repeated.values()) <= 2, "only items of the killed worker are repeated"


@pytest.mark.skipif(sys.platform == "win32", reason="workers kill themselves with SIGKILL")
@pytest.mark.parametrize("name", REMOTE)
def test_an_item_that_kills_every_worker_is_given_up_and_its_neighbors_are_not(
    tmp_path: Path, name: ExecutorName
) -> None:
    items = [*range(5), -1, *range(5, 10)]
    found = results(config(name), Diary(tmp_path), items)
    assert found == {number: Lost(3) if item == -1 else item**2 for number, item in enumerate(items)}


@pytest.mark.parametrize("name", EXECUTORS)
def test_errors_reach_the_driver(tmp_path: Path, name: ExecutorName) -> None:
    with pytest.raises(ModelError, match="overloaded") as failed:
        results(config(name, 1), Diary(tmp_path), [1, -3])
    assert failed.value.code == "rate_limit"
    with pytest.raises(ProfileError, match="no such model"):
        results(config(name, 1), Diary(tmp_path, "profile"), [1])
    with pytest.raises(ValueError if name == "local" else RemoteError, match="a bug"):
        results(config(name, 1), Diary(tmp_path), [-4])


@pytest.mark.skipif(sys.platform == "win32", reason="workers kill themselves with SIGKILL")
def test_workers_that_die_at_their_start_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(InterleaveError, match="ended 3 times while it started") as failed:
        results(config("processes", 1), Diary(tmp_path, "killed"), [1])
    assert failed.value.code == "worker_died"


@pytest.mark.skipif(sys.platform == "win32", reason="workers kill themselves with SIGKILL")
@pytest.mark.parametrize("name", REMOTE)
def test_workers_end_with_a_killed_driver(tmp_path: Path, name: ExecutorName) -> None:
    config(name)
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom tests.evaluation.executors.executor_workers import Diary\n"
        "from interleavethinker.evaluation.executors import ExecutorConfig, run_items\n"
        "if __name__ == '__main__':\n"
        "    folder, name = Path(sys.argv[1]), sys.argv[2]\n"
        "    asyncio.run(run_items(ExecutorConfig(name, 2, 2), Diary(folder), [-5, -5], print))\n"
    )
    (tmp_path / "driver.py").write_text(script)
    with subprocess.Popen([sys.executable, str(tmp_path / "driver.py"), str(tmp_path), name]) as driver:
        try:
            _until(lambda: len(list(tmp_path.glob("did-*"))) == 2)
        finally:
            driver.kill()
    workers = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    _until(lambda: not any(_alive(worker) for worker in workers))
    assert not list(tmp_path.glob("closed-*"))


def test_a_ray_cluster_that_cannot_serve_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="needs 64 GPUs, and this machine has"):
        results(replace(config("ray"), gpus=64), Diary(tmp_path), [1])
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(InputError, match=r"Cannot connect to the Ray cluster 127\.0\.0\.1:1"):
        results(config("ray"), Diary(tmp_path), [1])


def test_only_worker_processes_leave_files_of_the_current_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("pickle.py", "interleavethinker.py"):
        (tmp_path / name).write_text("raise SystemExit('a file of the current folder was imported')")
    with ProcessPoolExecutor(1, mp_context=spawn_context()) as pool:
        assert pool.submit(os.getenv, "PYTHONSAFEPATH").result(180) == "1"
    assert "PYTHONSAFEPATH" not in os.environ, "programs that are started later import what lies beside them"


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="works in this process"):
        ExecutorConfig("local", processes=2)
    with pytest.raises(InputError, match="Only Ray assigns GPUs"):
        ExecutorConfig("processes", gpus=1)


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not reached():
        assert time.monotonic() < end, "waited for three minutes"
        time.sleep(0.05)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True
    except (ProcessLookupError, FileNotFoundError):  # It may end between the two looks.
        return False
