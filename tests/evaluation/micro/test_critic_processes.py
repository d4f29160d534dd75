"""The critics' evaluation with real processes, the shipped generator, and an untrained critic of the real class."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from interleavethinker.evaluation.micro.critic import CriticEvalConfig, measure_critics
from interleavethinker.evaluation.micro.critic_workers import open_worker_pool
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.training.micro.vlm import make_micro_qwen


def test_a_critic_is_measured_in_worker_processes(tmp_path: Path) -> None:
    make_micro_qwen(["Wanted: a red ball", "Asked: a red ball"], tmp_path, 0)
    stages: list[str] = []
    with open_worker_pool(workers=1) as pool:
        report: Any = measure_critics(
            pool,
            {"sft": AgentWeights("sft", f"qwen3-vl:{tmp_path}")},
            CriticEvalConfig(n=4, retry_seeds=1),
            lambda stage, _done, _total: stages.append(stage),
        )
    assert (report["n"], report["sft"]["format"], report["sft"]["score_gain"]) == (4, 0, 0)
    assert list(dict.fromkeys(stages)) == ["attempts", "verdicts", "retries"]


_KEEPS_A_PROCESS_BUSY = """
import os, time
from interleavethinker.evaluation.inference.worker_pool import new_process_pool
if __name__ == "__main__":
    pool = new_process_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_worker_processes_exit_with_their_parent_even_if_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text(_KEEPS_A_PROCESS_BUSY)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 180
    while _is_running(child):
        assert time.monotonic() < end, f"process {child} is still running without its parent"
        time.sleep(0.05)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        if not Path("/proc").is_dir():
            return True
        state = Path(f"/proc/{process}/stat").read_text()  # a killed process that was not waited for is a zombie
    except (ProcessLookupError, FileNotFoundError):  # It may end between the two looks.
        return False
    return state.rpartition(")")[2].split()[0] != "Z"
