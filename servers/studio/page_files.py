"""The files of the page, and the storyboard for chat clients: the same scripts in one HTML document without addresses.

There is no build step: the storyboard is put together when it is first asked for. Every module becomes a function of
its own in one script, in the order of its imports.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["board_html", "page_file"]

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_LIBRARIES = ("preact.umd.js", "hooks.umd.js", "htm.umd.js")
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};\n?", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|async function|function|class) (\w+))", re.MULTILINE)
_OPERATOR = re.compile(r" (=>|[!=]==|&&|\|\||\?\??|[<>]?=|[:+*<>]) |(?<=\()(\{) | (\}\))|(?<=\)) (\{)|(\{) (?=\w)")

_KEY = re.compile(r"(?<=[{,])( ?\w+:) (?=\S)")
_SPACE = re.compile(
    r"(?<=\w,) (?=\w+[)\]}])|(?<=[^\s(]) (?=\})|(?<=\bif) (?=\()|(?<=\breturn) (?=[({\[\"`])|(?<=\bswitch) (?=\()"
    r"|(?<=\)) (?=(?:return|throw)\b)|(?<=\w\",) (?=\")|(?<=\)) (?==>)|(?<=\}) (?=(?:catch \(|else \{|finally \{))"
    r"|(?<=\btry) (?=\{)|(?<=\belse) (?=\{)|(?<=\bfinally) (?=\{)|(?<==>)\n"
    r"|(?<=\bconst) (?=[\[{])|(?<=\bcase) (?=\"\w+\":)|(?<=\",) (?=\w+:)|(?<=\w,) (?=[\w, =]*\}(?:=|\)(?:=>|\{)))"
    r"|(?<=\})\n(?=(?:const|let|return|if|for|while)\b|(?:async )?#?\w+\([^()]*\)\{|this\.)"
    r"|(?<=\w\",) (?=[{(\[])|(?<=\},) (?=\[[\w., ]*\]\))|\n(?=[?:] )|,(?=[\]}][)\]};]|\};)"
)


@cache
def page_file(name: str) -> tuple[bytes, str] | None:
    """Returns the contents and the MIME type of a file of the page; None if there is no such file.

    Args:
        name: Path below the page's folder, with slashes.
    """
    return _contents().get(name)


@cache
def board_html() -> str:
    """Returns the storyboard as one HTML document, without external addresses."""
    rules = "\n".join(_squeezed(_text(name)) for name in ("style.css", "board.css"))
    style = re.sub(r"\s*([{};,])\s*|(:) ", r"\1\2", rules).replace(";}", "}")
    libraries = "\n".join(re.sub(r"^//# .*\n?", "", _text(f"vendor/{name}"), flags=re.MULTILINE) for name in _LIBRARIES)
    modules: dict[str, str] = {}
    _add_module("board", modules)
    licenses = "/* preact and hooks: MIT, Copyright (c) 2015-present Jason Miller. htm: Apache-2.0. */"
    script = "\n".join([licenses, libraries, '"use strict";', "".join(modules.values())])
    return _text("board.html").replace("%STYLE%", style).replace("%SCRIPT%", script)


def _add_module(name: str, modules: dict[str, str]) -> None:
    """Adds a module as a function call, after those that it imports."""
    source = _text(f"{name}.js")
    for _, other in _IMPORT.findall(source):
        if other not in modules:
            _add_module(other, modules)
    names = [each.strip() for found in _EXPORT_LIST.findall(source) for each in found.split(",") if each.strip()]
    names += _EXPORT.findall(source)
    body = _EXPORT.sub(
        "",
        _EXPORT_LIST.sub("", _IMPORT.sub(lambda found: f"const {found[1].replace(' ', '')} = ${found[2]};\n", source)),
    )
    body = _OPERATOR.sub(
        r"\1\2\3\4\5", _squeezed(body)
    )  # In none of the page's texts does an operator stand between spaces.
    # Between elements and values, htm leaves line breaks out as well.
    body = re.sub(r"(?<=[{,;])\n|(?<=[>}])\n(?=[<$])|(?<=:)\n(?=return)|(?<=})\n(?=}|function)|(?<=&&)\n", "", body)
    body = _SPACE.sub("", _KEY.sub(r"\1", body)).replace(";}", "}")
    modules[name] = f"const ${name}=(()=>{{{body.rstrip()}return{{{','.join(names)}}}}})();"


def _squeezed(source: str) -> str:
    """Removes indentation, empty lines and comments, except those of several lines beside code."""
    without = re.sub(r"^\s*/\*.*?\*/\s*$", "", source, flags=re.DOTALL | re.MULTILINE)
    lines = (line.partition(" // ")[0].strip() for line in without.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _text(name: str) -> str:
    return _contents()[name][0].decode()


@cache
def _contents() -> Mapping[str, tuple[bytes, str]]:
    folder = files("interleavethinker.servers.studio") / "page"
    return dict(_files_in(folder, ""))


def _files_in(folder: "Traversable", prefix: str) -> "list[tuple[str, tuple[bytes, str]]]":
    found: list[tuple[str, tuple[bytes, str]]] = []
    for path in folder.iterdir():
        if path.is_dir():
            found += _files_in(path, f"{prefix}{path.name}/")
            continue
        kind = _TYPES.get(path.name[path.name.rfind(".") :], "text/plain")
        found.append((f"{prefix}{path.name}", (path.read_bytes(), kind)))
    return found
