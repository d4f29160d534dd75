"""The files of natural requests: complete, consistent, and independent of each other."""

from collections import Counter

import pytest
from pydantic import ValidationError

from interleavethinker.evaluation.micro.natural.cases import (
    KINDS_OF_REQUESTS,
    SPLITS,
    Expectation,
    NaturalRequest,
    Split,
    natural_requests,
)
from interleavethinker.microworld.scenes.reader import read_all
from interleavethinker.microworld.scenes.scene import render, to_image
from interleavethinker.tools.errors import InputError


@pytest.mark.parametrize(("split", "count", "share"), [("dev", 500, 0.03), ("sealed", 100, 0.04)])
def test_a_split_has_requests_of_all_kinds_in_similar_shares(split: Split, count: int, share: float) -> None:
    requests = natural_requests(split)
    assert len({request.id for request in requests}) == len({request.request for request in requests}) == count
    counts = Counter(request.kind for request in requests)
    assert min(counts[kind] for kind in KINDS_OF_REQUESTS) >= count * share
    assert 0.08 <= sum(request.expect.refusal for request in requests) / count <= 0.12


def test_the_splits_share_no_request() -> None:
    dev, sealed = ({request.request.lower() for request in natural_requests(split)} for split in SPLITS)
    assert not dev & sealed


@pytest.mark.parametrize("split", SPLITS)
def test_given_images_show_their_scenes(split: Split) -> None:
    scenes = [image.scene for request in natural_requests(split) for image in request.images]
    readings = read_all([to_image(render(scene)) for scene in scenes])
    assert [reading.scene for reading in readings] == scenes


def test_only_requests_with_images_ask_for_edits_answers_and_comparisons() -> None:
    for request in [*natural_requests("dev"), *natural_requests("sealed")]:
        given = {"comparison": 2, "edit": 1, "compound edit": 1, "question": 1, "missing image": 0, "story": 0}
        if request.kind in given:
            assert len(request.images) == given[request.kind], request.id


def test_malformed_expectations_and_unknown_splits_are_rejected() -> None:
    for bad in ({}, {"images": [{"objects": [{"kind": "dog"}]}]}, {"images": [{"backgrounds": ["sea"]}]}):
        with pytest.raises(ValidationError):
            Expectation.model_validate(bad)
    with pytest.raises(ValidationError, match="kind"):
        NaturalRequest.model_validate({"id": "x-1", "kind": "poem", "request": "x", "expect": {"refusal": True}})
    with pytest.raises(InputError, match="dev or sealed"):
        natural_requests("train")
