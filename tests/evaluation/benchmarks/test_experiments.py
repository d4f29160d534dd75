"""The rows of the paper's tables with any profile: what each one leaves out or replaces, seen in its trajectories."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from interleavethinker.evaluation.benchmarks.experiments import changed_profile, check_experiment
from interleavethinker.evaluation.benchmarks.run import BenchmarkRun, RunConfig, run_benchmark
from interleavethinker.evaluation.benchmarks.stepwise import first_requests_only
from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Request, TextPart
from tests.evaluation.benchmarks.judges import ScriptedJudge, chat_server, write_json

PROFILE = """
description = "A chat model on this machine plans and judges, with colored cells as images."
planner = {{ model = "openai:agent", options = {{ base_url = "{url}", api_key = "none" }} }}
critic = {{ object = "{critic}" }}
generator = {{ model = "cells" }}
limits = {{ max_replans = 0 }}
"""
ACCEPT = "interleavethinker.tools.testing.agents:accepting_critic"
REJECT = "rejecting:critic"
REJECTING = """
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import Verdict

def critic(store):
    return RuleCritic(lambda case: Verdict(success=False, refined_prompt=case.prompt + " again"))
"""
PROMPTS = ("a big red ball on the left", "make it blue", "make it night")
REQUEST = "A ball in three states."


class Agent:
    """Plans the steps that are still to be done, and finds every image right; records what it was asked."""

    def __init__(self) -> None:
        self.plans: list[int] = []
        self.verdicts = 0

    def __call__(self, text: str, images: list[bytes]) -> str:
        if "previous_step_success" in text:
            self.verdicts += 1
            return '<think>x</think><answer>{"previous_step_success": true, "refine_prompt": "x"}</answer>'
        assert ("Continue the sequence." in text) == bool(images)
        self.plans.append(len(images))
        steps = [
            {"step_number": number, "step_name": "x", "instruction": f"Then {prompt}.", "prompt": prompt}
            for number, prompt in enumerate(PROMPTS[len(images) :], 1)
        ]
        answer = json.dumps({"execution_plan": [step | {"auxiliary_text": None} for step in steps]})
        return f"<think>x</think><answer>{answer}</answer>"


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Answers one item under an experiment; returns the run, its trajectories and the chat model."""
    (tmp_path / "rejecting.py").write_text(REJECTING)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("INTERLEAVETHINKER_IMAGE_STORE", str(tmp_path / "server"))
    item = {"id": "0", "prompt": REQUEST, "task": "art", "text_rubrics": [], "image_rubrics": ["There are three."]}
    write_json(tmp_path / "data.json", [item])

    async def answer(experiment: str, critic: str) -> tuple[BenchmarkRun, list[Trajectory], Agent]:
        agent, profile, out = Agent(), tmp_path / "agent.toml", tmp_path / experiment
        with chat_server(agent) as url:
            profile.write_text(PROFILE.format(url=url, critic=critic))
            config = RunConfig(
                "ueval", str(tmp_path / "data.json"), out, profile=str(profile), experiment=experiment, judge="test:x"
            )
            judge = ScriptedJudge(answer=lambda _, images: json.dumps({"criteria_met": images == 3}))
            run = await run_benchmark(config, model=judge)
            if experiment.endswith("stepwise"):
                asked = len(agent.plans)
                assert (await run_benchmark(config, model=judge)).answers == run.answers
                assert len(agent.plans) == asked, "finished steps are only read"
        lines = (out / "trajectories.jsonl").read_text().splitlines()
        async with Workspace.open(out / "workspace") as workspace:
            found = [await workspace.get(json.loads(line)[1]) for line in lines]
        return run, found, agent

    return answer


