"""What `check_profile` reports about a profile's models, keys, licenses and memory."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interleavethinker.graph.profiles.checks import (
    check_profile,
    gpu_memory_need,
    local_models,
    models_of_unknown_size,
    offload_advice,
)
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.model_catalog import pinned

KLEIN = """
description = "d"
planner = { model = "qwen3-vl:Qwen/Qwen3-VL-8B-Instruct" }
critic = { model = "qwen3-vl:Qwen/Qwen3-VL-8B-Instruct" }
generator = { model = "klein" }
"""


@pytest.fixture
def profile_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Profile]:
    """Makes profiles out of `KLEIN` by replacing words; the Hugging Face cache is empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))

    def make(**replaced: str) -> Profile:
        text = KLEIN
        for old, new in replaced.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        path = tmp_path / "made.toml"
        path.write_text(text)
        return load_profile(str(path))

    return make


def checks_of(profile: Profile) -> dict[str, CheckResult]:
    return {check.name: check for check in check_profile(profile)}


def test_an_image_model_named_by_its_alias_is_resolved_and_reported_with_size_and_licence(
    profile_with: Callable[..., Profile],
) -> None:
    checks = checks_of(profile_with())
    assert checks["generator"].found == (
        "klein (black-forest-labs/FLUX.2-klein-4B), not downloaded yet: the first run downloads about 16 GB"
    )
    assert checks["licence"].found == "klein (black-forest-labs/FLUX.2-klein-4B): Apache-2.0"
    assert (checks["licence"].good, checks["licence"].warning) == (True, False)
    assert "about 17.5 GB" in checks["planner"].found


def test_a_misspelt_option_of_a_local_model_is_found(profile_with: Callable[..., Profile]) -> None:
    profile = profile_with()
    planner = profile.planner.model_copy(update={"options": {"temprature": 0}})
    found = checks_of(profile.model_copy(update={"planner": planner}))["planner"]
    assert not found.good
    assert "temprature: Extra inputs are not permitted" in found.found


