"""The critics' evaluation on known critics: a perfect one, one that always accepts, and one that never answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from interleavethinker.evaluation.micro.critic import CriticEvalConfig, measure_critics
from interleavethinker.evaluation.micro.critic_cases import CriticCase, generate_cases
from interleavethinker.evaluation.micro.critic_report import CriticRun, _variant_results, critic_report, retries_needed
from interleavethinker.evaluation.micro.critic_workers import (
    CriticAnswer,
    CriticAnswers,
    LocalWorkerPool,
    ask_critic_model,
)
from interleavethinker.evaluation.micro.rewrite_classifier import OTHER, SAME, RewriteClass, classify_rewrite
from interleavethinker.microworld.agents.registry import AgentWeights
from interleavethinker.microworld.agents.rewriting import STRATEGIES, rewrite_prompt
from interleavethinker.microworld.agents.teachers import checklist_of
from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.microworld.language.templates import describe
from interleavethinker.tools.chat.answers import write_verdict
from interleavethinker.tools.chat.rendering import load_prompts
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import CriticInput, Requirement, Verdict

Rule = Callable[[CriticCase], Verdict]
CONFIG = CriticEvalConfig(n=12, retry_seeds=2, seed=0)


def pool_of(folder: Path, rules: Mapping[str, Rule]) -> LocalWorkerPool:
    """Returns a pool with a generator that follows trained words only, and rule-based critics by model name."""
    store, generator = ImageStore(folder), KeywordGenerator()
    known = {
        one.input: one
        for one in generate_cases(generator, store, CONFIG.n, CONFIG.seed, retry_seeds=CONFIG.retry_seeds)
    }

    def judge(weights: AgentWeights, _temperature: float, cases: Sequence[CriticInput]) -> CriticAnswers:
        verdicts = [rules[weights.model](known[case]) for case in cases]
        return [CriticAnswer(verdict, verdict.success is not None) for verdict in verdicts]

    return LocalWorkerPool(generator, store, judge)


def perfect(case: CriticCase) -> Verdict:
    return Verdict(success=case.success, refined_prompt=rewrite_of("plain", case))


def always_accepts(_case: CriticCase) -> Verdict:
    return Verdict(success=True, refined_prompt="x")


def rewrite_of(strategy: str, case: CriticCase) -> str:
    return rewrite_prompt(strategy, case.target, case.target.before, case.score.faults, np.random.default_rng(1))


def measure(folder: Path, **rules: Rule) -> Any:
    """Returns the report; a digit at the end of a model's name makes it another training seed of the variant."""
    critics = {
        name: AgentWeights(name.rstrip("12"), name, seed=int(name[-1]) if name[-1].isdigit() else 0) for name in rules
    }
    return measure_critics(pool_of(folder, rules), critics, CONFIG)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Sequence[CriticCase]:
    return generate_cases(KeywordGenerator(), ImageStore(tmp_path_factory.mktemp("cases")), 24, 0, retry_seeds=2)


def test_cases_are_a_function_of_the_seed_and_a_larger_n_starts_with_a_smaller_ones_cases(
    cases: Sequence[CriticCase], tmp_path: Path
) -> None:
    again = generate_cases(KeywordGenerator(), ImageStore(tmp_path), 10, 0, retry_seeds=2)
    assert [(one.input, one.seeds, one.success) for one in again] == [
        (one.input, one.seeds, one.success) for one in cases[:10]
    ]
    assert {one.success for one in cases} == {True, False}


def test_a_perfect_critic_gains_what_new_seeds_cannot(tmp_path: Path) -> None:
    report = measure(tmp_path, grpo=perfect, sft=always_accepts)
    assert report["grpo"]["accuracy"] == report["grpo"]["format"] == 1
    assert report["reseed"]["score_gain"] == 0
    assert report["grpo_minus_reseed"]["score_gain"] == report["grpo"]["score_gain"] > 0.5
    assert report["grpo_minus_sft"]["low"] > 0
    assert report["grpo_minus_sft"]["accuracy"] > 0
    assert report["greedy"]["grpo"]["score_gain"] == report["grpo"]["score_gain"]


def test_a_critic_that_always_accepts_is_correct_on_successes_only_and_gains_nothing(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=always_accepts)
    assert (report["sft"]["accuracy_true"], report["sft"]["accuracy_false"]) == (1, 0)
    assert report["sft"]["score_gain"] == 0


def test_an_unparsable_answer_counts_as_wrong(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=lambda _case: Verdict(success=None))
    assert report["sft"]["format"] == report["sft"]["accuracy"] == report["sft"]["score_gain"] == 0


def test_training_seeds_are_averaged_case_by_case_and_also_reported_separately(tmp_path: Path) -> None:
    report = measure(tmp_path, grpo=perfect, grpo1=always_accepts)
    assert report["grpo"]["training_seeds"] == 2
    alone = report["grpo_by_training_seed"]
    assert report["grpo"]["score_gain"] == pytest.approx(alone["0"]["score_gain"] / 2, abs=1e-4)
    assert (alone["0"]["accuracy_false"], alone["1"]["accuracy_false"]) == (1, 0)


def test_variants_share_retries_and_successes_are_not_retried(tmp_path: Path) -> None:
    pool = pool_of(tmp_path, {"sft": perfect, "grpo": perfect})
    report: Any = measure_critics(pool, {name: AgentWeights(name, name) for name in ("sft", "grpo")}, CONFIG)
    made = [(one.prompt, one.target) for one in pool.retries]
    assert len(made) == len({(prompt, str(target)) for prompt, target in made})
    assert report["failures"] < len(made) <= 2 * report["failures"]


