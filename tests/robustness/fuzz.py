"""Mutates models' answers and images from a seed, and checks that reading them neither crashes nor hangs.

Run by `make robustness`, and for a second by the tests. Prints figures as JSON; a failure prints its seed and input.
"""

import argparse
import base64
import io
import json
import random
import sys
import time
from collections.abc import Callable

from PIL import Image, ImageCms

from interleavethinker.tools.chat.answers import read_plan, read_verdict, strict_answer
from interleavethinker.tools.errors import InputError, ModelAnswerError
from interleavethinker.tools.images.data_uris import find_image
from interleavethinker.tools.images.png import canonical_png, image_size
from interleavethinker.tools.request_parsing import as_request, named_step_count

__all__ = ["fuzz_answers", "fuzz_images", "main"]

SLOWEST = 3.0
"""Seconds of processor time that reading one input may take."""
PLAN = '<think>A ball.</think><answer>{"execution_plan": [{"prompt": "a ball", "auxiliary_text": "One."}]}</answer>'
VERDICT = '<think>Fine.</think><answer>{"previous_step_success": false, "refine_prompt": "a red ball"}</answer>'
PIECES = [
    *(
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<THINK>",
        "```json\n",
        "```",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "\\",
    ),
    *(
        ",",
        ":",
        "null",
        "true",
        "None",
        "N/A",
        "...",
        "NaN",
        "1e999",
        "9" * 5000,
        "\\ud83d",
        "\udc00",
        "\x00",
        "\x1b]52;",
    ),
    *(
        "<|im_end|>",
        "<|channel|>final",
        " " * 500,
        "\n" * 50,
        "how many 3 images ",
        "data:image/png;base64,",
        "\u202e",
        "é",
    ),
]


def mutated(text: str, chance: random.Random) -> str:
    """Returns the text after some cuts, repetitions and insertions."""
    for _ in range(chance.randint(1, 8)):
        place, other = sorted(chance.randint(0, len(text)) for _ in range(2))
        change = chance.randint(0, 4)
        if change == 0:
            text = text[:place] + text[other:]
        elif change == 1:
            text = text[:place] + text[place:other] * chance.randint(2, 4) + text[other:]
        elif change == 2:
            text = text[:place] + chance.choice(PIECES) * chance.choice([1, 1, 2, 30]) + text[place:]
        elif change == 3:
            text = text[:place]
        else:
            text = text[:place] + chr(chance.randint(0, 0x10FFFF)) + text[other:]
    return text[:60_000]


def fuzz_answers(rounds: int, seed: int) -> dict[str, object]:
    """Reads mutated answers; a usable one must hold text that every encoder takes."""
    chance = random.Random(seed)
    read = unusable = 0
    slowest = 0.0
    for number in range(rounds):
        text = mutated(chance.choice([PLAN, VERDICT]), chance)
        for reader in (read_plan, read_verdict, strict_answer, named_step_count, find_image):
            seconds, result = timed(reader, text, (ModelAnswerError,), f"answer {number} of seed {seed}")
            slowest = max(slowest, seconds)
            unusable += result is None
            if result is not None and hasattr(result, "model_dump_json"):
                read += 1
                result.model_dump_json().encode()
        timed(as_request, text, (InputError,), f"request {number} of seed {seed}")
    return {"answers": rounds, "seed": seed, "read": read, "slowest_seconds": round(slowest, 3)}


def fuzz_images(rounds: int, seed: int) -> dict[str, object]:
    """Decodes mutated images; an accepted one must be a whole canonical PNG."""
    chance = random.Random(seed)
    originals = samples()
    accepted = 0
    slowest = 0.0
    for number in range(rounds):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 10)):
            place = chance.randrange(len(data))
            if chance.random() < 0.1:
                del data[place : place + chance.randint(1, 200)]
            else:
                data[place] = chance.randrange(256)
            if not data:
                data = bytearray(b"\x89PNG")
        seconds, png = timed(canonical_png, bytes(data), (InputError,), f"image {number} of seed {seed}")
        slowest = max(slowest, seconds)
        if isinstance(png, bytes):
            accepted += 1
            if canonical_png(png) != png or image_size(png)[0] < 1:
                raise SystemExit(f"image {number} of seed {seed}: not canonical")
    return {"images": rounds, "seed": seed, "accepted": accepted, "slowest_seconds": round(slowest, 3)}


def samples() -> list[bytes]:
    """Returns small images of many kinds, some with a color profile."""
    found = []
    image = Image.radial_gradient("L").resize((48, 32))
    kinds = [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "I;16"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("GIF", "P"),
    ]
    for kind, mode in kinds:
        buffer = io.BytesIO()
        image.convert("I" if mode == "I;16" else mode).convert(mode).save(buffer, kind)
        found.append(buffer.getvalue())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"s\0R\0G\0B", b"m\0i\0n\0e")
    for kind in ("PNG", "JPEG", "WEBP"):
        buffer = io.BytesIO()
        options = {"progressive": True} if kind == "JPEG" else {}
        image.convert("RGB").save(buffer, kind, icc_profile=profile, **options)
        found.append(buffer.getvalue())
    return found


def timed(
    function: Callable[..., object], value: str | bytes, expected: tuple[type[Exception], ...], name: str
) -> tuple[float, object]:
    """Returns the processor time and the result; None after an expected error. Any other error ends the program."""
    started = time.process_time()
    result: object = None
    try:
        result = function(value)
    except expected:
        pass
    except Exception as error:
        raise SystemExit(f"{name}: {function.__name__} raised {error!r} for {shown(value)}") from error
    seconds = time.process_time() - started
    if seconds > SLOWEST:
        raise SystemExit(f"{name}: {function.__name__} took {seconds:.1f} s for {shown(value)}")
    return seconds, result


def shown(value: str | bytes) -> str:
    """Returns an input in a form that can be copied."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return base64.b64encode(data).decode()


def main() -> None:
    """Runs both fuzzers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20_000, help="answers; a tenth as many images")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for fuzzer, rounds in ((fuzz_answers, options.rounds), (fuzz_images, max(1, options.rounds // 10))):
        sys.stdout.write(json.dumps(fuzzer(rounds, options.seed)) + "\n")


if __name__ == "__main__":
    main()
