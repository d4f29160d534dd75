"""How an image was made, as text in its PNG file: readers of metadata show it, and the pixels stay as they are.

The keywords `Software` and `Description` are those of the PNG specification; `interleavethinker` holds JSON. The file's
SHA-256 is another one than the image's name; adding the file to a workspace gives the name again.
"""

import json
import zlib
from importlib.metadata import version
from typing import TYPE_CHECKING

from interleavethinker.tools.plain_text import clean
from interleavethinker.tools.types import Attempt

if TYPE_CHECKING:  # LangGraph is imported with it, and a folder is also checked before there is anything to export.
    from interleavethinker.graph.workspace.snapshot import Trajectory

__all__ = ["with_provenance", "without_provenance"]

_HEADER_END = 8 + 25
"""Bytes of the signature and of the chunk IHDR, which is always the first one."""


_KEYWORDS = (b"Software", b"Description", b"interleavethinker")


def with_provenance(png: bytes, trajectory: "Trajectory", attempt: Attempt) -> bytes:
    """Returns the same image with texts about how it was made.

    Args:
        png: A PNG file.
        trajectory: The trajectory of the attempt.
        attempt: The attempt that made the image.
    """
    facts = {
        "trajectory": trajectory.id,
        "step": attempt.step + 1,
        "attempt": attempt.iteration + 1,
        "prompt": attempt.prompt,
        "seed": attempt.seed,
        "model": attempt.model,
        "server": attempt.server,
        "source": attempt.source,
        "references": [reference.sha256 for reference in attempt.references],
        "mask": attempt.mask,
        "sha256": attempt.image,
    }
    texts = {
        "Software": f"interleavethinker {version('interleavethinker')}",
        "Description": clean(attempt.prompt),
        "interleavethinker": json.dumps(facts),
    }
    chunks = b"".join(_text_chunk(keyword, text) for keyword, text in texts.items())
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


def without_provenance(png: bytes) -> bytes:
    """Returns the image as it was before `with_provenance`; any other file unchanged."""
    end = _HEADER_END
    for keyword in _KEYWORDS:
        length = int.from_bytes(png[end : end + 4])
        if not png[end + 4 : end + 8 + length].startswith(b"iTXt" + keyword + b"\0"):
            return png
        end += 12 + length
    return png[:_HEADER_END] + png[end:]


def _text_chunk(keyword: str, text: str) -> bytes:
    """Returns a chunk iTXt, uncompressed and in no language."""
    body = b"iTXt" + keyword.encode("ascii") + b"\0\0\0\0\0" + text.encode("utf-8")
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
