"""The profile klein-vllm: planner and critic on a server that speaks OpenAI's protocol, as vLLM and SGLang do."""

import base64
import json
from pathlib import Path
from typing import Any, cast

import pytest

from interleavethinker.graph.profiles.checks import local_models
from interleavethinker.graph.profiles.opening import _build_role
from interleavethinker.graph.profiles.profile import Role, load_profile
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.chat.answers import write_plan
from interleavethinker.tools.images.png import encode_png
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request
from interleavethinker.tools.testing.agents import plan_of
from interleavethinker.tools.types import CriticInput
from tests.servers.images.backends.local_api import LocalApi, Reply, local_api

MODEL = "Qwen/Qwen3-VL-8B-Instruct"
VERDICT = ('{"', "previous_step_success", '":', " true", ', "refine_prompt": ""}')


MESSAGE: dict[str, dict[str, Any]] = {
    "vllm": {"refusal": None, "tool_calls": [], "reasoning": None},
    "sglang": {"reasoning_content": None, "tool_calls": None},
}
CHOICE: dict[str, dict[str, Any]] = {"vllm": {"stop_reason": None}, "sglang": {"matched_stop": 151645}}
EXTRA: dict[str, dict[str, Any]] = {"vllm": {}, "sglang": {"metadata": {"weight_version": "default"}}}
"""What each server has beside the common fields of a message, a choice and an answer."""
both_servers = pytest.mark.parametrize("server", ["vllm", "sglang"])


def reply(server: str, text: str, **choice: Any) -> Reply:
    """Answers as the server documents it."""
    message = {"role": "assistant", "content": text, **MESSAGE[server]}
    only = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"} | CHOICE[server] | choice
    usage = {"prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "usage": usage}
    return Reply(200, {**answer, "choices": [only], **EXTRA[server]})


def token(text: str, *others: tuple[str, float]) -> dict[str, Any]:
    top = [
        {"token": other, "logprob": value, "bytes": list(other.encode())} for other, value in others or [(text, -0.1)]
    ]
    return {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": top}


def served(role: Role, api: LocalApi) -> Role:
    """Returns the shipped role with another address."""
    assert role.options["base_url"] == "http://127.0.0.1:8000/v1"
    return role.model_copy(update={"options": role.options | {"base_url": api.url}})


@both_servers
async def test_the_planner_asks_the_server_for_a_plan(tmp_path: Path, server: str) -> None:
    profile = load_profile("klein-vllm")
    with local_api(reply(server, write_plan(plan_of("a paper boat", "fold it")))) as api:
        planner = cast("ChatPlanner", _build_role(served(profile.planner, api), ImageStore(tmp_path), "planner"))
        plan = await planner.plan(as_request("fold a paper boat"), PlanContext())
    assert [step.prompt for step in plan.steps] == ["a paper boat", "fold it"]
    (request,) = api.requests
    assert request.path.endswith("/chat/completions")
    assert (request.json["model"], request.json["temperature"]) == (MODEL, 0)


@both_servers
async def test_the_critic_sends_images_as_data_uris_and_reads_its_confidence_from_log_probabilities(
    tmp_path: Path, server: str
) -> None:
    from PIL import Image

    store = ImageStore(tmp_path)
    pngs = [encode_png(Image.new("RGB", (64, 64), color)) for color in ("white", "red")]
    source, image = map(store.put, pngs)
    success = token(" true", (" true", -0.2231436), (" false", -1.6094379))
    logprobs = {"content": [success if part == " true" else token(part) for part in VERDICT]}
    with local_api(reply(server, "".join(VERDICT), logprobs=logprobs)) as api:
        critic = cast("ChatCritic", _build_role(served(load_profile("klein-vllm").critic, api), store, "critic"))
        assert critic.gives_confidence
        case = CriticInput(source=source, image=image, original_prompt="red", prompt="make it red")
        (verdict,) = await critic.judge([case])
    assert verdict.success is True
    assert verdict.confidence is not None
    assert abs(verdict.confidence - 0.8) < 1e-4
    (request,) = api.requests
    assert (request.json["logprobs"], request.json["top_logprobs"]) == (True, 10)
    content = [part for message in request.json["messages"] for part in message["content"] if isinstance(part, dict)]
    uris = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    assert [base64.b64decode(uri.removeprefix("data:image/png;base64,")) for uri in uris] == pngs
    assert str(tmp_path) not in json.dumps(request.json)


def test_only_the_image_model_is_loaded_on_this_machine() -> None:
    assert local_models(load_profile("klein-vllm")) == {"black-forest-labs/FLUX.2-klein-4B"}
