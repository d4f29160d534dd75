"""Manifests of requests: JSON Lines with a text, images and options each, and their variations for a sweep.

Reading checks everything that can be known without a model, so that a mistake in the last line is found before the
first image is paid for. The module does not run anything.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, ValidationError

from interleavethinker.graph.limits import Limits
from interleavethinker.graph.workspace.images import check_image
from interleavethinker.graph.workspace.request_images import split_image
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.files import USER_TEXT, is_file, read_at_most
from interleavethinker.tools.image_names import split_named
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.plain_text import quotation, valid_unicode
from interleavethinker.tools.references import check_mentions
from interleavethinker.tools.request_parsing import check_length, place_images
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_json
from interleavethinker.tools.types import ImagePart, Request, TextPart
from interleavethinker.tools.validation import problems_of

__all__ = ["BatchRequest", "read_manifest", "sweep", "unique_names"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_RESERVED = {"index.html", "report.csv", "settings.csv", "batch.json"}
"""Files of the batch itself, which lie beside the folders of its answers."""
_MAX_PROBLEMS = 10
_MAX_FILE = 64 * 2**20
"""Bytes: a hundred thousand requests of a page each."""
_MAX_SWEEP = 100_000
_VARIED_FIELDS = ("profile", "seed", "image_size")
"""Fields of a request that a sweep may vary, beside its limits."""


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name.endswith(".") or name.lower() in _RESERVED:
        raise ValueError(
            "a name becomes a folder: use up to 100 letters, digits, '-', '_' and '.', and none of "
            f"{', '.join(sorted(_RESERVED))}"
        )
    return name


_Text = Annotated[str, AfterValidator(valid_unicode)]


class BatchRequest(StrictNumbers):
    """One line of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: _Text = ""
    """The request; `<image>` marks the places of images. May be empty if there are images."""
    images: tuple[Path, ...] = ()
    """Files of the request's images, relative to the manifest; `cat=photo.png` for one that the text mentions as @cat.
    """
    name: Annotated[str, AfterValidator(_check_name)] | None = None
    """Folder of the answer in the batch's folder; by default the number of the line."""
    profile: _Text | None = None
    """Profile of this request, a file relative to the manifest; by default the batch's."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the trajectory; a random one by default."""
    image_size: ImageSize | None = None
    """Size (`1024x576`) or aspect ratio (`16:9`) of the images; by default as in the whole batch."""
    limits: Mapping[str, JsonValue] = {}
    """Limits that differ from the batch's, by their names in `Limits`."""
    approve_plan: bool | None = None
    """Whether the plan waits for a person; by default as in the whole batch."""
    settings: tuple[tuple[str, str], ...] = ()
    """The values that a sweep gave this request, by the names that it varies."""

    def limits_within(self, base: Limits) -> Limits:
        """Returns the request's limits: those of `base`, apart from its own.

        Raises:
            InputError: A value is out of range, or no limit has this name.
        """
        try:
            return Limits.model_validate(base.model_dump() | dict(self.limits))
        except ValidationError as error:
            raise InputError(f"Invalid limits: {problems_of(error)}.") from error


def read_manifest(path: str | Path) -> list[BatchRequest]:
    """Reads and checks a manifest: one JSON object a line, with the fields of `BatchRequest`; empty lines are skipped.

    Args:
        path: A JSON Lines file in UTF-8. Paths of images and profiles in it are relative to its folder.

    Raises:
        InputError: The file cannot be read, or lines of it cannot be used. The message names the first of them.
    """
    path = Path(path)
    try:
        text = read_at_most(path, _MAX_FILE).decode(USER_TEXT)
    except OSError as error:
        raise InputError(f"Cannot read the manifest {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The manifest {path} is not UTF-8: byte {error.start + 1} is invalid.") from error
    requests: list[BatchRequest] = []
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                requests.append(_request_of(line, path.parent))
            except InputError as error:
                problems.append(f"line {number}: {error}")
    if problems:
        more = f"\n({len(problems) - _MAX_PROBLEMS} more)" if len(problems) > _MAX_PROBLEMS else ""
        listed = "\n".join(problems[:_MAX_PROBLEMS])
        raise InputError(f"The manifest {path} cannot be used; nothing was started.\n{listed}{more}")
    if not requests:
        raise InputError(f'The manifest {path} has no requests. Write one on each line, as {{"text": "a red ball"}}.')
    return unique_names(requests)


