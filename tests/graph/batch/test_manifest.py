"""Manifests: everything wrong with one is found before anything starts; sweeps give every combination a name."""

import json
from pathlib import Path

import pytest

from interleavethinker.graph.batch.manifest import BatchRequest, read_manifest, sweep
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest


def written(folder: Path, *lines: object) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_requests_are_read_with_images_beside_the_manifest_and_numbers_for_names(tmp_path: Path) -> None:
    (tmp_path / "house.png").write_bytes(fake_image(GenerationRequest(prompt="house", seed=1)))
    first, second = read_manifest(
        written(
            tmp_path,
            "\ufeff" + json.dumps({"text": "Repaint <image>", "images": ["house.png"], "limits": {"max_attempts": 2}}),
            "",
            {"text": "a cat", "name": "cat", "seed": 4, "profile": "klein", "approve_plan": True},
        )
    )
    assert (first.name, first.images, first.limits) == ("001", (tmp_path / "house.png",), {"max_attempts": 2})
    assert (second.name, second.seed, second.profile, second.approve_plan) == ("cat", 4, "klein", True)


def test_a_manifest_without_an_end_is_refused() -> None:
    with pytest.raises(InputError, match="too large: more than 64 MiB"):
        read_manifest("/dev/zero")


def test_every_line_that_cannot_be_used_is_named_with_its_problem(tmp_path: Path) -> None:
    lines = [
        {"text": "fine"},
        "{not json",
        "[1]",
        {"txt": "typing error"},
        {"text": "  "},
        {"text": "a cat", "images": ["missing.png"]},
        {"text": "a cat", "seed": -1},
        {"text": "a cat", "limits": {"max_attempts": 0}},
        {"text": "a cat", "name": "../outside"},
        {"text": "two <image> marks <image>"},
        {"text": "a cat", "settings": [["seed", "1"]]},
    ]
    with pytest.raises(InputError) as error:
        read_manifest(written(tmp_path, *lines))
    message = str(error.value)
    for part in (
        "line 2: not JSON", "line 3: not an object", "line 4: txt", "line 5: neither text nor images",
        "line 6: no image file", "line 7: seed", "line 8: Invalid limits: max_attempts", "line 9: name: ",
        "line 10: The text has 2 <image> marks", "line 11: settings: only a sweep", "nothing was started",
    ):  # fmt: skip
        assert part in message
    assert "line 1:" not in message


@pytest.mark.parametrize(
    ("name", "shown"), [("index.html", "none of"), ("Report.csv", "none of"), (".hidden", "letters"), ("a.", "letters")]
)
def test_a_name_that_cannot_be_a_folder_of_an_answer_is_refused(tmp_path: Path, name: str, shown: str) -> None:
    with pytest.raises(InputError, match=shown):
        read_manifest(written(tmp_path, {"text": "x", "name": name}))


def test_two_requests_of_one_name_are_refused_also_where_only_the_case_differs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Requests 1 and 2 have the name 'CAT'"):
        read_manifest(written(tmp_path, {"text": "x", "name": "cat"}, {"text": "y", "name": "CAT"}))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe{"])
def test_a_manifest_without_requests_or_in_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"requests\.jsonl"):
        read_manifest(path)
    with pytest.raises(InputError, match="Cannot read the manifest"):
        read_manifest(tmp_path / "missing.jsonl")


def test_a_sweep_has_each_request_with_every_combination() -> None:
    requests = [BatchRequest(text="x", name="x", limits={"max_calls": 9}), BatchRequest(text="y")]
    swept = sweep(requests, {"profile": ["micro", "my/own.toml"], "max_attempts": [1, 5]})
    assert [one.name for one in swept][:4] == ["x-micro-1", "x-micro-5", "x-own-1", "x-own-5"]
    assert len(swept) == 8
    assert swept[3].limits == {"max_calls": 9, "max_attempts": 5}
    assert swept[3].settings == (("profile", "my/own.toml"), ("max_attempts", "5"))


@pytest.mark.parametrize(
    ("vary", "shown"),
    [
        ({"colour": [1]}, "'colour' cannot be varied. Choose from: profile, seed, max_attempts"),
        ({"seed": []}, "at least one"),
        ({"seed": [1, 1]}, "different"),
        ({"seed": ["one"]}, "seed: "),
        ({"max_attempts": [0]}, "max_attempts: "),
        ({}, "vary nothing"),
        ({"seed": list(range(100_001))}, "1 to 100000"),
    ],
)
def test_a_sweep_that_cannot_be_run_says_why(vary: dict[str, list[object]], shown: str) -> None:
    with pytest.raises(InputError, match=shown):
        sweep([BatchRequest(text="x")], vary)  # type: ignore[arg-type]
