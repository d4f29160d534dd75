"""The benchmark command runs and prints every documented figure; their values depend on the machine."""

import json
from pathlib import Path

from typer.testing import CliRunner

from interleavethinker.cli.app import build_app


def test_the_benchmark_prints_one_json_object_with_every_key(klein_folder: Path) -> None:
    words = ["bench", "image-server", "--json", "--model", str(klein_folder), "--calls", "3", "--rounds", "1"]
    result = CliRunner().invoke(build_app(words), words)
    assert result.exit_code == 0, result.output + repr(result.exception)
    figures = json.loads(result.stdout)
    assert set(figures["added_ms"]) == {"stdio", "http"}
    assert set(figures["images_per_second"]) == {"1", "4", "16"}
    assert set(figures["pipeline_batch_gain"]) == {"16"}
    assert all(rate > 0 for rate in figures["images_per_second"].values())
    assert figures["cold_start_s"]["first_image"] >= figures["cold_start_s"]["handshake"] > 0
