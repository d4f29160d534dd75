"""Spans of the backend's work: one for each job of a batch, in the trace of the call that queued it."""

import time

from interleavethinker.servers.images.backends.base import Backend, Job
from interleavethinker.tools.tracing.spans import AttributeValue, Carrier, Kind, Span, carrier, is_on, span

__all__ = ["JobTrace"]


class JobTrace:
    """What a queued job is traced with. An equal call that joins the job links to it from its own trace.

    Its first caller is the one whose context it is created in.
    """

    __slots__ = ("_callers", "_queued", "_span")

    def __init__(self) -> None:
        self._callers: list[Carrier] = [carrier()]
        self._queued = time.monotonic()
        self._span = Span()

    def join(self) -> None:
        """Adds the caller in whose context this is called."""
        if is_on():
            self._callers.append(carrier())
            self._span.link(self._callers[-1])

    def begin(self, backend: Backend, job: Job, batch: int) -> Span:
        """Begins the backend's work on the job, and returns its span.

        Args:
            backend: Does the work.
            job: The job.
            batch: How many jobs are worked on together.
        """
        if is_on():
            model = job.model or backend.status().model
            size = job.arguments.get("width"), job.arguments.get("height")
            attributes: dict[str, AttributeValue] = {
                "gen_ai.operation.name": "generate_content",
                "gen_ai.output.type": "image",
                "gen_ai.provider.name": backend.status().backend,
                "gen_ai.request.model": model,
                "interleavethinker.batch.size": batch,
                "interleavethinker.image.height": size[1] if isinstance(size[1], int) else None,
                "interleavethinker.image.width": size[0] if isinstance(size[0], int) else None,
                "interleavethinker.queue.seconds": round(time.monotonic() - self._queued, 4),
                "interleavethinker.seed": str(job.request.seed),
            }
            kind: Kind = "client" if backend.remote else "internal"
            first, *joined = self._callers
            self._span = span(f"generate_content {model}", attributes, kind=kind, parent=first, links=joined)
        return self._span

    def end(self, error: BaseException | None = None) -> None:
        """Ends the work, if it has begun."""
        self._span.end(error)
