"""Trajectories per hour on one GPU with random weights of real size, against the serial loop; `make gpu-loop`.

Qwen3-VL of the 8 B model's shape plans and judges, a pipeline of FLUX.2-klein-4B's shape generates images of 1024
pixels a side. Nothing is downloaded. Also measured: tokens a second of the decoding step by step and with CUDA graphs,
seconds of each stage, and the memory of the device. What the time budget does not reach is left out and named. With
`--tiny` the same runs on a CPU with tiny models, which shows that the script works and measures nothing.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from interleavethinker.evaluation.throughput.product_run import (
    WARM_UP,
    WARM_UP_SEED,
    Answered,
    Stages,
    answer_in,
    timed_components,
)
from interleavethinker.evaluation.throughput.serial_loop import SerialLoop
from interleavethinker.graph import Workspace
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.qwen3vl import inference
from interleavethinker.tools.qwen3vl.batching import Prompt, SamplingParams
from interleavethinker.tools.qwen3vl.engine import ContinuousEngine
from interleavethinker.tools.qwen3vl.graphed_decoder import CudaGraphs, GraphedDecoder
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity
from interleavethinker.tools.qwen3vl.scheduling import Scheduler
from interleavethinker.tools.request_parsing import as_request
from tests.training.elsewhere.real_size_steps import make_model

from .real_size_models import (
    REAL,
    REQUEST,
    TINY,
    ScriptedQwen3VL,
    SerialScriptedQwen3VL,
    Size,
    StockPipeline,
    make_klein,
)

GIB = 2**30


@dataclass
class Report:
    """What was measured so far."""

    size: Size
    budget: float
    """Seconds; a part that would begin after them is left out."""
    figures: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def has_time_for(self, part: str) -> bool:
        """Returns whether a part may begin; otherwise it is named as left out."""
        if time.monotonic() - self.started < self.budget:
            return True
        self.figures.setdefault("left_out", []).append(part)
        return False

    def add(self, part: str, values: Any) -> None:
        """Adds figures, with the seconds since the start and the memory that is taken on the device now."""
        used = None
        if torch.cuda.is_available():
            free, total = torch.cuda.mem_get_info()
            used = round((total - free) / GIB, 1)
        after = round(time.monotonic() - self.started, 1)
        self.figures[part] = {**values, "device_gib_in_use": used, "seconds_since_start": after}


def measure(root: Path, size: Size, budget: float) -> dict[str, Any]:
    """Measures everything that the budget allows and returns it.

    Args:
        root: A folder that does not exist yet.
        size: Of models, images and answers.
        budget: Seconds after which no further part begins.
    """
    report = Report(size, budget)
    on_gpu = torch.cuda.is_available()
    report.figures["device"] = torch.cuda.get_device_name() if on_gpu else "cpu"
    make_model(root / "qwen", size.qwen)
    klein = make_klein(root / "klein", size)
    _release()
    report.add("models_written", {})
    identity = ModelIdentity(str(root / "qwen"), "bfloat16" if on_gpu else "float32")
    model = LocalModel(identity)
    model.load()
    report.add("decoding", decoding_speed(model, size))
    if report.has_time_for("serial"):
        report.add("serial", asyncio.run(serial(root / "serial", size, model, klein)))
    _release()
    if report.has_time_for("product"):
        # The product takes the loaded weights, so that they are not loaded twice.
        inference._BATCHERS[identity] = Scheduler(model.engine)
        try:
            asyncio.run(product(root / "product", report, identity, klein))
        finally:
            inference.unload_models(identity)
    if on_gpu:
        report.figures["this_process_most_gib"] = round(torch.cuda.max_memory_allocated() / GIB, 1)
    serial_rate = report.figures.get("serial", {}).get("trajectories_per_hour")
    for name, values in report.figures.items():
        if name.startswith("at_once.") and serial_rate:
            values["ratio"] = round(values["trajectories_per_hour"] / serial_rate, 2)
    return report.figures


def decoding_speed(model: LocalModel, size: Size) -> dict[str, Any]:
    """Returns tokens a second for 1 and 8 verdicts at a time, step by step and on a GPU also with graphs."""
    loaded, processor = model._model, model._processor
    engines = {"eager": ContinuousEngine(loaded, processor)}
    if loaded.device.type == "cuda":
        graphed = GraphedDecoder(loaded, CudaGraphs(loaded.device))
        engines["graphs"] = ContinuousEngine(loaded, processor, graphed)
    images = tuple(Image.effect_noise((size.side, size.side), 60 + n).convert("RGB") for n in (0, 1))
    content = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": "Does the image show it? " * 40}]
    sampling = SamplingParams(max_new_tokens=size.verdict_tokens, logprobs=False)
    prompt = Prompt(({"role": "user", "content": content},), images, sampling)
    figures: dict[str, Any] = {}
    texts: dict[str, set[str]] = {}
    for name, engine in engines.items():
        for rows in (1, 8):
            engine.complete([prompt] * rows, rows)  # Encodes the images, records the graphs.
            started = time.perf_counter()
            for _ in range(rows):
                engine.start(prompt)
            ready = time.perf_counter()
            completions: list[Any] = []
            while len(completions) < rows:
                completions += [completion for _, completion in engine.step()]
            seconds = time.perf_counter() - ready
            tokens = sum(completion.completion_tokens - 1 for completion in completions)
            figures[f"{name}.{rows}.tokens_per_second"] = round(tokens / seconds, 1)
            figures[f"{name}.{rows}.prompt_seconds"] = round((ready - started) / rows, 3)
            texts.setdefault(name, set()).update(completion.text for completion in completions)
    if "graphs" in texts:
        figures["graphs.same_texts"] = texts["graphs"] == texts["eager"]
    return figures


async def serial(folder: Path, size: Size, model: LocalModel, klein: Path) -> dict[str, Any]:
    """Measures the serial loop: transformers' `generate`, the stock pipeline, one call after the other."""
    common = {"model": model._identity.model, "local": model}
    planner = SerialScriptedQwen3VL(role="planner", max_new_tokens=size.plan_tokens, **common)
    critic = SerialScriptedQwen3VL(role="critic", max_new_tokens=size.verdict_tokens, **common)
    loop = SerialLoop(_profile(klein), folder, StockPipeline(klein, size), (planner, critic))
    await loop.answer(as_request(WARM_UP), WARM_UP_SEED)
    loop.seconds.clear()
    loop.calls = 0
    started = time.perf_counter()
    for number in range(size.serial):
        await loop.answer(as_request(REQUEST), number)
    return _speed(size.serial, time.perf_counter() - started, Stages(loop.seconds, calls=loop.calls))


