"""Which images the trajectories of a workspace use, for thousands of them in one pass over the database.

Restoring a state takes LangGraph milliseconds. The names of its images lie in few of its rows: in the oldest
checkpoint, which holds all of a new state, and in what the nodes wrote to the channels `request` and `attempts`. This
module replays these writes as the channels' reducers do, without restoring any object, and leaves a trajectory whose
rows look otherwise to the caller.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any

import ormsgpack

from .storage import Connection

__all__ = ["UnfamiliarError", "WriteRow", "image_names", "replayed_names", "unpacked_names", "used_images"]

_IMAGE_NAME = re.compile(rb"[0-9a-f]{64}")
_CHECKPOINTS = "SELECT thread_id, min(checkpoint_id), max(checkpoint_id) FROM checkpoints GROUP BY thread_id"
_OLDEST = "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?"
# In the order of the primary key, so that nothing is sorted.
_WRITES = """
    SELECT thread_id, checkpoint_id, channel, type, value FROM writes WHERE channel IN ('attempts', 'request')
    ORDER BY thread_id, checkpoint_ns, checkpoint_id, task_id, idx
"""

WriteRow = tuple[str, str, str, str | None, bytes]
"""Trajectory, checkpoint, channel, encoding and value of a write."""
_Names = dict[str, set[bytes]]
"""Names of images by the key of the attempt that uses them."""


class UnfamiliarError(Exception):
    """Rows of another form than this version's nodes write."""


def used_images(connection: Connection, trajectories: Collection[str]) -> tuple[set[str], set[str]]:
    """Returns the names of all images that trajectories use, and the trajectories whose states must be asked instead.

    Args:
        connection: Of the workspace's database.
        trajectories: Their ids.
    """
    ends = {thread: (oldest, newest) for thread, oldest, newest in connection.execute(_CHECKPOINTS).fetchall()}
    writes: dict[str, list[WriteRow]] = {}
    for row in connection.execute(_WRITES).fetchall():
        writes.setdefault(row[0], []).append(row)
    used: set[bytes] = set()
    unclear: set[str] = set()
    for trajectory in trajectories:
        try:
            oldest, newest = ends[trajectory]
            first = connection.execute(_OLDEST, (trajectory, oldest)).fetchone()
            used |= replayed_names(*_beginning(first), writes.get(trajectory, ()), newest)
        except (KeyError, TypeError, ValueError, UnfamiliarError):  # Whatever is unpacked may be damaged.
            unclear.add(trajectory)
    return {name.decode() for name in used}, unclear


def image_names(values: Iterable[object]) -> set[bytes]:
    """Returns all image names in those values that are bytes."""
    return {name for value in values if isinstance(value, bytes) for name in _IMAGE_NAME.findall(value)}


def unpacked_names(kind: str | None, attempts: bytes) -> _Names:
    """Returns the names in an encoded mapping of attempts.

    Raises:
        UnfamiliarError: It is something else.
    """
    if kind == "msgpack":  # In a row of its own, the mapping is the content of an object.
        inner = ormsgpack.unpackb(attempts, ext_hook=lambda _, data: data, option=ormsgpack.OPT_NON_STR_KEYS)
        attempts = inner if isinstance(inner, bytes) else attempts
    return {key: set(_IMAGE_NAME.findall(attempt)) for key, attempt in _unpacked(kind, attempts).items()}


def replayed_names(request: set[bytes], attempts: _Names, rows: Iterable[WriteRow], newest: str) -> set[bytes]:
    """Returns the names that a trajectory uses after all its writes.

    Args:
        request: Names in the request of its oldest checkpoint.
        attempts: Names in the attempts of that checkpoint.
        rows: Its writes to the channels `request` and `attempts`, in order.
        newest: Its newest checkpoint.
    """
    pending: set[bytes] = set()
    for checkpoint, group in groupby(rows, key=lambda row: row[1]):
        added: _Names = {}
        for _, _, channel, kind, value in group:
            if channel == "request":
                # What a node has written to the newest checkpoint may never take effect, and takes nothing away.
                pending |= request if checkpoint == newest else set()
                request = set(_IMAGE_NAME.findall(value))
                continue
            for key, attempt in _unpacked(kind, value).items():
                if attempt is not None:
                    added[key] = added.get(key, set()) | set(_IMAGE_NAME.findall(attempt))
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
    attempts = unpacked_names("msgpack", values["attempts"]) if "attempts" in values else {}
    return image_names([values["request"]]), attempts


def _unpacked(kind: str | None, value: bytes) -> Mapping[str, Any]:
    """Returns an encoded mapping, in which every object stays encoded.

    Raises:
        UnfamiliarError: It is something else.
    """
    if kind != "msgpack":
        raise UnfamiliarError
    mapping = ormsgpack.unpackb(value, ext_hook=lambda _, data: data, option=ormsgpack.OPT_NON_STR_KEYS)
    if not isinstance(mapping, dict):
        raise UnfamiliarError
    return mapping


def _all_of(names: _Names) -> set[bytes]:
    return {name for each in names.values() for name in each}
