"""Properties of the pages that neither the strict build nor the snippet tests see."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from interleavethinker import GeneratorConfig, Limits, Profile, make_graph, testing
from interleavethinker.graph.profiles.profile import Role

from .blocks import PAGES, ROOT
from .command_lines import check_command

OUTSIDE_THE_SITE = [path for path in PAGES if ROOT / "docs" not in path.parents]


def test_the_readme_is_short_and_shows_code_early() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 1500
    assert "```" in "\n".join(text.splitlines()[:30])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_in_the_repository_too(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for link in links:
        target, _, anchor = link.partition("#")
        if not target or target.startswith("http") or target.endswith("reference/cli.md"):  # The last is generated.
            continue
        assert (page.parent / target).exists(), link
        if anchor and page in OUTSIDE_THE_SITE:
            headings = re.findall(r"^#+ (.+)$", (page.parent / target).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}, link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_table_describes_a_name_twice(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        cells = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
        lists = [cell for cell in cells if re.fullmatch(r"`[^`]+`(, `[^`]+`)*", cell)]
        names = [name for cell in lists for name in cell.split(", ")]
        assert sorted(names) == sorted(set(names))


def test_the_drawing_of_the_graph_has_its_nodes() -> None:
    drawing = (ROOT / "docs" / "concepts" / "graph.svg").read_text(encoding="utf-8")
    nodes = set(make_graph().get_graph().nodes) - {"__start__", "__end__"}
    assert set(re.findall(r"<text[^>]*>(\w+)</text>", drawing)) - {"end", "replan"} == nodes


def test_the_where_to_look_table_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:[\w-]+/)+[\w.*-]*|[\w-]+\.(?:yml|md))`", text)
    assert len(paths) > 40
    for path in set(paths) - {"site/", ".typing/"}:
        assert any(ROOT.glob(path.rstrip("/"))), path


def test_every_decision_is_listed_with_its_title() -> None:
    index = (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        number, _, title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(" ")
        assert f"| [{number}]({path.name}) | {title} |" in index


def test_every_field_of_profiles_and_limits_is_described() -> None:
    text = (ROOT / "docs" / "guides" / "profiles.md").read_text(encoding="utf-8")
    for name, field in Limits.model_fields.items():
        default = "none" if field.default is None else str(field.default)
        assert f"| `{name}` | {default} |" in text
    named = set(re.findall(r"`(\w+)`", "".join(line for line in text.splitlines() if line.startswith("|"))))
    fields = Profile.model_fields.keys() | Role.model_fields.keys() | GeneratorConfig.model_fields.keys()
    assert fields - named - {"name", "source", "planner", "critic", "generator", "limits"} == set()


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".pre-commit-config.yaml"])
def test_workflows_and_hooks_call_targets_that_exist(path: str) -> None:
    lines = re.findall(r"(?:run|entry): (make .+)", (ROOT / path).read_text(encoding="utf-8"))
    assert lines
    for line in lines:
        check_command(re.sub(r"\$\{\{.*?\}\}", "", line).split())


def test_the_citation_has_the_projects_version_and_the_paper() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in text
    assert "arXiv:2606.13679" in text


def test_every_make_target_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    parts = {"format-check", "lint", "types", "layers", "wheel-test"}  # named together, as what `check` runs
    targets = set(" ".join(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)).split()) - parts
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert {target for target in targets if f"| `make {target}" not in text} == set()
    assert {part for part in parts if f"`{part}`" not in text} == set()


def test_every_error_code_of_the_image_server_is_described() -> None:
    sources = [path for path in (ROOT / "servers" / "images").rglob("*.py") if path.name != "benchmark.py"]
    codes = {code for path in sources for code in re.findall(r'code="(\w+)"', path.read_text(encoding="utf-8"))}
    described = (ROOT / "docs" / "reference" / "image-server.md").read_text(encoding="utf-8")
    assert {"busy", "unknown_image"} <= codes
    assert {code for code in codes if f"`{code}`" not in described} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/micro-world/results.md"])
def test_microbench_figures_are_those_of_the_report(page: str) -> None:
    report = (ROOT / "results" / "microbench" / "microbench.md").read_text(encoding="utf-8").replace("*", "")
    page_text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(
        r'^--8<-- "(.+)"$', lambda one: (ROOT / one[1]).read_text(encoding="utf-8"), page_text, flags=re.MULTILINE
    )
    figures = re.findall(r"\| (\d+\.\d \[\d+\.\d, \d+\.\d\]) \|", text)
    assert len(figures) >= 6
    assert [figure for figure in figures if figure not in report] == []


def test_every_fake_is_described_with_members_that_it_has() -> None:
    text = (ROOT / "docs" / "guides" / "testing.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)[^|]*\| (.+) \|$", text, re.MULTILINE))
    assert sorted(rows) == sorted(testing.__all__)
    for name, description in rows.items():
        for member in re.findall(r"`\.(\w+)", description):
            assert f"{member}" in inspect.getsource(getattr(testing, name)), f"{name}.{member}"
