"""Natural requests through a workspace and through a planner alone, with a planner that knows some of the plans."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from interleavethinker.evaluation.micro.natural.cases import NaturalRequest, natural_requests
from interleavethinker.evaluation.micro.natural.report import (
    NaturalEvalConfig,
    contact_sheet,
    markdown_report,
    natural_report,
    spread,
)
from interleavethinker.evaluation.micro.natural.running import NaturalResult, plan_requests, run_requests
from interleavethinker.graph import Components
from interleavethinker.graph.limits import Limits
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.microworld.generators.oracle import OracleGenerator
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.images.png import encode_png, open_rgb
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Step, Verdict

PLANS = {
    "dev-001": ["a tiny yellow fish in the middle, at the beach"],
    "dev-003": ["a big purple box in the bottom left, in the snow"],  # should be the bottom right
    "dev-027": ["a red boat on the left, at the beach", "move the boat to the right"],
    "dev-051": ["make the fish red", "move the fish to the top"],
}
ANSWERS = {"dev-063": "The boat is purple.", "dev-061": "There are 2 objects."}  # There are 3.
REFUSED, UNUSABLE, DEFECT = "dev-087", "dev-020", "dev-002"
REQUESTS = [one for one in natural_requests("dev") if one.id in {*PLANS, *ANSWERS, REFUSED, UNUSABLE, DEFECT}]
REFUSED_AS_MISSING = next(one for one in natural_requests("dev") if one.kind == "missing image")


class KnownPlanner:
    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002
        named = next(one.id for one in natural_requests("dev") if one.request == request.text)
        if named in PLANS:
            return Plan(steps=tuple(Step(instruction=prompt, prompt=prompt) for prompt in PLANS[named]))
        if named in ANSWERS:
            return Plan(steps=(Step(auxiliary_text=ANSWERS[named]),))
        if named == UNUSABLE:
            raise ModelAnswerError("No usable plan.")
        if named == DEFECT:
            raise RuntimeError("a defect")
        raise InputError("This request cannot be planned.")


class RejectingCritic:
    """Accepts everything but boxes."""

    gives_confidence = False

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        return [Verdict(success="box" not in case.prompt, refined_prompt=case.prompt) for case in cases]


class Oracle:
    def __init__(self, store: ImageStore) -> None:
        self.store = store

    async def generate(
        self,
        call: GenerationRequest,
        progress: ProgressCallback | None = None,  # noqa: ARG002
    ) -> GeneratedImage:
        oracle, texts, seeds = OracleGenerator(), [call.prompt], [call.seed]
        if call.source is None:
            (image,) = oracle.generate(texts, seeds)
        else:
            (image,) = oracle.edit([open_rgb(self.store.get(call.source))], texts, seeds)
        sha256 = self.store.put(encode_png(image))
        return GeneratedImage(sha256=sha256, width=96, height=96, seed=call.seed, model="", seconds=0, cached=False)


EXPECTED = {
    "dev-001": "right",
    "dev-027": "right",
    "dev-051": "right",
    "dev-063": "right",
    "dev-061": "wrong_silent",
    REFUSED: "refused_wrongly",
    UNUSABLE: "wrong_noted",
}


async def in_workspace(root: Path, requests: Sequence[NaturalRequest]) -> list[NaturalResult]:
    components = Components(
        KnownPlanner(), RejectingCritic(), Oracle(ImageStore(root / "images")), Limits(max_attempts=2)
    )
    async with Workspace.open(root, components) as workspace:
        return await run_requests(workspace, requests)


async def test_the_whole_agent_is_judged_by_the_documents_that_it_delivers(tmp_path: Path) -> None:
    results = {result.id: result for result in await in_workspace(tmp_path, REQUESTS)}
    outcomes = {name: result.outcome for name, result in results.items()}
    assert outcomes == EXPECTED | {"dev-003": "wrong_noted", DEFECT: "wrong_noted"}
    assert results["dev-003"].verdicts[0][0] is False
    assert "best effort" in results["dev-003"].notes[0]
    assert "bottom right" in results["dev-003"].faults[0]
    assert results["dev-027"].plan == tuple(PLANS["dev-027"])
    assert "a defect" in str(results[DEFECT].failure)


async def test_a_planner_alone_is_judged_by_what_its_prompts_lead_to(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    requests = [request for request in REQUESTS if request.id != DEFECT]
    results = await plan_requests(KnownPlanner(), store, requests)
    assert {result.id: result.outcome for result in results} == EXPECTED | {"dev-003": "wrong_silent"}
    assert [result.id for result in results] == [request.id for request in requests]


async def test_a_prompt_that_changes_nothing_is_a_fault_of_the_planner(tmp_path: Path) -> None:
    class Hesitant(KnownPlanner):
        async def plan(self, request: Request, context: PlanContext) -> Plan:
            plan = await super().plan(request, context)
            return Plan(steps=(*plan.steps, Step(instruction="", prompt="make the elephant laugh")))

    (result,) = await plan_requests(Hesitant(), ImageStore(tmp_path), REQUESTS[:1])
    assert result.id == "dev-001"
    assert result.outcome == "wrong_silent"
    assert "prompt 2 cannot be carried out" in result.faults[0]
    assert "elephant" in result.faults[0]


async def test_a_request_check_refuses_before_planning(tmp_path: Path) -> None:
    def check(_: Request) -> None:
        raise InputError("There is no image.")

    results = await plan_requests(KnownPlanner(), ImageStore(tmp_path), [REFUSED_AS_MISSING, REQUESTS[0]], check=check)
    assert [result.outcome for result in results] == ["refused_rightly", "refused_wrongly"]


async def test_reports_count_outcomes_and_show_what_is_wrong(tmp_path: Path) -> None:
    results = await in_workspace(tmp_path, REQUESTS)
    report = natural_report(NaturalEvalConfig(), results)
    assert (report["n"], report["right"], report["wrong_silent"]) == (9, 4, 1)
    assert report["success_low"] < report["success"] < report["success_high"]
    assert report["kinds"]["story"]["success"] == 1
    markdown = markdown_report(report)
    assert "| question | 0.50 |" in markdown
    assert "**dev-061**, wrong silent: How many objects can you count?" in markdown
    assert "dev-001" not in markdown
    sheet = contact_sheet(report, REQUESTS, results, ImageStore(tmp_path / "images"))
    assert sheet.count("<article") == 9
    assert sheet.count('src="data:image/png') == sum(len(one.images) + len(one.given) for one in results)
    assert sheet.index("dev-061") < sheet.index("dev-001")


async def test_a_report_without_details_names_no_request(tmp_path: Path) -> None:
    results = await plan_requests(KnownPlanner(), ImageStore(tmp_path), [REQUESTS[0]])
    report = natural_report(NaturalEvalConfig(details=False), results)
    assert "requests" not in report
    assert "dev-0" not in markdown_report(report)


def test_a_part_of_the_requests_is_spread_over_the_kinds() -> None:
    requests = natural_requests("dev")
    assert len({request.kind for request in spread(requests, 12)}) == 12
    assert spread(requests, 5) == spread(requests, 12)[:5]
    assert spread(requests, None) == spread(requests, 500) == list(requests)
    with pytest.raises(InputError, match="At least one"):
        spread(requests, 0)
