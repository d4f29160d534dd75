"""The error tree."""

import pickle
import re

import pytest

from interleavethinker.tools import errors
from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError

CLASSES: list[type[InterleaveError]] = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_an_interleave_error_with_a_code_of_its_own(kind: type[InterleaveError]) -> None:
    assert issubclass(kind, InterleaveError)
    assert [other.code for other in CLASSES].count(kind.code) == 1


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_may_have_a_more_specific_code_than_its_class(kind: type[InterleaveError]) -> None:
    error = kind("The queue is full; send it again later.", code="busy")
    assert (str(error), error.code) == ("The queue is full; send it again later.", "busy")
    assert kind("again").code == kind.code != "busy"


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    drawn = re.findall(r"^ +(?:\+ )?(\w+Error) +(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert dict(drawn) == {kind.__name__: kind.code for kind in CLASSES}
    assert all(kind.__bases__ == (InterleaveError,) for kind in CLASSES if kind is not InterleaveError)


def test_a_generator_error_says_whether_to_retry() -> None:
    assert not GeneratorError("no").retryable
    assert GeneratorError("later", retryable=True).retryable


def test_an_error_is_pickled_with_its_code() -> None:
    error = pickle.loads(pickle.dumps(InputError("too large", code="image_too_large")))  # noqa: S301 - made here
    assert (type(error), str(error), error.code) == (InputError, "too large", "image_too_large")
    later = pickle.loads(pickle.dumps(GeneratorError("later", retryable=True)))  # noqa: S301 - made here
    assert later.retryable
