"""Spans: parents across tasks and processes, and what they say of errors."""

import asyncio
from collections.abc import Iterator

import pytest

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, ModelAnswerError, RefusalError
from interleavethinker.tools.tracing.spans import Span, annotate, carrier, is_on, note_error, span, untraced

from ...recorded_spans import RecordedSpans, recorded

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedSpans]:
    monkeypatch.delenv(CAPTURE, raising=False)
    with recorded() as found:
        yield found


def test_without_a_provider_every_span_is_the_same_and_does_nothing() -> None:
    assert not is_on()
    with span("one") as one, span("two", {"a": 1}, links=[{}]) as two:
        assert one is two
        assert (carrier(), one.carrier(), one.context(), untraced()) == ({}, {}, None, None)
        annotate({"a": 1})
        note_error(ValueError())


async def test_spans_nest_across_tasks_unless_a_task_outlives_its_caller(spans: RecordedSpans) -> None:
    async def work(name: str) -> None:
        with span(name):
            await asyncio.sleep(0)

    with span("outer", {"kept": 1, "left out": None}):
        await asyncio.gather(asyncio.create_task(work("inner")), asyncio.create_task(work("own"), context=untraced()))
        annotate({"added": "x"})
    outer, inner, own = (spans.one(name) for name in ("outer", "inner", "own"))
    assert inner.parent == outer.context
    assert own.parent is None
    assert outer.attributes == {"kept": 1, "added": "x"}


async def test_a_span_that_is_not_entered_is_the_parent_only_in_its_context(spans: RecordedSpans) -> None:
    async def work() -> None:
        with span("inside"):
            pass

    run = span("run")
    with span("beside"):
        await asyncio.create_task(work(), context=run.context())
    with run.around(), span("around"):
        pass
    run.end()
    run.end(ValueError("too late"))
    assert spans.one("beside").parent is None
    assert spans.one("inside").parent == spans.one("around").parent == spans.one("run").context
    assert not spans.one("run").events


def test_a_carrier_continues_the_trace_and_links_to_it(spans: RecordedSpans) -> None:
    with span("here") as here:
        found = carrier()
        assert found == here.carrier()
    with span("there", parent=found, links=[found]) as there:
        there.link({"traceparent": "nonsense"})
    with span("later", links=[found, {}]) as later:
        later.link(found)
    assert spans.one("there").context.trace_id == spans.one("here").context.trace_id
    assert not spans.one("there").links, "its parent need not be linked"
    assert [link.context.span_id for link in spans.one("later").links] == [spans.one("here").context.span_id] * 2


@pytest.mark.parametrize("value", ["", "00-0-0-01", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01", "a" * 10_000, "\x00"])
def test_a_malformed_carrier_begins_a_trace(spans: RecordedSpans, value: str) -> None:
    with span("around"), span("new", parent={"traceparent": value, "tracestate": value}):
        pass
    assert spans.one("new").parent is None


def failing() -> None:
    try:
        try:
            {}["a"]  # type: ignore[index]
        except KeyError as error:
            raise OSError("the pipe broke") from error
    except OSError as error:
        raise GeneratorError("The image server crashed.", code="server_died") from error


def test_an_error_has_its_code_its_message_and_every_cause_with_its_place(spans: RecordedSpans) -> None:
    with pytest.raises(GeneratorError), span("call"):
        failing()
    call = spans.one("call")
    assert call.attributes == {"error.type": "server_died"}
    assert call.status.description == "server_died: The image server crashed."
    (event,) = call.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "interleavethinker.tools.errors.GeneratorError"
    told = str(event.attributes["exception.stacktrace"])
    places = [
        told.index(words) for words in ("\nKeyError\n", "\nOSError: the pipe broke\n", "GeneratorError: The image")
    ]
    assert places == sorted(places)
    assert told.count(f'"{__file__}"') == 4
    assert "in failing" in told


@pytest.mark.parametrize("error", [InputError("SECRET words"), ModelAnswerError("SECRET"), RefusalError("SECRET")])
def test_the_words_of_people_and_models_are_recorded_only_if_captured(
    spans: RecordedSpans, monkeypatch: pytest.MonkeyPatch, error: InterleaveError
) -> None:
    def fail() -> None:
        try:
            int("SECRET of a library")
        except ValueError as cause:
            raise error from cause

    for captured in ("", "false", "NO_CONTENT", "EVENT_ONLY", "true", "SPAN_ONLY", "span_and_event"):
        monkeypatch.setenv(CAPTURE, captured)
        with pytest.raises(InterleaveError), span(f"call {captured}"):
            fail()
        told = spans.one(f"call {captured}").to_json()
        assert ("SECRET" in told) == (captured in {"true", "SPAN_ONLY", "span_and_event"})
        assert error.code in told


async def test_a_cancelled_call_says_so(spans: RecordedSpans) -> None:
    async def work() -> None:
        with span("call"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert spans.one("call").status.description == "cancelled"
    assert spans.one("call").attributes == {"error.type": "cancelled"}


def test_an_expected_exception_is_no_error(spans: RecordedSpans) -> None:
    with pytest.raises(StopIteration), span("call", expected=(StopIteration,)):
        raise StopIteration
    assert spans.one("call").status.is_unset


def test_an_error_that_becomes_an_answer_is_noted_in_the_span_around(spans: RecordedSpans) -> None:
    note_error(GeneratorError("nobody is around"))
    with span("call"):
        note_error(GeneratorError("Busy.", code="busy"))
    assert spans.one("call").attributes == {"interleavethinker.error.code": "busy"}
    assert [event.name for event in spans.one("call").events] == ["exception"]


def test_the_span_that_records_nothing_has_all_that_a_recorded_one_has() -> None:
    from interleavethinker.tools.tracing.recording import RecordedSpan

    assert {name for name in vars(RecordedSpan) if not name.startswith("_")} <= set(vars(Span))
