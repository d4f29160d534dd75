"""The data stages, end to end with a keyword-based image model and rule by rule with hand-made rows."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.types import CriticInput, ImagePart, TextPart, Verdict
from interleavethinker.training.data.critic import Selection, select_rows
from interleavethinker.training.data.folder import DataFolder, RowFile
from interleavethinker.training.data.local_generator import LocalGenerator
from interleavethinker.training.data.micro_world import micro_components, micro_grade
from interleavethinker.training.data.planner import export_sequences, make_planner_rows
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.retry_analysis import retry_failed_attempts, retry_report
from interleavethinker.training.data.schema import CriticRow, RetryRow
from interleavethinker.training.data.scores import GradedBy, score
from interleavethinker.training.data.trajectories import GivenComponents, roll_out

from ..conftest import Made


def critic_row(name: str, iteration: int, overall: float, split: str = "train") -> CriticRow:
    case = CriticInput(source=None, image="a" * 64, original_prompt="p", prompt="p")
    good = overall >= 8
    return CriticRow(
        id=f"{name}.0.{iteration}", trajectory=name, split=split, generator="shipped", step=0, iteration=iteration,
        case=case, reference=None, semantics=overall, quality=overall, success=good,
        answer=Verdict(success=good, refined_prompt="p"), strategy=None, next_seed=1,
    )  # fmt: skip


def test_prompts_that_exist_already_are_kept(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    make_prompts(folder, {"train": 3}, seed=0)
    before = folder.prompts.path.read_bytes()
    summary = make_prompts(folder, {"train": 7}, seed=0)
    assert folder.prompts.path.read_bytes().startswith(before)
    assert (summary.kept["train, already present"], summary.kept.total()) == (3, 7)
    assert {row.family for row in folder.prompts} >= {"narrative", "questions", "reasoning"}


def test_trajectories_come_from_the_agents_graph_and_follow_the_critic(made: Made) -> None:
    rows = list(made.folder.trajectories)
    with_images = [row for row in made.folder.prompts if row.family != "questions"]
    assert {row.prompt for row in rows} == {row.id for row in with_images}
    retried = 0
    for row in rows:
        for attempt in row.attempts:
            assert attempt.seed == derive_seed(row.seed, attempt.step, attempt.iteration)
        for one, other in zip(row.attempts, row.attempts[1:], strict=False):
            if one.step == other.step:
                retried += 1
                assert one.verdict is not None
                assert (one.verdict.success, one.verdict.refined_prompt) == (False, other.prompt)
    assert retried, "some prompts use words that this image model does not know"


def test_a_stage_that_is_repeated_generates_nothing_again(made: Made) -> None:
    before = made.image_model.images_made, len(list(made.folder.trajectories)), len(list(made.folder.scored))
    components = GivenComponents(micro_components(made.folder.store, made.generators, seed=3))
    summary = asyncio.run(roll_out(made.folder, ["shipped"], components, seed=3))
    assert summary.kept["shipped, already present"] == before[1]
    asyncio.run(score(made.folder, GradedBy(micro_grade(made.folder.store, seed=3))))
    assert (made.image_model.images_made, len(list(made.folder.trajectories)), len(list(made.folder.scored))) == before


def test_every_attempt_is_scored_and_its_answer_is_the_one_that_the_trajectory_followed(made: Made) -> None:
    attempts = {
        f"{row.id}.{attempt.step}.{attempt.iteration}": attempt
        for row in made.folder.trajectories
        for attempt in row.attempts
    }
    scored = {row.id: row for row in made.folder.scored}
    assert scored.keys() == attempts.keys()
    for name, row in scored.items():
        assert row.success is (row.semantics >= 8 and row.quality >= 5)
        verdict = attempts[name].verdict
        if verdict is not None:
            assert verdict == row.answer
        follower = scored.get(f"{row.trajectory}.{row.step}.{row.iteration + 1}")
        if follower is not None:
            assert row.next_seed == attempts[follower.id].seed


def test_trajectories_of_a_failing_generator_are_dropped_and_counted(tmp_path: Path) -> None:
    class Failing:
        def generate(self, *_: object) -> list[object]:
            raise GeneratorError("out of memory", code="exhausted")

        edit = generate

    folder = DataFolder(tmp_path)
    make_prompts(folder, {"train": 2}, seed=0)
    generators = {"shipped": LocalGenerator(Failing(), folder.store, "failing")}  # type: ignore[arg-type]
    components = GivenComponents(micro_components(folder.store, generators, seed=0))
    summary = asyncio.run(roll_out(folder, ["shipped"], components, seed=0))
    assert summary.dropped == {"shipped failed: exhausted": 2}
    assert list(folder.trajectories) == []


def test_steps_with_falling_or_low_scores_are_dropped_and_varying_ones_go_to_rl(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    steps = {"fell": (9, 3), "low": (2, 3), "rose": (2, 9), "crept": (7, 8), "good": (9,), "fine": (8,), "fair": (8,)}
    folder.scored.write(critic_row(name, i, value) for name, values in steps.items() for i, value in enumerate(values))
    summary = select_rows(folder, Selection(rl_share=0.5))
    assert summary.dropped["scores fall within the step"] == 2
    assert summary.dropped["scores stay low within the step"] == 2
    assert {row.trajectory for row in folder.critic_rl} == {"rose"}
    sft = list(folder.critic_sft)
    assert [row.success for row in sft].count(True) == [row.success for row in sft].count(False) == 1
    assert summary.dropped["balancing: surplus of good attempts"] == 3
    select_rows(folder, Selection(filtered=False, balanced=False, rl_share=0.0))
    assert len(list(folder.critic_sft)) == 11


def test_another_selection_goes_to_another_folder_that_shares_the_images(tmp_path: Path) -> None:
    folder, other = DataFolder(tmp_path / "all"), DataFolder(tmp_path / "other")
    folder.scored.write([critic_row("a", 0, 1.0), critic_row("b", 0, 9.0)])
    select_rows(folder, Selection())
    image = folder.store.put(encode_png(Image.new("RGB", (4, 4))))
    for _ in range(2):
        select_rows(folder, Selection(filtered=False, balanced=False), other)
    assert [len(list(one.critic_sft)) for one in (folder, other)] == [0, 2]
    assert other.store.get(image) == folder.store.get(image)
    (tmp_path / "third" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match="already has its own images"):
        select_rows(folder, Selection(), DataFolder(tmp_path / "third"))


def test_held_out_rows_are_neither_filtered_nor_used_for_training(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.scored.write([critic_row("a", 0, 1.0, "templates"), critic_row("b", 0, 9.0)])
    select_rows(folder, Selection())
    assert [row.trajectory for row in folder.critic_test] == ["a"]
    assert all(row.split == "train" for rows in (folder.critic_sft, folder.critic_rl) for row in rows)


def test_a_cut_trajectory_continues_after_the_selected_images(made: Made) -> None:
    make_planner_rows(made.folder, seed=0)
    rows = {row.id: row for row in made.folder.planner}
    prompts = {row.id: row for row in made.folder.prompts}
    assert prompts.keys() <= rows.keys()
    cut = [row for row in rows.values() if ".cut" in row.id]
    assert cut
    for row in cut:
        whole = next(prompt for name, prompt in prompts.items() if row.id.startswith(name))
        assert whole.plan is not None
        assert row.plan.steps == whole.plan.steps[-len(row.plan.steps) :]
        done = len(whole.plan.steps) - len(row.plan.steps)
        assert len(row.request.images) == len(whole.request.images) + done == row.first - 1


def test_hard_sequences_include_failed_images_and_easy_ones_do_not(made: Made) -> None:
    export_sequences(made.folder, "easy")
    export_sequences(made.folder, "hard")
    rows = {row.id: row for row in made.folder.sequences}
    trajectories = {row.id: row for row in made.folder.trajectories}
    for name, trajectory in trajectories.items():
        easy, hard = rows[f"{name}.easy"], rows[f"{name}.hard"]
        images = [[p for p in row.parts if isinstance(p, ImagePart)] for row in (easy, hard)]
        assert len(images[0]) == len({attempt.step for attempt in trajectory.attempts})
        assert len(images[1]) == len(trajectory.attempts)
        text = "".join(part.text for part in hard.parts if isinstance(part, TextPart))
        assert text.count("<critic>") == len(trajectory.attempts)
        assert easy.parts[0] == TextPart(text=f"<gthink>{trajectory.plan.reasoning}</gthink>")


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_rows_whose_images_are_damaged_are_left_out_and_listed(made: Made, tmp_path: Path, damage: str) -> None:
    shutil.copytree(made.folder.root, tmp_path / "set")
    folder = DataFolder(tmp_path / "set")
    plans = {row.id: row.plan for row in folder.prompts}
    broken = next(row for row in folder.trajectories if len(row.plan.steps) > 1)
    for attempt in broken.attempts:
        assert attempt.image is not None
        path = folder.store.path(attempt.image)
        if damage == "missing":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(path.read_bytes()[:50])
    for summary in (
        make_planner_rows(folder, seed=0),
        export_sequences(folder, "easy"),
        export_sequences(folder, "hard"),
    ):
        assert summary.dropped["trajectories with an unusable image, listed in quarantine.jsonl"] >= 1
    listed = {row.name: row.reason for row in folder.quarantine}
    assert ("has no image" if damage == "missing" else "is damaged") in listed[broken.id]
    written = {row.id for row in folder.planner} | {row.id for row in folder.sequences}
    assert not {name for name in written if name.startswith(f"{broken.id}.")}
    assert {name for name, plan in plans.items() if plan is not None} - listed.keys() <= written
    shutil.rmtree(folder.store.root)
    assert export_sequences(folder, "easy").kept.total() == 0
    assert not [row for row in folder.sequences if row.mode == "easy"]


def test_the_retry_report_separates_a_new_seed_from_a_reworded_prompt(made: Made) -> None:
    generators = {**made.generators}
    asyncio.run(retry_failed_attempts(made.folder, generators, limit=4, seed=0))
    rows = list(made.folder.retries)
    before = made.image_model.images_made
    asyncio.run(retry_failed_attempts(made.folder, generators, limit=4, seed=0))
    assert made.image_model.images_made == before, "attempts that were retried before are skipped"
    report = retry_report(rows)
    words = report["any_rewording"]
    assert isinstance(words, dict)
    assert words["seed_only"] == words["both"] == 0, "the images of this model do not depend on the seed"
    assert isinstance(words["words_only"], float)
    assert words["words_only"] > 0


def test_shares_of_fixed_attempts_add_up() -> None:
    rows = [
        RetryRow(
            id=str(i), before=2, same=9, same_fixed=i % 2 == 0, drawn="plain",
            reworded=dict.fromkeys(("plain", "varied", "synonyms", "mistake", "position", "keep"), 5.0),
            reworded_fixed=dict.fromkeys(("plain", "varied", "synonyms", "mistake", "position", "keep"), i < 3),
        )
        for i in range(8)
    ]  # fmt: skip
    blind = retry_report(rows)["blind_rewording"]
    assert isinstance(blind, dict)
    assert (blind["seed_only"], blind["words_only"], blind["both"], blind["neither"]) == (0.25, 0.125, 0.25, 0.375)


def test_an_incomplete_last_line_is_cut_off_and_another_schema_version_is_rejected(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl", CriticRow)
    file.append([critic_row("a", 0, 5)])
    with file.path.open("ab") as raw:
        raw.write(b'{"id": "b", "trunc')
    assert [row.trajectory for row in file] == ["a"]
    file.append([critic_row("c", 0, 5)])
    assert [row.trajectory for row in file] == ["a", "c"]
    line = json.loads(file.path.read_text().splitlines()[0])
    assert line["schema"] == "critic/1"
    file.path.write_text(json.dumps(line | {"schema": "critic/2"}) + "\n")
    with pytest.raises(InputError, match="critic/1"):
        list(file)


def test_the_command_line_makes_prompts_and_prints_how_many_it_kept(tmp_path: Path) -> None:
    words = ["data", "prompts", str(tmp_path), "--train", "7", "--held-out", "1", "--json"]
    result = CliRunner().invoke(build_app(words), words)
    assert result.exit_code == 0, result.output
    assert sum(json.loads(result.output)["kept"].values()) == 9
    words = ["data", "planner", str(tmp_path)]
    result = CliRunner().invoke(build_app(words), words)
    assert "planner rows: 9 kept, 0 dropped" in result.output


def test_the_old_name_of_retry_analysis_still_runs_it_and_is_not_listed(tmp_path: Path) -> None:
    DataFolder(tmp_path).scored.write([critic_row("a", 0, 9.0)])
    for name in ("retry-analysis", "repairs"):
        words = ["data", name, str(tmp_path), "--json"]
        result = CliRunner().invoke(build_app(words), words)
        assert result.exit_code == 0, result.output
        assert json.loads(result.output)["failures"] == 0
    listed = CliRunner().invoke(build_app(["data", "--help"]), ["data", "--help"]).output
    assert "retry-analysis" in listed
    assert "repairs" not in listed


def test_a_data_folder_of_version_0_1_is_read(tmp_path: Path) -> None:
    strategies = ("plain", "varied", "synonyms", "mistake", "position", "keep")
    line = {
        "id": "train-0-000001-shipped.0.0", "schema": "repair/1", "before": 2.0, "same": 3.0, "same_fixed": False,
        "reworded": dict.fromkeys(strategies, 9.0), "reworded_fixed": dict.fromkeys(strategies, True), "drawn": "keep",
    }  # fmt: skip
    (tmp_path / "repairs.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert retry_report(list(DataFolder(tmp_path).retries))["failures"] == 1
