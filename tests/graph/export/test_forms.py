"""Answers as one file, read back by the programs' own formats; and how an image was made, in its file."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import docx
import pytest
from PIL import Image

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.graph.export.forms import FORMS, export_as, file_of
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import open_rgb
from interleavethinker.tools.testing.agents import accept_only, plan_of

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def test_a_word_document_has_the_texts_and_described_images_of_the_answer(opened: Opened, tmp_path: Path) -> None:
    async with opened(plan_of("draw a", None, "c\x07 \u202eпривет 猫"), accept_only("draw a")) as ws:
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


async def test_what_cannot_be_written_says_why(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as ws:
        fresh = await ws.get(await ws.create("a story"))
        with pytest.raises(InputError, match="nothing to animate"):
            file_of(fresh, ws.store, "gif")
        with pytest.raises(InputError, match=f"one of {', '.join(FORMS)}; got 'pdf'"):
            file_of(fresh, ws.store, "pdf")
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="Choose a folder"):
            export_as(fresh, ws.store, tmp_path / "file" / "a.zip", "zip")
        monkeypatch.setitem(sys.modules, "docx", None)
        with pytest.raises(InputError, match="python-docx"):
            file_of(fresh, ws.store, "docx")


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