def test_an_alias_whose_repositories_are_in_the_cache_counts_as_downloaded(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = {"black-forest-labs/FLUX.2-klein-4B": 1, "Qwen/Qwen-Image-Edit-2511": 1}
    monkeypatch.setattr("interleavethinker.graph.profiles.checks._downloaded", lambda: cached)
    for name in ("klein", "black-forest-labs/FLUX.2-klein-4B"):
        found = checks_of(profile_with(klein=name))["generator"].found
        assert found == "klein (black-forest-labs/FLUX.2-klein-4B), downloaded"
    # Only one model of this pair is there.
    assert "not downloaded yet" in checks_of(profile_with(klein="qwen-edit"))["generator"].found


@pytest.mark.parametrize("name", ["klein-9b", "kontext", "black-forest-labs/FLUX.1-Kontext-dev"])
def test_a_licence_that_forbids_commercial_use_is_a_warning_and_no_failure(
    name: str, profile_with: Callable[..., Profile]
) -> None:
    licence = checks_of(profile_with(klein=name))["licence"]
    assert (licence.good, licence.warning) == (True, True)
    assert "not for commercial use" in licence.found


def test_gpu_memory_is_summed_over_distinct_local_models(profile_with: Callable[..., Profile]) -> None:
    profile = profile_with()
    assert local_models(profile) == {"Qwen/Qwen3-VL-8B-Instruct", "black-forest-labs/FLUX.2-klein-4B"}
    assert gpu_memory_need(profile) == 22 + 18
    assert gpu_memory_need(load_profile("klein")) == 22 + 18
    assert gpu_memory_need(profile_with(klein="fake")) == 22


def test_an_offload_of_the_image_server_lowers_the_need(profile_with: Callable[..., Profile]) -> None:
    profile = profile_with()
    for arguments, needed in ((["--offload", "model"], 22 + 11), (["--offload=sequential"], 22 + 4), (["--port"], 40)):
        generator = profile.generator.model_copy(update={"arguments": arguments})
        assert gpu_memory_need(profile.model_copy(update={"generator": generator})) == needed


def with_arguments(profile: Profile, *arguments: str) -> Profile:
    generator = profile.generator.model_copy(update={"arguments": arguments})
    return profile.model_copy(update={"generator": generator})


def test_quantized_layers_lower_the_need_and_their_package_is_missed(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = profile_with()
    for arguments, needed in (
        (["--quantize", "bnb-4bit"], 22 + 8),
        (["--quantize=torchao-int8", "--offload", "model"], 22 + 7),
        (["--quantize", "bnb-4bit", "--offload=sequential"], 22 + 4),
    ):
        assert gpu_memory_need(with_arguments(profile, *arguments)) == needed
    monkeypatch.setattr("interleavethinker.graph.profiles.checks.find_spec", lambda _name: None)
    found = checks_of(with_arguments(profile, "--quantize", "bnb-4bit"))["generator"]
    assert not found.good
    assert "pip install bitsandbytes" in found.found


def test_where_only_a_slow_offload_fits_quantized_layers_are_named_besides(
    profile_with: Callable[..., Profile],
) -> None:
    hosted = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": "openai:gpt-4.1"}
    advice = offload_advice(profile_with(klein="kontext", **hosted), 24)
    assert advice.index('"sequential"') < advice.index('["--quantize", "bnb-8bit"]')
    assert offload_advice(profile_with(klein="klein", **hosted), 12).count("arguments") == 1, "images stay the same"
    tight = offload_advice(profile_with(), 25.5)
    assert tight == ""
    quantized = offload_advice(profile_with(), 27)
    assert '["--quantize", "bnb-4bit", "--offload", "model"]' in quantized


@pytest.mark.parametrize(
    ("model", "memory", "offload"),
    [
        ("klein", 12, "model"),
        ("klein", 16, "model"),
        ("klein-9b", 12, "sequential"),
        ("klein-9b", 24, "model"),
        ("kontext", 24, "sequential"),
        ("kontext", 40, "model"),
        ("qwen-edit", 40, "sequential"),
        ("qwen-edit", 80, "model"),
        ("klein", 3, None),
        ("someone/unknown-model", 12, None),
    ],
)
def test_the_fastest_offload_that_fits_is_advised_for_gpus_of_every_size(
    model: str, memory: float, offload: str | None, profile_with: Callable[..., Profile]
) -> None:
    hosted = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": "openai:gpt-4.1"}
    advice = offload_advice(profile_with(klein=model, **hosted), memory)
    assert (f'arguments = ["--offload", "{offload}"]' in advice) if offload else (advice == "")


def test_no_offload_is_advised_that_would_not_make_room_for_planner_and_critic(
    profile_with: Callable[..., Profile],
) -> None:
    assert offload_advice(profile_with(), 24) == ""
    assert '"model"]' in offload_advice(profile_with(), 40)


def test_hosted_models_and_small_ones_need_no_gpu(profile_with: Callable[..., Profile]) -> None:
    assert gpu_memory_need(load_profile("micro")) == 0
    hosted = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": "groq:llama-70B"}
    assert gpu_memory_need(profile_with(klein="openai:image-8B", **hosted)) == 0
    assert local_models(load_profile("api")) == set()


def test_local_models_without_the_extra_are_reported_with_the_command(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("torch", "diffusers", "transformers"):
        monkeypatch.setitem(sys.modules, library, None)
    checks = checks_of(profile_with())
    for role in ("planner", "critic", "generator"):
        assert not checks[role].good
        assert "pip install -c constraints.txt '.[local]'" in checks[role].found
    assert all(check.good for check in check_profile(profile_with(klein="cells"))[2:])


async def test_opening_a_profile_without_the_extra_fails_with_the_command_before_a_server_is_started(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    hosted = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": "openai:gpt-5-mini"}
    monkeypatch.setattr("interleavethinker.graph.profiles.opening.McpImageGenerator", None)
    with pytest.raises(ProfileError, match=r"pip install -c constraints.txt '.\[local\]'"):
        async with open_components(profile_with(**hosted), ImageStore(tmp_path)):
            pass


@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_either_key_that_the_image_server_reads_is_enough(
    variable: str, profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    profile = profile_with(klein="gemini:some-model")
    missing = checks_of(profile)["generator"]
    assert (missing.good, missing.found) == (
        False,
        "gemini:some-model needs the environment variable GEMINI_API_KEY or GOOGLE_API_KEY",
    )
    monkeypatch.setenv(variable, "key")
    assert checks_of(profile)["generator"].good


def test_a_check_reports_what_a_profile_lacks_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    checks = {check.name: check for check in check_profile(load_profile("api"))}
    assert not checks["generator"].good
    assert "OPENAI_API_KEY" in checks["generator"].found
    assert all(check.good for check in check_profile(load_profile("micro")))


def hosted(model: str, profile_with: Callable[..., Profile]) -> CheckResult:
    return checks_of(profile_with(**{"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": model}))["planner"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("opnai:gpt-5-mini", "unknown provider 'opnai'; did you mean openai?"),
        ("gpt-5-mini", "unknown provider 'gpt-5-mini'; known providers: anthropic,"),
        ("groq:some-model", "needs langchain-groq, which is not installed: pip install langchain-groq"),
    ],
)
def test_only_packages_of_the_documented_providers_are_recommended(
    model: str, said: str, profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interleavethinker.graph.profiles.checks.find_spec", lambda _: None)
    found = hosted(model, profile_with)
    assert not found.good
    assert said in found.found
    assert "langchain-opnai" not in found.found
    assert "interleavethinker[" not in found.found


def test_a_hosted_model_is_not_called_good_because_of_its_name(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    found = hosted("openai:gpt-99-does-not-exist", profile_with)
    assert found.good
    assert "the provider was not asked for the model" in found.found


def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """Runs a server that answers everything alike; yields its address and the requests that it gets."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers.get('authorization')}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "good", "said"),
    [
        (200, b'{"data": [{"id": "mine"}]}', True, "answers and has the model"),
        (200, b'{"data": [{"id": "other\\u001b[31m"}]}', True, "does not list the model; it has: other"),
        (401, b"{}", False, "refuses the key (HTTP 401)"),
        (404, b"<html>", True, "not with a list of models (HTTP 404)"),
        (200, b" " * 2_000_000, True, "not with a list of models"),
    ],
)
def test_a_server_of_ones_own_is_asked_whether_it_answers(
    status: int,
    body: bytes,
    good: bool,
    said: str,
    profile_with: Callable[..., Profile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    with contextlib.contextmanager(answering)(status, body) as (address, seen):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        found = hosted("openai:mine", profile_with)
    assert (found.good, seen[0]) == (good, "/v1/models Bearer sk-mine")
    assert said in found.found
    assert "\x1b" not in found.found


def test_a_server_that_does_not_answer_is_a_failure(
    profile_with: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    for address in (
        "http://127.0.0.1:9/v1",
        "http://user:hunter2@127.0.0.1:9/v1?key=hunter2",
        "not an address",
        "http://[::1",
        "file:///etc/passwd",
    ):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        found = hosted("openai:mine", profile_with)
        assert not found.good
        assert "does not answer" in found.found
        assert "hunter2" not in found.found


@pytest.mark.parametrize("model", ["a.b:c", "..:x", "a/b:c", "os.path:join", ":", "a b:c"])
def test_a_strange_provider_is_reported_and_never_imported(model: str, profile_with: Callable[..., Profile]) -> None:
    found = hosted(model, profile_with)
    assert not found.good
    assert "unknown provider" in found.found


def test_memory_is_measured_and_never_read_off_a_name(profile_with: Callable[..., Profile], tmp_path: Path) -> None:
    folder = tmp_path / "my-70B"
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(16_000_000_000)
    own = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": f"qwen3-vl:{folder}"}
    assert gpu_memory_need(profile_with(klein="fake", **own)) == 20
    remote = {"qwen3-vl:Qwen/Qwen3-VL-8B-Instruct": "qwen3-vl:someone/Model-70B"}
    profile = profile_with(klein="fake", **remote)
    assert (gpu_memory_need(profile), models_of_unknown_size(profile)) == (0, ["someone/Model-70B"])


@pytest.mark.parametrize("name", ["klein", "klein-vllm", "released"])
def test_the_repositories_of_a_shipped_profile_are_pinned(name: str) -> None:
    repositories = {one for one in local_models(load_profile(name)) if not one.startswith("/")}
    assert repositories
    assert all(pinned(one)[1] for one in repositories)


def test_a_repository_without_a_commit_is_a_warning_that_says_how_to_pin_it(
    profile_with: Callable[..., Profile],
) -> None:
    other = checks_of(profile_with(klein="someone/pipeline"))["generator"]
    assert (other.good, other.warning) == (True, True)
    assert "not pinned to a commit: name it someone/pipeline@COMMIT" in other.found
    named = checks_of(profile_with(klein=f"someone/pipeline@{'a' * 40}"))["generator"]
    assert not named.warning
    assert "not pinned" not in named.found


def test_a_branch_instead_of_a_commit_is_refused_when_the_profile_is_read(
    profile_with: Callable[..., Profile],
) -> None:
    with pytest.raises(ProfileError, match="names no commit"):
        profile_with(klein="someone/pipeline@main")


def test_another_commit_in_the_cache_does_not_count_as_downloaded(
    profile_with: Callable[..., Profile], tmp_path: Path
) -> None:
    profile = profile_with()  # Its cache is this folder.
    repository = tmp_path / "no-cache" / "models--black-forest-labs--FLUX.2-klein-4B"
    for commit, said in (("a" * 40, "not downloaded yet"), ("e7b7dc27f91deacad38e78976d1f2b499d76a294", "downloaded")):
        (repository / "snapshots" / commit).mkdir(parents=True)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / "main").write_text(commit)
        found = checks_of(profile)["generator"].found
        assert said in found
        assert ("not downloaded" in found) == (said == "not downloaded yet")
