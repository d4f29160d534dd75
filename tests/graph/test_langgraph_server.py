"""LangGraph's own server, `langgraph dev` with this repository's langgraph.json, driven through its clients.

One real process without `--allow-blocking`. Its profiles need no model: the scripted planner, a generator of colored
cells, and a critic that waits while a file exists, so that a run can be met in its middle.
"""

import asyncio
import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .langgraph_process import ROOT, Server

PNG = fake_image(GenerationRequest(prompt="a photo of theirs", seed=0))
REQUEST = "a big red ball on the left, at night. then make the ball blue"
pytestmark = pytest.mark.skipif(
    find_spec("langgraph_api") is None, reason="needs the extra `server`; `make server-test` installs it"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("langgraph"))
    server.start()
    yield server
    server.stop()
    log = server.log.read_text()
    assert "Blocking call" not in log
    assert "BlockingError" not in log


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[Any]:
    from langgraph_sdk import get_client

    async with get_client(url=server.url) as client:
        yield client


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Any]:
    async with client_of(server) as client:
        yield client


def human(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


async def default_assistant(client: Any) -> str:
    """The id of the assistant that the server makes for the graph; tests make others with contexts."""
    (found,) = await client.assistants.search(metadata={"created_by": "system"})
    return str(found["assistant_id"])


def linked(message: dict[str, Any]) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", message["content"])


async def test_an_assistant_with_a_context_asks_for_approval_and_its_answer_links_images(
    client: Any, server: Server
) -> None:
    schemas = await client.assistants.get_schemas(await default_assistant(client))
    assert {"profile", "limits", "approve_plan"} <= set(schemas["context_schema"]["properties"])
    assert {"request", "messages"} <= set(schemas["input_schema"]["properties"])
    assert {"document", "messages"} <= set(schemas["output_schema"]["properties"])
    misspelt = await client.assistants.create("trajectory", context={"aprove_plan": True})
    failed = await client.runs.wait(None, misspelt["assistant_id"], input=human(REQUEST), raise_error=False)
    assert "Did you mean 'approve_plan'?" in str(failed["__error__"]), failed
    assistant = await client.assistants.create(
        "trajectory", context={"approve_plan": True, "limits": {"max_attempts": 1}}, name="asks first"
    )
    thread = (await client.threads.create())["thread_id"]
    first = [
        event
        async for event in client.runs.stream(
            thread, assistant["assistant_id"], input=human(REQUEST), stream_mode=["updates", "messages", "custom"]
        )
    ]
    assert not [event for event in first if event.event.startswith("messages")], "planner and critic do not leak"
    plan = next(event.data["plan"] for event in first if event.event == "updates" and "plan" in event.data)
    assert [step["prompt"] for step in plan["plans"]["1"]["steps"]][-1] == "make the ball blue"
    (asked,) = (await client.threads.get_state(thread))["interrupts"]
    (action,) = asked["value"]["action_requests"]
    edited = {"name": action["name"], "args": {"steps": action["args"]["steps"][:1]}}
    decision = {"decisions": [{"type": "edit", "edited_action": edited}]}
    second = [
        event.data
        async for event in client.runs.stream(
            thread, assistant["assistant_id"], command={"resume": decision}, stream_mode="updates"
        )
        if event.event == "updates"
    ]
    by_node = {node: update for data in second for node, update in data.items()}
    (attempt,) = by_node["generate"]["attempts"].values()
    assert next(iter(by_node["critic"]["attempts"].values()))["verdict"]["success"] is True
    values = (await client.threads.get_state(thread))["values"]
    assert values["document"]["complete"]
    (address,) = linked(values["messages"][-1])
    assert address == f"{server.url}/images/{attempt['image']}.png"
    async with httpx.AsyncClient(timeout=120) as http:
        image = await http.get(address)
    assert image.headers["content-type"] == "image/png"
    assert hashlib.sha256(image.content).hexdigest() == attempt["image"]


async def test_assistants_with_different_contexts_work_at_once(client: Any) -> None:
    async def images(limits: dict[str, int]) -> int:
        assistant = await client.assistants.create("trajectory", context={"limits": limits})
        answer = await client.runs.wait(None, assistant["assistant_id"], input={"request": REQUEST})
        return sum(block["kind"] == "image" for block in answer["document"]["blocks"])

    few, all_of_them = await asyncio.gather(images({"max_calls": 1}), images({"max_calls": 9}))
    assert (few, all_of_them) == (1, 2)


async def test_a_client_cannot_name_a_profile_file_and_the_request_check_holds(client: Any, server: Server) -> None:
    for context, request, problem in (
        ({"profile": str(server.folder / "other.toml")}, REQUEST, "not allowed here"),
        ({}, "A photorealistic astronaut on the moon.", "astronaut"),
    ):
        answer = await client.runs.wait(
            None, "trajectory", input={"request": request}, context=context, raise_error=False
        )
        assert problem in str(answer["__error__"])


async def test_a_run_is_cancelled_and_resumed(client: Any, server: Server) -> None:
    server.close_gate()
    thread = (await client.threads.create())["thread_id"]
    run = await client.runs.create(thread, "trajectory", input={"request": REQUEST}, context={"profile": "gated"})
    await server.met()
    await client.runs.cancel(thread, run["run_id"], wait=True)
    server.gate.unlink()
    assert (await client.runs.get(thread, run["run_id"]))["status"] == "interrupted"
    before = (await client.threads.get_state(thread))["values"]["attempts"]
    answer = await client.runs.wait(thread, "trajectory", input=None, context={"profile": "gated"})
    assert answer["document"]["complete"]
    assert next(iter(answer["attempts"].values()))["image"] == next(iter(before.values()))["image"]


async def test_a_thread_is_forked_with_another_prompt(client: Any) -> None:
    thread = (await client.threads.create())["thread_id"]
    first = await client.runs.wait(thread, "trajectory", input={"request": REQUEST, "seed": 1})
    history = await client.threads.get_history(thread, limit=100)
    before = [state for state in history if state["next"] == ["generate"]][-1]
    override = {"step": 0, "iteration": 0, "prompt": "a big green ball on the left, at night"}
    fork = await client.threads.update_state(
        thread, {"override": override}, checkpoint_id=before["checkpoint"]["checkpoint_id"]
    )
    second = await client.runs.wait(thread, "trajectory", input=None, checkpoint=fork["checkpoint"])
    prompts = [
        [block["text"] for block in answer["document"]["blocks"] if block["kind"] == "image"]
        for answer in (first, second)
    ]
    assert prompts[0][0] != prompts[1][0] == override["prompt"]


async def test_refused_values_and_misspelt_inputs_are_answered_with_a_reason(client: Any) -> None:
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "trajectory", input={"request": REQUEST})
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await client.threads.update_state(thread, {"seed": "one"})
    assert refused.value.response.status_code == 422
    answer = refused.value.response.json()
    assert "The value of 'seed' does not fit the graph's state" in answer["detail"]
    assert answer["error"]["code"] == "invalid_input"
    for misspelt, meant in (
        ({"request": REQUEST, "aprove_plan": True}, "approve_plan"),
        ({"requst": REQUEST}, "request"),
    ):
        failed = await client.runs.wait(None, "trajectory", input=misspelt, raise_error=False)
        assert f"Did you mean '{meant}'?" in str(failed["__error__"])
    foreign = {"request": REQUEST, "messagess_of_mine": 1, "limits": {"max_calls": 1}}
    assert (await client.runs.wait(None, "trajectory", input=foreign))["document"]