def test_cases_near_the_threshold_are_reported_separately(tmp_path: Path) -> None:
    report = measure(tmp_path, sft=perfect)
    assert report["sft"]["clear"]["n"] + report["sft"]["near_threshold"]["n"] == report["n"] == CONFIG.n
    assert report["sft"]["near_threshold"]["n"] == report["near_threshold"]


def test_every_strategy_is_recognized_by_its_own_rewrites(cases: Sequence[CriticCase]) -> None:
    failed = [case for case in cases if not case.success]
    for strategy in STRATEGIES:
        found = [classify_rewrite(rewrite_of(strategy, case), case) for case in failed]
        assert all(one.correct for one in found), strategy
        assert RewriteClass(strategy, correct=True) in found


def test_any_ordinary_wording_of_the_step_counts_as_varied_and_other_prompts_do_not(
    cases: Sequence[CriticCase],
) -> None:
    rng, moved_scenes = np.random.default_rng(7), 0
    for case in cases:
        if case.success or case.source is not None or not case.target.after.objects:
            continue
        after = case.target.after
        sizes_given = tuple(cell not in case.target.open_sizes for cell in after.objects)
        for _ in range(40):  # a sample of hundreds of orders and phrases
            assert classify_rewrite(describe(after, rng, sizes_given), case).correct
        moved = replace(after, cells=after.cells[::-1])
        if moved.cells != after.cells:
            moved_scenes += 1
            assert not classify_rewrite(describe(moved, rng, sizes_given[::-1]), case).correct
    assert moved_scenes


def test_an_incorrect_rewrite_counts_for_the_most_similar_strategy(cases: Sequence[CriticCase]) -> None:
    case = next(one for one in cases if not one.success and len(rewrite_of("keep", one).split()) > 5)
    assert classify_rewrite(f"{rewrite_of('keep', case)} zebra", case) == RewriteClass("keep", correct=False)
    assert classify_rewrite("zebra zebra", case) == RewriteClass(OTHER, correct=False)


def test_repeating_the_prompt_is_not_a_strategy(cases: Sequence[CriticCase]) -> None:
    found = {classify_rewrite(case.input.prompt, case).strategy for case in cases if not case.success}
    assert SAME in found


def test_strategies_are_reported_with_their_correctness_and_score_gain(tmp_path: Path) -> None:
    strategies = measure(tmp_path, sft=perfect)["sft"]["strategies"]
    assert strategies["plain"] == {
        "share": 1,
        "written_correctly": 1,
        "score_gain": pytest.approx(strategies["plain"]["score_gain"]),
    }
    assert strategies["keep"]["share"] == 0


def test_a_chat_model_is_asked_once_and_its_answer_format_is_checked_strictly(tmp_path: Path) -> None:
    case = generate_cases(KeywordGenerator(), (store := ImageStore(tmp_path)), 1, 0)[0].input
    verdict = Verdict(success=False, refined_prompt="draw it", reasoning="no")
    strict, loose = write_verdict(verdict), '{"previous_step_success": false, "refine_prompt": "draw it"}'
    model = FakeListChatModel(responses=[strict, loose, "no idea"])

    def first_answer() -> CriticAnswer:
        return ask_critic_model(model, store, [case], load_prompts())[0]

    assert first_answer() == (verdict, True, None)
    assert first_answer() == (verdict.model_copy(update={"reasoning": ""}), False, None)
    unparsed, well_formed, _ = first_answer()
    assert (unparsed.success, well_formed) == (None, False)


def test_checklists_are_compared_with_what_failed_and_answers_are_counted_in_tokens(
    cases: Sequence[CriticCase],
) -> None:
    failed = next(one for one in cases if not one.success)
    good = next(one for one in cases if one.success)
    right = Verdict(success=False, refined_prompt="r", checklist=checklist_of(failed.score, failed.target.before))
    assert [one for one in right.checklist if one.met is False], "something failed"
    wrong = right.model_copy(update={"checklist": (Requirement(text="a zebra", met=False),)})
    run = CriticRun("sft", 0, (right, wrong, Verdict(success=True)), (True,) * 3, (10, 20, 60))
    scores = {(at, prompt): (0.5,) for at in (0, 1) for prompt in (failed.input.prompt, "r")}
    report: Any = critic_report([failed, failed, good], {"sft": run}, scores)["sft"]
    assert report["tokens"] == 30
    assert (report["checklists"]["right"], report["checklists"]["right_on_bad"]) == (0.5, 0.5)
    assert report["checklists"]["given"] == pytest.approx(2 / 3, abs=1e-4)
    silent = CriticRun("sft", 0, (right.model_copy(update={"checklist": ()}),), (True,))
    bare: Any = critic_report([failed], {"sft": silent}, scores)["sft"]
    assert not {"tokens", "checklists"} & bare.keys()


def test_a_variant_is_averaged_over_its_models_case_by_case(cases: Sequence[CriticCase]) -> None:
    failure = replace(next(one for one in cases if not one.success), seeds=(1, 2))
    success = next(one for one in cases if one.success)
    reject, accept = Verdict(success=False, refined_prompt="better"), Verdict(success=True)
    models = {
        "a": CriticRun("grpo", 0, (reject, accept), (True, True)),
        "b": CriticRun("grpo", 1, (accept, accept), (True, False)),
    }
    needed = retries_needed([failure, success], list(models.values()))
    assert needed == [(0, failure.input.prompt), (0, "better")]
    scores = {(0, failure.input.prompt): (0.1, 0.1), (0, "better"): (0.8, 0.6)}
    found = _variant_results([failure, success], models, scores, [0])
    assert (found.models, found.well_formed, found.correct) == (2, [1.0, 0.5], [0.5, 1.0])
    assert found.gains == [pytest.approx((0.7 - failure.score.overall / 10) / 2)]
