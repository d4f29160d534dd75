"""The real thing, small: processes, the shipped generator, and a critic of the real class that has learned nothing."""

from pathlib import Path
from typing import Any

from interleavethinker.evaluation.micro_critic import Settings, measure_critics, open_crew
from interleavethinker.microworld.agents import Weights
from interleavethinker.training.micro_qwen import make_micro_qwen


def test_a_critic_is_measured_in_processes_of_its_own(tmp_path: Path) -> None:
    make_micro_qwen(["Wanted: a red ball", "Asked: a red ball"], tmp_path, 0)
    told: list[str] = []
    with open_crew(workers=1) as crew:
        report: Any = measure_critics(
            crew,
            {"sft": Weights("sft", f"qwen3-vl:{tmp_path}")},
            Settings(n=4, tries=1),
            lambda what, _done, _total: told.append(what),
        )
    assert (report["n"], report["sft"]["format"], report["sft"]["score_gain"]) == (4, 0, 0)
    assert list(dict.fromkeys(told)) == ["attempts", "judged", "failures made again"]
