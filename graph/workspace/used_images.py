"""Which images the trajectories of a workspace use, for thousands of them in one pass over the database.

Restoring a state takes LangGraph milliseconds. The names of its images lie in few of its rows: in the oldest
checkpoint, which holds all of a new state, and in what the nodes wrote to the channels `request` and `attempts`. This
module replays these writes as the channels' reducers do, without restoring any object, and leaves a trajectory whose
rows look otherwise to the caller.
"""

import re
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any

import ormsgpack

__all__ = ["IMAGE_NAME", "used_images"]

IMAGE_NAME = re.compile(rb"[0-9a-f]{64}")
_CHECKPOINTS = "SELECT thread_id, min(checkpoint_id), max(checkpoint_id) FROM checkpoints GROUP BY thread_id"
_OLDEST = "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?"
# In the order of the primary key, so that nothing is sorted.
_WRITES = """
    SELECT thread_id, checkpoint_id, channel, type, value FROM writes WHERE channel IN ('attempts', 'request')
    ORDER BY thread_id, checkpoint_ns, checkpoint_id, task_id, idx
"""

_Row = tuple[str, str, str, str | None, bytes]
_Names = dict[str, set[bytes]]
"""Names of images by the key of the attempt that uses them."""


class _UnfamiliarError(Exception):
    """Rows of another form than this version's nodes write."""


def used_images(connection: sqlite3.Connection, trajectories: Collection[str]) -> tuple[set[str], set[str]]:
    """Returns the names of all images that trajectories use, and the trajectories whose states must be asked instead.

    Args:
        connection: Of the workspace's database.
        trajectories: Their ids.
    """
    ends = {thread: (oldest, newest) for thread, oldest, newest in connection.execute(_CHECKPOINTS)}
    writes: dict[str, list[_Row]] = {}
    for row in connection.execute(_WRITES):
        writes.setdefault(row[0], []).append(row)
    used: set[bytes] = set()
    unclear: set[str] = set()
    for trajectory in trajectories:
        try:
            oldest, newest = ends[trajectory]
            first = connection.execute(_OLDEST, (trajectory, oldest)).fetchone()
            used |= _names(*_beginning(first), writes.get(trajectory, ()), newest)
        except (KeyError, TypeError, ValueError, _UnfamiliarError):  # Whatever is unpacked may be damaged.
            unclear.add(trajectory)
    return {name.decode() for name in used}, unclear


def _names(request: set[bytes], attempts: _Names, rows: Iterable[_Row], newest: str) -> set[bytes]:
    """Returns the names that a trajectory uses after all its writes."""
    pending: set[bytes] = set()
    for checkpoint, group in groupby(rows, key=lambda row: row[1]):
        added: _Names = {}
        for _, _, channel, kind, value in group:
            if channel == "request":
                # What a node has written to the newest checkpoint may never take effect, and takes nothing away.
                pending |= request if checkpoint == newest else set()
                request = set(IMAGE_NAME.findall(value))
                continue
            for key, attempt in _unpacked(kind, value).items():
                if attempt is not None:
                    added[key] = added.get(key, set()) | set(IMAGE_NAME.findall(attempt))
                elif checkpoint != newest:
                    attempts.pop(key, None)
        if checkpoint == newest:
            pending |= _all_of(added)
        else:
            attempts |= added
    return pending | request | _all_of(attempts)


def _beginning(first: tuple[str | None, bytes]) -> tuple[set[bytes], _Names]:
    """Returns the names in the request and in the attempts of a trajectory's oldest checkpoint."""
    values = _unpacked(*first)["channel_values"]
    attempts = _unpacked("msgpack", values["attempts"]) if "attempts" in values else {}
    return set(IMAGE_NAME.findall(values["request"])), {
        key: set(IMAGE_NAME.findall(attempt)) for key, attempt in attempts.items()
    }


def _unpacked(kind: str | None, value: bytes) -> Mapping[str, Any]:
    """Returns an encoded mapping, in which every object stays encoded.

    Raises:
        _UnfamiliarError: It is something else.
    """
    if kind != "msgpack":
        raise _UnfamiliarError
    mapping = ormsgpack.unpackb(value, ext_hook=lambda _, data: data, option=ormsgpack.OPT_NON_STR_KEYS)
    if not isinstance(mapping, dict):
        raise _UnfamiliarError
    return mapping


def _all_of(names: _Names) -> set[bytes]:
    return {name for each in names.values() for name in each}