def unique_names(requests: Sequence[BatchRequest]) -> list[BatchRequest]:
    """Returns the requests, each with a name: its own, or else its number in the list.

    Raises:
        InputError: Two requests have one name.
    """
    digits = max(3, len(str(len(requests))))
    named = [
        one if one.name is not None else one.model_copy(update={"name": f"{number:0{digits}}"})
        for number, one in enumerate(requests, start=1)
    ]
    seen: dict[str, int] = {}
    for number, one in enumerate(named, start=1):
        lowered = (one.name or "").lower()  # Some file systems make no difference between cases.
        if lowered in seen:
            raise InputError(f"Requests {seen[lowered]} and {number} have the name {one.name!r}; names must differ.")
        seen[lowered] = number
    return named


def sweep(requests: Iterable[BatchRequest], vary: Mapping[str, Sequence[JsonValue]]) -> list[BatchRequest]:
    """Returns every request with every combination of values, one after the other, for one batch.

    Args:
        requests: Such as `read_manifest` returns.
        vary: Values by what they replace: `profile`, `seed`, `image_size`, or the name of a limit, such as
            `max_attempts`.

    Raises:
        InputError: Nothing is varied, a value cannot be used, or there are too many combinations.

    Examples:
        >>> swept = sweep([BatchRequest(text="a red ball", name="ball")], {"seed": [1, 2], "max_attempts": [1, 5]})
        >>> [one.name for one in swept]
        ['ball-1-1', 'ball-1-5', 'ball-2-1', 'ball-2-5']
    """
    named = unique_names(list(requests))
    for name, values in vary.items():
        if name not in {*_VARIED_FIELDS, *Limits.model_fields}:
            raise InputError(
                f"{name!r} cannot be varied. Choose from: {', '.join((*_VARIED_FIELDS, *Limits.model_fields))}."
            )
        if not values or len({repr(value) for value in values}) < len(values):
            raise InputError(f"The values of {name!r} must be different ones, and at least one.")
    number = len(named) * math.prod(map(len, vary.values()))
    if not vary or number > _MAX_SWEEP:
        raise InputError(
            f"A sweep takes from 1 to {_MAX_SWEEP} trajectories and varies something; these are "
            f"{number} that vary {', '.join(vary) or 'nothing'}."
        )
    combinations = list(product(*vary.values()))
    return unique_names(
        [_varied(one, dict(zip(vary, values, strict=True))) for one in named for values in combinations]
    )


def _varied(request: BatchRequest, values: Mapping[str, JsonValue]) -> BatchRequest:
    shown = {name: str(value) for name, value in values.items()}
    words = (Path(value).stem if "/" in value else value for value in shown.values())
    suffix = "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", word) for word in words)
    fields = {name: value for name, value in values.items() if name in _VARIED_FIELDS}
    limits = {name: value for name, value in values.items() if name not in fields}
    changed = request.model_dump() | fields
    changed |= {"limits": dict(request.limits) | limits, "settings": tuple(shown.items())}
    changed["name"] = f"{request.name}-{suffix}"
    try:
        varied = BatchRequest.model_validate(changed)
    except ValidationError as error:
        raise InputError(f"These values cannot be used: {problems_of(error)}.") from error
    varied.limits_within(Limits())
    return varied


def _in_folder(folder: Path, image: Path) -> Path:
    """Returns a file's path with its folder; a name before it stays before it."""
    path = image if is_file(folder / image) else Path(split_named(str(image))[2])
    return Path(f"{str(image).removesuffix(str(path))}{folder / path}")


def _request_of(line: str, folder: Path) -> BatchRequest:
    try:
        fields = parse_json(line, unique=True)
    except ValueError as error:
        raise InputError(f"not JSON ({error}): {quotation(line.strip(), 80)}") from error
    if not isinstance(fields, dict):
        raise InputError(f'not an object as {{"text": "a red ball"}}: {quotation(line.strip(), 80)}')
    if "settings" in fields:
        raise InputError("settings: only a sweep sets them")
    try:
        request = BatchRequest.model_validate(fields)
    except ValidationError as error:
        raise InputError(problems_of(error)) from error
    if not request.text.strip() and not request.images:
        raise InputError("neither text nor images")
    place_images(request.text, ["0" * 64] * len(request.images))
    request.limits_within(Limits())
    images = tuple(_in_folder(folder, image) for image in request.images)
    split = [split_image(image) for image in images]
    for _, _, path in split:
        if not is_file(path):
            raise InputError(f"no image file {path}")
        check_image(Path(path))
    parts = [ImagePart(sha256="0" * 64, name=name) for name, _, _ in split]
    checked = Request(parts=(*parts, TextPart(text=request.text)))
    check_length(checked)
    check_mentions(checked)
    profile = request.profile
    if profile is not None and profile.endswith(".toml"):  # Others are names, as `load_profile` reads them.
        profile = str(folder / profile)
    return request.model_copy(update={"images": images, "profile": profile})
