"""`evaluate …` prints tables, and the documented JSON keys with --json."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from PIL import Image

from interleavethinker.cli import main
from interleavethinker.evaluation import charts
from interleavethinker.evaluation.micro import critic_workers
from interleavethinker.evaluation.micro import generator as micro_generator
from interleavethinker.evaluation.micro import planner as micro_planner
from interleavethinker.evaluation.micro.critic_workers import CriticAnswer, CriticAnswers, LocalWorkerPool
from interleavethinker.microworld.agents import registry as agents
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.generators import micro as generator
from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.microworld.language.held_out import HELD_OUT_FAMILIES
from interleavethinker.microworld.language.templates import EDIT_KINDS
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Verdict


class FakeGenerator(OracleGenerator):
    """Takes the generator's arguments and needs no weights."""

    def __init__(self, checkpoint: Path | None = None, *, weaker: bool = False) -> None:
        self.pipeline = (checkpoint, weaker)


@pytest.fixture(autouse=True)
def fake_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_generator, "MicroGenerator", FakeGenerator)
    monkeypatch.setattr(generator, "MicroGenerator", FakeGenerator)


def run(*words: str, command: str = "micro-generator", code: int = 0) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", command, *words])
    assert exit_.value.code == code


def test_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7", "--seed", "5", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["n"], report["seed"]) == (7, 5)
    assert report["text_to_image"]["exact"] == report["edit"]["exact"] == 1
    assert {kind: figures["exact"] for kind, figures in report["edit"]["kinds"].items()} == dict.fromkeys(EDIT_KINDS, 1)
    assert {family: figures["exact"] for family, figures in report["held_out"].items()} == dict.fromkeys(
        HELD_OUT_FAMILIES, 1
    )
    assert all(figures["exact_rewritten"] == 1 for figures in report["held_out"].values())
    assert report["seconds_per_image"] == max(report["seconds"]["generate"], report["seconds"]["edit"]) > 0


def test_a_kind_without_samples_has_no_figures_rather_than_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "1", "--json")
    kinds = json.loads(capsys.readouterr().out)["edit"]["kinds"]
    assert [kinds[kind]["samples"] for kind in EDIT_KINDS] == [1, 0, 0, 0, 0, 0, 0]
    assert kinds["add"]["exact"] == 1
    assert kinds["remove"]["exact"] is kinds["remove"]["quality_high"] is None
    run("--n", "1")
    assert "–" in capsys.readouterr().out


def test_no_interval_exceeds_the_scale(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7", "--json")
    figures = json.loads(capsys.readouterr().out)["text_to_image"]
    assert figures["quality_low"] <= figures["quality"] <= figures["quality_high"] <= 10


def test_the_gallery_is_a_png_whatever_its_name_and_an_unwritable_file_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "sheet.image"
    run("--out", str(out), command="micro-gallery")
    with Image.open(out) as sheet:
        assert (sheet.format, sheet.width > 1000) == ("PNG", True)
    capsys.readouterr()
    run("--out", str(out / "below.png"), command="micro-gallery", code=3)
    assert "below.png" in capsys.readouterr().err


def test_the_table_has_a_line_for_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "7")
    printed = capsys.readouterr().out
    for words in (
        "text to image",
        "single edits",
        "held-out categories",
        *EDIT_KINDS,
        *(f"{family}, rewritten" for family in HELD_OUT_FAMILIES),
    ):
        assert words in printed
    assert "s per edit" in printed


def installed(folder: Path, *names: str) -> dict[str, AgentWeights]:
    """Returns a registry of shipped critics of which only the given ones are installed."""
    for name, config in {"base": "config.json", **dict.fromkeys(names, "adapter_config.json")}.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / config).write_text("{}", encoding="utf-8")
        (folder / name / "any.safetensors").touch()
    base = f"qwen3-vl:{folder / 'base'}"
    tuned = {"sft_continued": "sft_continued", "grpo": "grpo", "grpo_seed1": "grpo"}
    adapters = {
        name: AgentWeights(variant, base, str(folder / name), int(name.endswith("1")))
        for name, variant in tuned.items()
    }
    return {"sft": AgentWeights("sft", base), **adapters}


