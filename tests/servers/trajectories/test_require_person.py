"""Where a person must approve every plan, no detour generates images from a plan that nobody approved."""

from pathlib import Path

import pytest

from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.png import data_uri
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from .agents import open_studio

IMAGE = fake_image(GenerationRequest(prompt="mine", seed=1))
OPTIONS = ServiceOptions(profiles=(), require_person=True)


async def test_a_branch_of_a_cancelled_plan_waits_for_the_person_who_sees_its_words(tmp_path: Path) -> None:
    async with open_studio(tmp_path, options=OPTIONS) as studio:
        service = studio.service
        parent = await service.start("x")
        await studio.until(parent, lambda view: view.status == "waiting")
        await service.cancel(parent)
        with pytest.raises(InputError, match="not approved"):
            await service.branch(parent, 1, image=data_uri(IMAGE))
        child = await service.branch(parent, 1, prompt="words of a model")
        waiting = await studio.until(child, lambda view: view.status == "waiting")
        assert waiting.steps[0].prompt == "words of a model"
        assert studio.generator.calls == []
        await service.approve(child, by_person=True)
        await studio.until(child, lambda view: view.status == "done")
        assert studio.generator.calls[0].prompt == "words of a model"
