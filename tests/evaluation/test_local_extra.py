"""Measurements that load models fail with one line if libraries are missing; importing the modules needs none."""

import subprocess
import sys
from pathlib import Path

import pytest

from interleavethinker.evaluation.inference.deterministic_batches import chat_model
from interleavethinker.evaluation.inference.worker_pool import new_process_pool
from interleavethinker.evaluation.microbench.benchmark import BenchmarkConfig, run_microbench
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.tools import local_extra
from interleavethinker.tools.errors import ProfileError

_IMPORT_ALL = """
import importlib, pkgutil, sys
import interleavethinker.evaluation as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(sorted({"torch", "transformers", "diffusers", "matplotlib"} & set(sys.modules)))
"""


def test_importing_every_evaluation_module_loads_no_optional_library() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_missing_libraries_are_reported_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_extra, "find_spec", lambda _name: None)
    with pytest.raises(ProfileError, match=r"pip install .*\.\[local\]"):
        new_process_pool(1)
    with pytest.raises(ProfileError, match=r"pip install .*\.\[local\]"):
        chat_model(AgentWeights("sft", "qwen3-vl:anywhere"), temperature=0, max_new_tokens=1)
    with pytest.raises(ProfileError, match=r"pip install .*\.\[local\]"):
        await run_microbench(BenchmarkConfig(("generator alone",), 1), tmp_path / "bench")
    assert not (tmp_path / "bench").exists()
