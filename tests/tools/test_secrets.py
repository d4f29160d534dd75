"""Secrets that a server repeats are in no message, so that no saved or exported document has them."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage, HumanMessage

from interleavethinker.graph import Components, Workspace
from interleavethinker.graph.export.export import export
from interleavethinker.tools import secrets
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.invocation import invoke
from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import InputError, InterleaveError, ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig, ToolMapping, ToolTemplate
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.mcp.server_check import check_server, tools_of
from interleavethinker.tools.secrets import remember_secrets_of, secret_variable, without_secrets
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GenerationRequest

SECRET = "sk-0123456789/abc+def"  # noqa: S105 - not a real one
HOSTILE = (sys.executable, str(Path(__file__).parent / "mcp" / "hostile_server.py"))


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_remembered", set())


async def message_of_refused_chat(login: str = "", **options: object) -> str:
    """Returns the error of a chat server that answers 401 and repeats the header with the key."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        key = next(line for line in lines if line.lower().startswith(b"authorization:"))
        body = b'{"error": {"message": "Wrong key: ' + key + b'"}}'
        writer.write(b"HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        writer.write(body)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1")
    async with server:
        address = f"http://{login}127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        with pytest.raises(ModelError) as raised:
            await invoke(
                load_chat_model("openai:m", base_url=address, **options), [HumanMessage(content="hello")], role="critic"
            )
    return str(raised.value)


async def test_a_key_of_the_profile_that_a_chat_server_repeats_is_not_in_the_message() -> None:
    message = await message_of_refused_chat(api_key=SECRET)
    assert "Wrong key" in message
    assert "***" in message
    assert SECRET not in message


async def test_a_key_in_a_nested_option_that_a_chat_server_repeats_is_not_in_the_message() -> None:
    message = await message_of_refused_chat(api_key="none", default_headers={"Authorization": f"Bearer {SECRET}"})
    assert "Wrong key" in message
    assert SECRET not in message


async def test_a_key_of_the_environment_that_a_chat_server_repeats_is_not_in_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    message = await message_of_refused_chat()
    assert "Wrong key" in message
    assert SECRET not in message


async def test_a_password_of_an_address_that_a_chat_server_repeats_is_not_in_the_message() -> None:
    message = await message_of_refused_chat("ann:long%2Dpassword@", api_key="none")
    assert "Wrong key" in message
    assert "long-password" not in message
    assert base64.b64encode(b"ann:long-password").decode() not in message


@pytest.mark.parametrize("name", ["IMAGE_KEY", "MYNAME"])
async def test_a_variable_for_an_image_server_that_it_repeats_is_not_in_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    tools = ToolMapping(generate=ToolTemplate(name="paint", prompt="text"))
    config = GeneratorConfig(command=HOSTILE, environment=(name,), tools=tools)
    async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
        with pytest.raises(InterleaveError) as raised:
            await generator.generate(GenerationRequest(prompt=f"repeat {name}", seed=1))
    assert "rejected: ***" in str(raised.value)


async def test_a_token_that_cannot_be_sent_is_not_quoted_in_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYNAME", f"{SECRET}\n{SECRET}")
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        config = GeneratorConfig(url=url, token_variable="MYNAME")  # noqa: S106 - a name
        async with McpImageGenerator(config, ImageStore(tmp_path)) as generator:
            with pytest.raises(InterleaveError) as raised:
                await generator.generate(GenerationRequest(prompt="a ball", seed=1))
    assert "***" in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_a_token_that_a_checked_server_repeats_is_not_in_the_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        token = next(line for line in head.decode().split("\r\n") if line.lower().startswith("authorization"))
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": token}}).encode()
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    monkeypatch.setenv("MYNAME", f"{SECRET}\n")
    async with await asyncio.start_server(repeat, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        (finding,) = await check_server(url, secret_variable(os.environ, "MYNAME"))
        _, reason = await tools_of(url, secret_variable(os.environ, "MYNAME"))
    for words in (finding.found, reason):
        assert "Bearer ***" in words
        assert SECRET not in words


def test_files_and_short_values_stay_in_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_CREDENTIALS", str(tmp_path))
    monkeypatch.setenv("SOME_KEY", "false")
    assert str(InputError(f"{tmp_path} is false.")) == f"{tmp_path} is false."


def files_with(words: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()]


async def test_a_key_that_models_repeat_in_their_answers_is_neither_stored_nor_exported(tmp_path: Path) -> None:
    remember_secrets_of({"api_key": SECRET})
    step = {"prompt": f"a cat, key {SECRET}", "auxiliary_text": f"my key is {SECRET}"}
    plan = f"<think>{SECRET}</think><answer>{json.dumps({'execution_plan': [step]})}</answer>"
    verdict = f'<think>I was called with {SECRET}</think><answer>{{"previous_step_success": true}}</answer>'
    named = {"model_name": f"model {SECRET}"}
    store = ImageStore(tmp_path / "workspace" / "images")
    planner = ChatPlanner(FakeMessagesListChatModel(responses=[AIMessage(plan, response_metadata=named)]), store)
    critic = ChatCritic(FakeMessagesListChatModel(responses=[AIMessage([{"type": "text", "text": verdict}])]), store)
    async with Workspace.open(tmp_path / "workspace", Components(planner, critic, MemoryGenerator(store))) as workspace:
        done = await workspace.run(await workspace.create("a cat"))
        export(done, store, tmp_path / "out")
    assert done.status == "done"
    assert done.attempts[0].prompt == "a cat, key ***"
    files = files_with(b"", tmp_path)
    assert {"index.html", "document.md", "trajectory.json", "trajectories.sqlite"} <= set(files)
    assert files_with(SECRET.encode(), tmp_path) == []


async def test_a_key_in_the_arguments_of_a_tool_is_masked() -> None:
    remember_secrets_of({"api_key": SECRET})
    call = {"name": "look_up", "args": {"words": ["key", SECRET]}, "id": "1", "type": "tool_call"}
    said = AIMessage("", tool_calls=[call], additional_kwargs={"refusal": f"no {SECRET}"})
    answer = await invoke(FakeMessagesListChatModel(responses=[said]), [HumanMessage("hello")])
    assert answer.tool_calls[0]["args"] == {"words": ["key", "***"]}
    assert answer.additional_kwargs["refusal"] == "no ***"


def test_a_key_that_is_a_word_does_not_change_what_a_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("sunflowers", "not-needed", "12345678"):
        monkeypatch.setenv("OPENAI_API_KEY", value)
        assert without_secrets(f"a field of {value}") == f"a field of {value}"
    monkeypatch.setenv("OPENAI_API_KEY", "sunflower5")
    assert without_secrets(["a sunflower5", {"b": ("x", 1)}, None]) == ["a ***", {"b": ("x", 1)}, None]
