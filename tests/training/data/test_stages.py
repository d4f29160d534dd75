"""The data stages through the agent's real graph, with teachers and a picture maker that knows trained words only."""

import asyncio
import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from interleavethinker.cli.app import build_app
from interleavethinker.graph.attempts import derive_seed
from interleavethinker.tools.errors import GeneratorError, InputError
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.types import CriticInput, ImagePart, TextPart, Verdict
from interleavethinker.training.data.critic import Selection, score_trajectories, select_rows
from interleavethinker.training.data.local_generator import LocalGenerator
from interleavethinker.training.data.micro_world import micro_components, micro_grade
from interleavethinker.training.data.planner import export_sequences, make_planner_rows
from interleavethinker.training.data.prompts import make_prompts
from interleavethinker.training.data.retry_analysis import repair_failures, repair_report
from interleavethinker.training.data.schema import CriticRow, DataFolder, RepairRow, RowFile
from interleavethinker.training.data.trajectories import roll_out

from ..conftest import Made


def critic_row(name: str, iteration: int, overall: float, split: str = "train") -> CriticRow:
    case = CriticInput(source=None, image="a" * 64, original_prompt="p", prompt="p")
    good = overall >= 8
    return CriticRow(
        id=f"{name}.0.{iteration}", trajectory=name, split=split, generator="shipped", step=0, iteration=iteration,
        case=case, reference=None, semantics=overall, quality=overall, success=good,
        answer=Verdict(success=good, refined_prompt="p"), strategy=None, next_seed=1,
    )  # fmt: skip


