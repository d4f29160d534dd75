"""The thread that completes prompts, at the end of the process."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, time
from pathlib import Path
from interleavethinker.tools.qwen3vl.prompt_thread import PromptThread

class Slow(PromptThread):
    # Tidies up after each answer, as an engine that frees the memory of a prompt.
    def _serve(self):
        while not self._abandoned and (pending := self._arrivals.get()):
            pending.future.set_result(pending.prompt)
            time.sleep(0.5)
            with Path(sys.argv[1]).open("a") as log:
                log.write(f"{pending.prompt} ")

thread = Slow()
answers = [thread.submit(number, 1) for number in range(50)]
answers[int(sys.argv[2])].result()
"""


def served(log: Path, awaited: int) -> list[str]:
    """Runs a program that ends once the answer of this number is there; returns the prompts that were served."""
    words = [sys.executable, "-P", "-c", PROGRAM, str(log), str(awaited)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=100, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return log.read_text().split()


def test_a_program_ends_after_the_current_step_whatever_is_unanswered(tmp_path: Path) -> None:
    """A thread that is stopped in the middle of a step aborts the process in C++ code."""
    assert served(tmp_path / "log", awaited=1) == ["0", "1"]
