"""Figures of `evaluate micro-critic` on the site and on the model cards, from the report of a run.

`python -m tests.docs.critic_figures` writes those of `results/micro-critic/micro-critic.json` into the pages; read the
sentences around them afterwards. `test_figures` finds pages that differ from the report.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from interleavethinker.microworld.agents.rewriting import STRATEGIES

from .blocks import ROOT

REPORT = ROOT / "results" / "micro-critic" / "micro-critic.json"
SITE = ROOT / "docs" / "micro-world" / "results.md"
CARDS = ROOT / "microworld" / "checkpoints"
ROWS = {
    "SFT": "sft",
    "SFT continued": "sft_continued",
    "GRPO": "grpo",
    "GRPO without step-wise reward": "grpo_without_step_wise",
    "GRPO without accuracy reward": "grpo_without_accuracy",
    "one agent, both roles": "one_agent",
}
ADAPTERS: dict[str, str | tuple[str, str]] = {
    "critic-sft-continued": "sft_continued",
    "critic-grpo": ("grpo_by_training_seed", "0"),
    "critic-grpo-seed1": ("grpo_by_training_seed", "1"),
    "critic-grpo-no-step": "grpo_without_step_wise",
    "critic-grpo-no-accuracy": "grpo_without_accuracy",
}
COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six")
GOOD_ENOUGH = 0.8
"""The target for each kind of rewording."""


def interval(part: Any, name: str) -> str:
    value, low, high = (part[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")


def difference(part: Any, *names: str) -> str:
    values = (part[name] for name in names or ("score_gain", "low", "high"))
    value, low, high = (f"{one:+.3f}".replace("-", "−") for one in values)
    return f"{value} [{low}, {high}]"


def verdicts(part: Any) -> list[str]:
    shares = (f"{part[name]:.3f}" for name in ("accuracy_true", "accuracy_false"))
    return [f"{part['format']:.3f}", interval(part, "accuracy"), *shares, interval(part, "score_gain")]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def site_table(report: Any) -> list[str]:
    greedy = report["greedy"]
    lines = []
    for label, name in ROWS.items():
        one, served = report[name], greedy[name]
        last = (interval(served, "accuracy"), interval(served, "score_gain"))
        lines.append(row(label, str(one["training_seeds"]), *verdicts(one), *last))
    seed = (interval(report["reseed"], "score_gain"), "", interval(greedy["reseed"], "score_gain"))
    return [*lines, row("a new seed only", *[""] * 5, *seed)]


def adapter_table(report: Any, where: str | tuple[str, str]) -> list[str]:
    keys = (where,) if isinstance(where, str) else where
    lines = []
    for mode, one in (("sampled", report), ("greedy", report["greedy"])):
        part = one
        for key in keys:
            part = part[key]
        lines.append(row(mode, *verdicts(part)))
    return lines


def base_table(report: Any) -> list[str]:
    sampled, greedy = report["sft"], report["greedy"]["sft"]

    def both(label: str, target: str, show: Callable[[Any], str]) -> str:
        return row(label, target, show(sampled), show(greedy))

    return [
        both("answers in the right format", "0.99", lambda one: f"{one['format']:.3f}"),
        both("verdicts right", "0.85", lambda one: interval(one, "accuracy")),
        both("· on good attempts", "0.75", lambda one: f"{one['accuracy_true']:.3f}"),
        both("· on bad attempts", "0.75", lambda one: f"{one['accuracy_false']:.3f}"),
        both("prompts that follow their strategy", "0.8 of each", lambda one: f"{one['written_correctly']:.2f} of all"),
        both("score gain of a reworded prompt (0–1)", "", lambda one: interval(one, "score_gain")),
        row(
            "score gain of a new seed",
            "",
            *(interval(one["reseed"], "score_gain") for one in (report, report["greedy"])),
        ),
    ]


def kinds(report: Any) -> list[tuple[str, float]]:
    """Returns how often each kind of rewording is written correctly, the best one first."""
    found = report["sft"]["strategies"]
    shares = [(name, found[name]["written_correctly"]) for name in STRATEGIES]
    return sorted(((name, share) for name, share in shares if share is not None), key=lambda one: -one[1])


def with_table(text: str, start: str, head: str, lines: list[str]) -> str:
    """Returns the text with another first head and other rows of the table whose first head starts with `start`."""
    pattern = rf"^\| {re.escape(start)}[^|]*\|(?P<heads>.*\n\|[- |]+\|\n)(?:\|.*\n)+"
    rows = "".join(f"{line}\n" for line in lines)
    found, count = re.subn(pattern, lambda one: f"| {head} |{one['heads']}{rows}", text, flags=re.MULTILINE)
    assert count == 1, start
    return found


def with_sentences(text: str, replaced: dict[str, str]) -> str:
    """Returns the text with each pattern's match replaced."""
    for pattern, words in replaced.items():
        text, count = re.subn(pattern, lambda _, words=words: words, text)  # type: ignore[misc]
        assert count == 1, pattern
    return text