async def test_an_image_comes_in_and_goes_out_by_address(client: Any, server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=120) as http:
        put = await http.put("/images", content=PNG)
        assert put.status_code == 201
        assert (await http.get(put.json()["url"])).content == PNG
        unusable = await http.post("/images", content=b"no image")
        assert (unusable.status_code, unusable.json()["error"]["code"]) == (422, "invalid_image")
        assert (await http.get(f"/images/{'0' * 64}.png")).status_code == 404
        assert (await http.get("/images/..%2F..%2Fsecret.png")).status_code == 404
    drawn = (await client.runs.wait(None, "trajectory", input=human("a big red ball on the left")))["messages"][-1]
    blocks = [
        {"type": "text", "text": "what is different?"},
        {"type": "image_url", "image_url": {"url": linked(drawn)[0]}},
        {"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"},
    ]
    answer = await client.runs.wait(None, "trajectory", input=human(blocks))
    asked, told = answer["messages"]
    assert [block["url"] for block in asked["content"][1:]] == [linked(drawn)[0], put.json()["url"]]
    assert "In the second picture" in told["content"]


async def test_a_further_message_continues_the_thread_or_changes_the_step_that_it_names(client: Any) -> None:
    thread = (await client.threads.create())["thread_id"]
    refused = await client.runs.wait(thread, "trajectory", input=human("what is this?"), raise_error=False)
    assert "__error__" in refused
    answers = [
        await client.runs.wait(thread, "trajectory", input=human(message) | {"seed": 5})  # cells with room for more
        for message in (REQUEST, "Add a small green tree on the right.", "In step 2, add a small yellow star.")
    ]
    story, _, changed = ([attempt["image"] for attempt in answer["attempts"].values()] for answer in answers)
    sources = [[attempt["source"] for attempt in answer["attempts"].values()] for answer in answers]
    assert sources[1] == [story[-1]], "one more step continues from the last image"
    assert sources[2] == [story[1]], "the newest answer has no step 2, the thread has"
    assert [len(linked(answer["messages"][-1])) for answer in answers] == [2, 1, 1]
    assert linked(answers[2]["messages"][-1])[0].endswith(f"/{changed[0]}.png")
    said = [message["type"] for message in answers[2]["messages"]]
    assert said == ["human", "human", "ai", "human", "ai", "human", "ai"]
    assert answers[2]["messages"][2] == answers[0]["messages"][-1], "earlier answers stay in the thread"


