"""The shortest way to an answer: `illustrate("…")` in a script or a notebook, `aillustrate` in asynchronous code.

Both run in the process-wide loop thread and share one open workspace per folder, so that a second call finds the image
server and the models already loaded. `close` shuts them down, as does the end of the program.
"""

import asyncio
import atexit
import contextlib
import io
import queue
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from interleavethinker.tools.addresses import looks_like_url, shown_address
from interleavethinker.tools.errors import InputError, StoreError, TrajectoryError
from interleavethinker.tools.folders import default_home
from interleavethinker.tools.images.png import upright
from interleavethinker.tools.plain_text import one_line
from interleavethinker.tools.request_parsing import place_images
from interleavethinker.tools.validation import require_type
from interleavethinker.tools.which_one import which

from .answer import Answer
from .event_loop import OpenContexts, loop_thread
from .events import ApprovalNeeded, Cancelled, Event, Failed, Paused
from .limits import Limits
from .profiles.opening import close_shared_components
from .profiles.profile import Profile
from .progress import listen
from .workspace.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ImageLike", "aillustrate", "close", "illustrate"]

ImageLike: TypeAlias = "str | Path | bytes | Image"
"""An input image: the path of a file, the bytes of a file, or a PIL image."""

_CLOSING_SECONDS = 5.0
_PNG_MODES = {"1", "I;16", "L", "LA", "P", "RGB", "RGBA"}
"""Pillow's modes that a PNG file can hold."""


def illustrate(
    prompt: str,
    *,
    images: Sequence[ImageLike] = (),
    profile: str | Path | Profile = "micro",
    seed: int | None = None,
    limits: Limits | None = None,
    image_size: str | None = None,
    workspace: str | Path | None = None,
    progress: bool | Callable[[Event], None] | None = None,
) -> Answer:
    """Answers a prompt with text and images, and waits for the answer.

    Works in scripts and in notebooks, whose event loop is running already. In asynchronous code use `aillustrate`.

    Args:
        prompt: The request, in words. `<image>` marks the place of an input image; without marks they come first.
        images: Input images: paths, bytes of image files, or PIL images.
        profile: Models to use: `micro`, `klein`, `klein-vllm`, `api`, the path of a TOML file, or a loaded profile.
        seed: Makes the answer reproducible with local models, 0 to 2³¹ - 1; random by default.
        limits: Replaces the profile's limits.
        image_size: Size of the images in pixels (`1024x576`), or their aspect ratio (`16:9`); the profile's, or the
            model's own, by default.
        workspace: Folder, or `postgresql://…`, in which the trajectory is kept; the user's data folder by default.
        progress: True shows a progress bar, False shows nothing, and a function receives every event. By default a
            bar is shown in terminals and notebooks.

    Raises:
        InputError: The profile cannot serve this request, or an image cannot be read.
        ProfileError: There is no such profile, or this machine lacks something it needs.
        TrajectoryError: An error stopped the trajectory. The message has the ID with which it can be resumed.
        InterleaveError: This process was forked from one that had called it (`forked`); spawn it instead.

    Examples:
        >>> answer = illustrate("First a red ball, at night. Then make the ball blue.", seed=1)  # doctest: +SKIP
        >>> answer.images[0].size  # doctest: +SKIP
        (96, 96)
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    ended = threading.Event()

    async def work() -> Answer:
        try:
            return await _answer(prompt, images, profile, seed, limits, image_size, _root_of(workspace), events.put)
        finally:
            ended.set()

    future: Future[Answer] = loop_thread().submit(work())
    future.add_done_callback(lambda _: events.put(None))
    try:
        with listen(progress) as see:
            while (event := events.get()) is not None:
                see(event)
    except BaseException:  # Ctrl-C, or an error of the listener: the trajectory is paused.
        future.cancel()
        ended.wait(_CLOSING_SECONDS)
        raise
    return future.result()


async def aillustrate(
    prompt: str,
    *,
    images: Sequence[ImageLike] = (),
    profile: str | Path | Profile = "micro",
    seed: int | None = None,
    limits: Limits | None = None,
    image_size: str | None = None,
    workspace: str | Path | None = None,
    progress: bool | Callable[[Event], None] | None = None,
) -> Answer:
    """Answers a prompt with text and images without blocking the event loop; see `illustrate`.

    Cancelling the call pauses the trajectory, which can be resumed.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    here = asyncio.get_running_loop()

    def put(event: Event | None) -> None:
        with contextlib.suppress(RuntimeError):  # The caller's loop is closed, so there is no listener left.
            here.call_soon_threadsafe(events.put_nowait, event)

    work = _answer(prompt, images, profile, seed, limits, image_size, _root_of(workspace), put)
    future = loop_thread().submit(work)
    future.add_done_callback(lambda _: put(None))
    try:
        with listen(progress) as see:
            while (event := await events.get()) is not None:
                see(event)
    except BaseException:
        future.cancel()
        raise
    return await asyncio.wrap_future(future)


