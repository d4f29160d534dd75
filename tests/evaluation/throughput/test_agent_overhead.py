"""`bench agent` measures the agent's own overhead without any model."""

import re

from typer.testing import CliRunner

from interleavethinker.cli.app import build_app


def test_the_overhead_between_generator_calls_and_the_size_of_checkpoints_are_printed() -> None:
    result = CliRunner().invoke(build_app(["bench", "agent"]), ["bench", "agent"])
    assert result.exit_code == 0, result.output
    first, *sizes = result.stdout.splitlines()
    found = re.fullmatch(
        r"(\d+\.\d\d) ms of processor time, (\d+\.\d\d) ms passed, per generator call \(medians of (\d+)\)", first
    )
    assert found is not None, first
    # The three trajectories make 25, 300 and 60 calls.
    assert 300 < int(found[3]) < 385
    assert float(found[1]) > 0
    assert float(found[2]) > 0
    named = [re.fullmatch(r"\d+ bytes of checkpoints per super-step \((.+)\)", line) for line in sizes]
    assert [one and one[1] for one in named] == ["25", "300", "60 steps"]