async def test_a_joined_stream_shows_the_rest_of_a_run(client: Any, server: Server) -> None:
    server.close_gate()
    thread = (await client.threads.create())["thread_id"]
    run = await client.runs.create(
        thread,
        "trajectory",
        input={"request": REQUEST},
        context={"profile": "gated"},
        stream_mode=["updates"],
        stream_resumable=True,
    )
    await server.met()
    events = []
    # From the beginning, so that there is an event before the gate opens.
    joined = client.runs.join_stream(thread, run["run_id"], stream_mode=["updates"], last_event_id="-1")
    async for event in joined:
        events.append(event)
        await asyncio.to_thread(server.gate.unlink, missing_ok=True)
    assert (await client.runs.get(thread, run["run_id"]))["status"] == "success"
    assert any("critic" in event.data for event in events if event.event == "updates")


async def test_agents_call_the_graph_over_a2a_and_mcp(client: Any, server: Server) -> None:
    assistant = await default_assistant(client)
    message = {"role": "user", "messageId": "1", "parts": [{"kind": "text", "text": REQUEST}]}
    call = {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {"message": message}}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        answer = (await http.post(f"/a2a/{assistant}", json=call, headers={"accept": "application/json"})).json()
    text = str(answer["result"])
    assert text.count("/images/") >= 2, text
    from mcp import Client

    async with Client(f"{server.url}/mcp") as mcp:
        tool = next(tool for tool in (await mcp.list_tools()).tools if tool.name == "trajectory")
        assert "text and images" in (tool.description or "")
        result = await mcp.call_tool(tool.name, {"request": REQUEST})
    assert not result.is_error
    assert "complete" in str(result.content)


async def test_a_killed_server_carries_on(server: Server) -> None:
    server.close_gate()
    async with client_of(server) as client:
        thread = (await client.threads.create())["thread_id"]
        await client.runs.create(
            thread, "trajectory", input={"request": REQUEST, "seed": 7}, context={"profile": "gated"}
        )
        await server.met()
        before = (await client.threads.get_state(thread))["values"]["attempts"]
        await server.saved()
    server.stop(signal.SIGKILL)
    server.gate.unlink()
    server.start()
    async with client_of(server) as client, asyncio.timeout(120):
        while True:
            state = await client.threads.get_state(thread)
            if state["values"].get("stop_reason"):
                break
            await asyncio.sleep(0.3)
        assert state["values"]["document"]["complete"]
        after = next(iter(state["values"]["attempts"].values()))
        assert after["image"] == next(iter(before.values()))["image"]


def test_the_example_uses_the_server_as_a_node_of_another_graph(server: Server) -> None:
    program = [sys.executable, str(ROOT / "examples" / "remote_graph.py")]
    environment = os.environ | {"LANGGRAPH_URL": server.url}
    done = subprocess.run(program, env=environment, check=True, capture_output=True, text=True)
    addresses = [line for line in done.stdout.splitlines() if line.startswith(server.url)]
    assert len(addresses) == 2
    assert all(httpx.get(address, timeout=120).content.startswith(b"\x89PNG") for address in addresses)


def test_the_container_installs_the_local_models_with_the_build_of_torch_that_is_chosen(tmp_path: Path) -> None:
    shutil.copy(ROOT / "langgraph.json", tmp_path)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    program = Path(sys.executable).with_name("langgraph")
    subprocess.run([program, "dockerfile", "Dockerfile"], cwd=tmp_path, check=True, capture_output=True)
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    backend = lines.index("ARG TORCH_BACKEND=cpu")
    (models,) = [number for number, line in enumerate(lines) if "--torch-backend=$TORCH_BACKEND" in line]
    (package,) = [number for number, line in enumerate(lines) if line.startswith("RUN for dep in /deps/*")]
    assert backend < models < package, "the package finds its torch installed already"
    assert "-r /models/pyproject.toml --extra local" in lines[models]
    assert any(line.startswith("ADD pyproject.toml /models/") for line in lines[backend:models])
