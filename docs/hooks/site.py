"""Additions to the site at build time: the command line reference, read from the program itself, and result plots.

Knows MkDocs' hook names and Typer's command objects; everything else is configuration in `mkdocs.yml`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from interleavethinker.cli.app import build_app
from interleavethinker.cli.commands import TABLE

ROOT = Path(__file__).resolve().parents[2]
_PLOTS = "results/microbench"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated page and the plots that lie outside `docs/`."""
    files.append(File.generated(config, "reference/cli.md", content="\n".join(_reference())))
    for plot in sorted((ROOT / _PLOTS).glob("*.svg")):
        files.append(File.generated(config, f"assets/microbench/{plot.name}", abs_src_path=str(plot)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Changes links to plots and examples, which lie outside `docs/` and are written as GitHub needs them."""
    up = "../" * page.file.src_uri.count("/")
    markdown = re.sub(r"\[(examples/\w+\.py)\]\([./]+\1\)", r"`\1`", markdown)
    return re.sub(rf"\]\((?:\.\./)+{_PLOTS}/(\w[\w.-]*\.svg)\)", rf"]({up}assets/microbench/\1)", markdown)


def _reference() -> Iterator[str]:
    yield "# Command line\n"
    yield "Generated from the program. `interleavethinker COMMAND --help` prints the same.\n"
    yield "| command | description |\n| --- | --- |"
    for entry in TABLE:
        yield f"| [`{entry.name}`](#{entry.name}) | {entry.help} |"
    yield ""
    for entry in TABLE:
        yield from _command(typer.main.get_command(build_app([entry.name])).commands[entry.name], entry.name, 2)  # type: ignore[attr-defined]
    yield "\n## Exit codes\n"
    yield _exit_codes()


def _command(command: Any, name: str, level: int) -> Iterator[str]:
    yield f"\n{'#' * level} {name.removeprefix('interleavethinker ')}\n"
    yield from (_paragraph(part) for part in (command.help or "").split("\n\n"))
    if hasattr(command, "commands"):
        for inner in command.commands.values():
            if not inner.hidden:  # an old name that is kept
                yield from _command(inner, f"{name} {inner.name}", level + 1)
        return
    options = [one for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
    arguments = " ".join(_usage(parameter) for parameter in options if parameter.param_type_name == "argument")
    yield f"```text\ninterleavethinker {name} [OPTIONS] {arguments}".rstrip() + "\n```\n"
    yield "| parameter | value | default | description |\n| --- | --- | --- | --- |"
    for parameter in options:
        yield _row(parameter)
    yield ""


def _usage(parameter: Any) -> str:
    word = (parameter.name or "").upper() + ("…" if parameter.nargs == -1 else "")
    return word if parameter.required else f"[{word}]"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{_usage(parameter)}`"
    else:
        name = ", ".join(f"`{one}`" for one in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    shown = "" if default is None or default is False or default == "" else f"`{default}`"
    value = "" if getattr(parameter, "is_flag", False) else _value(parameter.type_descriptor.annotation)
    return f"| {name} | {value} | {shown} | {_text(parameter.help or '')} |"


def _value(annotation: Any) -> str:
    """Returns what a parameter takes: its choices, or the name of its type."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if arguments:
        return f"{_value(arguments[0])}, repeatable"
    return {str: "text", int: "integer", float: "number"}.get(annotation, annotation.__name__.lower())


def _paragraph(text: str) -> str:
    """Returns a paragraph of help as Markdown; command lines in it become a code block."""
    lines = [line.strip() for line in text.strip("\b\n ").splitlines()]
    commands = [line for line in lines if line.startswith("interleavethinker ")]
    prose = _text(" ".join(line for line in lines if line not in commands))
    return "\n\n".join([prose, "```sh\n" + "\n".join(commands) + "\n```"] if commands else [prose]) + "\n"


def _text(text: str) -> str:
    """Returns help text on one line, with what Markdown tables and HTML would interpret escaped."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def _exit_codes() -> str:
    from interleavethinker.cli import exit_codes

    rows = [line for line in (exit_codes.__doc__ or "").splitlines() if line.startswith("|")]
    return "\n".join(rows) + "\n"
