"""Digests are over the JSON of version 0.1 until a request or a critic's input uses a later field."""

from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.types import CriticInput, ImagePart, PinnedReference, Request, TextPart

IMAGE = "a" * 64


def test_fields_with_their_default_value_are_left_out() -> None:
    request = Request(parts=(ImagePart(sha256=IMAGE), TextPart(text="caf\u00e9")))
    images = f'{{"kind":"image","sha256":"{IMAGE}"}}'
    assert stable_json(request) == f'{{"parts":[{images},{{"kind":"text","text":"caf\u00e9"}}]}}'
    case = CriticInput(source=None, image=IMAGE, original_prompt="a", prompt="")
    assert stable_json(case) == f'{{"source":null,"image":"{IMAGE}","original_prompt":"a","prompt":""}}'


def test_fields_in_use_are_part_of_it() -> None:
    request = Request(parts=(ImagePart(sha256=IMAGE, name="cat"), ImagePart(sha256=IMAGE)))
    assert '"name":"cat"}' in stable_json(request)
    references = (PinnedReference(label="cat", sha256=IMAGE),)
    case = CriticInput(source=None, image=IMAGE, original_prompt="a", prompt="a", references=references)
    assert stable_json(case) == case.model_dump_json()
