"""A thread in which a database's library runs, so that no event loop waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from interleavethinker.tools.errors import InputError, StoreError

__all__ = ["DatabaseThread"]

_T = TypeVar("_T")


class DatabaseThread:
    """Runs functions one after the other, in the order in which they were submitted, also when a caller is cancelled.

    Args:
        name: Of the thread.
        workspace: What messages call the workspace.
        errors: Raises what the library reports as a `StoreError`.
    """

    def __init__(self, name: str, workspace: object, errors: Callable[[], AbstractContextManager[None]]) -> None:
        self._workspace = workspace
        self._errors = errors
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Submits a function and returns its future result.

        Raises:
            StoreError: The thread has ended.
            InputError: By the future: a text that was given to the database is not valid Unicode.
        """

        def checked() -> _T:
            try:
                with self._errors():
                    return work()
            except (
                UnicodeEncodeError
            ) as error:  # No database takes a surrogate, which a command line or JSON may bring.
                raise InputError(
                    "The workspace cannot store or find a text that is not valid Unicode: it holds half a character."
                ) from error

        try:
            return asyncio.get_running_loop().run_in_executor(self._executor, checked)
        except RuntimeError as error:
            raise StoreError(f"The workspace {self._workspace} is closed.") from error

    async def end(self, last: Callable[[], object]) -> None:
        """Runs a last function, and ends the thread."""
        await self.submit(last)
        await asyncio.to_thread(self._executor.shutdown)
