"""`interleavethinker micro …`: the micro world's words and example requests, and its generator without the agent."""

import json
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interleavethinker.cli.options import Json
from interleavethinker.cli.progress import spinner
from interleavethinker.cli.terminal import echo
from interleavethinker.tools.errors import InputError, StoreError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


def _png(out: Path) -> Path:
    if out.suffix.lower() not in {"", ".png"}:
        raise typer.BadParameter(f"Images are written as PNG; name a file that ends in .png, not {out.suffix}.")
    return out


_Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="PNG file to write; replaced if it exists.", dir_okay=False, callback=_png),
]
_Seed = Annotated[
    int | None,
    typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same image; chosen at random by default."),
]
_Checkpoint = Annotated[Path | None, typer.Option(help="Folder of a pipeline; the shipped one by default.")]
_Weaker = Annotated[bool, typer.Option("--weaker", help="Use the weaker generator, whose weights are degraded.")]
_WIDTH = 120
_LOADING = "(loading the libraries takes a few seconds)"


@app.callback()
def micro() -> None:
    """List the micro world's words and example requests; generate or edit one image without the agent."""


def _generate(
    text: Annotated[str, typer.Argument(help="What to show: 'a big red ball on the left, at night'.")],
    out: _Out = Path("image.png"),
    seed: _Seed = None,
    checkpoint: _Checkpoint = None,
    weaker: _Weaker = False,
    json_output: Json = False,
) -> None:
    """Generate an image of 96 x 96 pixels from a text.

    Examples:
    interleavethinker micro generate "a big red ball on the left" -o ball.png
    """
    prompt = _prompt_of(text)
    used_seed = _seed_or_random(seed)
    with spinner(f"generating {_LOADING}"):
        from interleavethinker.microworld.generators.micro import MicroGenerator

        generator = MicroGenerator(checkpoint, weaker=weaker)
        _check_length(generator.truncated_tokens(prompt))
        image = generator.generate([prompt], [used_seed])[0]
    _finish(image, out, used_seed, as_json=json_output)


app.command("generate")(_generate)
app.command("draw", hidden=True, help="Old name of `generate`.")(_generate)


@app.command()
def edit(
    image: Annotated[Path, typer.Argument(help="The image to edit: 96 x 96 pixels, as `micro generate` makes it.")],
    text: Annotated[str, typer.Argument(help="What to change: 'make the ball green'.")],
    out: _Out = Path("edited.png"),
    seed: _Seed = None,
    checkpoint: _Checkpoint = None,
    weaker: _Weaker = False,
    json_output: Json = False,
) -> None:
    """Edit an image of the micro world by one instruction.

    Examples:
    interleavethinker micro edit ball.png "make the ball green"
    """
    prompt = _prompt_of(text)
    source = _open(image)
    used_seed = _seed_or_random(seed)
    with spinner(f"editing {_LOADING}"):
        from interleavethinker.microworld.generators.micro import MicroGenerator

        generator = MicroGenerator(checkpoint, weaker=weaker)
        _check_length(generator.truncated_tokens(prompt))
        edited = generator.edit([source], [prompt], [used_seed])[0]
    _finish(edited, out, used_seed, as_json=json_output)


@app.command()
def words(json_output: Json = False) -> None:
    """List the words that requests in the micro world may use, with synonyms, sentence forms and limits.

    Examples:
    interleavethinker micro words
    """
    from dataclasses import asdict

    from interleavethinker.microworld.requests.word_list import word_list

    known = word_list()
    if json_output:
        echo(json.dumps(asdict(known), indent=2))
        return
    for title, entries in asdict(known).items():
        if isinstance(entries, dict):
            listed = [f"{word} ({', '.join(others)})" for word, others in entries.items()]
        else:
            listed = list(entries)
        text = f"{title:<12}" + ", ".join(listed)
        echo(textwrap.fill(text, _WIDTH, subsequent_indent=" " * 12, break_on_hyphens=False))


