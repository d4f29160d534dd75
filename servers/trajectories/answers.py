"""What the tools answer: a view as structured content, the same in words, and previews of the new images.

No answer is larger than 1 MiB, the limit of the strictest chat client. Structured content never holds image bytes.
"""

import base64
from collections.abc import Sequence

from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent

from interleavethinker.graph.document import Block
from interleavethinker.graph.workspace.snapshot import Trajectory
from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.plain_text import quotation

from .compact import compact
from .service import TrajectoryService
from .text import described
from .view import View, parse_version

__all__ = ["document_answer", "view_answer"]

_MOST_PREVIEWS = 3
_PREVIEW_BYTES = 75_000
"""100 kB in base64."""
_DOCUMENT_BYTES = 700_000
"""Of one answer, images in base64 included."""
_DOCUMENT_TEXT = 60_000
"""Characters of a document's text in one answer; clients cut off at about 25,000 tokens."""
_MARKS = {"best_effort": " (best effort)", "not_judged": " (not judged)", "refused": " (no image)"}


async def view_answer(
    service: TrajectoryService, view: View, *, since: str | None = None, previews: bool = True, lead: str = ""
) -> CallToolResult:
    """Returns a tool's answer about a trajectory.

    Args:
        service: Has the images.
        view: The trajectory.
        since: The version that the caller has seen: images that it does not have are shown. None: the newest one.
        previews: Whether to show images at all.
        lead: What has just been done.
    """
    small = compact(view)
    words = described(small, require_person=service.options.require_person, lead=lead)
    content: list[ContentBlock] = [TextContent(type="text", text=words)]
    if previews:
        for label, sha256 in _new_images(view, since)[-_MOST_PREVIEWS:]:
            content += await _image(service, label, sha256)
    return CallToolResult(content=content, structured_content=small.model_dump(mode="json"))


async def document_answer(
    service: TrajectoryService, trajectory: Trajectory, *, images: bool, from_step: int
) -> CallToolResult:
    """Returns a document from a step on, as far as it fits: each block of text, each image with what it shows.

    Raises:
        InputError: There is no such step.
    """
    document = trajectory.document
    steps = sorted({block.step for block in document.blocks})
    if from_step < 1 or (from_step > 1 and from_step - 1 not in steps):
        raise InputError(f"from_step must be a step of the document, 1 to {len(steps)}; got {from_step}.")
    head = [f'"{quotation(trajectory.title, 80)}": {document.status}.']
    head += [f"Note: {quotation(note, 300)}" for note in (*document.notes, *trajectory.notes)]
    head += [f"Source: {quotation(source, 300)}" for source in document.sources]
    content: list[ContentBlock] = [TextContent(type="text", text="\n".join(head))]
    used = characters = 0
    following: int | None = None
    for step in (one for one in steps if one >= from_step - 1):
        blocks = await _step_blocks(service, [block for block in document.blocks if block.step == step], images=images)
        size = sum(len(block.data if isinstance(block, ImageContent) else _text_of(block).encode()) for block in blocks)
        text = sum(len(_text_of(block)) for block in blocks)
        if used and (used + size > _DOCUMENT_BYTES or characters + text > _DOCUMENT_TEXT):
            following = step + 1
            break
        used, characters = used + size, characters + text
        content += blocks
    if not steps:
        content.append(TextContent(type="text", text="The document is empty: no step is finished yet."))
    if following is not None:
        more = f'Next: call get_document with trajectory="{trajectory.id}" and from_step={following} for the rest.'
        content.append(TextContent(type="text", text=more))
    structured = {
        "trajectory": trajectory.id,
        "status": document.status,
        "images": list(document.images),
        "next_step": following,
    }
    return CallToolResult(content=content, structured_content=structured)


def _new_images(view: View, since: str | None) -> list[tuple[str, str]]:
    """Returns (description, name) of the images that somebody who has seen `since` has not seen."""
    seen = None if since is None else parse_version(since)
    found = []
    for step in view.steps[seen.finished if seen else 0 :]:
        skipped = seen.attempts if seen and step.n == seen.finished + 1 else 0
        for attempt in step.attempts[skipped:]:
            if attempt.image is not None and (attempt.selected or step.n == view.finished + 1):
                label = f'Step {step.n}, attempt {attempt.n}: "{quotation(attempt.prompt, 200)}"'
                found.append((label, attempt.image))
    return found if seen else found[-1:]


async def _image(service: TrajectoryService, label: str, sha256: str) -> list[ContentBlock]:
    try:
        data, mime_type = await service.preview(sha256, _PREVIEW_BYTES)
    except StoreError as error:
        return [TextContent(type="text", text=f"{label}: {error}")]
    shown = ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=mime_type)
    return [TextContent(type="text", text=f"{label} (image://{sha256})"), shown]


async def _step_blocks(service: TrajectoryService, blocks: Sequence[Block], *, images: bool) -> list[ContentBlock]:
    content: list[ContentBlock] = []
    for block in blocks:
        words = block.text[:_DOCUMENT_TEXT]
        match block.kind:
            case "heading":
                content.append(
                    TextContent(type="text", text=f"{block.step + 1}. {words}{_MARKS.get(block.status, '')}")
                )
            case "image":
                mark = _MARKS.get(block.status, "")
                shows = f"[Image of step {block.step + 1}{mark}: {quotation(words, 300)}] image://{block.sha256}"
                content.append(TextContent(type="text", text=shows))
                if images and block.sha256 is not None:
                    content += (await _image(service, f"Step {block.step + 1}", block.sha256))[1:]
            case "text":
                content.append(TextContent(type="text", text=words))
    return content


def _text_of(block: ContentBlock) -> str:
    return block.text if isinstance(block, TextContent) else ""