def site(text: str, report: Any) -> str:
    accuracy = ("accuracy", "accuracy_low", "accuracy_high")
    gains = r"[+−]\d\.\d+ \[[^\]]*\]"
    fallen = [(name, share) for name, share in kinds(report) if share < GOOD_ENOUGH]
    listed = ", ".join(f"{name} {share:.2f}" for name, share in fallen)
    head = f"`evaluate micro-critic --seed {report['seed']}`, {report['n']} first attempts, {report['failures']} failed"
    text = with_table(text, "`evaluate micro-critic", head, site_table(report))
    return with_sentences(
        text,
        {
            rf"(?<=trains, GRPO − SFT is ){gains}": difference(report["grpo_minus_sft"]),
            rf"(?<=teachers instead of rewards\) ){gains}": difference(report["grpo_minus_sft_continued"]),
            rf"(?<=\nGRPO − a new seed ){gains}": difference(report["grpo_minus_reseed"]),
            rf"(?<=\nthe SFT critic: ){gains}": difference(report["greedy"]["grpo_minus_sft"]),
            rf"(?<=than the SFT critic's \(){gains}": difference(report["grpo_minus_sft"], *accuracy),
            rf"(?<=\nof SFT continued \(){gains}": difference(report["grpo_minus_sft_continued"], *accuracy),
            r"(?<=Its accuracy is\n)[\d.]+(?=,)": f"{report['sft']['accuracy']:.3f}",
            r"\w+ of the six kinds of rewording\nfall short: [^.]*(?:\.\d\d[^.]*)*\.(?=\n)": (
                f"{COUNTS[len(fallen)]} of the six kinds of rewording\nfall short: {listed}."
            ),
        },
    )


def base_card(text: str, report: Any) -> str:
    cases = f"{report['n']} first attempts, {report['failures']} failed"
    head = f"`evaluate micro-critic --models sft --seed {report['seed']}`, {cases}"
    near = [one["sft"]["near_threshold"] for one in (report, report["greedy"])]
    shares = ", ".join(f"{name} {share:.2f}" for name, share in kinds(report))
    return with_sentences(
        with_table(text, "`evaluate micro-critic", head, base_table(report)),
        {
            r"For the \d+ attempts near the threshold, [\d.]+ \(sampled\) and [\d.]+ \(greedy\)": (
                f"For the {near[0]['n']} attempts near the threshold, {near[0]['accuracy']:.2f} (sampled) and "
                f"{near[1]['accuracy']:.2f} (greedy)"
            ),
            r"(?<=their strategy, sampled: )[^;]*(?=;)": shares,
        },
    )


def pages(report: Any) -> Iterator[tuple[Any, str]]:
    """Yields each page with its text as the report wants it."""
    yield SITE, site(SITE.read_text(encoding="utf-8"), report)
    base = CARDS / "critic" / "README.md"
    yield base, base_card(base.read_text(encoding="utf-8"), report)
    cases = f"{report['n']} first attempts, {report['failures']} failed"
    head = f"`interleavethinker evaluate micro-critic --seed {report['seed']}`, {cases}"
    for folder, where in ADAPTERS.items():
        card = CARDS / "adapters" / folder / "README.md"
        text = card.read_text(encoding="utf-8")
        yield card, with_table(text, "`interleavethinker evaluate micro-critic", head, adapter_table(report, where))


def main() -> None:
    """Writes the pages."""
    for page, text in pages(json.loads(REPORT.read_text(encoding="utf-8"))):
        page.write_text(text, encoding="utf-8")
        print(page.relative_to(ROOT))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
