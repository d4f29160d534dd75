"""Readiness and Prometheus metrics of an image server, from the state that `server_status` shows."""

from collections.abc import Sequence
from typing import Literal

from interleavethinker.servers.transport.operations import Metric, Operations

from .service import ImageService

__all__ = ["image_operations"]

_PREFIX = "interleavethinker_images_"
_METRICS: tuple[tuple[str, Literal["counter", "gauge"], str, str], ...] = (
    ("model_loaded", "gauge", "loaded", "Whether the model is in memory."),
    ("waiting", "gauge", "waiting", "Calls in the queue."),
    ("running", "gauge", "running", "Calls being generated."),
    ("max_waiting", "gauge", "max_waiting", "Calls that may wait; further ones are refused."),
    ("generated_total", "counter", "generated", "Images generated since the start."),
    ("stored_answers_total", "counter", "answered_from_store", "Calls answered from the store."),
    ("refused_total", "counter", "refused", "Calls refused because the queue was full."),
    ("busy_seconds_total", "counter", "busy_seconds", "Seconds that the model has worked."),
)


def image_operations(service: ImageService) -> Operations:
    """Returns what an image server tells whoever operates it."""

    def problem() -> str | None:
        if service.stopping:
            return "the server is stopping"
        status = service.status()
        if status["problem"] is not None:
            return "the model could not be loaded"
        if status["loading"]:
            return "the model is loading"
        return "the queue is full" if _number(status["waiting"]) >= _number(status["max_waiting"]) else None

    def metrics() -> Sequence[Metric]:
        status = service.status()
        labels = {"model": str(status["model"]), "device": str(status["device"])}
        return [Metric(_PREFIX + name, kind, text, _number(status[key]), labels) for name, kind, key, text in _METRICS]

    return Operations(problem, metrics)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
