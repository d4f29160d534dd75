"""Images in text: as browsers, chat models and other servers write them."""

import base64
import textwrap
from urllib.parse import quote

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.data_uris import decode_base64, decode_data_uri, find_image, is_data_uri
from interleavethinker.tools.images.png import ImageLimits, data_uri

DATA = bytes(range(256))  # Its base64 has both characters that the URL-safe alphabet replaces.
STANDARD = base64.b64encode(DATA).decode()
URL_SAFE = base64.urlsafe_b64encode(DATA).decode()


@pytest.mark.parametrize(
    "text",
    [
        data_uri(DATA),
        "DATA:image/PNG;BASE64," + STANDARD,
        "data:image/svg+xml;charset=utf-8;name=a.png;base64," + STANDARD,
        "data:image/png;base64," + "\r\n".join(textwrap.wrap(STANDARD, 76)),
        "data:image/png;base64," + quote(STANDARD, safe=""),
        "data:image/png;base64," + URL_SAFE.rstrip("="),
        "data:application/octet-stream;base64," + STANDARD,
        "  data:image/webp;base64, " + STANDARD + "\n",
    ],
    ids=lambda text: text[:45],
)
def test_every_usual_form_is_read(text: str) -> None:
    assert is_data_uri(text)
    assert decode_data_uri(text) == DATA


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data:image/png,rawbytes", "not in base64"),
        ("data:image/png;base64x,AAAA", "not in base64"),
        ("data:text/html;base64,AAAA", "text/html instead of an image"),
        ("data:;base64,AAAA", "text/plain instead of an image"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png;base64,====", "empty"),
        ("data:image/png;base64,AAAA!", "not valid base64"),
        ("data:image/png;base64,AAAA=AAA", "not valid base64"),
        ("data:image/png;base64,AAAAA", "cut off"),
        ("data:image/png;base64,é" + STANDARD, "not valid base64"),
        ("https://example.org/x.png", "found 'https://example.org/x.png'"),
        ("data:" + "image/png" * 100_000, "Not a data URI"),
    ],
    ids=lambda text: text[:45],
)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        decode_data_uri(text)
    assert caught.value.code == "invalid_image"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("length", [299, 300, 301, 2000, 10**6])
def test_the_size_is_bounded_before_anything_is_decoded(length: int) -> None:
    limits = ImageLimits(max_bytes=300)
    encoded = base64.b64encode(bytes(length)).decode()
    for text in (encoded, "\n".join(textwrap.wrap(encoded[:5000], 20))):
        if length <= 300:
            assert decode_base64(text, limits) == bytes(length)
        else:
            with pytest.raises(InputError, match="at most 300 bytes") as caught:
                assert len(decode_base64(text, limits)) <= 300
            assert caught.value.code == "image_too_large"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"Here is your image: ![a ball](data:image/png;base64,{STANDARD}) Enjoy!", DATA),
        (f"data:image/png;base64,{STANDARD} is the image", DATA),
        (STANDARD, DATA),
        (URL_SAFE, DATA),
        ("\n".join(textwrap.wrap(STANDARD, 60)), DATA),
        ("A sentence without an image", None),
        ("data:image/png;base64,A", None),
        ("AAAA", None),
        ("", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_image_is_found_in_an_answer(text: str, found: bytes | None) -> None:
    assert find_image(text) == found


def test_an_image_that_is_too_large_is_an_error_not_nothing() -> None:
    with pytest.raises(InputError, match="at most 100 bytes"):
        find_image(data_uri(DATA), ImageLimits(max_bytes=100))
