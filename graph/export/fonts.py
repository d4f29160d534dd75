"""Fonts of this machine for PDF files, which carry their fonts with them: none ships with this package.

Looks for well-known families in the systems' font folders, in a fixed order. The first one writes the text, and the
others help out with characters that it lacks.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

__all__ = ["known_fonts"]

_FAMILIES = (
    *("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "LiberationSans-Regular.ttf", "segoeui.ttf"),
    *("NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "Arial Unicode.ttf", "DroidSansFallbackFull.ttf", "NotoSansSC-Regular.ttf"),
    *("NotoSansJP-Regular.ttf", "NotoSansKR-Regular.ttf", "wqy-microhei.ttc", "msyh.ttc", "malgun.ttf", "meiryo.ttc"),
    *("NotoColorEmoji.ttf", "NotoEmoji-Regular.ttf", "seguiemj.ttf", "Symbola.ttf"),
)
"""File names, the most complete first; then those of further scripts, and of emoji."""


@cache
def known_fonts() -> tuple[Path, ...]:
    """Returns the files of well-known fonts on this machine, the one for ordinary text first."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for path in _files(folder):
            found.setdefault(path.name, path)
    return tuple(found[name] for name in _FAMILIES if name in found)


def _folders() -> Sequence[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return (home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts"))
    return (home / ".local/share/fonts", home / ".fonts", Path("/usr/local/share/fonts"), Path("/usr/share/fonts"))


def _files(folder: Path) -> Iterable[Path]:
    wanted = set(_FAMILIES)
    return sorted(path for path in folder.rglob("*") if path.name in wanted) if folder.is_dir() else ()
