"""The seal of an exported file: whose export it is, and a digest of its content, which shows later edits.

A seal is part of its file, so that a copied or half-written folder is judged without another file: a comment at the end
of pages and texts, an unknown chunk in WebP files, a property in Office documents. Exported images need none, because
they are named after their content.
"""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Seal", "seal_of", "seal_of_file", "sealed", "sealed_file"]

_WORDS = rb"interleavethinker export (\S{1,200}) sha256:([0-9a-f]{64})((?: [0-9a-f]{64}){0,4})"
_END_OF_PAGE = b"</html>"
_COMMENT = re.compile(
    rb"(?:\r?\n<!-- " + _WORDS + rb" -->(?:\r?\n)?|\n%" + _WORDS + rb"\n?)((?:" + _END_OF_PAGE + rb")?\s*)\Z"
)
_COMMENT_ELSEWHERE = re.compile(rb"(?:<!-- |\n%)" + _WORDS)
_LONGEST = 1000
"""Bytes of a comment with a seal."""
_CHUNK = b"ITHK"
_PROPERTIES = "docProps/core.xml"
_MOST_PROPERTIES = 2**20
_IDENTIFIER = re.compile(rb"<dc:identifier>" + _WORDS + rb"</dc:identifier>")


@dataclass(frozen=True)
class Seal:
    """What a file says about itself."""

    trajectory: str
    """ID of the trajectory that was exported."""
    whole: bool
    """Whether the content is as it was written."""
    records: tuple[str, ...] = ()
    """Digests of the records that may lie beside it: the one of this export, and the one that it replaces."""


def sealed(text: bytes, trajectory: str, records: Iterable[str] = ()) -> bytes:
    """Returns a page or a Markdown text with a comment at its end; in a page, before its last tag.

    Args:
        text: The content.
        trajectory: ID of the trajectory.
        records: See `Seal.records`.
    """
    cut = text.rindex(_END_OF_PAGE) if text.rstrip().endswith(_END_OF_PAGE) else len(text)
    return text[:cut] + b"\n<!-- " + _words(trajectory, _digest(text), records) + b" -->\n" + text[cut:]


def seal_of(data: bytes) -> Seal | None:
    """Returns the seal at the end of a file, or None if there is none.

    One with something behind it is broken: somebody has added that.
    """
    start = max(0, len(data) - _LONGEST)
    found = _COMMENT.search(data, start)
    if found is None:
        elsewhere = [one.groups() for one in _COMMENT_ELSEWHERE.finditer(data)]
        return _seal([*elsewhere[-1]], "") if elsewhere else None
    *words, rest = found.groups(b"")
    return _seal(words[:3] if found[1] else words[3:], _digest(data[: found.start()] + rest))


def sealed_file(data: bytes, form: str, trajectory: str) -> bytes:
    """Returns an export in one file with its seal, in a place that readers of the form ignore.

    Args:
        data: The file.
        form: Its extension: `pdf`, `gif`, `webp`, `zip`, `docx` or `pptx`.
        trajectory: ID of the trajectory.
    """
    match form:
        case "webp":
            words = _words(trajectory, _digest(data[12:]))
            chunk = _CHUNK + len(words).to_bytes(4, "little") + words + b"\0" * (len(words) % 2)
            return data[:4] + (len(data) - 8 + len(chunk)).to_bytes(4, "little") + data[8:] + chunk
        case "zip":
            buffer = io.BytesIO(data)
            with zipfile.ZipFile(buffer, "a") as archive:
                archive.comment = _words(trajectory, _digest_of_members(archive))
            return buffer.getvalue()
        case "docx" | "pptx":
            return _with_identifier(data, trajectory)
        case _:
            return data + b"\n%" + _words(trajectory, _digest(data)) + b"\n"


def seal_of_file(data: bytes) -> Seal | None:
    """Returns the seal of an export in one file, or None if there is none."""
    if data[:4] == b"RIFF":
        start = data.rfind(_CHUNK, max(0, len(data) - _LONGEST))
        found = re.match(_WORDS, data[start + 8 :]) if start > 0 else None
        return None if found is None else _seal([*found.groups()], _digest(data[12:start]))
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return seal_of(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = re.fullmatch(_WORDS, archive.comment)
            if found is None and _PROPERTIES in archive.namelist():
                with archive.open(_PROPERTIES) as properties:
                    found = _IDENTIFIER.search(properties.read(_MOST_PROPERTIES))
            return None if found is None else _seal([*found.groups()], _digest_of_members(archive))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None


def _seal(groups: list[bytes], digest: str) -> Seal:
    trajectory, stated, records = (group.decode("ascii", "replace") for group in groups)
    return Seal(trajectory, stated == digest, tuple(records.split()))


def _words(trajectory: str, digest: str, records: Iterable[str] = ()) -> bytes:
    return " ".join((f"interleavethinker export {trajectory} sha256:{digest}", *records)).encode("ascii", "replace")


def _digest(data: bytes) -> str:
    """Returns the digest of a content, whatever its line ends, which tools such as Git change."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()


def _digest_of_members(archive: zipfile.ZipFile) -> str:
    """Returns a digest of names and contents; not of the properties, which hold the seal."""
    members = sorted((one.filename, one.CRC, one.file_size) for one in archive.infolist())
    return _digest(repr([one for one in members if one[0] != _PROPERTIES]).encode())


def _with_identifier(data: bytes, trajectory: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        identifier = b"<dc:identifier>" + _words(trajectory, _digest_of_members(old)) + b"</dc:identifier>"
        for member in old.infolist():
            content = old.read(member)
            if member.filename == _PROPERTIES:
                head, end, tail = content.rpartition(b"</cp:coreProperties>")
                content = head + identifier + end + tail
            new.writestr(member, content)
    return buffer.getvalue()
