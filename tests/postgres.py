"""A PostgreSQL server for tests: in a temporary folder, as an unprivileged user, on a free port of this machine."""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

__all__ = ["PASSWORD", "Server", "missing", "running"]

PASSWORD = "trellis/1"  # noqa: S105 - of a server that lives for one test run
_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    port: int
    user: str | None
    """The system user that runs it, where that is not the one of the tests."""

    def url(self, database: str = "postgres", password: str = PASSWORD, schema: str | None = None) -> str:
        """Returns the URL of a database, or of a schema in it."""
        options = "" if schema is None else f"?options=-csearch_path%3D{schema}"
        return f"postgresql://tester:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}{options}"

    def new_schema(self) -> str:
        """Creates a schema and returns its URL."""
        import psycopg

        name = f"w{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return self.url(schema=name)

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        self.control("-o", options, "-l", str(self.folder / "log"), "-w", "-t", "60", "start")

    def stop(self) -> None:
        """Stops the server as a crash does; `start` recovers."""
        self.control("-m", "immediate", "stop")

    def control(self, *words: str) -> None:
        """Runs pg_ctl."""
        _run(self.user, _program("pg_ctl"), "-D", str(self.folder / "data"), *words)


def missing() -> str | None:
    """Returns why no server can be started here, or None."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "needs the extra `postgres`"
    return None if _program("initdb") else "needs PostgreSQL's server: apt-get install postgresql"


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Starts a server and stops it at the end."""
    user = next((one for one in _USERS if _exists(one)), None) if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="interleavethinker-postgres-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if user is not None:
            shutil.chown(folder, user)
            shutil.chown(folder / "password", user)
        words = ["-U", "tester", "--auth=scram-sha-256", f"--pwfile={folder}/password", "-N", "--locale=C.UTF-8"]
        _run(user, _program("initdb"), "-D", str(folder / "data"), *words)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        server = Server(folder, port, user)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """Returns a program's path; Debian keeps the server's outside of PATH."""
    found = shutil.which(name)
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return found or (str(newest[-1]) if newest else "")


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _run(user: str | None, *command: str) -> None:
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