async def product(root: Path, report: Report, identity: ModelIdentity, klein: Path) -> None:
    """Measures the product with one image server, for each number of trajectories at once."""
    store, stages, size = ImageStore(root / "images"), Stages(), report.size
    profile = _profile(klein, root / "server")
    common: dict[str, Any] = {"model": identity.model, "dtype": identity.dtype}
    planner = ScriptedQwen3VL(role="planner", max_new_tokens=size.plan_tokens, **common)
    critic = ScriptedQwen3VL(role="critic", max_new_tokens=size.verdict_tokens, **common)
    async with open_components(profile, store) as opened:
        agents = replace(opened, planner=ChatPlanner(planner, store), critic=ChatCritic(critic, store))
        async with Workspace.open(root, timed_components(agents, stages)) as workspace:
            await answer_in(workspace, WARM_UP, profile.limits, WARM_UP_SEED)
            for at_once, count in size.trajectories:
                if not report.has_time_for(f"at_once.{at_once}"):
                    continue
                stages.seconds.clear()
                stages.pipeline, stages.calls = 0.0, 0
                started = time.perf_counter()
                waiting = [at_once * 1000 + number for number in range(count)]
                await asyncio.gather(*(_answers(workspace, profile, waiting) for _ in range(at_once)))
                report.add(f"at_once.{at_once}", _speed(count, time.perf_counter() - started, stages))


async def _answers(workspace: Workspace, profile: Profile, waiting: list[int]) -> Sequence[Answered]:
    answers = []
    while waiting:
        answers.append(await answer_in(workspace, REQUEST, profile.limits, waiting.pop()))
    return answers


def _profile(klein: Path, store: Path | None = None) -> Profile:
    profile = load_profile("klein")
    generator = profile.generator.model_copy(update={"model": str(klein), "server_store": store})
    return profile.model_copy(update={"generator": generator})


def _speed(count: int, seconds: float, stages: Stages) -> dict[str, Any]:
    named = {name: round(value / count, 3) for name, value in stages.seconds.items()}
    if stages.pipeline:
        named["pipeline"] = round(stages.pipeline / count, 3)
    return {
        "trajectories": count,
        "trajectories_per_hour": round(3600 * count / seconds, 1),
        "seconds": round(seconds, 2),
        "images": stages.calls,
        "stage_seconds_per_trajectory": named,
    }


def _release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def main() -> None:
    """Writes the measurement as JSON, and prints it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="tiny models, on a CPU too; measures nothing")
    parser.add_argument("--models", type=Path, default=Path("runs/real-size-loop"), help="a new folder; needs 40 GB")
    parser.add_argument("--out", type=Path, default=Path("results/real-size-loop.json"), help="the result file")
    parser.add_argument("--budget", type=float, default=400, help="seconds after which no further part begins")
    arguments = parser.parse_args()
    figures = measure(arguments.models, TINY if arguments.tiny else REAL, arguments.budget)
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    run = {"commit": git.stdout.strip() or None, "date": time.strftime("%Y-%m-%d", time.gmtime())}
    text = json.dumps({"run": run, **figures}, indent=2)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - the result


if __name__ == "__main__":
    main()
