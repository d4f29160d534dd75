"""Lines of a stdio server in bounded memory and linear time, as an encoding for the MCP library's stdio client.

The library collects a line as text, copies it for every chunk of 64 KiB, and knows no longest line: an endless one
takes all memory, and no timeout ends it, since the event loop is busy. Its one setting for reading is the encoding, so
this decoder holds back what is no whole line yet. A line that is too long is reported and left out.
"""

import codecs
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from interleavethinker.tools.half_characters import whole_characters

__all__ = ["ENCODING", "MAX_LINE", "watch_lines"]

ENCODING = "interleavethinker_lines"
"""UTF-8 for writing; for reading too, in lines of at most `MAX_LINE` bytes. What is no character becomes U+FFFD."""
MAX_LINE = 64 * 1024 * 1024
"""Bytes of one message; in base64 an image of 32 MiB takes 43 MiB."""
_report: ContextVar[Callable[[], None] | None] = ContextVar("report_long_line", default=None)


def watch_lines(too_long: Callable[[], None] | None) -> None:
    """Sets what is called when the server that this task connects to next sends a line that is too long."""
    _report.set(too_long)


class _Decoder(codecs.IncrementalDecoder):
    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._line = bytearray()
        self._skipping = False

    def decode(self, data: Any, final: bool = False) -> str:
        """Returns the whole lines that the data completes; at the end also a line without a break."""
        end = len(data) if final else data.rfind(b"\n") + 1
        whole = ""
        if end or final:
            whole = self._take(data[:end])
        self._keep(data[end:])
        return whole

    def reset(self) -> None:
        self._line.clear()
        self._skipping = False

    def _take(self, lines: bytes) -> str:
        if self._skipping:
            self._skipping = False
            lines = lines[lines.find(b"\n") + 1 :] if b"\n" in lines else b""
        whole = bytes(self._line) + lines
        self._line.clear()
        return whole_characters(whole).decode("utf-8", "replace")

    def _keep(self, rest: bytes) -> None:
        if self._skipping:
            return
        self._line += rest
        if len(self._line) > MAX_LINE:
            self._line.clear()
            self._skipping = True
            report = _report.get()
            if report is not None:
                report()


def _encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    return text.encode("utf-8", errors), len(text)


def _decode(data: Any, errors: str = "strict") -> tuple[str, int]:
    del errors
    return bytes(data).decode("utf-8", "replace"), len(data)


def _search(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    return codecs.CodecInfo(_encode, _decode, incrementaldecoder=_Decoder, name=ENCODING)


codecs.register(_search)
