"""The benchmark command runs and prints every documented figure; their values depend on the machine."""

import asyncio
import json
import subprocess
from pathlib import Path

from ..processes import PROGRAM


async def test_the_benchmark_prints_one_json_object_with_every_key(klein_folder: Path) -> None:
    arguments = ("bench", "image-server", "--json", "--model", str(klein_folder), "--calls", "3", "--rounds", "1")
    process = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    figures = json.loads(output)
    assert set(figures["added_ms"]) == {"stdio", "http"}
    assert set(figures["images_per_second"]) == {"1", "4", "16"}
    assert set(figures["pipeline_batch_gain"]) == {"16"}
    assert all(rate > 0 for rate in figures["images_per_second"].values())
    assert figures["cold_start_s"]["first_image"] >= figures["cold_start_s"]["handshake"] > 0
