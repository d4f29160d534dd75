"""Answers as one file, read back by the programs' own formats; and how an image was made, in its file."""

import errno
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NoReturn

import docx
import pptx
import pypdf
import pytest
from PIL import Image
from pptx.enum.shapes import MSO_SHAPE_TYPE

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.export import forms
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.forms import FORMS, export_as, file_of
from interleavethinker.graph.export.pictures import picture_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.testing.agents import accept_only, plan_of
from interleavethinker.tools.types import Plan, Step

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def test_a_word_document_has_the_texts_and_described_images_of_the_answer(opened: Opened, tmp_path: Path) -> None:
    async with opened(plan_of("draw a", None, "c\x07 \u202e\uffff\ufffeпривет 猫"), accept_only("draw a")) as ws:
        done = await ws.run(await ws.create("a story\x07 of 猫", limits=Limits(max_attempts=1)))
        path = export_as(done, ws.store, tmp_path / "answers" / "story.docx", "docx")
    document = docx.Document(str(path))
    texts = [one.text for one in document.paragraphs]
    assert texts[0] == "a story of 猫"
    assert "1. Step about draw a" in texts
    assert "3. Step about c привет 猫 (best effort)" in texts
    assert "Words 1" in texts
    assert [shape._inline.docPr.get("descr") for shape in document.inline_shapes] == ["draw a", "c привет 猫"]
    assert any(text.startswith("1 step shows a best effort") for text in texts)


HOSTILE = Plan(
    steps=(
        Step(instruction="<b>The cat\x1b[31m\u202e &amp; wakes", prompt="a\x07 cat", auxiliary_text="x" * 400),
        Step(instruction=None, prompt=None, auxiliary_text="Words only."),
        Step(instruction="long " * 90, prompt="b", auxiliary_text="one\ntwo " * 200),
    )
)


async def test_a_pdf_file_has_the_texts_and_images_of_the_answer(opened: Opened, tmp_path: Path) -> None:
    async with opened(HOSTILE, accept_only("a\x07 cat")) as ws:
        done = await ws.run(await ws.create("a story of a <cat>\x07", limits=Limits(max_attempts=1)))
        path = export_as(done, ws.store, tmp_path / "story.pdf", "pdf")
        again = file_of(done, ws.store, "pdf")
        missing = ws.store.path(done.attempts[0].image or "")
        missing.chmod(0o600)
        missing.unlink()
        holed = file_of(done, ws.store, "pdf")
    assert path.read_bytes() == again, "the same answer gives the same file"
    reader = pypdf.PdfReader(path)
    assert reader.metadata is not None
    assert reader.metadata.title == "a story of a <cat>"
    text = " ".join(page.extract_text() for page in reader.pages)
    words = " ".join(text.split())
    for part in ("a story of a <cat>", "1. <b>The cat &amp; wakes", "Words only.", "(best effort)", "two"):
        assert part in words
    assert "\x1b" not in text
    assert sum(len(page.images) for page in reader.pages) == 2
    assert "missing or damaged" in " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(holed)).pages)


async def test_a_pdf_file_reads_from_right_to_left_and_says_which_characters_no_font_has(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(
        steps=(
            Step(instruction="\u0645\u0631\u062d\u0628\u0627 12", prompt="a", auxiliary_text="\U0001f408\U0010fffd!"),
        )
    )
    async with opened(plan) as ws:
        done = await ws.run(await ws.create("x"))
        written = file_of(done, ws.store, "pdf")
        monkeypatch.setattr("interleavethinker.graph.export.pdf.known_fonts", lambda: ())
        without = file_of(done, ws.store, "pdf")
    for data in (written, without):
        text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
        assert "Characters that no font of the machine has" in " ".join(text.split())
    assert "????? 12" in text, "the built-in font has Latin letters only"


async def test_a_pdf_file_takes_texts_of_any_shape(opened: Opened) -> None:
    shapes = ("!?" * 700, "\u0301" * 1200, "(" * 600 + ")" * 600, "1 " * 600, "W" * 1500, "word " * 300)
    plan = Plan(steps=tuple(Step(instruction="a", prompt=None, auxiliary_text=text + "end") for text in shapes))
    async with opened(plan) as ws:
        done = await ws.run(await ws.create("?" * 1200))
        text = " ".join(
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file_of(done, ws.store, "pdf"))).pages
        )
    assert text.count("end") == len(shapes)
    assert text.count("word") == 300


