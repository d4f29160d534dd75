"""A scripted judge, a chat server that speaks OpenAI's protocol, and small images."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from PIL import Image
from pydantic import Field

from interleavethinker.evaluation.benchmarks.report import as_report
from interleavethinker.evaluation.benchmarks.run import BenchmarkRun, RunConfig, run_benchmark

Answer = Callable[[str, int], str]
"""Takes the text of a question and the number of its images."""


class ScriptedJudge(BaseChatModel):
    """Answers by a function, and records what it was asked."""

    answer: Answer
    asked: list[tuple[str, int]] = Field(default_factory=list)
    fail_after: int | None = None
    """Raises an error instead of giving more answers than these."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *_: object, **__: object) -> ChatResult:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise ConnectionError("the judge is down")
        parts = [part for message in messages for part in _parts(message)]
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        images = sum(part["type"] == "image" for part in parts)
        self.asked.append((text, images))
        reply = AIMessage(
            content=self.answer(text, images),
            usage_metadata={"input_tokens": 10, "output_tokens": 2, "total_tokens": 12},
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])


def _parts(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}]
    return [part if isinstance(part, dict) else {"type": "text", "text": part} for part in message.content]


def write_image(path: Path, color: str = "red", size: tuple[int, int] = (8, 8)) -> Path:
    """Writes a small image of one color."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


class _PatientServer(ThreadingHTTPServer):
    request_queue_size = 512  # Callers connect side by side; the system resets what does not fit into the queue.


@contextlib.contextmanager
def chat_server(answer: Callable[[str, list[bytes]], str]) -> Iterator[str]:
    """Serves `/v1/chat/completions` on this machine; yields the base URL. The function gets the text and the images."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = body["messages"][-1]["content"]
            parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
            text = "\n".join(part["text"] for part in parts if part["type"] == "text")
            urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            images = [base64.b64decode(url.partition("base64,")[2]) for url in urls]
            message = {"role": "assistant", "content": answer(text, images)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
            reply = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "usage": usage}
            data = json.dumps({**reply, "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = _PatientServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def run_on_files(
    benchmark: str, folder: Path, model: ScriptedJudge, *, data: str = "data", answers: str = "answers", **changes: Any
) -> BenchmarkRun:
    """Runs a benchmark whose data and answers lie in a folder."""
    config = RunConfig(benchmark, str(folder / data), folder / "out", answers=str(folder / answers))
    return await run_benchmark(replace(config, **changes), model=model)


def figures(run: BenchmarkRun) -> dict[str, float | None]:
    """Returns the values of the figures in the report."""
    return {one["name"]: one["value"] for one in as_report(run)["figures"]}


def counts(run: BenchmarkRun) -> dict[str, int]:
    """Returns the counts in the report."""
    found: dict[str, int] = as_report(run)["counts"]
    return found
