"""What a data stage kept and what it dropped, with the reasons; every stage returns one and the command prints it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["StageSummary"]


@dataclass
class StageSummary:
    """Counts of one stage."""

    stage: str
    kept: Counter[str] = field(default_factory=Counter)
    """By group."""
    dropped: Counter[str] = field(default_factory=Counter)
    """By reason."""

    def keep(self, group: str, count: int = 1) -> None:
        """Counts rows that stay."""
        self.kept[group] += count

    def drop(self, reason: str, count: int = 1) -> None:
        """Counts rows that go."""
        self.dropped[reason] += count

    def as_json(self) -> dict[str, object]:
        """For `--json` and for logs."""
        return {"stage": self.stage, "kept": dict(self.kept), "dropped": dict(self.dropped)}

    def __str__(self) -> str:
        """A few lines for people."""
        lines = [f"{self.stage}: {self.kept.total()} kept, {self.dropped.total()} dropped"]
        lines += [f"  kept     {count:6d}  {group}" for group, count in sorted(self.kept.items())]
        lines += [f"  dropped  {count:6d}  {reason}" for reason, count in sorted(self.dropped.items())]
        return "\n".join(lines)