@pytest.mark.parametrize(
    ("experiment", "critic", "prompts", "plans", "verdicts"),
    [
        ("generator alone", REJECT, [REQUEST], [], 0),
        ("planner, no critic", REJECT, [*PROMPTS], [0], 0),
        ("T_max = 2", REJECT, [text for prompt in PROMPTS for text in (prompt, f"{prompt} again")], [0], 0),
        ("planner + reseed", REJECT, [prompt for prompt in PROMPTS for _ in range(5)], [0], 0),
        ("one agent", REJECT, [*PROMPTS], [0], 3),
    ],
)
async def test_a_row_changes_only_its_part_of_the_agent(
    answered: Callable[..., object],
    experiment: str,
    critic: str,
    prompts: list[str],
    plans: list[int],
    verdicts: int,
) -> None:
    run, trajectories, agent = await answered(experiment, critic)  # type: ignore[misc]
    attempts = [attempt for trajectory in trajectories for attempt in trajectory.attempts]
    assert [attempt.prompt for attempt in attempts] == prompts
    assert len({attempt.seed for attempt in attempts}) == len(attempts), "every attempt has a seed of its own"
    assert (agent.plans, agent.verdicts) == (plans, verdicts)
    assert run.judged[0].score.main == (0 if experiment == "generator alone" else 100)


async def test_a_stepwise_agent_sees_its_images_and_stops_after_a_plan_of_one_step(
    answered: Callable[..., object],
) -> None:
    run, trajectories, agent = await answered("one agent, stepwise", REJECT)  # type: ignore[misc]
    assert (agent.plans, agent.verdicts) == ([0, 1, 2], 3)
    assert [len(trajectory.plan.steps) for trajectory in trajectories] == [1, 1, 1]
    shown = [
        [part.sha256 for part in trajectory.request.parts if isinstance(part, ImagePart)] for trajectory in trajectories
    ]
    made = [trajectory.attempts[0].image for trajectory in trajectories]
    assert shown == [[], made[:1], made[:2]]
    assert run.answers["0"].text.count("Then ") == 3


def test_the_check_of_requests_sees_what_the_user_asked_and_not_how_a_stepwise_agent_goes_on() -> None:
    check = first_requests_only(check_request)
    assert check is not None
    texts = ("a big red ball on the left", "A qwrtz appears.", "Continue the sequence.")
    following = Request(parts=tuple(TextPart(text=text) for text in texts))
    check(following)
    with pytest.raises(InputError, match="qwrtz"):
        check_request(following)
    with pytest.raises(InputError):
        check(Request(parts=(TextPart(text="qwrtz uiop"),)))
    assert first_requests_only(None) is None


def test_rows_that_a_profile_cannot_run_are_refused_with_the_reason(tmp_path: Path) -> None:
    text = PROFILE.replace('model = "openai:agent"', f'object = "{ACCEPT}"').format(url="u", critic=ACCEPT)
    (tmp_path / "scripted.toml").write_text(text)
    scripted, micro = load_profile(str(tmp_path / "scripted.toml")), load_profile("micro")
    for name in ("one agent", "one agent, stepwise"):
        with pytest.raises(InputError, match="is no chat model"):
            check_experiment(name, scripted)
        check_experiment(name, micro)
    with pytest.raises(InputError, match="choose from: full; generator alone"):
        check_experiment("T_max = 0", micro)


def test_a_critic_with_an_adapter_has_the_rows_of_both_critics_in_any_profile(tmp_path: Path) -> None:
    text = PROFILE.format(url="u", critic=ACCEPT).splitlines()
    text[3] = 'critic = { model = "qwen3-vl:critic", options = { adapter = "critic-rl", dtype = "float32" } }'
    (tmp_path / "mine.toml").write_text("\n".join(text))
    mine = load_profile(str(tmp_path / "mine.toml"))
    check_experiment("full SFT", mine)
    assert changed_profile("full SFT", mine).critic.options == {"dtype": "float32"}
    assert changed_profile("full RL", mine) == mine
    (tmp_path / "none.toml").write_text(PROFILE.format(url="u", critic=ACCEPT))
    with pytest.raises(InputError, match=r"needs a critic whose RL weights are an adapter.*Write one profile for each"):
        check_experiment("full RL", load_profile(str(tmp_path / "none.toml")))


def test_the_rows_of_the_profile_micro_have_the_weights_that_microbench_gives_them() -> None:
    micro = load_profile("micro")
    one = changed_profile("one agent, stepwise", micro)
    assert one.planner.model == one.critic.model
    assert str(one.planner.model).endswith("checkpoints/one-agent")
    assert "adapter" not in one.critic.options
    assert "adapter" not in changed_profile("full SFT", micro).critic.options
    assert str(changed_profile("full RL", micro).critic.options["adapter"]).endswith("critic-grpo")
