"""Money on the command line: a hosted image API of this machine, its list prices, a limit, and a raised one."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.cli import exit_codes as exits
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.prices import prices_path
from tests.servers.images.backends.local_api import Reply, local_api

STORY = "a big red ball on the left, at night. then make the ball blue. then add a small green tree on the right"
Run = Callable[..., tuple[int, str, str]]


def test_hosted_images_are_estimated_billed_stopped_at_the_limit_and_resumed_with_a_higher_one(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = (home / "cells.toml").read_text().replace('model = "cells"', 'model = "openai:gpt-image-1"')
    (home / "hosted.toml").write_text(profile)
    picture = base64.b64encode(encode_png(Image.new("RGB", (1536, 1024), "navy"))).decode()
    words = ("--profile", "hosted.toml", "--size", "1536x1024")
    with local_api(Reply(200, {"data": [{"b64_json": picture}]})) as api:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_BASE_URL", api.url)
        estimate = json.loads(run("run", STORY, *words, "--max-attempts", "1", "--estimate", "--json")[1])
        assert estimate["low"] == estimate["high"] == pytest.approx(0.063 * 5 + 0.002 * 4), "five images are assumed"
        assert api.requests == []

        code, out, err = run("run", STORY, *words, "--max-cost", "0.1", "--json")
        assert code == exits.OK, err
        stopped = json.loads(out)
        assert (stopped["stop_reason"], len(stopped["images"]), len(api.requests)) == ("max_cost", 2, 2)
        assert stopped["dollars"] == pytest.approx(0.063 + 0.065)
        code, out, err = run("resume", "last", "--max-cost", "5", "--json")
        assert code == exits.OK, err
        done = json.loads(out)
        assert (done["stop_reason"], len(done["images"]), len(api.requests)) == ("complete", 3, 3)
        assert done["dollars"] == pytest.approx(0.063 + 2 * 0.065)
        assert "$0.19" in run("show", "last")[1]


def test_the_estimate_of_a_batch_is_the_sum_of_its_requests(run: Run, home: Path) -> None:
    def estimate(*words: str) -> dict[str, float]:
        code, out, err = run(*words, "--max-attempts", "2", "--estimate", "--json")
        assert code == exits.OK, err
        found: dict[str, float] = json.loads(out)
        return found

    boat, house = "Fold a boat, in 4 steps", "Build a house, in 3 steps"
    lines = [
        {"text": boat},
        {"text": house, "image_size": "1536x1024", "limits": {"max_attempts": 1}},
        {"text": STORY, "profile": "cells.toml"},
    ]
    (home / "many.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first = estimate("run", boat, "--profile", "api")
    code, out, _ = run(
        "run", house, "--profile", "api", "--size", "1536x1024", "--max-attempts", "1", "--estimate", "--json"
    )
    second = json.loads(out)
    assert code == exits.OK
    total = estimate("batch", "many.jsonl", "--profile", "api")
    for bound in ("low", "high"):
        assert total[bound] == pytest.approx(first[bound] + second[bound]), "the third one has local models"
    swept = estimate("sweep", "many.jsonl", "--profile", "api", "--vary", "seed=1,2")
    assert swept["high"] == pytest.approx(2 * total["high"])
    assert json.loads(run("list", "--json")[1]) == []
    assert not (home / "runs").exists()


def test_a_broken_table_of_prices_ends_only_runs_of_hosted_models(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices_path().parent.mkdir(parents=True)
    prices_path().write_text("[")
    assert prices_path().is_relative_to(home)
    local = ("run", STORY, "--profile", "cells.toml", "--max-cost", "1")
    assert json.loads(run(*local, "--estimate", "--json")[1])["high"] == 0
    code, out, err = run(*local, "--json")
    assert code == exits.OK, err
    assert json.loads(out)["stop_reason"] == "complete"

    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    for words in ("--estimate",), ("--max-cost", "1"):
        code, _, err = run("run", STORY, "--profile", "api", *words)
        assert code == exits.BAD_INPUT
        assert "prices.toml cannot be used" in err
