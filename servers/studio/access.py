"""Who may use the studio: whoever has the key, from the studio's own page, on this machine.

Other users of the machine can reach its address, and so can web pages in the user's browser. The former lack the key,
which lies in a file that only its owner can read. The latter are refused by the Host, Origin and Sec-Fetch-Site headers
and get no CORS headers. The key is sent in a header and never stands in an address that a browser sends.
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.folders import create_private

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["KEY_FILE", "AccessMiddleware", "load_key", "own_hosts", "proof_of_key"]

KEY_FILE = "studio.key"
_KEY_BYTES = 32
_SHORTEST_KEY = 40
_MAX_NONCE = 128
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def load_key(folder: Path, *, renew: bool = False) -> str:
    """Returns the key of a workspace's studio, which stays the same when the studio restarts.

    A key that others could have read is replaced.

    Args:
        folder: The workspace.
        renew: Replace the key, which locks out all open pages.

    Raises:
        StoreError: The file cannot be read or written.
    """
    path = folder / KEY_FILE
    try:
        known = None if renew else _known_key(path)
        if known is not None:
            return known
        create_private(folder)  # A workspace that machines share may have nothing here yet.
        key = secrets.token_urlsafe(_KEY_BYTES)
        fresh = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        fresh.replace(path)
    except OSError as error:
        raise StoreError(f"Cannot store the studio's key in {path}: {error.strerror or error}.") from error
    return key


def _known_key(path: Path) -> str | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    own = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
    if not stat.S_ISREG(status.st_mode) or not own:
        return None
    key = path.read_text(encoding="ascii", errors="replace").strip()
    return key if len(key) >= _SHORTEST_KEY and key.replace("-", "").replace("_", "").isalnum() else None


def own_hosts(port: int) -> frozenset[str]:
    """Returns the Host headers with which the studio's own page calls."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


def proof_of_key(key: str, nonce: str, host: str) -> str | None:
    """Returns what only a program with the key can answer; None for an unusable nonce.

    A page that lost its connection asks for it before it sends the key again: another user's program may have taken
    the port. The host keeps that program from passing on the answer of a studio that runs on another port.
    """
    if not 16 <= len(nonce) <= _MAX_NONCE:
        return None
    return hmac.new(key.encode(), f"{nonce} {host}".encode(), hashlib.sha256).hexdigest()


class AccessMiddleware:
    """ASGI middleware that refuses foreign requests before any other code sees them, and adds the security headers.

    Args:
        app: The studio.
        key: Required for everything below `/api/`.
        hosts: Accepted Host headers.
    """

    def __init__(self, app: "ASGIApp", key: str, hosts: Collection[str]) -> None:
        self._app = app
        self._expected = f"bearer {key}".encode()
        self._hosts = hosts

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handles one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal)(scope, receive, send_with_headers)

    def _refusal(self, scope: "Scope") -> JSONResponse | None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if host not in self._hosts:
            own = min(self._hosts)
            return _refused(421, "wrong_host", f"This studio is at http://{own}/. To reach it from another machine, "
                            "forward the same port number to it with ssh.")  # fmt: skip
        # Browsers send these headers and page scripts cannot change them; other programs need not send them.
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", "same-origin")
        foreign = (origin is not None and origin != f"http://{host}") or site not in {"same-origin", "none"}
        link = scope["method"] == "GET" and scope["path"] == "/" and origin is None
        if foreign and not link:
            return _refused(403, "foreign_page", "Only the studio's own page may call it.")
        if scope["path"].startswith("/api/"):
            scheme, _, secret = headers.get(b"authorization", "").partition(" ")
            if not hmac.compare_digest(f"{scheme.lower()} {secret.strip()}".encode(), self._expected):
                return _refused(401, "wrong_key", "The studio's key is missing or wrong. Open the link that "
                                "`interleavethinker studio` prints.")  # fmt: skip
        return None


def _refused(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