@pytest.fixture
def critics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All critics are installed except the continued one; each refines every attempt with its own prompt."""

    def judge(weights: AgentWeights, _temperature: float, cases: Sequence[CriticInput]) -> CriticAnswers:
        words = "a big red ball in the middle" if weights.adapter else "crimson"
        return [CriticAnswer(Verdict(success=False, refined_prompt=words), well_formed=True) for _ in cases]

    @contextmanager
    def pool(*, weaker: bool, workers: int, max_new_tokens: int) -> Iterator[LocalWorkerPool]:
        assert (weaker, workers, max_new_tokens) == (False, 2, 220)
        yield LocalWorkerPool(KeywordGenerator(), ImageStore(tmp_path / "store"), judge)

    monkeypatch.setattr(agents, "CRITICS", installed(tmp_path, "grpo", "grpo_seed1"))
    monkeypatch.setattr(critic_workers, "open_worker_pool", pool)
    return tmp_path


def test_critics_are_reported_under_the_documented_keys(critics: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "6", "--retry-seeds", "1", "--json", "--out", str(critics / "out"), command="micro-critic")
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert "skipped: sft_continued" in captured.err
    for mode in (report, report["greedy"]):
        for name in ("sft", "grpo"):
            assert {"format", "accuracy", "accuracy_true", "accuracy_false", "score_gain"} <= mode[name].keys()
        assert "score_gain" in mode["reseed"]
        for name in ("grpo_minus_sft", "grpo_minus_reseed", "sft_minus_reseed"):
            assert {"score_gain", "low", "high"} <= mode[name].keys()
    assert (report["grpo"]["training_seeds"], report["sft"]["training_seeds"]) == (2, 1)
    assert json.loads((critics / "out" / "micro-critic.json").read_text(encoding="utf-8")) == report
    if charts.charts_available():
        with Image.open(critics / "out" / "micro-critic.png") as chart:
            assert chart.format == "PNG"


def test_critics_are_selected_by_name_or_variant_and_another_one_can_be_added(
    critics: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(*words: str) -> list[str]:
        run("--n", "2", "--tries", "1", "--json", *words, command="micro-critic")
        return list(json.loads(capsys.readouterr().out)["models"])

    assert measured("--models", "grpo") == ["grpo", "grpo_seed1"]
    assert measured("--models", "sft,grpo_seed1") == ["sft", "grpo_seed1"]
    own = ("--model", f"qwen3-vl:{critics}", "--adapter", str(critics))
    assert measured(*own) == ["critic"]
    assert measured(*own, "--models", "sft") == ["critic", "sft"]
    run("--models", "sft_continued", command="micro-critic", code=3)
    assert "Installed: sft, grpo, grpo_seed1" in capsys.readouterr().err
    run("--models", "best", command="micro-critic", code=3)
    assert "Unknown model 'best'" in capsys.readouterr().err


@pytest.mark.usefixtures("critics")
def test_critics_are_printed_as_a_table_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    run("--n", "4", "--retry-seeds", "1", command="micro-critic")
    printed = capsys.readouterr().out
    for words in ("reseed", "sft", "grpo minus reseed", "score gain", "sampled", "greedy"):
        assert words in printed


def test_a_planner_is_reported_under_the_documented_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(micro_planner, "chat_model", lambda *_, **__: FakeListChatModel(responses=["what?"]))
    run("--model", "qwen3-vl:x", "--n", "7", "--json", "--out", str(tmp_path), command="micro-planner")
    report = json.loads(capsys.readouterr().out)
    for mode in (report, report["sampled"], report["reference"]["scripted"]):
        assert {"valid", "valid_low", "valid_high"} <= mode.keys()
        for split in ("unseen_combinations", "unseen_templates"):
            assert mode["fulfilled"][f"{split}_low"] <= mode["fulfilled"][split] <= 1
    assert (report["valid"], report["fulfilled"]["unseen_templates_n"]) == (0, 7)
    assert json.loads((tmp_path / "micro-planner.json").read_text(encoding="utf-8")) == report
    run("--model", "qwen3-vl:x", "--n", "7", command="micro-planner")
    assert "unseen templates" in capsys.readouterr().out


def test_the_error_for_a_planner_that_is_not_installed_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(agents, "PLANNERS", {"sft": AgentWeights("sft", f"qwen3-vl:{tmp_path / 'planner'}")})
    run(command="micro-planner", code=3)
    assert "results/training-log.md" in capsys.readouterr().err


SCRIPTED = """
description = "scripted agents"
[planner]
object = "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
[critic]
object = "interleavethinker.microworld.agents.scripted_critic:ScriptedCritic"
[generator]
model = "micro"
"""


def test_natural_requests_are_reported_as_a_table_as_json_and_as_a_contact_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, out = tmp_path / "scripted.toml", tmp_path / "out"
    profile.write_text(SCRIPTED, encoding="utf-8")
    words = ("--plans-only", "--n", "12", "--seed", "3", "--profile", str(profile), "--out", str(out))
    run(*words, command="micro-natural")
    printed = capsys.readouterr().out
    assert "| all |" in printed
    assert (out / "micro-natural.md").read_text(encoding="utf-8").strip() == printed.strip()
    report = json.loads((out / "micro-natural.json").read_text(encoding="utf-8"))
    assert (report["split"], report["n"], report["seed"], len(report["requests"])) == ("dev", 12, 3, 12)
    assert report["kinds"]["single image"]["n"] == 1
    assert (out / "micro-natural.html").read_text(encoding="utf-8").count("<article") == 12
    run(*words[:-2], "--json", command="micro-natural")
    assert json.loads(capsys.readouterr().out) == report


def test_single_sealed_requests_are_reported_only_on_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = tmp_path / "scripted.toml"
    profile.write_text(SCRIPTED, encoding="utf-8")
    words = ("--split", "sealed", "--plans-only", "--n", "12", "--profile", str(profile))
    run(*words, "--out", str(tmp_path), command="micro-natural")
    assert "sealed-0" not in capsys.readouterr().out
    assert not (tmp_path / "micro-natural.html").exists()
    run(*words, "--details", command="micro-natural")
    assert "sealed-0" in capsys.readouterr().out


def test_an_unknown_split_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    run("--split", "train", command="micro-natural", code=2)
    assert "must be dev or sealed; got 'train'" in capsys.readouterr().err
