"""The one error tree."""

import pickle

import pytest

from interleavethinker.tools import errors
from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError

CLASSES: list[type[InterleaveError]] = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_an_interleave_error_with_a_code_of_its_own(kind: type[InterleaveError]) -> None:
    assert issubclass(kind, InterleaveError)
    assert [other.code for other in CLASSES].count(kind.code) == 1


@pytest.mark.parametrize("kind", CLASSES)
def test_a_code_can_be_given_and_then_belongs_to_that_error_alone(kind: type[InterleaveError]) -> None:
    error = kind("The queue is full; send it again later.", code="busy")
    assert (str(error), error.code) == ("The queue is full; send it again later.", "busy")
    assert kind("again").code == kind.code != "busy"


def test_a_generator_error_says_whether_to_try_again() -> None:
    assert not GeneratorError("no").retryable
    assert GeneratorError("later", retryable=True).retryable


def test_an_error_crosses_a_process_border_with_its_code() -> None:
    error = pickle.loads(pickle.dumps(InputError("too large", code="image_too_large")))  # noqa: S301 - made here
    assert (type(error), str(error), error.code) == (InputError, "too large", "image_too_large")
    later = pickle.loads(pickle.dumps(GeneratorError("later", retryable=True)))  # noqa: S301 - made here
    assert later.retryable