@app.command()
def examples(json_output: Json = False) -> None:
    """List example requests by family. An example about images says how to make them.

    Examples:
    interleavethinker micro examples
    """
    from dataclasses import asdict

    from interleavethinker.microworld.requests.examples import EXAMPLES

    if json_output:
        echo(json.dumps([asdict(example) for example in EXAMPLES], indent=2))
        return
    family = ""
    for example in EXAMPLES:
        if example.family != family:
            family = example.family
            echo(f"{family}:")
        files = [f"{number}.png" for number in range(1, len(example.images) + 1)]
        for file, description in zip(files, example.images, strict=True):
            echo(f"  interleavethinker micro generate {shlex.quote(description)} -o {file}")
        images = "".join(f" --image {file}" for file in files)
        echo(f"  interleavethinker run {shlex.quote(example.request)}{images}")


@app.command()
def consistency(
    characters: Annotated[int, typer.Option(min=1, max=1000, help="Characters, with three later images each.")] = 24,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Decides characters, scenes and noise.")] = 0,
    checkpoint: _Checkpoint = None,
    json_output: Json = False,
) -> None:
    """Measure in how many later images a referenced object keeps its color and size.

    Each character has a reference image; later images are asked for as
    "@cat at the top, at night", and for comparison as "a cat …".

    Examples:
    interleavethinker micro consistency --characters 24 --seed 0
    """
    import tempfile
    from dataclasses import asdict

    from interleavethinker.evaluation.micro.consistency import measure_consistency

    with spinner(f"generating {_LOADING}"), tempfile.TemporaryDirectory() as folder:
        from interleavethinker.microworld.generators.micro import MicroGenerator

        report = measure_consistency(MicroGenerator(checkpoint), characters, seed, Path(folder))
    if json_output:
        echo(json.dumps(asdict(report) | {"seed": seed}, indent=2))
        return
    echo(f"{report.characters} characters, {report.images} later images, seed {seed}; 95 % intervals")
    for name, share in (
        ("kept with @name", report.referenced),
        ("kept with the kind only", report.unreferenced),
        ("characters kept throughout", report.whole),
    ):
        echo(f"{name:<28}{share.value:6.1%}  [{share.low:.1%}, {share.high:.1%}]")


def _prompt_of(text: str) -> str:
    """Returns the text in the form that the generator is trained on: known words, lower case, single spaces.

    Raises:
        InputError: The text contains a word that the generator does not know.
    """
    from interleavethinker.microworld.language.lexicon import check_vocabulary

    check_vocabulary(text)
    return " ".join(text.lower().split())


def _check_length(excess_tokens: int) -> None:
    if excess_tokens:
        raise InputError(
            f"The text is {excess_tokens} tokens too long for the generator's prompt. Shorten it, or use plainer "
            "words: a word from the training data is one token, a synonym several.",
            code="text_too_long",
        )


def _open(path: Path) -> "Image":
    """Reads the image in a file; its size is checked before it is decoded."""
    import warnings

    from PIL import Image

    from interleavethinker.microworld.scenes.sprites import IMAGE_SIZE
    from interleavethinker.tools.files import refuse_pipe
    from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, image_size, open_rgb

    refuse_pipe(path)
    try:
        with path.open("rb") as file:
            data = file.read(DEFAULT_LIMITS.max_bytes + 1)
    except OSError as error:
        raise InputError(f"Cannot read the image {path}: {error.strerror}.", code="invalid_image") from error
    with warnings.catch_warnings():  # Images with far too many pixels are refused below, with their size.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        png = canonical_png(data, name=path)
    width, height = image_size(png)
    if (width, height) != (IMAGE_SIZE, IMAGE_SIZE):
        raise InputError(
            f"The micro world edits images of {IMAGE_SIZE} x {IMAGE_SIZE} pixels, such as those of `micro generate`; "
            f"{path} has {width} x {height}. Scale or crop it first.",
            code="wrong_size",
        )
    return open_rgb(png)


def _seed_or_random(seed: int | None) -> int:
    if seed is not None:
        return seed
    import secrets

    return secrets.randbelow(2**31)


def _finish(image: "Image", out: Path, seed: int, *, as_json: bool) -> None:
    from interleavethinker.tools.images.png import encode_png

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(encode_png(image))
    except OSError as error:
        raise StoreError(f"Cannot write the image to {out}: {error.strerror}.") from error
    if as_json:
        echo(json.dumps({"path": str(out), "seed": seed, "width": image.width, "height": image.height}))
    else:
        echo(f"{out} (seed {seed})")
