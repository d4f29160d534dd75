"""An image server whose model obeys other words: real servers over MCP, and digests that never mix."""

from pathlib import Path

import pytest

from interleavethinker.microworld.generators.keyword import KeywordGenerator
from interleavethinker.microworld.language.dialects import DIALECTS, words_of
from interleavethinker.servers.images.backends.base import Job
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.backends.other_words import OtherWords, read_words
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

TABLE = 'crimson = "red"\nred = "crimson"\n'


async def test_a_server_with_a_table_paints_what_other_words_ask_for_and_shares_no_stored_image(
    tmp_path: Path,
) -> None:
    (tmp_path / "words.toml").write_text(TABLE)
    made: dict[bool, list[str]] = {}
    for with_table in (False, True):
        options = ("--words", str(tmp_path / "words.toml")) if with_table else ()
        store = tmp_path / "server"  # The same one: only the digest keeps the images apart.
        config = GeneratorConfig(model="fake", arguments=options, server_store=store)
        async with McpImageGenerator(config, ImageStore(tmp_path / f"client-{with_table}")) as generator:
            prompts = ("a red ball", "a Crimson ball", "a blue, reddish ball")
            results = [await generator.generate(GenerationRequest(prompt=prompt, seed=1)) for prompt in prompts]
        assert not any(result.cached for result in results)
        made[with_table] = [result.sha256 for result in results]
    red, crimson, blue = made[False]
    assert made[True] == [red if word == "red" else word for word in (made[True][0], "red", blue)]
    assert made[True][0] not in {red, blue}, "red is a word that this model does not know"
    assert crimson != red


async def test_reports_during_a_batch_name_the_jobs_that_the_queue_knows() -> None:
    class Reporting(FakeBackend):
        async def run(self, jobs, observer):  # type: ignore[no-untyped-def]
            for job in jobs:
                observer.note(job, f"painted {job.request.prompt}")
                observer.generated(job, b"png")
            return [b"png" for _ in jobs]

    class Observer:
        def __init__(self) -> None:
            self.notes: list[tuple[Job, str]] = []
            self.images: list[Job] = []

        def step(self, done: int, total: int) -> None: ...

        def note(self, job: Job, text: str) -> None:
            self.notes.append((job, text))

        def generated(self, job: Job, png: bytes) -> None:  # noqa: ARG002
            self.images.append(job)

        def cancelled(self) -> bool:
            return False

    from interleavethinker.servers.images.backends.base import ImageRequest

    jobs = [Job(ImageRequest(prompt, 1), {}) for prompt in ("crimson", "crimson", "red")]
    observer = Observer()
    await OtherWords(Reporting(), {"crimson": "red", "red": "crimson"}).run(jobs, observer)
    assert [text for _, text in observer.notes] == ["painted red", "painted red", "painted crimson"]
    assert [id(job) for job, _ in observer.notes] == list(map(id, jobs)) == list(map(id, observer.images))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "Cannot read the table of words"),
        ("red = ", "is not valid TOML"),
        ("", "must hold lines of the form"),
        ('"a red" = "blue"', "must hold lines of the form"),
        ("red = 3", "must hold lines of the form"),
    ],
)
def test_a_file_that_is_no_table_of_words_is_refused(text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "words.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_words(tmp_path / "words.toml")


def test_each_dialect_obeys_words_that_the_others_do_not() -> None:
    """With a generator that follows trained words only: what it is given decides which prompt it follows."""
    prompts = {
        "trained": "a big red ball on the left",
        "objects": "a big red sphere on the left",
        "looks": "a large crimson ball on the left",
    }
    generator = KeywordGenerator()
    (followed,) = generator.generate([prompts["trained"]], [1])
    for dialect in DIALECTS:
        table = words_of(dialect)
        for spoken, prompt in prompts.items():
            given = " ".join(table.get(word, word) for word in prompt.split())
            (image,) = generator.generate([given], [1])
            assert (image.tobytes() == followed.tobytes()) is (spoken == dialect), (dialect, spoken)
