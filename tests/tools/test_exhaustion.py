"""Limits of the system that a process may reach, and the words about each."""

import errno

import pytest

from interleavethinker.tools.exhaustion import exhausted


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "too many files"),
        (ExceptionGroup("several", [ValueError("x"), OSError(errno.ENFILE, "in system")]), "too many files"),
        (ImportError("libx.so: cannot open shared object file: Too many open files"), "too many files"),
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory"),
        (RuntimeError("can't start new thread"), "no further process or thread"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "no further process or thread"),
    ],
)
def test_what_there_is_no_more_of_is_named(error: BaseException, cause: str) -> None:
    assert cause in (exhausted(error) or "")


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "No such file"), ImportError("no module"), RuntimeError("x")])
def test_any_other_error_is_not_taken_for_a_limit(error: BaseException) -> None:
    assert exhausted(error) is None
