"""Installs the wheel without extras into an empty environment, and runs the profile `api` there against a local server.

Run by `make slim-test`; not collected by pytest, since it installs packages. It fails if the environment is larger than
250 MB, if a model library came along, if a local model is refused in more than one line, or if the run fails.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import venv
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from struct import pack

ROOT = Path(__file__).resolve().parent.parent
MAX_MEGABYTES = 250
UNWANTED = {"accelerate", "diffusers", "peft", "torch", "transformers"}
PLAN = {"execution_plan": [{"instruction": "Fold.", "prompt": "a sheet of paper"}, {"prompt": "fold it"}]}
VERDICT = {"previous_step_success": True, "refine_prompt": "a sheet of paper"}


def main() -> None:
    """Exits with a message if a plain installation is too large or does not work."""
    with tempfile.TemporaryDirectory(prefix="slim-test-") as name:
        folder = Path(name)
        python = _install(folder)
        size = sum(path.stat().st_size for path in (folder / "venv").rglob("*") if not path.is_symlink()) / 1e6
        found = subprocess.run(
            [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
        )
        present = {line.partition("==")[0] for line in found.stdout.splitlines()} & set(UNWANTED)
        if present or size > MAX_MEGABYTES:
            sys.exit(
                f"a plain installation has {size:.0f} MB (at most {MAX_MEGABYTES}) and brings {present or 'nothing'}"
            )
        _run_api_profile(python, folder)
        _refuse_local_models(python, folder)
    sys.stdout.write(f"plain installation: {size:.0f} MB, profile api answers\n")


def _install(folder: Path) -> str:
    subprocess.run([sys.executable, str(ROOT / "tests" / "wheel.py"), str(folder)], check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    (wheel,) = folder.glob("*.whl")
    quiet = ["install", "--quiet", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([python, "-m", "pip", *quiet, str(wheel)], check=True)
    return python


def _run_api_profile(python: str, folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OpenAi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/v1"
    told = _program(python, folder, "run", "How to fold paper", "--profile", "api", "--json", OPENAI_BASE_URL=address)
    server.shutdown()
    if told.returncode:
        sys.exit(f"`run --profile api` failed:\n{told.stdout}\n{told.stderr}")
    answer = json.loads(told.stdout)
    if (answer["status"], len(answer["images"])) != ("done", 2):
        sys.exit(f"`run --profile api` gave {answer}")


def _refuse_local_models(python: str, folder: Path) -> None:
    told = _program(python, folder, "run", "a big red ball", "--profile", "micro")
    if told.returncode == 0 or "Traceback" in told.stderr or ".[local]" not in told.stderr:
        sys.exit(f"the profile micro must be refused with the command that installs it:\n{told.stderr}")
    for words in (
        ("micro", "words"),
        ("micro", "generate", "a ball"),
        ("evaluate", "micro-critic"),
        ("experiment", "styles"),
    ):
        told = _program(python, folder, *words)
        if told.returncode != 2 or "Traceback" in told.stderr or ".[local]" not in " ".join(told.stderr.split()):
            sys.exit(f"`{' '.join(words)}` must say what installs its libraries:\n{told.returncode}\n{told.stderr}")


def _program(python: str, folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    own = {"OPENAI_API_KEY": "key", "INTERLEAVETHINKER_HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1"}
    environment = {**os.environ, **own, "INTERLEAVETHINKER_IMAGE_STORE": str(folder / "store"), **variables}
    environment.pop("PYTHONPATH", None)
    command = [python, "-m", "interleavethinker", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


class _OpenAi(BaseHTTPRequestHandler):
    """Answers as OpenAI's chat and image APIs do: a plan of two steps, verdicts that accept, a gray image."""

    def do_POST(self) -> None:
        """Answers one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/images/" in self.path:
            answer: object = {"data": [{"b64_json": base64.b64encode(_png()).decode()}]}
        else:
            text = json.dumps(PLAN if b"execution_plan" in body else VERDICT)
            message = {"role": "assistant", "content": f"<think>Hm.</think><answer>{text}</answer>"}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "fake",
                "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            }
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the name is the base class's
        """Logs nothing."""


def _png(side: int = 64) -> bytes:
    """Returns a gray PNG, written by hand: this environment need not have Pillow."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x80" * 3 * side) * side
    header = chunk(b"IHDR", pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    main()
