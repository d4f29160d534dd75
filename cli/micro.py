"""`interleavethinker micro …`: one picture from the micro world's generator, without an agent around it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.tools.errors import InputError, StoreError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_Out = Annotated[Path, typer.Option("--out", "-o", help="PNG file to write; replaced if it exists.", dir_okay=False)]
_Seed = Annotated[
    int | None, typer.Option(min=0, max=2**63 - 1, help="Same seed, same picture; drawn and shown if absent.")
]
_Checkpoint = Annotated[Path | None, typer.Option(help="Folder of a pipeline; the shipped one by default.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Weaker = Annotated[bool, typer.Option("--weaker", help="Use the seeded degradation of the weights.")]


@app.callback()
def micro() -> None:
    """One picture from the micro world's generator, without an agent around it."""


@app.command()
def draw(
    text: Annotated[str, typer.Argument(help="What to draw: 'a big red ball on the left, at night'.")],
    out: _Out = Path("picture.png"),
    seed: _Seed = None,
    checkpoint: _Checkpoint = None,
    weaker: _Weaker = False,
    json_output: _Json = False,
) -> None:
    """Draw a picture of 96 x 96 pixels from a text."""
    said = _said(text)
    chosen = _chosen(seed)
    with _working("drawing"):
        from interleavethinker.microworld.generators.micro import MicroGenerator

        generator = MicroGenerator(checkpoint, weaker=weaker)
        _check_length(generator.truncated_tokens(said))
        picture = generator.generate([said], [chosen])[0]
    _finish(picture, out, chosen, as_json=json_output)


@app.command()
def edit(
    image: Annotated[Path, typer.Argument(help="The picture to edit: 96 x 96 pixels, as `micro draw` makes it.")],
    text: Annotated[str, typer.Argument(help="What to change: 'make the ball green'.")],
    out: _Out = Path("edited.png"),
    seed: _Seed = None,
    checkpoint: _Checkpoint = None,
    weaker: _Weaker = False,
    json_output: _Json = False,
) -> None:
    """Edit a picture of the micro world by one instruction."""
    said = _said(text)
    source = _open(image)
    chosen = _chosen(seed)
    with _working("editing"):
        from interleavethinker.microworld.generators.micro import MicroGenerator

        generator = MicroGenerator(checkpoint, weaker=weaker)
        _check_length(generator.truncated_tokens(said))
        picture = generator.edit([source], [said], [chosen])[0]
    _finish(picture, out, chosen, as_json=json_output)


def _said(text: str) -> str:
    """The text as the generator was taught to read: its words checked, lower case, single spaces."""
    from interleavethinker.microworld.language.lexicon import check_vocabulary

    check_vocabulary(text)
    return " ".join(text.lower().split())


def _check_length(unread: int) -> None:
    if unread:
        msg = (
            f"A text must fit into the generator's prompt; this one is {unread} tokens too long. "
            "Say less, or use plain words: a trained word is one token, a synonym several."
        )
        raise InputError(msg, code="text_too_long")


def _open(path: Path) -> "Image":
    """The picture in a file, checked before it is decoded."""
    import warnings

    from PIL import Image

    from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE
    from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, image_size, open_rgb

    try:
        with path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.max_bytes + 1)
    except OSError as error:
        msg = f"The image must be a readable file; {path} is not: {error.strerror}."
        raise InputError(msg, code="invalid_image") from error
    with warnings.catch_warnings():  # far too many pixels are refused below, with how many
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        png = canonical_png(data)
    size = image_size(png)
    if size != (IMAGE_SIZE, IMAGE_SIZE):
        msg = (
            f"The micro world edits pictures of {IMAGE_SIZE} x {IMAGE_SIZE} pixels, such as `micro draw` makes; "
            f"{path} is {size[0]} x {size[1]}. Scale or crop it first."
        )
        raise InputError(msg, code="wrong_size")
    return open_rgb(png)


def _chosen(seed: int | None) -> int:
    if seed is not None:
        return seed
    import secrets

    return secrets.randbelow(2**31)


@contextmanager
def _working(what: str) -> Iterator[None]:
    """A spinner on stderr while the libraries load and the model works."""
    from rich.console import Console

    with Console(stderr=True).status(f"{what} (loading the libraries takes a few seconds)"):
        yield


def _finish(picture: "Image", out: Path, seed: int, *, as_json: bool) -> None:
    from interleavethinker.tools.images.png import encode_png

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(encode_png(picture))
    except OSError as error:
        msg = f"The picture must be written to a file; {out} cannot be: {error.strerror}."
        raise StoreError(msg) from error
    if as_json:
        typer.echo(json.dumps({"path": str(out), "seed": seed, "width": picture.width, "height": picture.height}))
    else:
        typer.echo(f"{out} (seed {seed})")