async def test_slides_have_one_step_each_and_whole_texts_in_the_notes(opened: Opened, tmp_path: Path) -> None:
    async with opened(HOSTILE) as ws:
        done = await ws.run(await ws.create("a story of a <cat>\x07"))
        path = export_as(done, ws.store, tmp_path / "story.pptx", "pptx")
    deck = pptx.Presentation(str(path))
    slides = list(deck.slides)
    assert [slide.shapes.title.text for slide in slides[:3]] == [
        "a story of a <cat>",
        "1. <b>The cat &amp; wakes",
        "2. Step 2",
    ]
    pictures = [shape for slide in slides for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.PICTURE]
    assert [shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures] == ["a cat", "b"]
    for slide in slides:
        for shape in slide.shapes:
            assert 0 <= shape.left <= shape.left + shape.width <= deck.slide_width
            assert 0 <= shape.top <= shape.top + shape.height <= deck.slide_height
    assert "two " * 1 in slides[3].notes_slide.notes_text_frame.text
    assert len(slides[3].notes_slide.notes_text_frame.text) > 1500


async def test_large_images_are_made_smaller_for_documents_and_small_ones_stay_sharp() -> None:
    large = encode_png(Image.effect_noise((3000, 1200), 90).convert("RGB"))
    with Image.open(io.BytesIO(picture_of(large))) as image:
        assert (image.format, image.size) == ("JPEG", (1600, 640))
    small = encode_png(Image.effect_noise((96, 48), 90).convert("RGB"))
    assert open_rgb(picture_of(small)).resize((96, 48), Image.Resampling.NEAREST).tobytes() == open_rgb(small).tobytes()
    middle = encode_png(Image.new("RGB", (800, 600)))
    assert picture_of(middle) == middle


@pytest.mark.parametrize("form", ["gif", "webp"])
async def test_an_animation_shows_the_images_of_the_answer_in_order(opened: Opened, tmp_path: Path, form: str) -> None:
    async with opened() as ws:
        done = await ws.run(await ws.create("a story"))
        path = export_as(done, ws.store, tmp_path / f"story.{form}", form)
        images = [open_rgb(ws.store.get(name)).resize((3, 3)) for name in done.document.images]
    with Image.open(path) as animation:
        assert (animation.format, animation.n_frames, animation.info["loop"]) == (form.upper(), 3, 0)  # type: ignore[attr-defined]
        assert min(animation.size) >= 256, "small images are enlarged"
        for frame, image in enumerate(images):
            animation.seek(frame)
            shown = animation.convert("RGB").resize((3, 3)).tobytes()
            assert animation.info["duration"] == 1500
            difference = max(abs(one - other) for one, other in zip(shown, image.tobytes(), strict=True))
            assert difference < 40


