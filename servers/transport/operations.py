"""What whoever operates an image server asks it over HTTP: whether it can be sent work, and Prometheus metrics.

`/ready` answers 200 or 503 and needs no token, because probes cannot send one and learn nothing else from it.
`/metrics` needs the token if there is one, and a Host header that the server accepts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["METRICS", "READY", "Metric", "Operations", "OperationsMiddleware", "metrics_text"]

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
READY, METRICS = "/ready", "/metrics"


@dataclass(frozen=True)
class Metric:
    """One value, in Prometheus' terms."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Operations:
    """What a server tells whoever operates it."""

    problem: Callable[[], str | None]
    """Returns why the server cannot be sent work now, or None if it can."""
    metrics: Callable[[], Sequence[Metric]]


def metrics_text(metrics: Sequence[Metric]) -> str:
    """Returns metrics in Prometheus' text format, version 0.0.4."""
    lines = []
    for metric in metrics:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in metric.labels.items())
        lines += [
            f"# HELP {metric.name} {metric.help}",
            f"# TYPE {metric.name} {metric.kind}",
            f"{metric.name}{'{' + labels + '}' if labels else ''} {metric.value:.15g}",
        ]
    return "\n".join(lines) + "\n"


class OperationsMiddleware:
    """ASGI middleware that answers one of the two paths and passes everything else on.

    Args:
        app: Answers every other request.
        path: `READY` or `METRICS`.
        operations: What to answer.
        allowed_hosts: Accepted Host headers, `name` or `name:*`; None accepts any.
    """

    def __init__(
        self, app: "ASGIApp", path: str, operations: Operations, allowed_hosts: Sequence[str] | None = None
    ) -> None:
        self._app = app
        self._path = path
        self._operations = operations
        self._allowed = allowed_hosts

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        from starlette.responses import PlainTextResponse

        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if self._allowed is not None and host not in self._allowed and f"{_name(host)}:*" not in self._allowed:
            response = PlainTextResponse("This Host header is not accepted; see --allow-host.\n", 421)
        elif self._path == READY:
            problem = self._operations.problem()
            response = PlainTextResponse(f"{problem or 'ready'}\n", 200 if problem is None else 503)
        else:
            response = PlainTextResponse(metrics_text(self._operations.metrics()), media_type=_METRICS_TYPE)
        await response(scope, receive, send)


def _name(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
