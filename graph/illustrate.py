"""The shortest way to an answer: `illustrate("…")` in a script or a notebook, `aillustrate` in asynchronous code.

Both run in the process-wide loop thread and share one open workspace per folder, so that a second call finds the image
server and the models already loaded. `close` ends them; leaving the program does too.
"""

import asyncio
import atexit
import contextlib
import io
import queue
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from interleavethinker.tools.errors import InputError, TrajectoryError
from interleavethinker.tools.request_parsing import place_images

from .answer import Answer
from .event_loop import loop_thread
from .events import ApprovalNeeded, Cancelled, Event, Failed, Paused
from .limits import Limits
from .profiles.opening import default_home
from .progress import listen
from .workspace.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ImageLike", "aillustrate", "close", "illustrate"]

ImageLike: TypeAlias = "str | Path | bytes | Image"
"""An input image: the path of a file, the bytes of a file, or a PIL image."""

_CLOSING_SECONDS = 5.0


def illustrate(
    prompt: str,
    *,
    images: Sequence[ImageLike] = (),
    profile: str = "micro",
    seed: int | None = None,
    limits: Limits | None = None,
    workspace: str | Path | None = None,
    progress: bool | Callable[[Event], None] | None = None,
) -> Answer:
    """Answers a prompt with text and images, and waits for the answer.

    Works in scripts and in notebooks, whose event loop is running already. In asynchronous code use `aillustrate`.

    Args:
        prompt: What to tell and show. `<image>` marks the place of an input image; without marks they come first.
        images: Input images: paths, bytes of image files, or PIL images.
        profile: Models to use: `micro`, `klein`, `api`, or the path of a TOML file.
        seed: Makes the answer reproducible with local models, 0 to 2³¹ - 1; random by default.
        limits: Replaces the profile's limits.
        workspace: Folder in which the trajectory is kept; the user's data folder by default.
        progress: True shows a progress bar, False shows nothing, and a function receives every event. By default a
            bar is shown in terminals and notebooks.

    Raises:
        InputError: The profile cannot serve this request, or an image cannot be read.
        ProfileError: There is no such profile, or this machine lacks something it needs.
        TrajectoryError: An error stopped the trajectory. The message has the ID with which it can be resumed.

    Example:
        >>> answer = illustrate("First a red ball, at night. Then make the ball blue.", seed=1)  # doctest: +SKIP
        >>> answer.images[0].size  # doctest: +SKIP
        (96, 96)
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    work = _answer(prompt, images, profile, seed, limits, _root_of(workspace), events.put)
    future: Future[Answer] = asyncio.run_coroutine_threadsafe(work, loop_thread().loop)
    future.add_done_callback(lambda _: events.put(None))
    try:
        with listen(progress) as see:
            while (event := events.get()) is not None:
                see(event)
    except BaseException:  # Ctrl-C, or an error of the listener: the trajectory is paused.
        future.cancel()
        raise
    return future.result()


async def aillustrate(
    prompt: str,
    *,
    images: Sequence[ImageLike] = (),
    profile: str = "micro",
    seed: int | None = None,
    limits: Limits | None = None,
    workspace: str | Path | None = None,
    progress: bool | Callable[[Event], None] | None = None,
) -> Answer:
    """Answers a prompt with text and images without blocking the event loop; see `illustrate`.

    Cancelling the call pauses the trajectory, which can be resumed.
    """
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    here = asyncio.get_running_loop()

    def put(event: Event | None) -> None:
        with contextlib.suppress(RuntimeError):  # The caller's loop is closed: nobody listens any more.
            here.call_soon_threadsafe(events.put_nowait, event)

    work = _answer(prompt, images, profile, seed, limits, _root_of(workspace), put)
    future = asyncio.run_coroutine_threadsafe(work, loop_thread().loop)
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
    """Closes the workspaces that `illustrate` opened in this process, which ends their image servers.

    The next call opens them again. Called at the end of the program by itself.
    """
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(_close(), loop_thread().loop).result(_CLOSING_SECONDS)


async def _answer(
    prompt: str,
    images: Sequence[ImageLike],
    profile: str,
    seed: int | None,
    limits: Limits | None,
    root: Path,
    tell: Callable[[Event], None],
) -> Answer:
    workspace = await _shared_workspace(root)
    names = [await workspace.add_image(await asyncio.to_thread(_image_file, image)) for image in images]
    trajectory = await workspace.create(place_images(prompt, names), profile=profile, seed=seed, limits=limits)
    last: Event | None = None
    stream: AsyncGenerator[Event] = workspace.stream(trajectory)
    async with contextlib.aclosing(stream) as happening:
        async for last in happening:
            tell(last)
    match last:
        case Failed(reason=reason, code=code):
            raise TrajectoryError(
                f"Trajectory {trajectory} stopped: {reason} What was finished is kept. Resume it with: "
                f"interleavethinker resume {trajectory}",
                code=code,
            )
        case Paused() | Cancelled() | ApprovalNeeded():
            raise TrajectoryError(f"Trajectory {trajectory} was stopped from outside: {last.kind}.", code=last.kind)
    return Answer(await workspace.get(trajectory), workspace.store)


def _root_of(workspace: str | Path | None) -> Path:
    return (default_home() if workspace is None else Path(workspace)).absolute()


def _image_file(image: ImageLike) -> Path | bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        return Path(image)
    if hasattr(image, "save"):
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return buffer.getvalue()
    raise InputError(f"An image must be a path, the bytes of a file, or a PIL image; got {type(image).__name__}.")


_workspaces: dict[Path, Workspace] = {}
_open = contextlib.AsyncExitStack()
_opening = asyncio.Lock()
"""All three are used in the loop thread only."""


async def _shared_workspace(root: Path) -> Workspace:
    async with _opening:  # Otherwise two first calls could open the same folder twice.
        if root not in _workspaces:
            if not _workspaces:
                atexit.register(close)
            _workspaces[root] = await _open.enter_async_context(Workspace.open(root))
        return _workspaces[root]


async def _close() -> None:
    _workspaces.clear()
    await _open.aclose()
