"""`micro`: bad input is refused before anything heavy is loaded; good input gives an image file."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.cli import main
from interleavethinker.microworld.generators import micro as generator
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.lexicon import check_vocabulary, to_words
from interleavethinker.microworld.scenes.sprites import KINDS


class FakeGenerator(OracleGenerator):
    """Takes the generator's arguments and needs no weights."""

    def __init__(self, checkpoint: Path | None = None, *, weaker: bool = False) -> None:
        self.pipeline = (checkpoint, weaker)

    def truncated_tokens(self, text: str) -> int:
        return max(0, len(text.split()) - 38)


@pytest.fixture
def fake_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "MicroGenerator", FakeGenerator)


def run(words: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(["micro", *words])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def refusal(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Returns code and message of a command's error, whose exit code must be that of bad input."""
    assert run([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    return error["code"], error["message"]


@pytest.mark.usefixtures("fake_generator")
def test_generate_writes_an_image_and_the_same_seed_writes_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "new" / f"{number}.png" for number in range(2)]
    for file in files:
        assert run(["generate", "a big red ball on the left, at night", "--out", str(file), "--seed", "7"]) == 0
    assert capsys.readouterr().out == "".join(f"{file} (seed 7)\n" for file in files)
    assert files[0].read_bytes() == files[1].read_bytes()
    with Image.open(files[0]) as opened:
        assert opened.size == (96, 96)


@pytest.mark.usefixtures("fake_generator")
def test_an_image_is_not_written_under_the_name_of_another_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, message = refusal(["generate", "a red ball", "--out", str(tmp_path / "a.jpg")], capsys)
    assert "ends in .png, not .jpg" in message
    assert list(tmp_path.iterdir()) == []


def test_draw_is_a_hidden_alias_of_generate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "generate.png", tmp_path / "draw.png"]
    for file in files:
        assert run([file.stem, "a big red ball on the left, at night", "--out", str(file), "--seed", "7"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    capsys.readouterr()
    run(["--help"])
    assert "draw" not in capsys.readouterr().out


@pytest.mark.usefixtures("fake_generator")
def test_edit_changes_an_image_and_reports_its_random_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    run(["generate", "a big red ball on the left, at night", "--out", str(first)])
    capsys.readouterr()
    assert run(["edit", str(first), "make the ball green", "--out", str(second), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["path"], answer["width"], answer["height"]) == (str(second), 96, 96)
    assert answer["seed"] >= 0
    assert first.read_bytes() != second.read_bytes()


def test_unknown_words_are_listed_with_the_nearest_known_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, message = refusal(["generate", "a pruple ball and a scarlet gost"], capsys)
    assert code == "unknown_words"
    assert "'pruple' (nearest: purple" in message
    assert "'gost'. " in message
    assert "scarlet'" not in message


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, "invalid_image", "No such file"),
        (b"", "invalid_image", "empty (0 bytes)"),
        (b"not an image", "invalid_image", "Not an image in a supported format"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x60\x00", "invalid_image", ""),
        ((95, 96), "wrong_size", "95 x 96"),
        ((640, 480), "wrong_size", "640 x 480"),
        ((20000, 1), "image_too_large", "20000"),
    ],
    ids=["missing", "empty", "text", "truncated", "nearly", "photo", "huge"],
)
def test_an_image_that_cannot_be_edited_is_refused_with_the_reason(
    content: bytes | tuple[int, int] | None, code: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "source.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        Image.new("RGB", content).save(path)
    found, message = refusal(["edit", str(path), "make the ball green"], capsys)
    assert found == code
    assert says in message


@pytest.mark.usefixtures("fake_generator")
def test_the_error_for_an_unwritable_file_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "image.png"
    assert run(["generate", "a red ball", "--out", str(out)]) == 3
    assert str(out) in capsys.readouterr().err


def test_many_long_unknown_words_give_a_short_message(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = [f"q{chr(97 + number)}" for number in range(26)]
    _, message = refusal(["generate", " ".join(["x" * 10_000, *unknown])], capsys)
    assert "and 21 more" in message
    assert len(message) < 700


def test_apostrophes_of_any_shape_are_not_words() -> None:
    check_vocabulary("turn the ball’s colour into blue")
    assert to_words("the ball’s colour") == to_words("the ball's colour") == ["the", "ball", "colour"]


@pytest.mark.usefixtures("fake_generator")
def test_capitals_and_extra_spaces_make_no_difference(tmp_path: Path) -> None:
    files = [tmp_path / "plain.png", tmp_path / "loud.png"]
    for file, text in zip(
        files, ("a red ball on the left, at night", " A RED  ball\non the left, at night "), strict=True
    ):
        assert run(["generate", text, "--out", str(file), "--seed", "7"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.usefixtures("fake_generator")
def test_a_text_too_long_for_the_prompt_is_refused_and_not_truncated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.png"
    Image.new("RGB", (96, 96)).save(source)
    for words in (["generate"], ["edit", str(source)]):
        code, message = refusal([*words, "ball " * 2000, "--out", str(tmp_path / "never.png")], capsys)
        assert code == "text_too_long"
        assert "1962 tokens too long" in message


def test_a_decompression_bomb_is_refused_with_its_size_and_without_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 10_000)).save(path)
    code, message = refusal(["edit", str(path), "make the ball green"], capsys)
    assert code == "image_too_large"
    assert "12000 x 10000" in message


def test_a_folder_without_weights_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = refusal(["generate", "a red ball", "--checkpoint", str(tmp_path)], capsys)
    assert code == "no_checkpoint"
    assert str(tmp_path) in message


def test_the_words_fit_a_screen_and_name_every_object_with_its_synonyms(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["words"]) == 0
    printed = capsys.readouterr().out
    assert "cat (kitten, feline" in printed
    for heading in ("objects", "colors", "sizes", "backgrounds", "places", "changes", "questions", "limits"):
        assert heading in printed
    assert run(["words", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert set(known["objects"]) == set(KINDS)


def test_the_examples_are_commands_and_json_holds_their_requests(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples"]) == 0
    printed = capsys.readouterr().out
    assert run(["examples", "--json"]) == 0
    examples = json.loads(capsys.readouterr().out)
    assert len(examples) == 20
    assert printed.count("interleavethinker run ") == 20
