"""Checks names and calls of documentation code against the real package, without running it."""

import ast
import builtins
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import interleavethinker as it

__all__ = ["problems_in"]

_UNKNOWN = object()


def problems_in(code: str, known: Mapping[str, Any] | None = None) -> list[str]:
    """Returns what is wrong: imports that fail, attributes that are missing, calls that do not fit their signature.

    Args:
        code: Python code; top-level `await` is allowed.
        known: Names defined outside the code. A class stands for one of its instances.
    """
    tree = compile(code, "<documentation>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {"it": it, **(known or {})}
    problems: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            problems += _import(node, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            problems += _missing(node, names)
        elif isinstance(node, ast.Call):
            problems += _call(node, names)
    return problems


def _import(node: ast.Import | ast.ImportFrom, names: dict[str, Any]) -> Iterator[str]:
    for alias in node.names:
        try:
            if isinstance(node, ast.ImportFrom):
                names[alias.asname or alias.name] = getattr(import_module(node.module or ""), alias.name)
            else:
                names[alias.asname or alias.name] = import_module(alias.name)
        except (ImportError, AttributeError) as error:
            yield f"{ast.unparse(node)}: {error}"


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id, _UNKNOWN)
    if isinstance(node, ast.Attribute) and (owner := _value(node.value, names)) is not _UNKNOWN:
        return getattr(owner, node.attr, _UNKNOWN)
    return _UNKNOWN


def _missing(node: ast.Attribute | ast.Name, names: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, names)
        fields = getattr(owner, "model_fields", {})
        if owner is not _UNKNOWN and not hasattr(owner, node.attr) and node.attr not in fields:
            yield f"{ast.unparse(node)}: no such attribute"


def _call(node: ast.Call, names: Mapping[str, Any]) -> Iterator[str]:
    target = _value(node.func, names)
    starred = any(isinstance(one, ast.Starred) for one in node.args) or any(key.arg is None for key in node.keywords)
    if target is _UNKNOWN or starred or not callable(target) or hasattr(builtins, getattr(target, "__name__", "")):
        return
    owner = _value(node.func.value, names) if isinstance(node.func, ast.Attribute) else None
    bound_later = inspect.isclass(owner) and inspect.isfunction(target)
    arguments = [None] * (len(node.args) + bound_later)
    try:
        inspect.signature(target).bind(*arguments, **{str(key.arg): None for key in node.keywords})
    except TypeError as error:
        yield f"{ast.unparse(node)}: {error}"
    except ValueError:  # Some functions written in C have no signature.
        return
