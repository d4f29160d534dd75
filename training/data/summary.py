"""The result of a data stage: how many rows it kept and dropped, with the reasons. The command prints it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["StageSummary"]


@dataclass
class StageSummary:
    """Numbers of rows that one stage kept and dropped."""

    stage: str
    kept: Counter[str] = field(default_factory=Counter)
    """By group."""
    dropped: Counter[str] = field(default_factory=Counter)
    """By reason."""

    def keep(self, group: str, count: int = 1) -> None:
        """Counts kept rows."""
        self.kept[group] += count

    def drop(self, reason: str, count: int = 1) -> None:
        """Counts dropped rows, if there are any."""
        if count:
            self.dropped[reason] += count

    def as_json(self) -> dict[str, object]:
        """The summary as JSON data, for `--json`."""
        return {"stage": self.stage, "kept": dict(self.kept), "dropped": dict(self.dropped)}

    def __str__(self) -> str:
        """The summary as a few lines of text."""
        lines = [f"{self.stage}: {self.kept.total()} kept, {self.dropped.total()} dropped"]
        lines += [f"  kept     {count:6d}  {group}" for group, count in sorted(self.kept.items())]
        lines += [f"  dropped  {count:6d}  {reason}" for reason, count in sorted(self.dropped.items())]
        return "\n".join(lines)
