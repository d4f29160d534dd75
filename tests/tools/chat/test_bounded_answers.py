"""Answers of chat servers are bounded while they arrive, and nothing else in the process is."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from langchain_core.messages import HumanMessage

from interleavethinker.tools.chat import bounded_answers
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import ModelError

ANSWER = (
    b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"a red ball"}}]}'
)


@asynccontextmanager
async def chat_server(head: bytes, body: Iterator[bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers one request with these bytes; yields its address and a list of what clients asked for."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n" + head + b"\r\n\r\n")
        try:
            for chunk in body:
                writer.write(chunk)
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            pass

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65536


async def error_of(address: str) -> ModelError:
    model = load_chat_model("openai:m", base_url=address, api_key="none")
    with pytest.raises(ModelError) as raised:
        await invoke(model, [HumanMessage(content="hello")], role="planner")
    return raised.value


async def test_an_endless_answer_ends_at_the_bound_and_is_not_asked_for_again() -> None:
    async with chat_server(b"x-y: z", endless()) as (address, asked):
        error = await error_of(address)
    assert (error.code, len(asked)) == ("answer_too_large", 1)
    assert "The planner failed" in str(error)
    assert f"more than {bounded_answers.MAX_ANSWER} bytes" in str(error)


async def test_an_endless_error_page_ends_at_the_bound() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
        try:
            for chunk in endless():
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        error = await error_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert error.code == "answer_too_large"


async def test_a_compressed_bomb_is_not_asked_for_and_not_inflated() -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    async with chat_server(b"content-encoding: gzip", iter([bomb])) as (address, asked):
        error = await error_of(address)
    assert error.code == "answer_too_large"
    assert "compressed" in str(error)
    assert b"accept-encoding: identity" in asked[0].lower()


async def test_an_honest_answer_comes_through_compressed_or_not() -> None:
    for head, body in ((b"x-y: z", ANSWER), (b"content-encoding: gzip", gzip.compress(ANSWER))):
        async with chat_server(head, iter([body])) as (address, _):
            model = load_chat_model("openai:m", base_url=address, api_key="none")
            assert (await invoke(model, [HumanMessage(content="hello")])).text == "a red ball"


async def test_other_requests_of_the_process_have_no_bound() -> None:
    with bounded_answers.bounded_answers(10):
        pass
    async with chat_server(b"x-y: z", iter([b" " * 1000])) as (address, _), httpx2.AsyncClient(timeout=120) as client:
        assert len((await client.get(address)).content) == 1000


async def test_a_client_without_coroutines_is_bounded_too() -> None:
    def ask(address: str) -> None:
        with bounded_answers.bounded_answers(100_000), httpx2.Client(timeout=120) as client:
            client.get(address)

    async with chat_server(b"x-y: z", endless()) as (address, _):
        with pytest.raises(ModelError, match="more than 100000 bytes"):
            await asyncio.to_thread(ask, address)


async def test_a_redirect_to_another_host_gets_neither_the_key_nor_the_conversation() -> None:
    got: dict[str, list[bytes]] = {"thief": [], "named": []}

    def serving(name: str, answer: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got[name].append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 " + answer + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        return serve

    async with await asyncio.start_server(serving("thief", b"404 Not Found"), "127.0.0.1") as thief:
        other = f"http://127.0.0.1:{thief.sockets[0].getsockname()[1]}"
        moved = f"307 Moved\r\nlocation: {other}/v1/x".encode()
        async with await asyncio.start_server(serving("named", moved), "127.0.0.1") as named:
            address = f"http://127.0.0.1:{named.sockets[0].getsockname()[1]}"
            model = load_chat_model("openai:m", base_url=address, api_key="a-secret-of-sufficient-length")
            with pytest.raises(ModelError) as raised:
                await invoke(model, [HumanMessage(content="hello")], role="planner")
    assert got["thief"] == []
    assert len(got["named"]) == 1, "it is not asked again"
    assert raised.value.code == "redirected"
    assert f"The server {address} redirects the request to {other}" in str(raised.value)
