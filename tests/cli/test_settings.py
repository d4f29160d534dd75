"""Settings and profiles: what applies when, what the commands write, and what they refuse."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.cli import exit_codes as exits
from interleavethinker.graph import Workspace, load_profile
from interleavethinker.graph.profiles.profile import shipped_profiles
from interleavethinker.graph.profiles.rendering import as_toml
from interleavethinker.tools.settings import settings_path

Run = Callable[..., tuple[int, str, str]]
BALL = "a big red ball on the left, at night"


@pytest.fixture
def configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the settings in a configuration folder of its own, without INTERLEAVETHINKER_HOME."""
    monkeypatch.delenv("INTERLEAVETHINKER_HOME")
    monkeypatch.delenv("INTERLEAVETHINKER_PROFILE", raising=False)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(home / "user"))
    path = settings_path()
    assert path.is_relative_to(home / "user")
    return path


def test_an_option_comes_before_the_environment_before_a_setting_before_the_default(
    run: Run, home: Path, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> tuple[str, str]:
        found = json.loads(run("settings", "show", "--json")[1])
        return found["profile"]["value"], found["workspace"]["value"]

    default = shown()
    assert default[0] == "micro"
    assert run("settings", "set", "profile", "cells.toml")[0] == exits.OK
    assert run("settings", "set", "workspace", "stories")[0] == exits.OK
    assert shown() == (str(home / "cells.toml"), str(home / "stories"))
    assert run("run", BALL, "--quiet")[0] == exits.OK
    assert (home / "stories" / "trajectories.sqlite").is_file()
    monkeypatch.setenv("INTERLEAVETHINKER_PROFILE", "klein")
    assert shown() == ("klein", str(home / "stories"))
    listed = json.loads(run("profiles", "list", "--json")[1])
    assert [one["name"] for one in listed if one["default"]] == ["klein"]
    assert run("run", BALL, "--profile", "cells.toml", "--workspace", "other", "--quiet")[0] == exits.OK
    assert (home / "other" / "trajectories.sqlite").is_file()
    monkeypatch.delenv("INTERLEAVETHINKER_PROFILE")
    assert run("settings", "unset", "profile")[0] == exits.OK
    assert run("settings", "unset", "workspace")[0] == exits.OK
    assert shown() == default
    assert configured.is_file()


@pytest.mark.usefixtures("configured")
async def test_python_programs_use_the_workspace_of_the_settings(run: Run, home: Path) -> None:
    run("settings", "set", "workspace", str(home / "stories"))
    async with Workspace.open() as workspace:
        assert workspace.root == home / "stories"


def test_changing_a_setting_keeps_comments_and_other_settings(run: Run, home: Path, configured: Path) -> None:
    configured.parent.mkdir(parents=True, exist_ok=True)
    configured.write_text(f'# mine\nprofile = "klein"  # big\nworkspace = {json.dumps(str(home))}\n')
    assert run("settings", "set", "profile", "api")[0] == exits.OK
    assert configured.read_text() == f'# mine\nprofile = "api"  # big\nworkspace = {json.dumps(str(home))}\n'
    configured.write_text("profile = \"a # b\" # see \"#1\"\n'workspace' = 'x'# here\n# end\n")
    assert run("settings", "set", "workspace", str(home))[0] == exits.OK
    assert run("settings", "unset", "profile")[0] == exits.OK
    assert configured.read_text() == f'# see "#1"\nworkspace = {json.dumps(str(home))}  # here\n# end\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile = [", "is malformed"),
        ("profile = 3", "profile: Input should be a valid string"),
        ('profil = "micro"', "profil: unknown setting; the settings are profile, workspace"),
        ('workspace = ""', "workspace"),
        (b"\xff", "is malformed"),
    ],
)
def test_a_malformed_file_is_one_clear_sentence_and_is_left_alone(
    text: str | bytes, message: str, run: Run, configured: Path
) -> None:
    configured.parent.mkdir(parents=True, exist_ok=True)
    data = text if isinstance(text, bytes) else text.encode()
    configured.write_bytes(data)
    for words in (("run", BALL), ("list",), ("settings", "show"), ("settings", "set", "profile", "api")):
        code, _, err = run(*words)
        assert code == exits.BAD_INPUT
        assert err.startswith(f"error: The settings file {configured} is malformed: ")
        assert message in err
        assert err.count("\n") == 1
    code, out, _ = run("doctor")
    assert code == exits.FAILURE
    assert "is malformed" in out
    assert configured.read_bytes() == data


def test_doctor_says_where_the_settings_are_and_what_they_say(run: Run, configured: Path) -> None:
    def settings() -> str:
        checks = json.loads(run("doctor", "--json")[1])
        return next(str(check["found"]) for check in checks if check["name"] == "settings")

    assert settings() == f"none; they would be in {configured}"
    run("settings", "set", "profile", "api")
    assert settings() == f"profile = api ({configured})"
    assert "api generator" in run("doctor", "--json")[1], "the checked profile is the setting's"


@pytest.mark.parametrize(
    "words",
    [
        ("profile", "nano"),
        ("profile", "nowhere.toml"),
        ("workspace", ""),
        ("workspace", "cells.toml"),
        ("colour", "red"),
    ],
)
def test_a_setting_that_could_not_be_used_is_refused(words: tuple[str, str], run: Run, configured: Path) -> None:
    assert run("settings", "set", *words)[0] == exits.BAD_INPUT
    assert not configured.exists()


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.parametrize("only_given", [True, False])
def test_a_printed_profile_is_the_profile(name: str, only_given: bool, tmp_path: Path) -> None:
    profile = load_profile(name)
    path = tmp_path / "printed.toml"
    path.write_text(as_toml(profile, only_given=only_given), encoding="utf-8")
    printed = load_profile(str(path))
    assert printed.model_copy(update={"name": name, "source": profile.source}) == profile
    assert path.read_text().count("# ") > 40, "it has comments"


