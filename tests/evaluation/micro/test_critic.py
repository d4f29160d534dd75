"""The critics' evaluation with critics that are known: a perfect one, a yes-sayer, and one that never answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from interleavethinker.evaluation.micro.critic import (
    CriticAnswers,
    CriticEvalConfig,
    LocalWorkerPool,
    ask_critic_model,
    measure_critics,
)
from interleavethinker.evaluation.micro.critic_cases import CriticCase, generate_cases
from interleavethinker.evaluation.micro.rewrite_classifier import OTHER, SAME, RewriteClass, classify_rewrite
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.agents.rewriting import STRATEGIES, rewrite_prompt
from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.microworld.language.templates import describe
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.chat.rendering import load_prompts
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Verdict

Rule = Callable[[CriticCase], Verdict]
CONFIG = CriticEvalConfig(n=12, tries=2, seed=0)


def pool_of(folder: Path, rules: Mapping[str, Rule]) -> LocalWorkerPool:
    """Has a generator that knows trained words only, and critics by rule, by model name."""
    store, maker = ImageStore(folder), KeywordGenerator()
    known = {one.case: one for one in generate_cases(maker, store, CONFIG.n, CONFIG.seed, tries=CONFIG.tries)}

    def judge(weights: AgentWeights, _temperature: float, cases: Sequence[CriticInput]) -> CriticAnswers:
        verdicts = [rules[weights.model](known[case]) for case in cases]
        return [(verdict, verdict.success is not None) for verdict in verdicts]

    return LocalWorkerPool(maker, store, judge)


def knows(case: CriticCase) -> Verdict:
    return Verdict(success=case.good, refined_prompt=written("plain", case))


def says_yes(_case: CriticCase) -> Verdict:
    return Verdict(success=True, refined_prompt="x")


def written(strategy: str, case: CriticCase) -> str:
    return rewrite_prompt(strategy, case.target, case.target.before, case.score.faults, np.random.default_rng(1))


def measure(folder: Path, **rules: Rule) -> Any:
    """The report; a model's name is its variant's, unless it ends in a digit: a further training seed."""
    critics = {
        name: AgentWeights(name.rstrip("12"), name, seed=int(name[-1]) if name[-1].isdigit() else 0) for name in rules
    }
    return measure_critics(pool_of(folder, rules), critics, CONFIG)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Sequence[CriticCase]:
    return generate_cases(KeywordGenerator(), ImageStore(tmp_path_factory.mktemp("cases")), 24, 0, tries=2)


def test_cases_are_a_function_of_the_seed_and_fewer_of_them_are_the_first_ones(
    cases: Sequence[CriticCase], tmp_path: Path
) -> None:
    again = generate_cases(KeywordGenerator(), ImageStore(tmp_path), 10, 0, tries=2)
    assert [(one.case, one.seeds, one.good) for one in again] == [(one.case, one.seeds, one.good) for one in cases[:10]]
    assert {one.good for one in cases} == {True, False}


def test_a_critic_that_knows_gains_what_new_seeds_cannot(tmp_path: Path) -> None:
    report = measure(tmp_path, grpo=knows, sft=says_yes)
    assert report["grpo"]["accuracy"] == report["grpo"]["format"] == 1
    assert report["reseed"]["score_gain"] == 0
    assert report["grpo_minus_reseed"]["score_gain"] == report["grpo"]["score_gain"] > 0.5
    assert report["grpo_minus_sft"]["low"] > 0
    assert report["grpo_minus_sft"]["accuracy"] > 0
    assert report["greedy"]["grpo"]["score_gain"] == report["grpo"]["score_gain"]


def test_a_yes_sayer_is_right_about_successes_only_and_gains_nothing(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=says_yes)
    assert (report["sft"]["accuracy_true"], report["sft"]["accuracy_false"]) == (1, 0)
    assert report["sft"]["score_gain"] == 0


def test_an_answer_that_cannot_be_read_counts_as_wrong(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=lambda _case: Verdict(success=None))
    assert report["sft"]["format"] == report["sft"]["accuracy"] == report["sft"]["score_gain"] == 0


def test_training_seeds_are_pooled_case_by_case_and_told_apart_beside(tmp_path: Path) -> None:
    report = measure(tmp_path, grpo=knows, grpo1=says_yes)
    assert report["grpo"]["training_seeds"] == 2
    alone = report["grpo_by_training_seed"]
    assert report["grpo"]["score_gain"] == pytest.approx(alone["0"]["score_gain"] / 2, abs=1e-4)
    assert (alone["0"]["accuracy_false"], alone["1"]["accuracy_false"]) == (1, 0)


def test_variants_share_what_is_made_again_and_successes_are_left_alone(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, {"sft": knows, "grpo": knows})
    report: Any = measure_critics(pool, {name: AgentWeights(name, name) for name in ("sft", "grpo")}, CONFIG)
    made = [(one.prompt, one.target) for one in pool.again]
    assert len(made) == len({(prompt, str(target)) for prompt, target in made})
    assert report["failures"] < len(made) <= 2 * report["failures"]


def test_cases_near_a_threshold_are_reported_apart(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=knows)
    assert report["sft"]["clear"]["n"] + report["sft"]["near_threshold"]["n"] == report["n"] == CONFIG.n
    assert report["sft"]["near_threshold"]["n"] == report["near_threshold"]


def test_every_strategy_is_recognised_by_what_it_writes(cases: Sequence[CriticCase]) -> None:
    failed = [case for case in cases if not case.good]
    for strategy in STRATEGIES:
        found = [classify_rewrite(written(strategy, case), case) for case in failed]
        assert all(one.written for one in found), strategy
        assert RewriteClass(strategy, written=True) in found


def test_any_ordinary_words_that_ask_for_the_step_are_varied_and_others_are_not(cases: Sequence[CriticCase]) -> None:
    rng, drawn = np.random.default_rng(7), 0
    for case in cases:
        if case.good or case.source is not None or not case.target.after.objects:
            continue
        after = case.target.after
        said = tuple(cell not in case.target.open_sizes for cell in after.objects)
        for _ in range(40):  # of hundreds of orders and phrases
            assert classify_rewrite(describe(after, rng, said), case).written
        moved = replace(after, cells=after.cells[::-1])
        if moved.cells != after.cells:
            drawn += 1
            assert not classify_rewrite(describe(moved, rng, said[::-1]), case).written
    assert drawn


def test_wrong_words_count_for_the_strategy_that_they_resemble(cases: Sequence[CriticCase]) -> None:
    case = next(one for one in cases if not one.good and len(written("keep", one).split()) > 5)
    assert classify_rewrite(f"{written('keep', case)} zebra", case) == RewriteClass("keep", written=False)
    assert classify_rewrite("zebra zebra", case) == RewriteClass(OTHER, written=False)


def test_repeating_the_prompt_is_no_strategy(cases: Sequence[CriticCase]) -> None:
    found = {classify_rewrite(case.case.prompt, case).strategy for case in cases if not case.good}
    assert SAME in found


def test_strategies_are_counted_with_how_well_they_are_written_and_what_they_gain(tmp_path: Path) -> None:
    strategies = measure(tmp_path, sft=knows)["sft"]["strategies"]
    assert strategies["plain"] == {
        "share": 1,
        "written": 1,
        "score_gain": pytest.approx(strategies["plain"]["score_gain"]),
    }
    assert strategies["keep"]["share"] == 0


def test_a_chat_model_is_asked_once_and_its_form_is_taken_strictly(tmp_path: Path) -> None:
    case = generate_cases(KeywordGenerator(), (store := ImageStore(tmp_path)), 1, 0)[0].case
    verdict = Verdict(success=False, refined_prompt="draw it", reasoning="no")
    strict, loose = write_verdict(verdict), '{"previous_step_success": false, "refine_prompt": "draw it"}'
    model = FakeListChatModel(responses=[strict, loose, "no idea"])

    def said() -> tuple[Verdict, bool]:
        return ask_critic_model(model, store, [case], load_prompts())[0]

    assert said() == (verdict, True)
    assert said() == (verdict.model_copy(update={"reasoning": ""}), False)
    unread, well_formed = said()
    assert (unread.success, well_formed) == (None, False)
