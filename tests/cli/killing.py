"""Kills the command line with SIGKILL while it answers requests of every kind, and runs it again. Run by `test_killed`.

One process imports everything and forks for each command, which then runs as a user's would, with a real image server
beside it. A command is killed as soon as that server, or a tool, has begun so many calls; the last process may end.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from interleavethinker.cli import main as program

from .killing_parts import images_of, reply_to

PARTS = "tests.cli.killing_parts"
MOST_KILLS = 3
MOST_SECONDS = 240
_PROFILE = """
description = "Parts without a model, and an image server that logs its calls."
planner = {{ object = "{parts}:SentencePlanner" }}
critic = {{ object = "{parts}:strict_critic" }}

[generator]
command = {command}

{more}
"""
_KNOWLEDGE = """
[knowledge]
tools = ["{parts}:find_fact"]
model = "openai:m"
options = {{ base_url = "{url}", api_key = "none" }}
"""
_STORY = "a cat twice then @tom asleep then a dog twice"


@dataclass(frozen=True)
class Scenario:
    """Commands of a user: those before, the one that is killed, and what goes on from there."""

    before: tuple[tuple[str, ...], ...]
    killed: tuple[str, ...]
    again: tuple[str, ...]


_RUN = ("run", _STORY, "--image", "tom=cat.png", "--seed", "3", "--profile")
_RESUME = ("resume", "last", "--quiet")
_LINES = ("batch", "lines.jsonl", "--profile", "plain.toml", "--at-once", "2", "--quiet")
SCENARIOS = {
    "references, variants, checklist, knowledge": Scenario(
        (), (*_RUN, "knowing.toml", "--variants", "3", "--quiet"), _RESUME
    ),
    "drift guard": Scenario(
        (), (*_RUN, "drifting.toml", "--on-drift", "redraw", "--max-drift", "0.2", "--quiet"), _RESUME
    ),
    "mask": Scenario(
        (
            ("run", "a cat then a dog twice", "--seed", "4", "--profile", "plain.toml", "--quiet"),
            ("branch", "last", "1", "--image", "cat.png", "--no-run"),
        ),
        ("judge", "last", "--reject", "--prompt", "a fish twice", "--region", "50%,0,50%,100%", "--quiet"),
        _RESUME,
    ),
    "batch": Scenario((), _LINES, _LINES),
    "sweep in processes": Scenario(
        (),
        ("sweep", *_LINES[1:], "--vary", "seed=1,2", "--executor", "processes", "--processes", "2"),
        ("sweep", *_LINES[1:], "--vary", "seed=1,2", "--executor", "processes", "--processes", "2"),
    ),
}


@contextlib.contextmanager
def chat_server() -> Iterator[str]:
    """Serves the chat model of `chat_answer`, in a process of its own: this one forks, and must have no threads."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                data = json.dumps(reply_to(body)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        os.write(write, f"{server.server_address[1]}\n".encode())
        server.serve_forever()
    try:
        yield f"http://127.0.0.1:{int(os.read(read, 20))}/v1"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def furnish(home: Path, url: str) -> None:
    from PIL import Image

    home.mkdir()
    Image.new("RGB", (64, 64), "orange").save(home / "cat.png")
    server = Path(__file__).with_name("killing_server.py")
    command = json.dumps([sys.executable, str(server), str(home / "server"), str(home / "log")])
    knowledge, reader = _KNOWLEDGE.format(parts=PARTS, url=url), f'wish_reader = "{PARTS}:DamageReader"\n'
    for name, before, more in (("plain", "", ""), ("drifting", reader, ""), ("knowing", "", knowledge)):
        (home / f"{name}.toml").write_text(before + _PROFILE.format(parts=PARTS, command=command, more=more))
    lines = [{"text": "a cat twice", "seed": 1}, {"text": "a dog then @tom", "images": ["tom=cat.png"], "seed": 2}]
    (home / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (home / "log").touch()


def started(home: Path, words: Sequence[str]) -> int:
    """Runs the program in a child process and returns its ID."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    os.chdir(home)
    os.environ |= {"INTERLEAVETHINKER_HOME": str(home / "home"), "KILL_LOG": str(home / "log")}
    with (home / "output").open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    code = 1
    try:
        program(list(words))
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except BaseException:  # noqa: BLE001 - the process ends here; the parent shows the output
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def begun(home: Path) -> int:
    return sum(line.startswith("begin") for line in (home / "log").read_text().splitlines())


def lived(home: Path, words: Sequence[str], calls: int | None = None) -> bool:
    """Runs a command, and kills it once so many further calls have begun; returns whether it ended by itself."""
    before, deadline = begun(home), time.monotonic() + MOST_SECONDS
    child = started(home, words)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code != 0:
                raise SystemExit(f"{words} ended with {code}:\n{(home / 'output').read_text()[-4000:]}")
            return True
        if calls is not None and begun(home) >= before + calls:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            raise SystemExit(f"{words} did not end:\n{(home / 'output').read_text()[-4000:]}")
        time.sleep(0.002)


def answers(home: Path) -> list[Any]:
    """Returns what must not differ: of every trajectory its document, and how each attempt was made and judged."""
    found = []
    code = (home / "output").stat().st_size
    lived(home, ("list", "--json"))
    listed = json.loads((home / "output").read_text()[code:])
    for entry in listed:
        start = (home / "output").stat().st_size
        lived(home, ("show", entry["id"], "--json"))
        record = json.loads((home / "output").read_text()[start:])
        fields = ("prompt", "seed", "source", "image", "mask", "references", "variant", "wish", "verdict")
        attempts = [{name: attempt[name] for name in fields} for attempt in record["attempts"]]
        whole = {name: record[name] for name in ("seed", "status", "document", "lookups")}
        found.append([entry["title"], whole, attempts])
    return sorted(found, key=repr)


def shown_in(answered: list[Any]) -> dict[str, int]:
    """Returns how often each thing occurs that a scenario is about."""
    attempts = [attempt for _, _, made in answered for attempt in made]
    counts = {name: sum(bool(one[name]) for one in attempts) for name in ("mask", "references", "variant", "wish")}
    lists = sum(bool((one["verdict"] or {}).get("checklist")) for one in attempts)
    return counts | {"checklist": lists, "lookups": sum(len(whole["lookups"]) for _, whole, _ in answered)}


def main(folder: Path, names: Sequence[str]) -> None:
    """Prints, for each scenario, how often it was killed, what differs, and which finished calls were repeated."""
    with chat_server() as url:
        for number, name in enumerate(names):
            scenario = SCENARIOS[name]
            quiet, killed = folder / f"{number}-quiet", folder / f"{number}-killed"
            for home in (quiet, killed):
                furnish(home, url)
                for words in scenario.before:
                    lived(home, words)
            lived(quiet, scenario.killed)
            kills, words = 0, scenario.killed
            while not lived(killed, words, kills + 1 if kills < MOST_KILLS else None):
                kills, words = kills + 1, scenario.again
            calls, repeated = images_of((killed / "log").read_text().splitlines())
            expected, _ = images_of((quiet / "log").read_text().splitlines())
            quietly = answers(quiet)
            same = answers(killed) == quietly
            result = {"kills": kills, "same": same, "calls": calls == expected, "repeated": repeated}
            result |= {"shown": shown_in(quietly)}
            print(json.dumps({"scenario": name} | result), flush=True)  # noqa: T201


if __name__ == "__main__":
    assert threading.active_count() == 1
    main(Path(sys.argv[1]), sys.argv[2:] or list(SCENARIOS))
