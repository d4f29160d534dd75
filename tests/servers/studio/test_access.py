"""Who may use the studio: HTTP as other users of the machine and foreign web pages would speak it."""

import hashlib
import hmac
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from interleavethinker.servers.studio.access import KEY_FILE, AccessMiddleware, load_key, own_hosts
from interleavethinker.servers.studio.app import StudioApp

from ..trajectories.agents import open_studio

KEY = "k" * 43
HOST = "127.0.0.1:8767"


@asynccontextmanager
async def _client(folder: Path, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_studio(folder) as studio:
        app = StudioApp(studio.service, KEY)
        transport = httpx.ASGITransport(AccessMiddleware(app.asgi, KEY, own_hosts(8767)))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", headers=headers) as client:
            yield client
        await app.close()


async def test_nothing_is_told_or_done_without_the_key(tmp_path: Path) -> None:
    calls = [
        ("GET", "/api/options"),
        ("GET", "/api/trajectories"),
        ("GET", "/api/changes"),
        ("GET", "/api/images/" + "0" * 64),
        ("PUT", "/api/images"),
        ("POST", "/api/trajectories"),
        ("POST", "/api/trajectories/x/delete"),
        ("GET", "/api/no-such-thing"),
    ]
    wrong = [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[1:]}", KEY, "Bearer é"]
    async with _client(tmp_path) as client:
        for method, path in calls:
            for authorization in wrong:
                headers = [] if authorization is None else [(b"authorization", authorization.encode())]
                answer = await client.request(method, path, headers=headers, content=b"{}")
                assert answer.status_code == 401, (method, path, authorization)
                assert answer.json()["error"]["code"] == "wrong_key"
                assert "interleavethinker studio" in answer.json()["error"]["message"]


def test_the_key_of_a_workspace_in_a_database_makes_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "shared" / "0123"
    key = load_key(folder)
    assert load_key(folder) == key
    assert folder.stat().st_mode & 0o077 == 0


async def test_with_the_key_the_page_of_the_studio_is_answered(tmp_path: Path) -> None:
    async with _client(tmp_path, authorization=f"Bearer {KEY}") as client:
        own = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
        answer = await client.get("/api/trajectories", headers=own)
    assert answer.status_code == 200
    assert answer.json() == {"trajectories": []}
    assert not any(name.startswith("access-control-") for name in answer.headers)


async def test_another_host_name_is_refused_even_with_the_key(tmp_path: Path) -> None:
    async with _client(tmp_path, authorization=f"Bearer {KEY}") as client:
        for host in ("evil.example:8767", "127.0.0.1", "127.0.0.1:8768", "localhost.evil.example:8767", ""):
            for path in ("/", "/hello?nonce=" + "n" * 32, "/api/trajectories"):
                assert (await client.get(path, headers={"host": host})).status_code == 421, (host, path)


async def test_a_foreign_page_is_refused_even_with_the_key(tmp_path: Path) -> None:
    foreign = [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8768"},
        {"origin": f"https://{HOST}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ]
    async with _client(tmp_path, authorization=f"Bearer {KEY}") as client:
        for headers in foreign:
            for method, path in (
                ("GET", "/api/trajectories"),
                ("POST", "/api/trajectories"),
                ("GET", "/page/studio.js"),
            ):
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 403, (headers, path)
                assert not any(name.startswith("access-control-") for name in answer.headers)
            preflight = headers | {"access-control-request-method": "POST"}
            assert (await client.options("/api/trajectories", headers=preflight)).status_code == 403


async def test_the_page_has_no_secret_and_a_strict_policy(tmp_path: Path) -> None:
    async with _client(tmp_path) as client:
        page = await client.get("/", headers={"sec-fetch-site": "cross-site"})  # A link in a chat or a document.
        script = await client.get("/page/studio.js")
        unknown = await client.get("/page/../access.py")
    assert page.status_code == script.status_code == 200
    assert KEY not in page.text
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert unknown.status_code == 404


async def test_a_page_can_check_that_the_program_at_the_address_knows_the_key(tmp_path: Path) -> None:
    nonce = "0123456789abcdef"
    async with _client(tmp_path) as client:
        answer = await client.get(f"/hello?nonce={nonce}")
        short = await client.get("/hello?nonce=short")
    expected = hmac.new(KEY.encode(), f"{nonce} {HOST}".encode(), hashlib.sha256).hexdigest()
    assert answer.json() == {"proof": expected}
    assert short.status_code == 400


def test_the_key_stays_the_same_until_it_is_renewed(tmp_path: Path) -> None:
    first = load_key(tmp_path)
    assert len(first) >= 43
    assert load_key(tmp_path) == first
    assert load_key(tmp_path, renew=True) != first


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_owner_can_read_the_key_and_one_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    first = load_key(tmp_path)
    path = tmp_path / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    second = load_key(tmp_path)
    assert second != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text(first)
    assert load_key(tmp_path) not in {first, second}
    assert not path.is_symlink()


def test_a_key_file_that_was_cut_off_is_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("abc")
    (tmp_path / KEY_FILE).chmod(0o600)
    assert len(load_key(tmp_path)) >= 43