async def test_an_archive_has_all_exports(opened: Opened) -> None:
    async with opened() as ws:
        done = await ws.run(await ws.create("a story"))
        data = file_of(done, ws.store, "zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        assert {f"{done.id}/{name}" for name in ("index.html", "document.md", "trajectory.json")} < names
        assert sum(name.startswith(f"{done.id}/images/") for name in names) == 3
        assert json.loads(archive.read(f"{done.id}/trajectory.json"))["id"] == done.id


@pytest.mark.parametrize("form", sorted(FORMS))
async def test_a_file_that_no_export_wrote_is_kept_and_an_earlier_export_of_the_same_replaced(
    opened: Opened, tmp_path: Path, form: str
) -> None:
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("docProps/core.xml", "<creator>me</creator>")
    async with opened() as ws:
        done = await ws.run(await ws.create("a story"))
        path = tmp_path / f"{done.id}.{form}"
        for content in (b"my notes", foreign.getvalue(), b""):
            path.write_bytes(content)
            with pytest.raises(InputError, match="is a file that no export wrote, and would be replaced"):
                export_as(done, ws.store, path, form)
            assert path.read_bytes() == content
        path.unlink()
        for _ in range(2):
            export_as(done, ws.store, path, form)


async def test_an_animation_of_images_that_are_gone_says_so(opened: Opened) -> None:
    async with opened() as ws:
        done = await ws.run(await ws.create("a story"))
        for name in done.document.images:
            ws.store.delete(name)
        with pytest.raises(InputError, match="whose images are all missing or damaged in the workspace"):
            file_of(done, ws.store, "gif")


async def test_what_cannot_be_written_says_why(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as ws:
        fresh = await ws.get(await ws.create("a story"))
        with pytest.raises(InputError, match="nothing to animate"):
            file_of(fresh, ws.store, "gif")
        with pytest.raises(InputError, match=f"one of {', '.join(FORMS)}; got 'odt'"):
            file_of(fresh, ws.store, "odt")
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="Choose a folder"):
            export_as(fresh, ws.store, tmp_path / "file" / "a.zip", "zip")
        for form, module, package in (
            ("docx", "docx", "python-docx"),
            ("pdf", "fpdf", "fpdf2"),
            ("pptx", "pptx", "python-pptx"),
        ):
            monkeypatch.setitem(sys.modules, module, None)
            with pytest.raises(InputError, match=f"{package}, which is not installed"):
                file_of(fresh, ws.store, form)


async def test_on_a_full_disk_the_way_out_is_room(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with opened() as ws:
        fresh = await ws.get(await ws.create("a story"))
        monkeypatch.setattr(os, "replace", full)
        monkeypatch.setattr(Path, "replace", full)
        writes: tuple[Callable[[], object], ...] = (
            lambda: export(fresh, ws.store, tmp_path / "answers"),
            lambda: export_as(fresh, ws.store, tmp_path / "answers.zip", "zip"),
        )
        for write in writes:
            with pytest.raises(InputError, match="Free some space on its disk, or choose another folder"):
                write()


async def test_exported_images_say_how_they_were_made_and_keep_their_pixels(opened: Opened, tmp_path: Path) -> None:
    async with opened(plan_of("draw a 猫", "make it b")) as ws:
        done = await ws.run(await ws.create("a story", seed=7))
        export(done, ws.store, tmp_path / "with")
        export(done, ws.store, tmp_path / "without", provenance=False)
        for attempt in done.attempts:
            name = f"{(attempt.image or '')[:16]}.png"
            stored = ws.store.get(attempt.image or "")
            assert (tmp_path / "without" / "images" / name).read_bytes() == stored
            written = tmp_path / "with" / "images" / name
            with Image.open(written) as image:
                image.load()
                texts = image.text  # type: ignore[attr-defined]
                assert image.convert("RGB").tobytes() == open_rgb(stored).tobytes()
            assert texts["Software"].startswith("interleavethinker ")
            assert texts["Description"] == attempt.prompt
            facts = json.loads(texts["interleavethinker"])
            assert (facts["trajectory"], facts["step"], facts["seed"]) == (done.id, attempt.step + 1, attempt.seed)
            assert (facts["model"], facts["sha256"], facts["source"]) == (attempt.model, attempt.image, attempt.source)
            assert await ws.add_image(written) == attempt.image, "the file added again has the image's name"


@pytest.mark.parametrize("year", [1970, 2200])
async def test_a_clock_that_is_wrong_by_decades_is_named(
    opened: Opened, year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export_then(*arguments: Any, **options: Any) -> Path:
        path = export(*arguments, **options)
        for one in path.parent.rglob("*"):
            os.utime(one, (seconds, seconds))
        return path

    seconds = (year - 1970) * 365.25 * 24 * 3600
    async with opened(plan_of("draw a")) as ws:
        done = await ws.run(await ws.create("x"))
        with monkeypatch.context() as clock:
            clock.setattr(forms, "export", export_then)
            clock.setattr(time, "localtime", lambda *_: time.struct_time((year, 1, 1, 0, 0, 0, 0, 1, 0)))
            assert zipfile.ZipFile(io.BytesIO(file_of(done, ws.store, "zip"))).testzip() is None
            for form in ("docx", "pptx"):
                with pytest.raises(InputError, match=f"clock says {year}"):
                    file_of(done, ws.store, form)