def close() -> None:
    """Closes everything that this package keeps open in this process between calls, and frees its memory.

    This covers the workspaces and image servers of `illustrate`, those of graphs made by `make_graph`, and the weights
    of models in this process. The next call reopens them. Servers end with the program even without this call.
    """
    _close_workspaces()
    close_shared_components()
    inference = sys.modules.get("interleavethinker.tools.qwen3vl.inference")
    if inference is not None:  # If it was never imported, no model is loaded.
        inference.unload_models()


async def _answer(
    prompt: str,
    images: Sequence[ImageLike],
    profile: str | Path | Profile,
    seed: int | None,
    limits: Limits | None,
    image_size: str | None,
    root: str | Path,
    tell: Callable[[Event], None],
) -> Answer:
    if isinstance(images, str | bytes | Path) or hasattr(images, "save") or not isinstance(images, Iterable):
        raise InputError(f"`images` must be a list of images, got {type(images).__name__}; put one image into a list.")
    workspace = await _shared.get(root)
    names = []
    for number, image in enumerate(images, 1):
        with which(f"Image {number} of {len(images)}", among=len(images)):
            names.append(await workspace.add_image(await asyncio.to_thread(_image_file, image)))
    request = place_images(prompt, names)
    trajectory = await workspace.create(
        request, profile=profile, seed=seed, limits=limits, image_size=image_size, attended=True
    )
    last: Event | None = None
    stream: AsyncGenerator[Event] = workspace.stream(trajectory)
    async with contextlib.aclosing(stream) as happening:
        async for last in happening:
            tell(last)
    match last:
        case Failed(reason=reason, code=code, refused=True):
            raise InputError(reason, code=code)
        case Failed(reason=reason, code=code):
            where = (
                "" if root == await asyncio.to_thread(_root_of, None) else f" --workspace {shown_address(str(root))}"
            )
            raise TrajectoryError(
                f"Trajectory {trajectory} stopped: {reason} All finished work is kept. Once the cause is gone, "
                f"continue with: interleavethinker resume {trajectory}{where}",
                code=code,
            )
        case Paused() | Cancelled() | ApprovalNeeded():
            raise TrajectoryError(f"Trajectory {trajectory} was stopped from outside: {last.kind}.", code=last.kind)
    return Answer(await workspace.get(trajectory), workspace.store)


def _root_of(workspace: str | Path | None) -> str | Path:
    require_type(workspace, (str, Path, type(None)), "workspace", "a folder, or the URL of a database")
    if isinstance(workspace, str) and (looks_like_url(workspace) or not workspace.strip()):
        return workspace  # As a path, it would be one below the current folder.
    return (default_home() if workspace is None else Path(workspace)).absolute()


def _image_file(image: ImageLike) -> Path | bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        return Path(image)
    if not hasattr(image, "save"):
        raise InputError(f"An image must be a path, the bytes of a file, or a PIL image; got {type(image).__name__}.")
    if not all(image.size):
        raise InputError("The PIL image is empty: its width or height is 0.")
    buffer = io.BytesIO()
    try:
        turned = upright(image)
        if turned.mode not in _PNG_MODES:
            turned = turned.convert("I;16" if turned.mode == "I" else "RGB")
        turned.save(buffer, format="PNG")
    except MemoryError:
        raise
    except Exception as error:  # Pillow decodes the file only now, and raises anything for a broken one.
        reason = one_line(str(error)) or type(error).__name__
        raise InputError(f"The PIL image cannot be read: {reason}.", code="invalid_image") from error
    return buffer.getvalue()


_shared = OpenContexts[str | Path, Workspace](Workspace.open)


@atexit.register
def _close_workspaces() -> None:
    # At exit, worker threads end before exit handlers run, so the databases can no longer be closed, and need not be.
    # The image servers, which would outlive the program, are closed before the databases.
    with contextlib.suppress(StoreError):
        _shared.close_in_loop_thread()
