"""`interleavethinker studio`: which profiles it offers. The studio itself is tested in tests/servers/studio."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.servers.studio import main
from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.tools.settings import config_folder


def test_a_broken_profile_of_the_user_is_left_out_with_its_reason(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    offered: list[ServiceOptions] = []

    async def serve(_folder: Path | None, options: ServiceOptions, **_: Any) -> None:
        offered.append(options)

    monkeypatch.setattr(main, "serve_studio", serve)
    folder = config_folder() / "profiles"
    folder.mkdir(parents=True)
    (folder / "broken.toml").write_text("planner = 1")
    code, _, told = run("studio", "--no-open")
    assert code == 0
    assert "broken" in told
    assert "broken" not in offered[0].profiles
    assert {"micro", "klein", "api"} <= set(offered[0].profiles)


def test_a_named_profile_that_is_unknown_is_an_error(run: Callable[..., tuple[int, str, str]]) -> None:
    code, _, told = run("studio", "--no-open", "--profile", "nosuch", "--port", "0")
    assert code == 2
    assert "nosuch" in told
