"""The studio's HTTP interface, without a browser."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from interleavethinker.graph.export.forms import FORMS
from interleavethinker.servers.studio import feed
from interleavethinker.servers.studio.app import StudioApp
from interleavethinker.servers.studio.deletions import UNDO_SECONDS
from interleavethinker.servers.studio.exports import EXPORTS
from interleavethinker.servers.trajectories.options import LimitRequest, ServiceOptions
from interleavethinker.tools.testing.agents import RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest

from ..trajectories.agents import Studio, open_studio

IMAGE = fake_image(GenerationRequest(prompt="mine", seed=1))


class Page:
    """The studio as a page calls it."""

    def __init__(self, client: httpx.AsyncClient, app: StudioApp, studio: Studio) -> None:
        self.client = client
        self.app = app
        self.studio = studio

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/trajectories{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, expected: int = 200, **body: Any) -> Any:
        answer = await self.client.post(f"/api/trajectories{path}", json=body)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def refused(self, path: str, expected: int, **body: Any) -> str:
        error = (await self.post(path, expected, **body))["error"]
        assert error["code"]
        return str(error["message"])

    async def finished(self, **request: Any) -> str:
        name: str = (await self.post("", 201, **request))["trajectory"]
        await self.studio.until(name, lambda view: view.status == "done")
        return name


@asynccontextmanager
async def _page(folder: Path, undo_seconds: float = UNDO_SECONDS, **options: Any) -> AsyncIterator[Page]:
    async with open_studio(folder, **options) as studio:
        app = StudioApp(studio.service, "key", undo_seconds=undo_seconds)
        transport = httpx.ASGITransport(app.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            yield Page(client, app, studio)
        await app.close()


async def test_a_request_with_an_image_runs_and_is_listed(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        image = (await page.client.put("/api/images", content=IMAGE)).json()["sha256"]
        name = await page.finished(request="paint <image> blue", images=[image], seed=7, max_attempts=2)
        view = await page.get(f"/{name}")
        (item,) = (await page.get(""))["trajectories"]
    assert [part["image"] for part in view["request"]] == [None, image, None]
    assert (view["seed"], view["limits"]["max_attempts"], view["finished"]) == (7, 2, 3)
    assert (item["id"], item["status"], item["title"]) == (name, "done", view["title"])


async def test_the_same_request_twice_gives_two_trajectories(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        names = {await page.finished(request="a story") for _ in range(2)}
    assert len(names) == 2


async def test_a_waiting_plan_is_approved_with_other_steps(tmp_path: Path) -> None:
    async with _page(tmp_path, options=ServiceOptions(profiles=(), require_person=True)) as page:
        name = (await page.post("", 201, request="a story", approve_plan=False))["trajectory"]
        await page.studio.until(name, lambda view: view.status == "waiting")
        steps = [{"instruction": "Only", "prompt": "one image", "auxiliary_text": None}]
        await page.post(f"/{name}/approve", steps=steps)
        view = await page.studio.until(name, lambda view: view.status == "done")
    assert [step.prompt for step in view.steps] == ["one image"]


async def test_a_verdict_and_a_branch_by_hand(tmp_path: Path) -> None:
    critic = RuleCritic(accept_only("make it b"))
    async with _page(tmp_path, plan=plan_of("draw a", "make it b"), critic=critic) as page:
        page.studio.generator.close_after = 1
        name = (await page.post("", 201, request="a story"))["trajectory"]
        await page.studio.until(name, lambda view: view.calls == 1)
        await page.post(f"/{name}/judge", step=1, attempt=1, accept=True)
        page.studio.generator.open_gate()
        done = await page.studio.until(name, lambda view: view.status == "done")
        page.studio.generator.close_after = len(page.studio.generator.generated) + 1
        branch = (await page.post(f"/{name}/branch", step=2, attempt=1, prompt="make it c"))["trajectory"]
        await page.studio.until(branch, lambda view: view.calls > 1)
        await page.post(f"/{branch}/cancel")
        page.studio.generator.open_gate()
        family = (await page.get(f"/{name}"))["branches"]
    assert done.steps[0].attempts[0].by_person
    assert [(one["trajectory"], one["parent"], one["step"]) for one in family] == [
        (name, None, None),
        (branch, name, 2),
    ]


async def test_another_attempt_is_kept_by_a_branch_that_generates_it_no_more(tmp_path: Path) -> None:
    critic = RuleCritic(accept_only("draw a!", "make it b"))
    async with _page(tmp_path, plan=plan_of("draw a", "make it b"), critic=critic) as page:
        name = await page.finished(request="a story")
        first = (await page.get(f"/{name}"))["steps"][0]["attempts"][0]
        branch = (await page.post(f"/{name}/branch", step=1, attempt=1, image=first["image"]))["trajectory"]
        view = await page.studio.until(branch, lambda view: view.status == "done")
        calls = [call.prompt for call in page.studio.generator.calls]
    assert view.steps[0].image == first["image"]
    assert view.steps[1].attempts[0].source == first["image"]
    assert calls == ["draw a", "draw a!", "make it b", "make it b"]


async def test_pause_and_resume(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        page.studio.generator.close_after = 1
        name = (await page.post("", 201, request="a story"))["trajectory"]
        await page.studio.until(name, lambda view: view.finished == 1)
        await page.post(f"/{name}/pause")
        page.studio.generator.open_gate()
        await page.studio.until(name, lambda view: view.status == "paused")
        await page.post(f"/{name}/resume")
        await page.studio.until(name, lambda view: view.status == "done")
        assert len(page.studio.generator.generated) == 3


async def test_a_limit_that_ended_a_trajectory_is_raised_by_resume(tmp_path: Path) -> None:
    async with _page(tmp_path, options=ServiceOptions(profiles=(), allowed=LimitRequest(max_calls=8))) as page:
        name = await page.finished(request="a story", max_calls=1)
        assert (await page.get(f"/{name}"))["stop_reason"] == "max_calls"
        assert "max_calls must be at least 1" in await page.refused(f"/{name}/resume", 422, max_calls=0)
        assert "seed" in await page.refused(f"/{name}/resume", 422, seed=3)
        view = await page.post(f"/{name}/resume", max_calls=9, on_drift="note")
        assert (view["limits"]["max_calls"], view["limits"]["drift"]["action"]) == (8, "note")
        await page.studio.until(name, lambda view: view.stop_reason == "complete")
        assert len(page.studio.generator.generated) == 3
        assert "has ended (complete)" in await page.refused(f"/{name}/resume", 409, max_calls=20)


async def test_a_limit_that_no_database_stores_harms_no_trajectory(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        name = await page.finished(request="a story", max_calls=1)
        for wrong in (2**63, 10**20):
            assert "max_calls must be at most" in await page.refused(f"/{name}/resume", 422, max_calls=wrong)
            assert "max_calls must be at most" in await page.refused("", 422, request="x", max_calls=wrong)
        assert (await page.get(f"/{name}"))["finished"] == 1


async def test_a_deleted_trajectory_is_hidden_until_the_deletion_is_undone(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        name = await page.finished(request="a story")
        await page.post(f"/{name}/delete")
        assert (await page.get(""))["trajectories"] == []
        assert "deleted" in (await page.client.get(f"/api/trajectories/{name}")).json()["error"]["message"]
        assert "deleted" in await page.refused(f"/{name}/resume", 404)
        await page.post(f"/{name}/restore")
        assert len((await page.get(""))["trajectories"]) == 1


async def test_a_deletion_is_carried_out_in_time_and_then_cannot_be_undone(tmp_path: Path) -> None:
    async with _page(tmp_path, undo_seconds=0.0) as page:
        name = await page.finished(request="a story")
        await page.post(f"/{name}/delete")
        async with asyncio.timeout(60):
            while await page.studio.service.list():  # noqa: ASYNC110 - the deletion is not announced
                await asyncio.sleep(0.01)
        assert "for good" in await page.refused(f"/{name}/restore", 404)


async def test_a_deletion_that_has_begun_cannot_be_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    async with _page(tmp_path, undo_seconds=0.0) as page:
        delete = page.studio.service.delete

        async def slowly(trajectory: str) -> None:
            await delete(trajectory)
            begun.set()
            await go_on.wait()

        monkeypatch.setattr(page.studio.service, "delete", slowly)
        name = await page.finished(request="a story")
        await page.post(f"/{name}/delete")
        async with asyncio.timeout(60):
            await begun.wait()
        assert "for good" in await page.refused(f"/{name}/restore", 404)
        go_on.set()


async def test_a_deletion_is_carried_out_when_the_studio_ends_in_order(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        name = await page.finished(request="a story")
        await page.post(f"/{name}/delete")
        await page.app.close()
        assert await page.studio.service.list() == []


async def test_a_running_trajectory_is_not_deleted(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        page.studio.generator.gate.clear()
        name = (await page.post("", 201, request="a story"))["trajectory"]
        assert "running" in await page.refused(f"/{name}/delete", 409), "it has begun, although no model is loaded yet"
        await page.studio.until(name, lambda view: view.status == "running")
        assert "running" in await page.refused(f"/{name}/delete", 409)
        page.studio.generator.gate.set()


async def test_exports_are_downloads(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        name = await page.finished(request="a story")
        offered = [one["form"] for one in (await page.client.get("/api/options")).json()["exports"]]
        answers = {
            form: await page.client.get(f"/api/trajectories/{name}/export?form={form}") for form in (*EXPORTS, "exe")
        }
    assert {*offered} == {*EXPORTS} >= {"html", "markdown", "json", *FORMS}
    assert answers["html"].text.startswith("<!doctype html>")
    assert answers["markdown"].text.startswith("#")
    assert json.loads(answers["json"].content)["id"] == name
    with zipfile.ZipFile(io.BytesIO(answers["zip"].content)) as archive:
        assert {f"{name}/index.html", f"{name}/document.md", f"{name}/trajectory.json"} <= set(archive.namelist())
    assert answers["zip"].headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    for form, magic in (("docx", b"PK"), ("gif", b"GIF89a"), ("webp", b"RIFF")):
        assert answers[form].content.startswith(magic)
        assert answers[form].headers["content-disposition"] == f'attachment; filename="{name}.{form}"'
    assert answers["exe"].status_code == 422


async def test_an_estimate_follows_profile_and_limits_and_records_nothing(tmp_path: Path) -> None:
    async def estimate(**body: Any) -> Any:
        answer = await page.client.post("/api/estimate", json=body)
        return answer.json()["estimate" if answer.status_code == 200 else "error"]

    async with _page(tmp_path, options=ServiceOptions(profiles=("api", "micro"))) as page:
        hosted = await estimate(request="Fold a boat, in 4 steps", max_attempts=2)
        assert (hosted["images"], hosted["most_calls"], hosted["unpriced"]) == (4, 8, [])
        assert "4 images, in at most 8 generator calls: $" in hosted["words"]
        bounded = await estimate(request="Fold a boat, in 4 steps", max_attempts=2, max_cost=hosted["high"] / 2)
        assert hosted["high"] / 2 <= bounded["high"] <= hosted["high"] * (1 / 2 + 1 / 8), (
            "the limit, and a call that passes it"
        )
        shown = await estimate(request="Fold a boat, in 4 steps", max_attempts=2, images=["0" * 64])
        assert shown["low"] > hosted["low"]
        wide = await estimate(request="Fold a boat, in 4 steps", max_attempts=2, image_size="1536x1024")
        assert wide["low"] > hosted["low"], "larger images cost more"
        assert "100 by 100" in (await estimate(request="a boat", image_size="100 by 100"))["message"]
        assert "nothing for hosted models" in (await estimate(request="a boat", profile="micro"))["words"]
        assert "empty" in (await estimate(request=""))["message"]
        assert "not available" in (await estimate(request="a boat", profile="klein"))["message"]
        assert (await page.get(""))["trajectories"] == []
    async with _page(tmp_path) as page:
        assert await estimate(request="a boat") is None


async def test_images_come_in_three_sizes_and_a_thumbnail_shows_the_newest(tmp_path: Path) -> None:
    from PIL import Image

    def large(call: GenerationRequest) -> bytes:
        buffer = io.BytesIO()
        Image.effect_noise((1000, 800), 60 + call.seed % 40).convert("RGB").save(buffer, "PNG")
        return buffer.getvalue()

    async with _page(tmp_path, render=large, plan=plan_of("one")) as page:
        name = await page.finished(request="a story")
        newest = (await page.get(f"/{name}"))["steps"][-1]["image"]
        sides = {}
        for size in ("small", "large", "full"):
            answer = await page.client.get(f"/api/images/{newest}?size={size}")
            sides[size] = max(Image.open(io.BytesIO(answer.content)).size)
            assert "immutable" in answer.headers["cache-control"]
        thumbnail = await page.client.get(f"/api/trajectories/{name}/thumbnail")
        small = await page.client.get(f"/api/images/{newest}?size=small")
        wrong = await page.client.get(f"/api/images/{newest}?size=huge")
        unknown = await page.client.get(f"/api/images/{'0' * 64}")
    assert sides["small"] <= 320 < sides["large"] <= 640
    assert sides["full"] == 1000
    assert thumbnail.content == small.content
    assert (wrong.status_code, unknown.status_code) == (422, 404)


async def test_bad_input_is_refused_with_its_reason(tmp_path: Path) -> None:
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("", {"request": ""}, "empty"),
        ("", {"request": "a", "profile": "klein"}, "not available"),
        ("", {"request": "a", "images": ["0" * 64]}, "no image"),
        ("", {"request": "a", "images": ["../../etc/passwd"]}, "images.0"),
        ("", {"request": "a", "max_attempts": 0}, "max_attempts"),
        ("", {"request": "a", "seed": -1}, "seed"),
        ("", {"request": "a", "prompt": "b"}, "prompt"),
        ("", {"text": "a"}, "request"),
        ("/NAME/judge", {"step": 0, "attempt": 1, "accept": True}, "step"),
        ("/NAME/judge", {"step": 1, "attempt": 1, "accept": True}, "ended"),
        ("/NAME/branch", {"step": 9, "attempt": 1}, "no step 9"),
        ("/NAME/pause", {"now": True}, "now"),
        ("/NAME/sell", {}, "sell"),
    ]
    async with _page(tmp_path) as page:
        name = await page.finished(request="a story")
        for path, body, words in cases:
            answer = await page.client.post(f"/api/trajectories{path.replace('NAME', name)}", json=body)
            assert answer.status_code == (404 if words == "no image" else 422), answer.text
            assert words in answer.json()["error"]["message"]
        assert len((await page.get(""))["trajectories"]) == 1


async def test_what_is_no_image_or_too_large_is_refused(tmp_path: Path) -> None:
    async with _page(tmp_path) as page:
        no_image = await page.client.put("/api/images", content=b"<svg onload=alert(1)>")
        large = await page.client.put("/api/images", content=b"0" * (32 * 1024 * 1024 + 1))
        unknown = await page.client.get("/api/trajectories/x")
    assert (no_image.status_code, large.status_code, unknown.status_code) == (422, 413, 404)


async def test_news_name_what_has_changed_and_end_when_the_studio_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_HEARTBEAT", 600.0)  # Each sign of life would be one more piece of news.
    async with _page(tmp_path) as page:
        news = page.app.feed.listen()
        assert await anext(news) is None  # A sign of life.
        page.studio.generator.close_after = 1
        name = (await page.post("", 201, request="a story"))["trajectory"]
        assert await anext(news) == {"list": True}
        changed: list[object] = []
        async with asyncio.timeout(60):
            while name not in changed:
                one = await anext(news)
                assert one is not None
                found = one.get("changed", [])
                assert isinstance(found, list)
                changed += found
        page.studio.generator.open_gate()
        await page.studio.until(name, lambda view: view.status == "done")
        page.app.feed.close()
        rest = [one async for one in news]
        assert all(one is not None for one in rest)


async def test_news_name_the_first_trajectory_of_a_workspace_although_it_ended_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _page(tmp_path) as page:
        monkeypatch.setattr(feed, "_HEARTBEAT", 600.0)
        monkeypatch.setattr(page.app.feed, "_watch", partial(asyncio.sleep, 0))  # The test looks itself.
        news = page.app.feed.listen()
        assert await anext(news) is None
        await page.app.feed._look()
        name = await page.finished(request="a story")
        await page.app.feed._look()
        async with asyncio.timeout(60):
            while (one := await anext(news)) == {"list": True}:  # Starting it tells this as well.
                pass
        assert one == {"changed": [name]}
        page.app.feed.close()


async def test_the_options_describe_the_profiles_without_their_paths(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        'description = "Mine."\nplanner = { model = "openai:x" }\ncritic = { model = "openai:x" }\n'
        'generator = { model = "klein" }\nlimits = { max_attempts = 3 }\n'
    )
    async with _page(tmp_path / "home", options=ServiceOptions(profiles=("micro", str(own)))) as page:
        answer = (await page.client.get("/api/options")).json()
    assert [one["name"] for one in answer["profiles"]] == ["micro", "mine"]
    assert answer["profiles"][1]["limits"]["max_attempts"] == 3
    assert str(tmp_path) not in json.dumps(answer)
