"""The protocol maintainers' programs against the trajectory server; see `images/test_official`."""

import asyncio
from pathlib import Path

import pytest

from ..images.test_official import NODE, binary, run
from .programs import http_program, write_profile

VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
"""All dated versions that the conformance suite knows; our tests in memory use the present one."""
SCENARIOS = ("server-initialize", "tools-list")
FURTHER = ("ping", "resources-list", "dns-rebinding-protection")

pytestmark = pytest.mark.skipif(not NODE.exists(), reason="needs `make protocol-tools` (npm)")


async def test_the_generic_conformance_scenarios_pass_at_three_protocol_versions(tmp_path: Path) -> None:
    write_profile(tmp_path)
    calls = [(scenario, version) for version in VERSIONS for scenario in SCENARIOS]
    calls += [(scenario, VERSIONS[-1]) for scenario in FURTHER]
    async with http_program(tmp_path) as (url, _):
        suite = (*binary("conformance"), "server", "--url", url)
        results = await asyncio.gather(
            *(run(*suite, "--scenario", scenario, "--spec-version", version) for scenario, version in calls)
        )
    for call, (code, output, errors) in zip(calls, results, strict=True):
        assert code == 0, f"{call}: {output}{errors}"
        assert "0 failed, 0 warnings" in output, f"{call}: {output}"
        assert "Passed: 0/0" not in output, f"{call} checked nothing"
