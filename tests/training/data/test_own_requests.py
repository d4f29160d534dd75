"""Data from requests of one's own and from people's trajectories, and a data folder that is damaged or shared."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.evaluation.judges.base import JudgedImage, JudgeScores
from interleavethinker.graph import Components, HumanVerdict, Limits, Workspace
from interleavethinker.tools.errors import InputError, ModelError
from interleavethinker.tools.files import LineFile
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.training.data.critic import Selection, select_rows
from interleavethinker.training.data.folder import DataFolder
from interleavethinker.training.data.micro_world import micro_grade
from interleavethinker.training.data.parquet import export_parquet
from interleavethinker.training.data.planner import export_sequences, make_planner_rows
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.requests import add_requests, read_requests
from interleavethinker.training.data.scores import GradedBy, JudgedBy, score
from interleavethinker.training.data.workspace_rows import add_workspace

from .test_stages import critic_row

PROFILE = """
description = "Scripted agents, with colored cells as images."
planner = { object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner" }
critic = { object = "interleavethinker.tools.testing.agents:accepting_critic" }
generator = { model = "cells" }
"""


class FixedJudge:
    """Gives every image the same scores, and fails on those of one prompt."""

    def __init__(self, failing: str | None = None) -> None:
        self.failing = failing
        self.judged: list[JudgedImage] = []

    async def judge(self, images: Sequence[JudgedImage]) -> list[JudgeScores | None]:
        if any(image.prompt == self.failing for image in images):
            raise ModelError("rate limit", code="rate_limit")
        self.judged += images
        return [JudgeScores(9.0, 7.0) for _ in images]


def write_lines(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def data(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(build_app(["data", *words]), ["data", *words])
    return result.exit_code, result.output if result.exception is None else f"{result.output}{result.exception}"


@pytest.mark.parametrize("name", ["mine.jsonl", "mine.txt"])
def test_files_may_begin_with_the_byte_order_mark_of_windows(tmp_path: Path, name: str) -> None:
    lines = ["Draw a cat.", "Draw a dog."]
    texts = [json.dumps({"text": line}) if name.endswith(".jsonl") else line for line in lines]
    (tmp_path / name).write_text("\r\n".join(texts) + "\r\n", encoding="utf-8-sig")
    folder = DataFolder(tmp_path / "set")
    assert not add_requests(folder, read_requests(str(tmp_path / name)), base=tmp_path).dropped
    assert sorted(row.request.text for row in folder.prompts) == lines
    path = folder.prompts.path
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")  # Edited by a person.
    assert sorted(row.request.text for row in folder.prompts) == lines


def test_requests_come_from_a_file_with_images_and_unusable_lines_are_set_aside(tmp_path: Path) -> None:
    Image.new("RGB", (9, 6), "red").save(tmp_path / "mine.png")
    source = write_lines(
        tmp_path / "mine.jsonl",
        {"text": "Draw a cat.", "family": "stories"},
        {"text": "Make <image> blue.", "images": ["mine.png"], "id": "blue"},
        {"text": "Draw a cat."},
        {"text": "Where is <image>?", "images": ["nowhere.png"]},
        {"question": "no text"},
        '{"text": "torn',
        {"text": ""},
    )
    folder = DataFolder(tmp_path / "set")
    summary = add_requests(folder, read_requests(str(source)), base=tmp_path, held_out=1)
    rows = {row.request.text: row for row in folder.prompts}
    assert set(rows) == {"Draw a cat.", "Make\nblue."}
    edit = rows["Make\nblue."]
    assert edit.id == "blue"
    assert folder.store.get(edit.request.images[0])[:4] == b"\x89PNG"
    assert sorted(row.split for row in rows.values()) == ["test", "train"]
    assert summary.dropped == {"the same request twice": 1, "unusable requests, listed in quarantine.jsonl": 4}
    reasons = {row.name: row.reason for row in folder.quarantine}
    assert set(reasons) == {f"line {number} of mine.jsonl" for number in (4, 5, 6, 7)}
    assert "nowhere.png" in reasons["line 4 of mine.jsonl"]
    again = add_requests(folder, read_requests(str(source)), base=tmp_path)
    assert (len(list(folder.prompts)), again.kept["already present"]) == (2, 2)
    assert again.dropped == summary.dropped, "the same request twice is counted once"
    assert len(list(folder.quarantine)) == 4


def test_an_id_names_one_request_also_when_the_file_was_changed(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "mine.jsonl", {"text": "a cat", "id": "a"}, {"text": "a dog", "id": "a"})
    folder = DataFolder(tmp_path / "set")
    summary = add_requests(folder, read_requests(str(source)), base=tmp_path)
    assert summary.dropped == {"unusable requests, listed in quarantine.jsonl": 1}
    write_lines(source, {"text": "a house", "id": "a"}, {"text": "a cat", "id": "a"})
    again = add_requests(folder, read_requests(str(source)), base=tmp_path)
    assert again.kept == {"already present": 1}
    assert [row.request.text for row in folder.prompts] == ["a cat"]
    reasons = {row.name: row.reason for row in folder.quarantine}
    assert set(reasons) == {"line 1 of mine.jsonl", "line 2 of mine.jsonl"}
    assert all("The id 'a' is that of another request" in reason for reason in reasons.values())


def test_plain_lines_and_a_hugging_face_data_set_are_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet files need the extra train")
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = tmp_path / "mine.txt"
    lines.write_text("Draw a cat.\n\nDraw a dog: 2 steps.\n")
    assert [content for _, content in read_requests(str(lines))] == ["Draw a cat.", "Draw a dog: 2 steps."]
    (tmp_path / "hub").mkdir()
    pq.write_table(pa.table({"prompt": ["one", "two"], "category": ["a", "b"]}), tmp_path / "hub" / "train.parquet")
    found = [content for _, content in read_requests(str(tmp_path / "hub"), column="prompt")]
    assert [content["text"] for content in found if isinstance(content, dict)] == ["one", "two"]
    with pytest.raises(InputError, match="has no column 'text'; it has prompt, category"):
        list(read_requests(str(tmp_path / "hub")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="neither a file nor a Hugging Face data set"):
        list(read_requests(str(tmp_path / "empty")))


def test_a_misspelt_file_is_named_without_asking_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", None)  # It would ask for half a minute.
    for name in ("requsts.jsonl", "requests.TXT", "./requests", str(tmp_path / "requests")):
        code, output = data("prompts", "set", "--from", name)
        assert (code != 0, f"There is no file {name}." in output) == (True, True), output
    assert not (tmp_path / "set").exists()


def test_a_data_set_is_not_all_held_out(tmp_path: Path) -> None:
    source, root = str(write_lines(tmp_path / "mine.txt", "one", "two", "three")), str(tmp_path / "set")
    code, output = data("prompts", root, "--from", source)
    assert (code != 0, "All 3 requests would be held out" in output) == (True, True), output
    assert data("prompts", root, "--from", source, "--held-out", "2")[0] == 0
    assert [row.split for row in DataFolder(tmp_path / "set").prompts].count("train") == 1


def test_requests_of_ones_own_need_teachers_and_a_judge_and_the_stages_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    (tmp_path / "cells.toml").write_text(PROFILE)
    source, root = write_lines(tmp_path / "mine.txt", "Draw a big house.", "First: a red ball."), str(tmp_path / "set")
    code, output = data("build", root, "--from", str(source), "--profile", "micro")
    assert (code, "Invalid value for --profile, --judge" in output, Path(root).exists()) == (2, True, False), output
    assert data("prompts", root, "--from", str(source), "--held-out", "0")[0] == 0
    code, output = data("trajectories", root)
    assert (code != 0, "No request of" in output, "--profile" in output) == (True, True, True), output
    assert data("trajectories", root, "--profile", str(tmp_path / "cells.toml"))[0] == 0
    code, output = data("scores", root)
    assert (code != 0, "No trajectory of" in output, "--judge" in output) == (True, True, True), output
    folder = DataFolder(tmp_path / "set")
    assert not folder.quarantine.path.exists(), "nothing is wrong with these trajectories"

    make_prompts(folder, {"train": 2}, seed=1)  # Both kinds in one folder: each stage counts what it cannot do.
    assert "no known plan: they need the planner of a profile" in data("trajectories", root)[1]
    output = data("scores", root)[1]
    assert "trajectories without references: they need a judge" in output
    assert {row.trajectory.rpartition("-")[2] for row in folder.scored} <= {"shipped", "weaker"}


def test_a_profile_makes_trajectories_that_become_rows_and_parquet_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets", reason="Parquet files need the extra train")
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    for name in ("cells", "others"):
        (tmp_path / f"{name}.toml").write_text(PROFILE)
    profile, others = str(tmp_path / "cells.toml"), str(tmp_path / "others.toml")
    source = write_lines(tmp_path / "mine.txt", "First: a red ball. Then: a tree appears.", "Draw a big house.")
    root = str(tmp_path / "set")
    assert data("prompts", root, "--from", str(source), "--held-out", "1")[0] == 0
    code, output = data("trajectories", root, "--profile", profile, "--generators", f"{profile},{others}")
    assert (code, "4 kept, 0 dropped" in output) == (0, True), output
    assert {row.generator for row in DataFolder(tmp_path / "set").trajectories} == {"cells", "others"}
    folder, judge = DataFolder(tmp_path / "set"), FixedJudge()
    asyncio.run(score(folder, JudgedBy(judge)))
    assert {(row.semantics, row.success, row.answer.success) for row in folder.scored} == {(9.0, True, True)}
    count = len(judge.judged)
    assert count == sum(len(row.attempts) for row in folder.trajectories)
    asyncio.run(score(folder, JudgedBy(judge)))
    assert len(judge.judged) == count, "scored trajectories are not judged again"
    select_rows(folder, Selection(balanced=False))
    make_planner_rows(folder, seed=0)
    assert [row.plan.steps for row in folder.planner if row.id.endswith(".whole")]
    export_sequences(folder, "hard")
    summary = export_parquet(folder, tmp_path / "parquet", shard_bytes=1)
    assert summary.kept["trajectories, train"] + summary.kept["trajectories, test"] == 4

    import datasets

    for kind in ("prompts", "trajectories", "scored", "planner", "sequences"):
        loaded = datasets.load_dataset(str(tmp_path / "parquet"), kind, cache_dir=str(tmp_path / "cache"))
        rows = [row for split in loaded.values() for row in split]
        kept = list(getattr(folder, kind))
        assert sorted(row["id"] for row in rows) == sorted(row.id for row in kept)
        parsed = {row["id"]: type(kept[0]).model_validate_json(row["row"]) for row in rows}
        assert parsed == {row.id: row for row in kept}
        assert all(image.size == (96, 96) for row in rows for image in row["images"])
    with pytest.raises(InputError, match="not empty"):
        export_parquet(folder, tmp_path / "parquet")
    with pytest.raises(InputError, match="no rows called nonsense"):
        export_parquet(folder, tmp_path / "more", ("nonsense",))


async def test_peoples_trajectories_bring_their_verdicts_by_hand(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    generator = MemoryGenerator(ImageStore(root / "images"))
    components = Components(FixedPlanner(plan_of("a", "b")), RuleCritic(accept_only("a", "b", "c!")), generator)
    folder = DataFolder(tmp_path / "set")
    async with Workspace.open(root, components) as workspace:
        judged = await workspace.create("by hand", limits=Limits(max_attempts=2))
        async for event in workspace.stream(judged, review=True):
            if type(event).__name__ == "ReviewNeeded":
                break
        await workspace.judge(judged, HumanVerdict(success=False, prompt="c", reasoning="too dark"))
        await workspace.run(judged)
        await workspace.run(await workspace.create("by the critic"))
        await workspace.create("never run")
        summary = await add_workspace(folder, workspace)
        again = await add_workspace(folder, workspace)
        hand = await add_workspace(DataFolder(tmp_path / "hand"), workspace, only_by_hand=True)
    assert summary.kept == {"judged by hand": 1, "judged by the critic": 1}
    assert summary.dropped == {"trajectories that are ready": 1, "attempts under other words of the plan": 1}
    assert again.kept == {"already present": 2}
    assert again.dropped == summary.dropped
    assert hand.kept == {"judged by hand": 1}
    await score(folder, JudgedBy(FixedJudge()))
    rows = [row for row in folder.scored if row.trajectory == judged]
    assert [(row.case.original_prompt, row.case.prompt, row.success) for row in rows] == [
        ("c", "c", False), ("c", "c!", True), ("b", "b", True),
    ]  # fmt: skip


async def test_a_trajectory_that_went_on_since_it_was_copied_is_set_aside(tmp_path: Path) -> None:
    root, folder = tmp_path / "workspace", DataFolder(tmp_path / "set")
    components = Components(FixedPlanner(plan_of("a", "b")), RuleCritic(), _memory(root))
    async with Workspace.open(root, components) as workspace:
        stopped = (await workspace.run(await workspace.create("x", limits=Limits(max_calls=1)))).id
        await add_workspace(folder, workspace)
        await workspace.change_limits(stopped, Limits())
        await workspace.run(stopped)
        again = await add_workspace(folder, workspace)
        new = DataFolder(tmp_path / "new")
        await add_workspace(new, workspace)
    assert again.kept == {}
    assert again.dropped == {"trajectories that have changed since they were copied, listed in quarantine.jsonl": 1}
    assert "into a new folder" in (folder.root / "quarantine.jsonl").read_text()
    assert [[len(row.attempts) for row in one.trajectories] for one in (folder, new)] == [[1], [2]]


def test_a_judge_that_fails_costs_its_trajectory_only_and_is_asked_again(tmp_path: Path) -> None:
    async def story() -> tuple[DataFolder, str]:
        root = tmp_path / "workspace"
        components = Components(FixedPlanner(plan_of("a"), plan_of("b")), RuleCritic(), _memory(root))
        folder = DataFolder(tmp_path / "set")
        async with Workspace.open(root, components) as workspace:
            ids = [(await workspace.run(await workspace.create(text))).id for text in ("one", "two")]
            await add_workspace(folder, workspace)
        failed = await score(folder, JudgedBy(FixedJudge(failing="b")))
        assert failed.dropped == {"trajectories whose judge failed: rate_limit": 1}
        await score(folder, JudgedBy(FixedJudge()))
        return folder, ids[1]

    folder, name = asyncio.run(story())
    assert name in {row.trajectory for row in folder.scored}


def test_one_damaged_image_or_line_stops_no_stage(tmp_path: Path) -> None:
    folder = _scorable(tmp_path)
    first, *rest = list(folder.trajectories)
    image = next(attempt.image for attempt in first.attempts if attempt.image is not None)
    whole = folder.store.path(image).read_bytes()
    folder.store.path(image).write_bytes(b"not an image")
    LineFile(folder.trajectories.path).append(["{not json", rest[0].model_dump_json(by_alias=True)])
    summary = asyncio.run(score(folder, GradedBy(micro_grade(folder.store, seed=0))))
    assert {row.trajectory for row in folder.scored} == {row.id for row in rest}
    assert summary.dropped["unusable lines of trajectories.jsonl, listed in quarantine.jsonl"] == 2
    names = [row.name for row in folder.quarantine]
    assert names == [f"trajectories.jsonl:{len(rest) + 2}", f"trajectories.jsonl:{len(rest) + 3}", first.id]
    with pytest.raises(InputError, match=r"Line \d+ of trajectories.jsonl is not a row"):
        list(folder.trajectories)
    folder.store.path(image).write_bytes(whole)
    asyncio.run(score(folder, GradedBy(micro_grade(folder.store, seed=0))))
    assert first.id in {row.trajectory for row in folder.scored}, "a mended image is used"


def test_a_line_that_is_not_utf_8_stops_no_stage(tmp_path: Path) -> None:
    folder = _scorable(tmp_path)
    rows = list(folder.trajectories)
    with folder.trajectories.path.open("ab") as file:
        file.write(b'{"request": "caf\xe9"}\n')
    asyncio.run(score(folder, GradedBy(micro_grade(folder.store, seed=0))))
    assert {row.trajectory for row in folder.scored} == {row.id for row in rows}
    assert [row.name for row in folder.quarantine] == [f"trajectories.jsonl:{len(rows) + 1}"]


def test_one_process_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom interleavethinker.tools.file_lock import only_writer\n"
        "with only_writer(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    root = tmp_path / "set"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        code, output = data("prompts", str(root), "--train", "3", "--held-out", "0")
        assert code != 0
        assert "Another process is writing to" in output
        other.stdin.close()
    assert data("prompts", str(root), "--train", "3", "--held-out", "0")[0] == 0


@pytest.mark.parametrize("stage", ["trajectories", "scores", "select", "planner", "sequences", "retry-analysis"])
def test_a_stage_without_its_input_says_what_to_run_first_and_creates_nothing(tmp_path: Path, stage: str) -> None:
    code, output = data(stage, str(tmp_path / "mispelt"))
    assert code != 0
    assert "There is no folder" in output
    assert not (tmp_path / "mispelt").exists()
    (tmp_path / "set").mkdir()
    code, output = data(stage, str(tmp_path / "set"))
    assert code != 0
    assert "Make it first: interleavethinker data " in output


def test_a_selection_that_lacks_its_scores_leaves_the_rows_of_an_earlier_one(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.critic_sft.write([critic_row("a", 0, 9.0)])
    with pytest.raises(InputError, match=r"has no scored\.jsonl"):
        select_rows(folder, Selection())
    folder.scored.write([])  # as a judge leaves it that gave no usable score
    with pytest.raises(InputError, match="has no scored attempts"):
        select_rows(folder, Selection())
    assert len(list(folder.critic_sft)) == 1


def test_a_selection_counts_the_trajectories_that_have_no_scores(tmp_path: Path) -> None:
    folder = _scorable(tmp_path)
    asyncio.run(score(folder, GradedBy(micro_grade(folder.store, seed=0))))
    names = {row.trajectory for row in folder.scored}
    assert not any("without scores" in reason for reason in select_rows(folder, Selection()).dropped)
    folder.scored.write([row for row in folder.scored if row.trajectory != min(names)])
    summary = select_rows(folder, Selection())
    assert summary.dropped["trajectories without scores, which `data scores` makes"] == 1


def test_a_misspelt_workspace_is_not_created(tmp_path: Path) -> None:
    code, output = data("from-workspace", str(tmp_path / "set"), "--workspace", str(tmp_path / "mispelt"))
    assert (code != 0, "There is no workspace" in output) == (True, True), output
    assert list(tmp_path.iterdir()) == []


def _memory(root: Path) -> MemoryGenerator:
    return MemoryGenerator(ImageStore(root / "images"))


def _scorable(root: Path) -> DataFolder:
    from interleavethinker.microworld.generators.keyword import KeywordGenerator
    from interleavethinker.training.data.local_generator import LocalGenerator
    from interleavethinker.training.data.micro_world import micro_components
    from interleavethinker.training.data.trajectories import GivenComponents, roll_out

    folder = DataFolder(root / "micro")
    make_prompts(folder, {"train": 5}, seed=3)
    generators = {"shipped": LocalGenerator(KeywordGenerator(), folder.store, "test/obedient")}
    components = GivenComponents(micro_components(folder.store, generators, seed=3))
    asyncio.run(roll_out(folder, ["shipped"], components, seed=3))
    return folder
