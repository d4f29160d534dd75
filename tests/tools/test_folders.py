"""Where things are written by default: one variable moves everything, and users without a home get a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.folders import create_private, default_home, default_server_store, refuse_foreign_url


def test_one_variable_moves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path))
    monkeypatch.delenv("INTERLEAVETHINKER_IMAGE_STORE", raising=False)
    assert default_home() == tmp_path
    assert default_server_store().is_relative_to(tmp_path)
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", "/elsewhere")
    assert default_server_store() == Path("/elsewhere")


@pytest.mark.skipif(sys.platform == "win32", reason="HOME is not used there")
def test_a_user_without_a_home_is_told_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INTERLEAVETHINKER_HOME", "INTERLEAVETHINKER_IMAGE_STORE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/")  # As containers set it for a user without an entry in the list of users.
    for folder in (default_home, default_server_store):
        with pytest.raises(InputError, match="INTERLEAVETHINKER_HOME"):
            folder()


@pytest.mark.skipif(sys.platform == "win32", reason="HOME is not used there")
def test_the_program_ends_with_that_sentence_or_works_with_the_variable(tmp_path: Path) -> None:
    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLEAVE", "XDG", "HOME"))}
        command = [sys.executable, "-m", "interleavethinker", "list"]
        options = {"HOME": "/"} | variables
        return subprocess.run(command, capture_output=True, text=True, env=kept | options, cwd=tmp_path, check=False)

    refused = run()
    assert refused.returncode == 2
    assert "INTERLEAVETHINKER_HOME" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert run(INTERLEAVETHINKER_HOME=str(tmp_path / "home")).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_created_folder_is_private_and_an_existing_one_keeps_its_permissions(tmp_path: Path) -> None:
    create_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "c").mkdir(mode=0o755)
    create_private(tmp_path / "c")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("url", ["PostgreSQL://u:pw-123@h/d", "postgresql+psycopg://u:pw-123@h/d", "http://u:pw-123@h"])
def test_a_url_of_another_kind_is_no_folder_and_its_password_is_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="postgresql://") as error:
        refuse_foreign_url(url)
    assert "pw-123" not in str(error.value)
    for fine in ("postgresql://h/d", "stories", "/a/b", "C:/stories", r"C:\stories", "a:b"):
        refuse_foreign_url(fine)


@pytest.mark.parametrize(
    "place", [" postgresql://u:pw-123@h/d", "postgresql:/u:pw-123@h/d", "u:pw-123@h", "mysql:/h/d"]
)
def test_an_almost_url_is_no_folder_and_its_password_is_not_repeated(place: str) -> None:
    with pytest.raises(InputError, match="blanks") as error:
        refuse_foreign_url(place)
    assert "pw-123" not in str(error.value)
