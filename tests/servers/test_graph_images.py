"""The images of a served graph over HTTP, as LangGraph's server mounts them."""

import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from interleavethinker.servers import graph_images
from interleavethinker.tools.images.png import ImageLimits
from interleavethinker.tools.images.store import ImageStore


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    store = ImageStore(tmp_path)
    monkeypatch.setattr(graph_images, "shared_store", lambda: store)
    return TestClient(graph_images.app)


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_uploaded_image_is_shown_at_the_address_in_the_answer(client: TestClient, method: str) -> None:
    answer = client.request(method, "/images", content=encoded("JPEG"))
    assert answer.status_code == 201
    stored = answer.json()
    assert (stored["width"], stored["height"]) == (40, 30)
    assert stored["url"].endswith(f"/images/{stored['sha256']}.png")
    shown = client.get(stored["url"])
    assert shown.headers["content-type"] == "image/png"
    assert "immutable" in shown.headers["cache-control"]
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (40, 30)


@pytest.mark.parametrize("name", ["0" * 64, "..%2fsecret", "x"])
def test_an_image_that_is_not_stored_is_refused_in_words(client: TestClient, name: str) -> None:
    answer = client.get(f"/images/{name}.png")
    assert answer.status_code in {404, 500}
    assert "red" not in answer.text


def test_a_body_that_is_no_image_is_refused(client: TestClient) -> None:
    answer = client.put("/images", content=b"<html>")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


def test_a_body_over_the_size_limit_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_images, "DEFAULT_LIMITS", ImageLimits(max_bytes=10))
    answer = client.put("/images", content=encoded("PNG"))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "image_too_large"
