"""Measured figures in the documentation are those of a file in `results/`, or of the model card beside the weights.

A table with figures that no test reads is a failure: `BOUND` names the tables and the test that reads each.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.training.data import executor_throughput

from . import critic_figures
from .blocks import ROOT

RESULTS, CARDS = ROOT / "results", ROOT / "microworld" / "checkpoints"
SITE_RESULTS, SITE_WORLD = ROOT / "docs" / "micro-world" / "results.md", ROOT / "docs" / "micro-world" / "index.md"
CAPACITY = ROOT / "docs" / "guides" / "capacity.md"
PLANNER_PAGES = [SITE_RESULTS, CARDS / "planner" / "README.md"]
INTERVAL = r"\d\.\d+ \[\d\.\d+, \d\.\d+\]"

PAGES_WITH_FIGURES = ["README.md", *(f"docs/micro-world/{one.name}" for one in sorted(SITE_WORLD.parent.glob("*.md")))]

BOUND = {
    "README.md": {
        "n = 308": "tests/evaluation/microbench/test_shipped_results.py",
        "n = 1,001": "tests/evaluation/microbench/test_shipped_results.py",
    },
    "docs/micro-world/results.md": {
        "N variants, at most T_max attempts": "tests/evaluation/microbench/test_shipped_variants.py",
        "`evaluate micro-planner --seed 2612`, n = 280 per split": "test_the_planners_table",
        "`evaluate micro-critic": "test_critics_have_the_figures_of_the_report",
        "success": "test_the_table_of_natural_requests",
    },
    "docs/micro-world/index.md": {
        "request, n = 420": "test_the_generators_tables",
        "kind of edit, n = 60": "test_the_generators_tables",
    },
}
"""By page, how the first head of each table of figures begins, and the test that reads it."""


def tables(path: Path) -> list[list[list[str]]]:
    """Returns the cells of each table of a page, with its heads first."""
    found = re.findall(r"(?:^\|.*\n)+", path.read_text(encoding="utf-8"), re.MULTILINE)
    lines = [[line for line in table.splitlines() if not re.fullmatch(r"[|\s-]+", line)] for table in found]
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in table] for table in lines]


def table(path: Path, head: str) -> list[list[str]]:
    """Returns the rows of the table whose first head begins with `head`."""
    (found,) = [one[1:] for one in tables(path) if one[0][0].startswith(head)]
    return found


def report(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def rate(values: Any, name: str) -> str:
    """Returns a rate of a report as the tables show it."""
    value, low, high = (values[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


@pytest.mark.parametrize("page", PAGES_WITH_FIGURES)
def test_every_table_with_intervals_is_read_by_a_test(page: str) -> None:
    measured = [one[0][0] for one in tables(ROOT / page) if re.search(r"\d\.\d", str(one[1:]))]
    assert [head for head in measured if not head.startswith(tuple(BOUND.get(page, {})))] == []
    assert len(measured) == len(BOUND.get(page, {}))
    for test in BOUND.get(page, {}).values():
        assert test in globals() or (ROOT / test).is_file()


@pytest.mark.parametrize("page", PLANNER_PAGES, ids=["site", "card"])
def test_the_planners_table(page: Path) -> None:
    greedy = report("micro-planner/micro-planner.json")
    sampled = greedy["sampled"]
    rows = table(page, "`evaluate micro-planner")
    assert (greedy["seed"], greedy["n"], len(rows)) == (2612, 280, 3)
    assert rows[0][2:] == [rate(greedy, "valid"), rate(sampled, "valid")]
    for row, split in zip(rows[1:], ("unseen_combinations", "unseen_templates"), strict=True):
        assert row[2:] == [rate(greedy["fulfilled"], split), rate(sampled["fulfilled"], split)]


@pytest.mark.parametrize("page", PLANNER_PAGES, ids=["site", "card"])
def test_the_planners_long_plans_add_up_to_those_of_the_report(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split())
    found = re.findall(r"(0\.\d+) \[0\.\d+, 0\.\d+\] of (\d+) (stories|series) of five", text)
    assert [one[2] for one in found] == ["stories", "series"]
    lengths = report("micro-planner/micro-planner.json")["plan_lengths"]
    long = [lengths[length] for length in "5678"]
    assert sum(int(n) for _, n, _ in found) == sum(one["fulfilled_n"] for one in long)
    shown = sum(round(float(share) * int(n)) for share, n, _ in found)
    assert shown == sum(round(one["fulfilled"] * one["fulfilled_n"]) for one in long)


def test_the_planners_families_on_its_card() -> None:
    families = report("micro-planner/micro-planner.json")["families"]
    rows = table(CARDS / "planner" / "README.md", "family, greedy, n = 40")
    assert [row[0] for row in rows] == list(families)
    for name, combinations, templates in rows:
        one = families[name]
        assert (one["unseen_combinations_n"], one["unseen_templates_n"]) == (40, 40)
        assert float(combinations) == pytest.approx(one["unseen_combinations"], abs=0.0051)
        assert float(templates) == pytest.approx(one["unseen_templates"], abs=0.0051)


def test_the_table_of_natural_requests() -> None:
    found = report("micro-natural/micro-natural.json")
    interval = f"{found['success']:.2f} [{found['success_low']:.2f}, {found['success_high']:.2f}]"
    counts = [
        str(found[name]) for name in ("right", "refused_rightly", "wrong_noted", "wrong_silent", "refused_wrongly")
    ]
    assert table(SITE_RESULTS, "success") == [[interval, *counts]]
    assert (found["split"], found["seed"], found["n"]) == ("sealed", 2624, 100)
    assert (
        "`interleavethinker evaluate micro-natural --split sealed --seed 2624`: 100 requests"
        in SITE_RESULTS.read_text(encoding="utf-8")
    )


def test_critics_have_the_figures_of_the_report() -> None:
    found = report("micro-critic/micro-critic.json")
    assert (found["seed"], found["n"], found["run"]["command"].split()[1:3]) == (
        2617,
        640,
        ["evaluate", "micro-critic"],
    )
    different = [str(page) for page, text in critic_figures.pages(found) if text != page.read_text(encoding="utf-8")]
    assert different == []


def test_the_figures_of_critics_are_written_where_a_report_has_them() -> None:
    found = report("reward-noise/micro-critic.json")
    for part in (found, found["greedy"]):  # The report of other critics, under the names of these.
        part.update(dict.fromkeys(critic_figures.ROWS.values(), part["sft"]) | {"grpo": part["grpo"]})
        part["grpo_minus_sft_continued"] = part["grpo_minus_grpo_noise10"]
    written = {page.parent.name: text for page, text in critic_figures.pages(found)}
    assert "| GRPO | 2 | 0.996 | 0.873 [0.825, 0.909] | 0.845 | 0.938 | 0.591 [" in written["micro-world"]
    assert "trains, GRPO − SFT is +0.243 [+0.160, +0.332], GRPO − SFT continued" in written["micro-world"]
    assert "| a new seed only | | | | | | 0.010 [" in written["micro-world"]
    assert "| greedy | 1.000 | 0.879 [" in written["critic-grpo-seed1"]
    assert "For the 15 attempts near the threshold" in written["critic"]
    assert not re.search(r"640 first|218 failed|0\.449", "".join(written.values())), "no figure of seed 0 is left"


GENERATOR_PAGES = {SITE_WORLD: "request, n = 420", CARDS / "generator" / "README.md": "task, n = 420"}


@pytest.mark.parametrize("page", GENERATOR_PAGES, ids=["site", "card"])
def test_the_generators_tables(page: Path) -> None:
    found = report("micro-generator/micro-generator.json")
    assert (found["seed"], found["n"], found["weaker"]) == (2618, 420, False)

    def cells(part: Any, suffix: str = "") -> list[str]:
        exact, low, high = (f"{part[key + suffix]:.3f}" for key in ("exact", "exact_low", "exact_high"))
        return [exact, f"{low}–{high}", *(f"{part[key + suffix]:.2f}" for key in ("semantics", "quality"))]

    held_out = [cells(part, suffix) for part in found["held_out"].values() for suffix in ("", "_rewritten")]
    shown = [row[1:] for row in table(page, GENERATOR_PAGES[page])]
    assert shown == [cells(found["text_to_image"]), cells(found["edit"]), *held_out]
    assert [row[1:] for row in table(page, "kind of edit, n = 60")] == [
        cells(one) for one in found["edit"]["kinds"].values()
    ]
    assert "evaluate micro-generator --n 420 --seed 2618" in " ".join(page.read_text(encoding="utf-8").split())


def test_the_figures_of_noisy_rewards() -> None:
    found = report("reward-noise/micro-critic.json")
    assert (found["seed"], found["n"], found["failures"]) == (2616, 240, 72)
    text = " ".join(SITE_RESULTS.read_text(encoding="utf-8").replace("−", "-").split())
    noise = text.split("**Noisy rewards.**")[1].split("With greedy critics")[0]
    shown = [f"{found[name]['score_gain']:.3f}" for name in ("grpo_noise30", "sft")]
    for name in ("grpo_minus_grpo_noise10", "grpo_minus_grpo_noise30"):
        one = found[name]
        shown.append(f"{one['score_gain']:+.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    assert [one for one in shown if one not in noise] == []
    assert len(re.findall(r"\d\.\d{3}", noise)) == 8, "no other figure"


def test_the_figures_of_a_critic_that_writes_checklists() -> None:
    found = report("critic-checklist/micro-critic.json")
    assert (found["seed"], found["n"], found["failures"]) == (2619, 240, 69)
    text = " ".join(SITE_RESULTS.read_text(encoding="utf-8").replace("−", "-").split())
    shown = text.split("does not help** (`micro-critic-checklist`")[1].split("The weights do not ship")[0]
    control = "runs/micro-critic-checklist-control/model"
    greedy = found["greedy"]
    gain, with_it, without = greedy[f"critic_minus_{control}"], greedy["critic"], greedy[control]
    for figure in (
        f"{gain['accuracy']:+.3f} [{gain['accuracy_low']:.3f}, {gain['accuracy_high']:.3f}]",
        f"{gain['score_gain']:+.3f} [{gain['low']:.3f}, {gain['high']:.3f}]",
        f"{with_it['tokens']:.0f} tokens an answer instead of {without['tokens']:.0f}",
        f"{with_it['checklists']['right']:.2f} of the answers",
    ):
        assert figure in shown


def test_as_served_rl_gains_from_three_sft_critics() -> None:
    text = " ".join(SITE_RESULTS.read_text(encoding="utf-8").split())
    found = report("training-seeds/pairs.json")
    assert (found["n"], found["seed"], len(found["pairs"])) == (1000, 1000, 3)
    assert all(pair["average"]["low"] > 0 for pair in found["pairs"])
    assert found["mean"]["average"]["low"] > 0
    assert '--8<-- "results/training-seeds/pairs.md"' in text
    assert "**As served, RL gains over SFT**, in each of the three pairs" in text


def test_no_critic_learned_the_words_of_its_generator() -> None:
    text = " ".join(SITE_RESULTS.read_text(encoding="utf-8").split())
    gains = {}
    for generator in ("trained", "objects", "looks"):
        found = report(f"dialects/pairs-{generator}.json")
        assert (found["n"], found["seed"], len(found["pairs"])) == (350, 1000, 3)
        by_critic = {Path(pair["after"]).name: pair["average"] for pair in found["pairs"]}
        own = by_critic.pop(generator)
        gains[generator] = own["low"] > 0
        assert not (gains[generator] and all(own["low"] > other["high"] for other in by_critic.values()))
        assert f'--8<-- "results/dialects/pairs-{generator}.md"' in text
    assert gains == {"trained": False, "objects": True, "looks": False}


def test_the_tables_of_growth() -> None:
    found = report("growth.json")
    rows = [row for one in tables(CAPACITY) if one[0][-1] == "exponent" for row in one[1:]]
    for row, (name, values) in zip(rows, found.items(), strict=True):
        scale = 1e6 if name == "plan_bytes" else 1
        (by_size,) = (part for part in values.values() if isinstance(part, dict))
        assert row[1:] == [*(f"{value / scale:.1f}" for value in by_size.values()), f"{values['exponent']:.2f}"], name


def differences(part: Any) -> set[tuple[float, ...]]:
    """Returns all values of a report that have an interval, with one decimal place."""
    if isinstance(part, list):
        return {one for item in part for one in differences(item)}
    if not isinstance(part, dict):
        return set()
    found = {one for item in part.values() for one in differences(item)}
    if {"value", "low", "high"} <= part.keys():
        found.add(tuple(round(part[key], 1) for key in ("value", "low", "high")))
    return found


def test_differences_in_the_text_on_microbench_are_those_of_the_report() -> None:
    text = SITE_RESULTS.read_text(encoding="utf-8").split("\n## Variants or refined prompts")[0]
    prose = " ".join(line for line in text.splitlines() if not line.startswith("|")).replace("−", "-")
    shown = re.findall(r"(?<![\d.])(-?\d+\.\d) \[(-?\d+\.\d), (-?\d+\.\d)\]", prose)
    known = differences(report("microbench/microbench.json")) | differences(report("no-repeats/microbench.json"))
    losses = {(-value, -high, -low) for value, low, high in known}  # "two agents beat one by 10.4"
    assert len(shown) >= 12
    assert [one for one in shown if tuple(map(float, one)) not in known | losses] == []


@pytest.mark.skipif(not (RESULTS / "executors.json").exists(), reason="no quiet machine has measured them yet")
def test_the_table_of_executors() -> None:
    found = report("executors.json")
    assert (RESULTS / "executors.md").read_text(encoding="utf-8") == executor_throughput.table(found)
    assert {(one["executor"], one["workers"]) for one in found["executors"]} >= {("processes", 1), ("processes", 2)}
    assert '--8<-- "results/executors.md"' in (ROOT / "docs" / "guides" / "training.md").read_text(encoding="utf-8")
