"""The root module exports the whole public API, costs nothing to import, and answers in two lines."""

import ast
import asyncio
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import interleavethinker as it
from interleavethinker.testing import FixedPlanner, MemoryGenerator, RuleCritic, fake_image_server, plan_of

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = [
    "graph",
    "graph.answer",
    "graph.events",
    "graph.illustrate",
    "tools.errors",
    "tools.protocols",
    "tools.types",
]
"""Modules whose every exported name is public API."""
PROFILE = """
description = "Scripted agents and a fake generator."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "fake" }
"""
PROMPT = "First a big red ball on the left, at night. Then make the ball blue."


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    path = tmp_path / "fake.toml"
    path.write_text(PROFILE)
    return str(path)


@pytest.mark.parametrize("module", PUBLIC)
def test_what_a_public_module_exports_is_exported_at_the_root(module: str) -> None:
    exported = import_module(f"interleavethinker.{module}").__all__
    assert set(exported) - set(it.__all__) == set()


def test_every_exported_name_exists_and_is_listed_once_everywhere() -> None:
    assert it.__all__ == sorted(set(it.__all__))
    for name in it.__all__:
        assert getattr(it, name) is not None
    tree = ast.parse((ROOT / "interleavethinker" / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("interleavethinker")
        for alias in node.names
    }
    assert typed | {"__version__"} == set(it.__all__)
    assert dir(it) == it.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        it.no_such_name  # noqa: B018


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_root_imports_no_other_package() -> None:
    added = {name.partition(".")[0] for name in modules_after("import interleavethinker") - modules_after("pass")}
    assert added - set(sys.stdlib_module_names) == {"interleavethinker"}


def test_using_every_name_loads_no_model_library() -> None:
    loaded = modules_after("import interleavethinker as it; [getattr(it, name) for name in it.__all__]")
    assert not {"accelerate", "diffusers", "numpy", "peft", "torch", "transformers"} & loaded


def test_an_answer_in_two_lines(profile: str, tmp_path: Path) -> None:
    answer = it.illustrate(PROMPT, profile=profile, seed=1)
    page = answer.save(tmp_path / "out")
    assert answer.complete
    assert [image.size for image in answer.images] == [(96, 96), (96, 96)]
    document = (tmp_path / "out" / "document.md").read_text(encoding="utf-8")
    assert document.startswith(f"{answer.markdown}\n## How it was made\n")
    assert all(
        (tmp_path / "out" / line.partition("](")[2].rstrip(")")).is_file()
        for line in answer.markdown.splitlines()
        if line.startswith("![")
    )
    assert page == tmp_path / "out" / "index.html"
    assert "<img" in answer._repr_mimebundle_()["text/html"]
    assert repr(answer).startswith(f"<Answer {answer.id}: 2 steps, 2 images")


def test_images_take_the_places_that_the_prompt_marks(profile: str, tmp_path: Path) -> None:
    red, path = Image.new("RGB", (96, 96), "red"), tmp_path / "blue.png"
    Image.new("RGB", (96, 96), "blue").save(path)
    answer = it.illustrate("Between <image> and <image>, what is different?", images=[red, path], profile=profile)
    assert [part.kind for part in answer.trajectory.request.parts] == ["text", "image", "text", "image", "text"]
    first, second = answer.trajectory.request.images
    assert Image.open(answer.store.path(first)).getpixel((0, 0)) == (255, 0, 0)
    assert Image.open(answer.store.path(second)).getpixel((0, 0)) == (0, 0, 255)


def test_it_works_where_a_loop_is_running_already(profile: str) -> None:
    async def cell() -> it.Answer:
        return it.illustrate(PROMPT, profile=profile, seed=1)  # as a notebook's cell does, without await

    assert asyncio.run(cell()).complete


async def test_the_asynchronous_form_leaves_the_loop_free_and_tells_every_event(profile: str) -> None:
    events: list[it.Event] = []
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    answer = await it.aillustrate(PROMPT, profile=profile, seed=1, progress=events.append)
    ticking.cancel()
    assert answer.complete
    assert isinstance(events[0], it.Planned)
    assert isinstance(events[-1], it.Finished)
    assert ticks > 5


def test_the_same_seed_gives_the_same_images(profile: str) -> None:
    first, second = (it.illustrate(PROMPT, profile=profile, seed=7) for _ in range(2))
    assert first.id != second.id
    assert first.document.images == second.document.images


def test_what_stops_an_answer_is_raised_with_the_id_to_resume_it(profile: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(Path(profile).read_text().replace('model = "fake"', 'command = ["no-such-program"]'))
    with pytest.raises(it.InterleaveError):
        it.illustrate(PROMPT, profile=str(broken))
    with pytest.raises(it.InputError, match="2 <image> marks"):
        it.illustrate("<image> and <image>", profile=profile)
    with pytest.raises(it.InputError, match="PIL image"):
        it.illustrate("<image>", images=[3], profile=profile)  # type: ignore[list-item]


def test_a_listener_that_raises_pauses_the_trajectory(profile: str) -> None:
    class StopError(Exception):
        pass

    def stop(event: it.Event) -> None:
        if isinstance(event, it.ImageGenerated):
            raise StopError

    async def statuses() -> list[str]:
        async with it.Workspace.open() as workspace:
            return [trajectory.status for trajectory in await workspace.list()]

    with pytest.raises(StopError):
        it.illustrate(PROMPT, profile=profile, progress=stop)
    assert asyncio.run(statuses()) == ["paused"]


def test_a_closed_workspace_is_opened_again(profile: str) -> None:
    it.illustrate(PROMPT, profile=profile)
    it.close()
    assert it.illustrate(PROMPT, profile=profile).complete


def test_two_threads_may_make_the_first_call_at_the_same_time() -> None:
    code = """
import threading
from interleavethinker.graph.event_loop import loop_thread
barrier, found = threading.Barrier(8), []
def first():
    barrier.wait()
    found.append(loop_thread())
threads = [threading.Thread(target=first) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(set(map(id, found))))
"""
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "1\n"


@pytest.mark.parametrize("mode", ["1", "CMYK", "F", "I", "I;16", "L", "LA", "LAB", "P", "RGBA"])
def test_pil_images_of_every_mode_are_taken(mode: str, profile: str) -> None:
    image = Image.new(mode, (96, 96))
    answer = it.illustrate("Between <image> and <image>, what is different?", images=[image, image], profile=profile)
    assert len(answer.trajectory.request.images) == 2


def test_a_pil_image_is_turned_upright_as_a_file_is(profile: str, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "photo.png"
    Image.new("RGB", (96, 48)).save(path, exif=turned)
    with Image.open(path) as image, pytest.raises(it.InputError, match="48 x 96"):
        it.illustrate("What is different in <image>?", images=[image], profile=profile)


def test_a_pil_image_whose_file_is_cut_off_is_an_input_error(profile: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((96, 96), 50).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with Image.open(path) as image, pytest.raises(it.InputError, match=r"PIL image cannot be read: .*truncated"):
        it.illustrate("What is different in <image>?", images=[image], profile=profile)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 2**70}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"images": "one.png"}, "must be a list"),
        ({"images": Image.new("RGB", (2, 2))}, "must be a list"),
        ({"images": [Image.new("RGB", (0, 5))]}, "empty"),
        ({"prompt": None}, "must be a text"),
        ({"prompt": " "}, "empty"),
        ({"images": None}, "must be a list"),
        ({"workspace": 5}, "`workspace` must be a folder"),
        ({"workspace": ""}, "folder is empty"),
        ({"workspace": "s3://bucket/folder"}, "a folder or a database postgresql"),
        ({"profile": 5}, "`profile` must be"),
        ({"limits": 5}, "limits"),
        ({"progress": 5}, "`progress` must be"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_sentence(
    wrong: dict[str, Any], says: str, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(it.InputError, match=says):
        it.illustrate(**{"prompt": PROMPT, "profile": profile} | wrong)
    assert list(Path().iterdir()) == []


async def test_a_forgotten_await_is_guessed(tmp_path: Path) -> None:
    async with it.Workspace.open(str(tmp_path)) as workspace:
        forgotten = workspace.create("a red ball")
        with pytest.raises(it.InputError, match="Is an `await` missing"):
            await workspace.run(forgotten)  # type: ignore[arg-type]
        forgotten.close()


async def test_paths_may_be_texts_everywhere(tmp_path: Path) -> None:
    image = tmp_path / "one.png"
    Image.new("RGB", (96, 96)).save(image)
    store = it.ImageStore(tmp_path / "workspace" / "images")
    fakes = it.Components(FixedPlanner(plan_of("a cat")), RuleCritic(), MemoryGenerator(store))
    async with it.Workspace.open(str(tmp_path / "workspace"), components=fakes) as workspace:
        assert await workspace.add_image(str(image)) == await workspace.add_image(image)
        trajectory = await workspace.run(await workspace.create("any prompt"))
        assert it.export(trajectory, workspace.store, str(tmp_path / "out")) == tmp_path / "out" / "index.html"


async def test_the_fakes_carry_a_whole_trajectory(tmp_path: Path) -> None:
    store = it.ImageStore(tmp_path / "images")
    fakes = it.Components(FixedPlanner(plan_of("a cat", "a dog")), RuleCritic(), MemoryGenerator(store))
    async with it.Workspace.open(tmp_path, components=fakes) as workspace:
        trajectory = await workspace.run(await workspace.create("any prompt"))
    assert trajectory.document.complete


async def test_the_fake_image_server_is_a_real_one(tmp_path: Path) -> None:
    with fake_image_server(tmp_path / "server") as url:
        config = it.GeneratorConfig(url=url)
        async with it.McpImageGenerator(config, it.ImageStore(tmp_path / "images")) as generator:
            image = await generator.generate(it.GenerationRequest(prompt="a cat", seed=1))
    assert (image.width, image.height) == (96, 96)


def test_the_program_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "interleavethinker", "--version"]
    assert it.__version__ in subprocess.run(command, check=True, capture_output=True, text=True).stdout