def test_prompts_made_twice_are_made_once(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    make_prompts(folder, {"train": 3}, seed=0)
    before = folder.prompts.path.read_bytes()
    tally = make_prompts(folder, {"train": 7}, seed=0)
    assert folder.prompts.path.read_bytes().startswith(before)
    assert (tally.kept["train, made before"], tally.kept.total()) == (3, 7)
    assert {row.family for row in folder.prompts} >= {"narrative", "questions", "reasoning"}


def test_trajectories_come_from_the_graph_and_follow_the_critic(made: Made) -> None:
    rows = list(made.folder.trajectories)
    drawn = [row for row in made.folder.prompts if row.family != "questions"]
    assert {row.prompt for row in rows} == {row.id for row in drawn}
    retried = 0
    for row in rows:
        for attempt in row.attempts:
            assert attempt.seed == derive_seed(row.seed, attempt.step, attempt.iteration)
        for one, other in zip(row.attempts, row.attempts[1:], strict=False):
            if one.step == other.step:
                retried += 1
                assert one.verdict is not None
                assert (one.verdict.success, one.verdict.refined_prompt) == (False, other.prompt)
    assert retried, "some prompts use words that this generator does not know"


def test_a_stage_that_is_run_again_draws_nothing_again(made: Made) -> None:
    before = made.maker.made, len(list(made.folder.trajectories)), len(list(made.folder.scored))
    components = micro_components(made.folder.store, made.generators, seed=3)
    tally = asyncio.run(roll_out(made.folder, ["shipped"], components, seed=3))
    assert tally.kept["shipped, made before"] == before[1]
    score_trajectories(made.folder, micro_grade(made.folder.store, seed=3))
    assert (made.maker.made, len(list(made.folder.trajectories)), len(list(made.folder.scored))) == before


def test_every_iteration_is_scored_and_the_teachers_answer_is_the_one_acted_upon(made: Made) -> None:
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


def test_a_dead_generator_drops_its_trajectories_and_says_so(tmp_path: Path) -> None:
    class Dead:
        def generate(self, *_: object) -> list[object]:
            raise GeneratorError("out of memory", code="exhausted")

        edit = generate

    folder = DataFolder(tmp_path)
    make_prompts(folder, {"train": 2}, seed=0)
    generators = {"shipped": LocalGenerator(Dead(), folder.store, "dead")}  # type: ignore[arg-type]
    tally = asyncio.run(roll_out(folder, ["shipped"], micro_components(folder.store, generators, seed=0), seed=0))
    assert tally.dropped == {"shipped failed: exhausted": 2}
    assert list(folder.trajectories) == []


def test_falling_and_low_steps_are_dropped_and_varying_ones_go_to_rl(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    steps = {"fell": (9, 3), "low": (2, 3), "rose": (2, 9), "crept": (7, 8), "good": (9,), "fine": (8,), "fair": (8,)}
    folder.scored.write(critic_row(name, i, value) for name, values in steps.items() for i, value in enumerate(values))
    tally = select_rows(folder, Selection(rl_share=0.5))
    assert tally.dropped["scores fall within the step"] == 2
    assert tally.dropped["scores stay low within the step"] == 2
    assert {row.trajectory for row in folder.critic_rl} == {"rose"}
    sft = list(folder.critic_sft)
    assert [row.success for row in sft].count(True) == [row.success for row in sft].count(False) == 1
    assert tally.dropped["balancing: more good attempts than others"] == 3
    select_rows(folder, Selection(filtered=False, balanced=False, rl_share=0.0))
    assert len(list(folder.critic_sft)) == 11


def test_another_selection_goes_to_a_folder_of_its_own_that_shares_the_pictures(tmp_path: Path) -> None:
    folder, other = DataFolder(tmp_path / "all"), DataFolder(tmp_path / "other")
    folder.scored.write([critic_row("a", 0, 1.0), critic_row("b", 0, 9.0)])
    select_rows(folder, Selection())
    picture = folder.store.put(encode_png(Image.new("RGB", (4, 4))))
    for _ in range(2):
        select_rows(folder, Selection(filtered=False, balanced=False), other)
    assert [len(list(one.critic_sft)) for one in (folder, other)] == [0, 2]
    assert other.store.get(picture) == folder.store.get(picture)
    (tmp_path / "third" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match="has its own images"):
        select_rows(folder, Selection(), DataFolder(tmp_path / "third"))


def test_held_out_rows_are_neither_filtered_nor_trained_on(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.scored.write([critic_row("a", 0, 1.0, "templates"), critic_row("b", 0, 9.0)])
    select_rows(folder, Selection())
    assert [row.trajectory for row in folder.critic_test] == ["a"]
    assert all(row.split == "train" for rows in (folder.critic_sft, folder.critic_rl) for row in rows)


def test_a_cut_trajectory_continues_after_the_pictures_that_were_kept(made: Made) -> None:
    make_planner_rows(made.folder, seed=0)
    rows = {row.id: row for row in made.folder.planner}
    prompts = {row.id: row for row in made.folder.prompts}
    assert prompts.keys() <= rows.keys()
    cut = [row for row in rows.values() if ".cut" in row.id]
    assert cut
    for row in cut:
        whole = next(prompt for name, prompt in prompts.items() if row.id.startswith(name))
        assert row.plan.steps == whole.plan.steps[-len(row.plan.steps) :]
        done = len(whole.plan.steps) - len(row.plan.steps)
        assert len(row.request.images) == len(whole.request.images) + done == row.first - 1


def test_hard_sequences_keep_failed_pictures_and_easy_ones_do_not(made: Made) -> None:
    export_sequences(made.folder, "easy")
    export_sequences(made.folder, "hard")
    rows = {row.id: row for row in made.folder.sequences}
    trajectories = {row.id: row for row in made.folder.trajectories}
    for name, trajectory in trajectories.items():
        easy, hard = rows[f"{name}.easy"], rows[f"{name}.hard"]
        pictures = [[p for p in row.parts if isinstance(p, ImagePart)] for row in (easy, hard)]
        assert len(pictures[0]) == len({attempt.step for attempt in trajectory.attempts})
        assert len(pictures[1]) == len(trajectory.attempts)
        text = "".join(part.text for part in hard.parts if isinstance(part, TextPart))
        assert text.count("<critic>") == len(trajectory.attempts)
        assert easy.parts[0] == TextPart(text=f"<gthink>{trajectory.plan.reasoning}</gthink>")


def test_the_report_tells_a_new_seed_from_new_words(made: Made) -> None:
    generators = {**made.generators}
    asyncio.run(repair_failures(made.folder, generators, limit=4, seed=0))  # type: ignore[arg-type]
    rows = list(made.folder.repairs)
    before = made.maker.made
    asyncio.run(repair_failures(made.folder, generators, limit=4, seed=0))  # type: ignore[arg-type]
    assert made.maker.made == before, "what is known is not made again"
    report = repair_report(rows)
    words = report["any_rewording"]
    assert isinstance(words, dict)
    assert words["seed_only"] == words["both"] == 0, "this generator has no luck, only understanding"
    assert isinstance(words["words_only"], float)
    assert words["words_only"] > 0


def test_shares_of_repairs_add_up() -> None:
    rows = [
        RepairRow(
            id=str(i), before=2, same=9, same_fixed=i % 2 == 0, drawn="plain",
            reworded=dict.fromkeys(("plain", "varied", "synonyms", "mistake", "position", "keep"), 5.0),
            reworded_fixed=dict.fromkeys(("plain", "varied", "synonyms", "mistake", "position", "keep"), i < 3),
        )
        for i in range(8)
    ]  # fmt: skip
    blind = repair_report(rows)["blind_rewording"]
    assert isinstance(blind, dict)
    assert (blind["seed_only"], blind["words_only"], blind["both"], blind["neither"]) == (0.25, 0.125, 0.25, 0.375)


def test_a_torn_last_line_is_cut_off_and_another_version_is_refused(tmp_path: Path) -> None:
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


def test_the_command_line_makes_prompts_and_says_what_it_kept(tmp_path: Path) -> None:
    words = ["data", "prompts", str(tmp_path), "--train", "7", "--held-out", "1", "--json"]
    result = CliRunner().invoke(build_app(words), words)
    assert result.exit_code == 0, result.output
    assert sum(json.loads(result.output)["kept"].values()) == 9
    words = ["data", "planner", str(tmp_path)]
    result = CliRunner().invoke(build_app(words), words)
    assert "planner rows: 9 kept, 0 dropped" in result.output
