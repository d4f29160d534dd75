"""A chat model that cannot be loaded: the error says what to do, in words of this project."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage

from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import ProfileError


def test_a_missing_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ProfileError) as failure:
        load_chat_model("openai:gpt-5-mini")
    assert str(failure.value) == (
        "No API key found for the chat model 'openai:gpt-5-mini'. Set the environment variable OPENAI_API_KEY."
    )


def test_another_fault_keeps_the_librarys_words() -> None:
    with pytest.raises(ProfileError, match="'nobody:x' cannot be used: "):
        load_chat_model("nobody:x")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"temprature": 0}, "are invalid: temprature: "),
        ({"max_batch": 0}, "are invalid: max_batch: "),
        ({"model": "other"}, "name a `model` again"),
    ],
)
def test_an_option_that_a_model_in_this_process_does_not_have_is_named(
    options: dict[str, object], problem: str
) -> None:
    with pytest.raises(ProfileError, match=rf"The options of the chat model 'qwen3-vl:folder' {problem}"):
        load_chat_model("qwen3-vl:folder", **options)


@pytest.mark.parametrize("name", ["qwen3-vl:folder", "openai:gpt-5-mini"])
def test_a_model_may_be_given_a_name(name: str) -> None:
    assert load_chat_model(name, name="mine", **({} if "qwen" in name else {"api_key": "k"})).name == "mine"


class _Completions(BaseHTTPRequestHandler):
    """Answers like OpenAI's API, and keeps the connection open as it does."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self.server.opened += 1

    def finish(self) -> None:
        super().finish()
        self.server.closed.release()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    opened = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Completions)
        self.closed = threading.Semaphore(0)
        self.address = f"http://127.0.0.1:{self.server_port}/v1"


@pytest.fixture
def server() -> Iterator[_Server]:
    """A server that answers every conversation with "hello"."""
    server = _Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def completions(server: _Server) -> str:
    """Its address."""
    return server.address


def test_calls_in_one_event_loop_share_a_connection_which_is_closed_with_the_loop(server: _Server) -> None:
    pytest.importorskip("langchain_openai")
    model = load_chat_model("openai:gpt-5-mini", base_url=server.address, api_key="sk-test")

    async def ask_often() -> None:
        for _ in range(20):
            await invoke(model, [HumanMessage("hi")])

    for loops in (1, 2):
        asyncio.run(ask_often())
        assert server.opened == loops
        assert server.closed.acquire(timeout=60)


def test_two_threads_with_an_event_loop_each_may_share_a_model(server: _Server) -> None:
    pytest.importorskip("langchain_openai")
    model = load_chat_model("openai:gpt-5-mini", base_url=server.address, api_key="sk-test")

    async def ask() -> list[str]:
        return [(await invoke(model, [HumanMessage("hi")])).text for _ in range(10)]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda _: asyncio.run(ask()), range(2))) == [["hello"] * 10] * 2


def test_a_process_may_run_one_event_loop_after_the_other(completions: str) -> None:
    pytest.importorskip("langchain_openai")

    async def ask(model: BaseChatModel) -> str:
        return (await invoke(model, [HumanMessage("hi")])).text

    models = [load_chat_model("openai:gpt-5-mini", base_url=completions, api_key="sk-test") for _ in range(3)]
    assert [asyncio.run(ask(model)) for model in (*models, models[0])] == ["hello"] * 4
