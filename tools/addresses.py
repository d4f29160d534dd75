"""Addresses for messages: without user names, passwords and queries.

An address may be a chain, as fsspec writes it (`zip://images::ftp://host/a.zip`), and a password may hold characters
that should have been escaped. Nothing here raises on a malformed address: it is shown in a message about it.
"""

import re
from urllib.parse import unquote

from .plain_text import quotation
from .secrets import holds_secret

__all__ = ["credentials_in", "has_password", "looks_like_url", "shown_address"]

_LONGEST = 120
"""Characters of an address in a message."""
_SHORTEST = 4
"""Characters; in place of a shorter password, `***` would make messages unreadable."""
_NEXT_LINK = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_END_OF_HOST = re.compile(r"[/?#]")
_END_OF_QUERY = re.compile(r"[?#]")
_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
_ALMOST_URL = re.compile(
    r"""\s*(?:
        [A-Za-z][A-Za-z0-9+.-]+:/       # postgresql:/host or a whole URL; a single letter is a drive
        | postgres(?:ql)?(?:\+\w+)?:    # postgresql:user
        | [^/\\\s:]+:[^/\\]*@          # user:password@host
        | .*\bpassword\s*=              # host=a password=b
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def shown_address(address: str) -> str:
    """Returns an address for a message.

    Examples:
        >>> shown_address("ftp://ann:hunter2@images.example:21/stories?key=1")
        'ftp://images.example:21/stories'
        >>> shown_address("zip://a::s3://key:secret@bucket/stories.zip")
        'zip://a::s3://bucket/stories.zip'
    """
    links = (f"{start}{_END_OF_QUERY.split(rest)[0]}" for start, _, rest in _links(address))
    return quotation("::".join(links), _LONGEST)


def has_password(address: str) -> bool:
    """Returns whether an address holds a password or a key; a user name alone is neither."""
    links = _NEXT_LINK.split(address)
    return any(":" in account for _, account, _ in _links(address)) or any(holds_secret("", link) for link in links)


def credentials_in(address: str) -> list[str]:
    """Returns the parts of an address that libraries must not repeat, as written and unescaped, the longest first."""
    accounts = [account for _, account, _ in _links(address)]
    passwords = [password for each in accounts if len(password := each.partition(":")[2]) >= _SHORTEST]
    texts = [*(f"{one}@" for one in accounts if one), *passwords]
    return sorted({form for each in texts for form in (each, unquote(each))}, key=len, reverse=True)


def looks_like_url(place: str) -> bool:
    """Returns whether a place is a URL or almost one: as a folder's name, it might show a password.

    Examples:
        >>> [looks_like_url(place) for place in (" s3://a/b", "postgresql:/a", "ann:hunter2@db", "C:/stories", "a:b")]
        [True, True, True, False, False]
    """
    return _ALMOST_URL.match(place) is not None


def _links(address: str) -> list[tuple[str, str, str]]:
    """Returns the links of a chain: scheme, user with password, and the rest."""
    return [_parts(link) for link in _NEXT_LINK.split(address)]


def _parts(link: str) -> tuple[str, str, str]:
    scheme, separator, rest = link.partition("://")
    if not separator:
        return "", "", link
    host = _END_OF_HOST.split(rest, maxsplit=1)[0]
    # A port that is no number is the beginning of a password, whose characters may not be escaped.
    where = host if _PORT.fullmatch(host) or ":" not in host else rest
    account, at, _ = where.rpartition("@")
    return f"{scheme}://", account, rest[len(account) + len(at) :]
