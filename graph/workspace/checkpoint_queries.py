"""The queries on LangGraph's tables whose words alone differ between databases."""

from .storage import Connection
from .used_images import image_names

__all__ = ["CheckpointQueries"]


class CheckpointQueries:
    """The part of `CheckpointTables` that all databases share.

    Args:
        values: Statements for the columns in which a trajectory's values lie; every `?` is its id.
        without_entry: Statement for the trajectories that have a state and are not in the catalog.
        size: Statement for a trajectory's bytes and the number of its checkpoints; every `?` is its id.
    """

    def __init__(self, values: tuple[str, ...], without_entry: str, size: str) -> None:
        self._values = values
        self._without_entry = without_entry
        self._size = size

    def names_in_bytes(self, connection: Connection, trajectory: str) -> set[str]:
        """See `CheckpointTables.names_in_bytes`."""
        values = [value for query in self._values for (value,) in connection.execute(query, (trajectory,)).fetchall()]
        return {name.decode() for name in image_names(values)}

    def without_entry(self, connection: Connection) -> list[str]:
        """See `CheckpointTables.without_entry`."""
        return [thread_id for (thread_id,) in connection.execute(self._without_entry).fetchall()]

    def size(self, connection: Connection, trajectory: str) -> tuple[int, int]:
        """See `CheckpointTables.size`."""
        row = connection.execute(self._size, (trajectory,) * self._size.count("?")).fetchone()
        return int(row[0]), int(row[1])
