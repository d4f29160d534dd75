"""Rules of the house that no linter knows; see CONTRIBUTING.md."""

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
PACKAGES: dict[str, str] = SETTINGS["setuptools"]["package-dir"]
FILES = sorted(path for folder in PACKAGES.values() for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets) and node.value:
                names: list[str] = ast.literal_eval(node.value)
                return names
    return None


def public_names(tree: ast.Module) -> set[str]:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def bound_names(tree: ast.Module) -> set[str]:
    names = public_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_with_public_names_exports_some_and_has_each(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = exported(tree)
    assert names is not None or not public_names(tree), "a module with public names needs __all__"
    assert set(names or ()) <= bound_names(tree), "__all__ names something that the module lacks"
    assert len(names or ()) == len(set(names or ()))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_across_packages_only_exported_names_are_imported(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("interleavethinker."):
            continue
        _, folder, *rest = (node.module or "").split(".")
        target = ROOT.joinpath(folder, *rest).with_suffix(".py")
        if folder == own or not target.exists():  # A whole package: its exports are tested below.
            continue
        names = {alias.name for alias in node.names}
        assert names <= set(exported(ast.parse(target.read_text(encoding="utf-8"))) or ()), node.module


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_name_that_a_package_exports_exists(package: str) -> None:
    module = import_module(package)
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), f"{package}.__all__ names {name}"


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_importing_a_package_loads_no_model_library(package: str) -> None:
    code = f"import sys, {package}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "diffusers", "transformers"} & set(loaded)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_a_noun_that_fits_in_the_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "split it: about 250 lines is the aim, 400 the limit"
    assert path.stem not in {"common", "helpers", "misc", "utils"}, "name the file after what it holds"
    assert ast.get_docstring(ast.parse(text)), "a module's docstring is its contract"


def test_every_package_is_typed_and_listed_for_types_and_layers() -> None:
    for folder in PACKAGES.values():
        assert (ROOT / folder / "py.typed").exists()
    folders = {package for package, folder in PACKAGES.items()} | {
        ".".join((package, *inner.parent.relative_to(ROOT / folder).parts))
        for package, folder in PACKAGES.items()
        for inner in (ROOT / folder).rglob("__init__.py")
    }
    assert sorted(folders) == sorted(SETTINGS["setuptools"]["packages"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"PACKAGES := {' '.join(sorted(set(PACKAGES.values()) - {'interleavethinker'}))}\n" in makefile
