"""Addresses in messages: what a reader needs to recognize them, and no password, however it is written."""

import pytest

from interleavethinker.tools.addresses import credentials_in, has_password, looks_like_url, shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ftp://robin:hunter2@images.example:21/stories?key=1#x", "ftp://images.example:21/stories"),
        ("s3://key:hunter2@Bucket/a", "s3://Bucket/a"),
        ("ftp://robin:hun/ter2@images.example/x", "ftp://images.example/x"),
        ("ftp://robin:hun@ter2?@images.example/x", "ftp://images.example/x"),
        ("zip://a::ftp://robin:hunter2@images.example/x.zip", "zip://a::ftp://images.example/x.zip"),
        ("simplecache::s3://key:hunter2@bucket/x", "simplecache::s3://bucket/x"),
        ("http://robin:hunter2@[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_a_password_is_noticed_and_not_shown(address: str, shown: str) -> None:
    assert has_password(address)
    assert shown_address(address) == shown
    said = f"cannot open {address}"
    for each in credentials_in(address):
        said = said.replace(each, "***")
    assert not any(piece in said for piece in ("robin:", "hun", "ter2"))


@pytest.mark.parametrize(
    "address",
    ["s3://bucket/a@b", "file:///tmp/images", "memory://Ab/c", "http://[::1]:80/a", "zip://x::/a.zip", "/a/b"],
)
def test_an_address_without_a_password_is_shown_as_it_is(address: str) -> None:
    assert (shown_address(address), has_password(address), credentials_in(address)) == (address, False, [])


def test_a_user_name_alone_is_no_password_and_a_key_in_the_query_is_one() -> None:
    assert not has_password("sftp://robin@images.example/x")
    assert shown_address("sftp://robin@images.example/x") == "sftp://images.example/x"
    assert has_password("https://images.example/x?access_key=a1b2")


def test_almost_urls_are_told_from_folders() -> None:
    almost = [
        " postgresql://u:pw@h/d", "postgresql:/u:pw@h/d", "postgresql:u:pw@h", "Postgres+psycopg:/u:pw@h/d",
        "mysql:/u:pw@h", "u:pw@h/d", "host=h user=u password=pw", "s3:/k:pw@bucket", "\nftp://u:pw@h",
    ]  # fmt: skip
    folders = ["stories", "/a/b", "C:/stories", r"C:\stories", "a:b", "./a:b@c", "a/b:c@d", "my password", "", "a@b"]
    assert [place for place in almost if not looks_like_url(place)] == []
    assert [place for place in folders if looks_like_url(place)] == []
