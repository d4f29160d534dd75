"""Refuses images with pixels that are no numbers: a pipeline turns them into black, which looks like a result.

Overflow in half precision and damaged weights cause them.
"""

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from interleavethinker.tools.errors import GeneratorError

__all__ = ["check_decoded_pixels", "refusing_invalid_pixels"]


def check_decoded_pixels(pipeline: Any) -> None:
    """Makes a pipeline raise `GeneratorError` for decoded images that hold NaN or infinity, before it converts them."""
    processor: Any = getattr(pipeline, "image_processor", None)
    postprocess = getattr(processor, "postprocess", None)
    if postprocess is None:
        return

    @functools.wraps(postprocess)
    def checked(image: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_finite(image):
            raise _not_finite()
        return postprocess(image, *arguments, **options)

    processor.postprocess = checked


@contextmanager
def refusing_invalid_pixels() -> Iterator[None]:
    """Refuses the same of pipelines that convert pixels themselves: numpy warns when it converts NaN to a whole number.

    Raises:
        GeneratorError: A pixel is NaN or infinite.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "invalid value encountered in cast", RuntimeWarning)
        try:
            yield
        except RuntimeWarning as error:
            raise _not_finite() from error


def _is_finite(image: Any) -> bool:
    import numpy as np
    import torch

    if isinstance(image, torch.Tensor):
        return bool(torch.isfinite(image).all())
    return not isinstance(image, np.ndarray) or bool(np.isfinite(image).all())


def _not_finite() -> GeneratorError:
    return GeneratorError(
        "The model's output holds values that are not numbers, so there is no image. Start the server with another "
        "--dtype (bfloat16 or float32), or check the weights.",
        code="not_finite",
    )
