"""Manifests: everything wrong with one is found before anything starts; sweeps give every combination a name."""

import json
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.graph.batch.manifest import BatchRequest, read_manifest, sweep
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

IMAGE = fake_image(GenerationRequest(prompt="house", seed=1))


def written(folder: Path, *lines: object) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_requests_are_read_with_images_beside_the_manifest_and_numbers_for_names(tmp_path: Path) -> None:
    (tmp_path / "house.png").write_bytes(IMAGE)
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


def test_a_profile_is_a_name_or_a_file_beside_the_manifest(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    profiles = ["klein", "mine.toml", "sub/mine.toml", str(elsewhere)]
    requests = read_manifest(written(tmp_path, *({"text": "a cat", "profile": profile} for profile in profiles)))
    expected = ["klein", str(tmp_path / "mine.toml"), str(tmp_path / "sub" / "mine.toml"), str(elsewhere)]
    assert [one.profile for one in requests] == expected


def test_a_manifest_may_lie_in_a_folder_whose_name_looks_like_a_named_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "step1=draft"
    folder.mkdir()
    (folder / "cat.png").write_bytes(IMAGE)
    monkeypatch.chdir(tmp_path)
    (request,) = read_manifest(written(Path("step1=draft"), {"text": "@tom sits", "images": ["tom=cat.png"]}))
    assert request.images == (Path("tom=step1=draft/cat.png"),)
    (request,) = read_manifest(written(Path("step1=draft"), {"text": "a cat", "images": ["cat.png"]}))
    assert request.images == (Path("step1=draft/cat.png"),)


def test_a_file_whose_whole_name_looks_like_a_named_image_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("tom=cat.png", "dog.png"):
        Path(name).write_bytes(IMAGE)
    images = ["rex=dog.png", "tom=cat.png"]
    with pytest.raises(InputError, match="@tom"):
        read_manifest(written(Path(), {"text": "@rex and @tom", "images": images}))
    (request,) = read_manifest(written(Path(), {"text": "@rex and @image2", "images": images}))
    assert request.images == tuple(map(Path, images))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "cat.png").write_bytes(IMAGE)
    (request,) = read_manifest(written(elsewhere, {"text": "@tom sits", "images": ["tom=cat.png"]}))
    assert request.images == (Path(f"tom={elsewhere}/cat.png"),)


def test_a_request_that_no_model_reads_is_refused_with_its_line(tmp_path: Path) -> None:
    lines = ({"text": "fine"}, {"text": "a red ball and " * 20_000})
    with pytest.raises(InputError, match=r"[Ll]ine 2.*300,000 characters; at most 200,000"):
        read_manifest(written(tmp_path, *lines))


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
    ("content", "problem"),
    [
        (b"", "line 2: .*is empty"),
        (b"%PDF-1.7 and more", "line 2: .*Not an image in a supported format"),
        (encode_png(Image.new("RGB", (20_000, 1))), "line 2: .*20000 x 1; at most"),
    ],
)
def test_files_that_are_no_usable_images_are_found_before_anything_is_started(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "photo.png").write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_manifest(written(tmp_path, {"text": "fine"}, {"text": "a cat", "images": ["photo.png"]}))


def test_a_line_with_a_key_twice_is_refused_because_one_value_would_be_ignored(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: .*the key 'text' twice"):
        read_manifest(written(tmp_path, '{"text": "a cat", "text": "a ball"}'))


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
        ({"colour": [1]}, "'colour' cannot be varied. Choose from: profile, seed, image_size, max_attempts"),
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


def test_half_characters_and_endless_limits_are_mended_or_refused_where_they_are_read(tmp_path: Path) -> None:
    (one,) = read_manifest(written(tmp_path, r'{"text": "a \ud83d ball", "profile": "\ud83d\ude00"}'))
    assert (one.text, one.profile) == ("a \ufffd ball", "\U0001f600")
    for limit in ("max_cost", "time_limit"):
        with pytest.raises(InputError, match=f"{limit}: .*finite"):
            read_manifest(written(tmp_path, f'{{"text": "x", "limits": {{"{limit}": Infinity}}}}'))


def test_a_sweep_without_bounds_is_refused_before_its_combinations_are_listed() -> None:
    vary = {name: list(range(1, 90)) for name in ("seed", "max_attempts", "max_calls", "look_ahead", "replan_after")}
    with pytest.raises(InputError, match="5584059449"):
        sweep([BatchRequest(text="x")], vary)