def test_a_new_profile_is_found_by_its_name_and_never_replaced(run: Run, home: Path) -> None:
    code, out, _ = run("profiles", "new", "mine", "--from", "cells.toml")
    path = home / "home" / "profiles" / "mine.toml"
    assert (code, out) == (exits.OK, f"{path}\n")
    path.write_text(path.read_text().replace('description = "Scripted', 'description = "My own scripted'))
    before = path.read_text()
    code, _, err = run("profiles", "new", "mine")
    assert code == exits.BAD_INPUT
    assert "exists and was left as it is" in err
    assert path.read_text() == before
    _, out, err = run("profiles", "list")
    assert [line.split()[:2] for line in out.splitlines()][-1] == ["mine", "yours"]
    assert "My own scripted agents" in out
    assert str(path.parent) in err
    assert "max_attempts = 5" in run("profiles", "show", "mine")[1]
    assert run("run", BALL, "--profile", "mine", "--quiet")[0] == exits.OK
    (entry,) = json.loads(run("list", "--json")[1])
    assert entry["profile"] == str(path.resolve()), "found again from any folder"


def test_a_new_profile_that_cannot_be_written_whole_is_not_written_at_all(run: Run, home: Path) -> None:
    resource = pytest.importorskip("resource", reason="the system bounds no file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        code, _, err = run("profiles", "new", "mine", "--from", "cells.toml")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == exits.BAD_INPUT
    assert "Cannot write the profile" in err
    assert not [*(home / "home" / "profiles").iterdir()]
    assert run("profiles", "new", "mine", "--from", "cells.toml")[0] == exits.OK


def test_a_profile_of_ones_own_that_cannot_be_used_does_not_hide_the_others(run: Run, home: Path) -> None:
    folder = home / "home" / "profiles"
    folder.mkdir(parents=True)
    (folder / "broken.toml").write_text("x = [")
    code, out, _ = run("profiles", "list")
    assert code == exits.OK
    assert "cannot be used: Profile 'broken' is not valid TOML" in out
    assert "micro" in out


@pytest.mark.parametrize("name", ["micro", "a/b", "", "..", "-x"])
def test_a_name_that_cannot_be_a_profiles_is_refused(name: str, run: Run, home: Path) -> None:
    assert run("profiles", "new", "--", name)[0] == exits.BAD_INPUT
    assert not (home / "home" / "profiles").exists()


def test_an_unknown_profile_names_those_that_exist(run: Run) -> None:
    run("profiles", "new", "mine")
    code, _, err = run("profiles", "show", "nano")
    assert code == exits.BAD_INPUT
    assert "micro" in err
    assert "Your profiles: mine." in err


@pytest.mark.parametrize("words", [("list",), ("settings", "set", "workspace", "sqlite:///stories")])
def test_a_url_that_is_no_database_of_ours_is_no_workspace(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_WORKSPACE", "postgresql+psycopg://user:secret@host/stories")
    code, out, err = run(*words)
    assert code == 2
    assert "postgresql://" in err
    assert "secret" not in out + err
    assert [one.name for one in home.iterdir() if ":" in one.name] == []


def test_a_request_check_that_is_no_check_is_named(run: Run, home: Path) -> None:
    profile = (home / "cells.toml").read_text()
    check = 'request_check = "os:getcwd"'
    lines = [check if line.startswith("request_check") else line for line in profile.splitlines()]
    (home / "odd.toml").write_text("\n".join(lines))
    code, _, err = run("run", BALL, "--profile", "odd.toml")
    assert (code, "request_check 'os:getcwd' failed: TypeError" in " ".join(err.split())) == (2, True), err
    assert run("list", "--json")[1].strip() == "[]"


def test_a_key_in_a_profile_is_neither_printed_nor_copied(run: Run, home: Path) -> None:
    role = (
        'model = "openai:gpt-5-mini"\n[NAME.options]\napi_key = "sk-abc123SECRET"\nmax_tokens = 500\n'
        'base_url = "http://ann:SECRET1@127.0.0.1/v1"\n'
        'default_headers = { Authorization = "Bearer SECRET2", X-Api-Key = "SECRET3", X-Title = "mine" }\n'
        'extra_body = { routes = [{ name = "first", credentials = ["SECRET4", { any = "SECRET5" }] }] }\n'
    )
    roles = "".join(f"[{name}]\n{role.replace('NAME', name)}" for name in ("planner", "critic"))
    generator = '[generator]\ncommand = ["server"]\nvariables = { MY_TOKEN = "SECRET6" }\n'
    tool = '[generator.tools.generate]\nname = "make"\nfixed = { account = { password = "SECRET7" } }\n'
    (home / "keyed.toml").write_text(f'description = "x"\n{roles}{generator}{tool}')
    for words in (
        ("show", "keyed.toml"),
        ("show", "keyed.toml", "--json"),
        ("new", "own.toml", "--from", "keyed.toml"),
    ):
        code, out, err = run("profiles", *words)
        assert code == 0, err
        assert "SECRET" not in out + err
    shown = run("profiles", "show", "keyed.toml")[1]
    assert '"Authorization" = "***"' in shown
    for text in (shown, written := (home / "own.toml").read_text()):
        assert "SECRET" not in text
        assert all(kept in text for kept in ("500", '"mine"', '"first"', "http://127.0.0.1/v1"))
    assert "api_key" not in written
    assert "were not copied" in err
