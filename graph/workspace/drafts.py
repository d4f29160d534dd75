"""Where a plan lies that a person has edited and not approved: in the workspace's folder on this machine."""

import contextlib
from pathlib import Path

__all__ = ["draft_file", "forget_drafts"]


def draft_file(root: Path, trajectory: str, version: int) -> Path:
    """Returns the file of the edited form of a plan; it may be missing, and so may its folder.

    Args:
        root: The workspace's folder.
        trajectory: Its id.
        version: The plan's version; a later plan has a file of its own.
    """
    return root / "plan-drafts" / f"{trajectory}.{version}.json"


def forget_drafts(root: Path, trajectory: str) -> None:
    """Removes the drafts of a trajectory; files that cannot be removed stay."""
    with contextlib.suppress(OSError):
        for file in draft_file(root, trajectory, 0).parent.glob(f"{trajectory}.*.json"):
            file.unlink()
