"""A studio with scripted components, as a process of its own: `python scripted_studio.py FOLDER PORT PROFILE…`.

Words of the request choose the plan. The critic rejects every image whose prompt lacks an exclamation mark. Every
generator call is appended to `calls.txt` in the folder. Outside the mask of a call, the image stays as it was. While
`hold` is there, only one image is made.
"""

import asyncio
import sys
from pathlib import Path

from interleavethinker.graph import Components
from interleavethinker.servers.studio.main import serve_studio
from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.tools.errors import ModelError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.protocols import PlanContext, ProgressCallback
from interleavethinker.tools.testing.agents import RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Step, Verdict

HOSTILE = (
    "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">",
    "**bold** [link](javascript:document.title='hacked') ![image](http://127.0.0.1:1/x.png)",
    "\x1b[31mred\x1b[0m \x07bell",
    "\u202egnitirw desrever \u2066isolate",
)


LONG = "a very long sentence about a ball that rolls through a wide meadow and meets many friends on its way " * 4
RIGHT_TO_LEFT = (
    ("كرة حمراء", "كرة حمراء في حديقة واسعة!", "هذه كرة حمراء اسمها Bolly، عمرها 3 سنوات."),
    ("כדור כחול", "צבע את הכדור בכחול!", "עכשיו הכדור כחול (RGB 0, 0, 255), והוא שמח."),
)


class ScriptedPlanner:
    """Plans by the words of the request. One that fails does so once."""

    def __init__(self) -> None:
        self._failed: set[str] = set()

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002 - the protocol's
        """See `Planner.plan`."""
        await asyncio.sleep(0)
        if "fails" in request.text and request.text not in self._failed:
            self._failed.add(request.text)
            raise ModelError("The provider refused the key. Check it, then resume.")
        if "hostile" in request.text:
            return Plan(steps=tuple(Step(instruction=x, prompt=f"draw! {x}", auxiliary_text=x) for x in HOSTILE))
        if "forty" in request.text:
            return plan_of(*(f"panel {number}!" for number in range(1, 41)))
        if "endless" in request.text:
            steps = (
                Step(instruction=f"{LONG}!", prompt=f"{LONG}!", auxiliary_text=f"{LONG} {'x' * 300}") for _ in range(3)
            )
            return Plan(steps=tuple(steps), reasoning=LONG)
        if "كرة" in request.text:
            texts = RIGHT_TO_LEFT
            return Plan(
                steps=tuple(Step(instruction=one, prompt=two, auxiliary_text=three) for one, two, three in texts)
            )
        if "references" in request.text:
            return Plan(steps=(Step(prompt="a red ball!"), Step(prompt="make it blue!", references=("step 1",))))
        if "picky" in request.text:
            return plan_of("a red ball", "make it blue!")
        return plan_of("a red ball!", "make it blue!", "make it green!")


class HeldGenerator(MemoryGenerator):
    """Records its calls in a file, and waits while another file is there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ImageStore(folder / "images"))
        self._folder = folder

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        if progress is not None:
            progress(0.5, "half")
        log, hold = self._folder / "calls.txt", self._folder / "hold"
        while hold.exists() and log.exists():  # noqa: ASYNC110 - another process removes the file
            await asyncio.sleep(0.02)
        image = await super().generate(call, progress)
        with log.open("a") as file:
            file.write(f"{call.prompt}\n")
        return image


def judge(case: CriticInput) -> Verdict:
    """Rejects an image whose prompt lacks an exclamation mark."""
    accepted = "!" in case.prompt
    return Verdict(
        success=accepted,
        refined_prompt=case.prompt if accepted else f"{case.prompt} with a small star",
        reasoning="as asked" if accepted else "the star is missing",
        confidence=0.9 if accepted else 0.1,
    )


async def main(folder: Path, port: int, profiles: tuple[str, ...]) -> None:
    """Serves until it is killed."""
    components = Components(ScriptedPlanner(), RuleCritic(judge, gives_confidence=True), HeldGenerator(folder))
    options = ServiceOptions(profiles=profiles)
    await serve_studio(folder, options, port=port, open_browser=False, components=components)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3:])))
