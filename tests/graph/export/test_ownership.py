"""What an export may replace: its own earlier files, unless somebody edited them; and nothing through links."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.graph import Limits, Workspace
from interleavethinker.graph.answer import Answer
from interleavethinker.graph.batch.batch import run_batch
from interleavethinker.graph.batch.manifest import BatchRequest
from interleavethinker.graph.export.export import export, remove_export
from interleavethinker.graph.export.forms import FORMS, export_as
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import atomic_write
from interleavethinker.tools.testing.agents import plan_of

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]
EDITED = "was edited after it had been exported"
FILES = ("document.md", "index.html", "trajectory.json", "images")


def edit(folder: Path, name: str) -> Path:
    """Changes one file of an export as a person would, and returns it."""
    path = next((folder / name).iterdir()) if name == "images" else folder / name
    data = path.read_bytes()
    path.write_bytes(data[:-40] + b"XXXX" + data[-36:] if name == "images" else data.replace(b"a story", b"my story"))
    assert path.read_bytes() != data
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FILES)
async def test_an_edited_file_is_never_replaced_without_force(opened: Opened, tmp_path: Path, name: str) -> None:
    async with opened(plan_of("draw a", "make it b")) as ws:
        seen = await ws.run(await ws.create("a story"))
        folder = export(seen, ws.store, tmp_path / "out").parent
        edited = edit(folder, name)
        before = contents(folder)
        with pytest.raises(InputError, match=f"{edited.name} (was edited|is another image).*--out.*--force"):
            export(seen, ws.store, folder)
        assert contents(folder) == before, "nothing was written"
        remove_export(folder)
        assert edited.read_bytes() == before[str(edited.relative_to(folder))], "and it is not deleted either"
        export(seen, ws.store, folder, force=True)
        assert b"my story" not in b"".join(contents(folder).values())
        export(seen, ws.store, folder)


@pytest.mark.parametrize("name", ["document.md", "index.html", "a.pdf"])
async def test_a_file_to_which_something_was_added_at_its_end_is_an_edited_one(
    opened: Opened, tmp_path: Path, name: str
) -> None:
    async with opened(plan_of("draw a")) as ws:
        seen = await ws.run(await ws.create("a story"))
        folder = export(seen, ws.store, tmp_path / "out").parent

        def again() -> None:
            if name == "a.pdf":
                export_as(seen, ws.store, folder / name, "pdf")
            else:
                export(seen, ws.store, folder)

        again()
        longer = (folder / name).read_bytes() + b"\nand my own words\n"
        (folder / name).write_bytes(longer)
        with pytest.raises(InputError, match=EDITED):
            again()
        remove_export(folder)
        assert (folder / name).read_bytes() == longer


async def test_an_export_is_replaced_as_the_trajectory_goes_on_and_with_other_line_ends(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened(plan_of("draw a", "make it b")) as ws:
        name = await ws.create("a story", limits=Limits(max_calls=1))
        folder = export(await ws.run(name), ws.store, tmp_path / "out").parent
        text = folder / "document.md"
        text.write_bytes(text.read_bytes().replace(b"\n", b"\r\n"))  # As Git does it on Windows.
        await ws.change_limits(name, Limits())
        export(await ws.run(name), ws.store, folder, provenance=False)
        first = contents(folder)
        export(await ws.get(name), ws.store, folder, provenance=False)
        assert contents(folder).keys() == first.keys()
        remove_export(folder)
    assert not folder.exists()


async def test_an_export_whose_replacement_was_killed_is_still_its_own(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(plan_of("draw a", "make it b")) as ws:
        name = await ws.create("a story", limits=Limits(max_calls=1))
        started = await ws.run(name)
        await ws.change_limits(name, Limits())
        done = await ws.run(name)
        for whole in range(6):
            folder = export(started, ws.store, tmp_path / str(whole)).parent
            left = iter(range(whole))

            def killed(path: Path, data: bytes) -> None:
                if next(left, None) is None:  # noqa: B023 - called in this round only
                    raise KeyboardInterrupt
                atomic_write(path, data)

            with monkeypatch.context() as patched:
                patched.setattr("interleavethinker.graph.export.export.atomic_write", killed)
                with contextlib.suppress(KeyboardInterrupt):
                    export(done, ws.store, folder)
            export(done, ws.store, folder)


async def test_a_document_of_an_earlier_version_is_replaced_only_as_it_was_written(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        folder = export(seen, ws.store, tmp_path / "out").parent
        text = folder / "document.md"
        old, mark, _ = text.read_bytes().rpartition(b"\n<!-- interleavethinker export ")
        assert mark
        text.write_bytes(old + b"\nmy own end\n")
        with pytest.raises(InputError, match=EDITED):
            export(seen, ws.store, folder)
        text.write_bytes(old)
        export(seen, ws.store, folder)


async def test_the_exports_of_another_trajectory_are_named_and_stay(opened: Opened, tmp_path: Path) -> None:
    async with opened() as ws:
        first, second = [await ws.run(await ws.create("a story")) for _ in range(2)]
        for single_file in (False, True):
            folder = export(first, ws.store, tmp_path / str(single_file), single_file=single_file).parent
            before = contents(folder)
            for again in (False, True):
                with pytest.raises(InputError, match=f"holds the exports of the trajectory {first.id}.*--force"):
                    export(second, ws.store, folder, single_file=again)
            assert contents(folder) == before
            export(second, ws.store, folder, force=True)


async def test_a_program_that_saves_its_answer_can_run_again_but_replaces_no_edited_file(
    tmp_path: Path, opened: Opened
) -> None:
    async with opened() as ws:
        earlier, answer = [Answer(await ws.run(await ws.create("a story")), ws.store) for _ in range(2)]
        folder = earlier.save(tmp_path / "out").parent
        answer.save(folder)
        assert answer.trajectory.id in (folder / "trajectory.json").read_text("utf-8")
        edit(folder, "document.md")
        with pytest.raises(InputError, match=EDITED):
            answer.save(folder)
        answer.save(folder, force=True)


async def test_a_batch_keeps_edited_documents_and_says_so(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "batch"
    request = BatchRequest(text="a story", name="one")
    async with opened() as ws:
        (before,) = await run_batch(ws, [request], folder)
        assert not before.error
        (folder / "one" / "index.html").unlink()  # As if it had been killed.
        edited = edit(folder / "one", "document.md")
        words = edited.read_bytes()
        (after,) = await run_batch(ws, [request], folder)
        assert EDITED in after.error
        assert edited.read_bytes() == words
        edited.rename(tmp_path / "kept.md")
        (healed,) = await run_batch(ws, [request], folder)
        assert not healed.error


@pytest.mark.parametrize("name", [*FILES, "images/one.png"])
@pytest.mark.parametrize("force", [False, True])
async def test_nothing_is_written_through_a_link_inside_the_folder(
    opened: Opened, tmp_path: Path, name: str, force: bool
) -> None:
    async with opened() as ws:
        seen = await ws.run(await ws.create("a story"))
        folder, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
        folder.mkdir()
        elsewhere.mkdir()
        target = elsewhere / "mine"
        target.write_text("mine")
        if name == "images":
            (folder / name).symlink_to(elsewhere)
        elif name == "images/one.png":
            (folder / "images").mkdir()
            (folder / "images" / f"{seen.document.images[0][:16]}.png").symlink_to(target)
        else:
            (folder / name).symlink_to(target)
        with pytest.raises(InputError, match="is a symbolic link"):
            export(seen, ws.store, folder, force=force)
        remove_export(folder)
        assert contents(elsewhere) == {"mine": b"mine"}
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        export(seen, ws.store, tmp_path / "link", force=force)
        assert (tmp_path / "real" / "index.html").is_file(), "the folder itself may be a link"


async def test_a_batch_writes_through_no_link_in_its_folder(opened: Opened, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "one").symlink_to(elsewhere)
    async with opened() as ws:
        (result,) = await run_batch(ws, [BatchRequest(text="a story", name="one")], tmp_path / "batch")
    assert "is a symbolic link" in result.error
    assert not any(elsewhere.iterdir())


@pytest.mark.parametrize("form", sorted(FORMS))
async def test_an_export_in_one_file_is_replaced_unless_it_was_edited(
    opened: Opened, tmp_path: Path, form: str
) -> None:
    async with opened() as ws:
        name = await ws.create("a story", limits=Limits(max_calls=1))
        path = export_as(await ws.run(name), ws.store, tmp_path / f"a.{form}", form)
        await ws.change_limits(name, Limits())
        done = await ws.run(name)
        export_as(done, ws.store, path, form)
        data = path.read_bytes()
        path.write_bytes(edited(data, form))
        with pytest.raises(InputError, match=f"{EDITED}.*--force"):
            export_as(done, ws.store, path, form)
        assert path.read_bytes() == edited(data, form)
        export_as(done, ws.store, path, form, force=True)
        other = await ws.run(await ws.create("a story"))
        with pytest.raises(InputError, match=f"is the export of the trajectory {done.id}"):
            export_as(other, ws.store, path, form)
        target = tmp_path / "target"
        target.write_text("mine")
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(InputError, match="is a symbolic link"):
            export_as(done, ws.store, path, form, force=True)
        assert target.read_text() == "mine"


@pytest.mark.parametrize("form", ["gif", "webp"])
async def test_an_animation_that_another_program_has_saved_again_is_not_called_an_old_one(
    opened: Opened, tmp_path: Path, form: str
) -> None:
    async with opened() as ws:
        done = await ws.run(await ws.create("a story"))
        path = export_as(done, ws.store, tmp_path / f"a.{form}", form)
        with Image.open(path) as image:
            image.save(
                path.with_name(f"b.{form}"), save_all=True, comment=b"interleavethinker", xmp=b"interleavethinker"
            )
        path.write_bytes(path.with_name(f"b.{form}").read_bytes())
        with pytest.raises(InputError, match=f"{EDITED}.*--force") as error:
            export_as(done, ws.store, path, form)
    assert "earlier version" not in str(error.value)


def edited(data: bytes, form: str) -> bytes:
    """Returns the file after a change: another text in a document, another byte elsewhere."""
    import io
    import zipfile

    if form not in {"docx", "pptx", "zip"}:
        return data[:60] + bytes([data[60] ^ 1]) + data[61:]
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            new.writestr(member, old.read(member).replace(b"a story", b"my story"))
        new.comment = old.comment
    return buffer.getvalue()
