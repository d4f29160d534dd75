"""Refusals of content are told from outages and malformed calls, in the words of many services."""

import pytest
from mcp_types import CallToolResult, TextContent

from interleavethinker.tools.errors import GeneratorError, InputError, InterleaveError, RefusalError
from interleavethinker.tools.mcp.results import error_of
from interleavethinker.tools.refusals import is_refusal


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("moderation_blocked", "rejected"),
        ("content_policy_violation", ""),
        ("", "Your request was rejected as a result of our safety system."),
        (
            "",
            "Filtered due to the prompt triggering the content management policy: content_filter",
        ),
        ("400", "Input data may contain sensitive content"),
        ("", "This prompt violates our usage guidelines"),
        ("", "The API refused the request: IMAGE_SAFETY"),
        ("", "Request was flagged by moderation"),
    ],
)
def test_the_words_and_codes_of_services_are_recognized(code: str, message: str) -> None:
    assert is_refusal(code, message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("model_not_found", "The model gpt-imag-1 does not exist"),
        ("rate_limit_exceeded", "Rate limit reached for gpt-image-1"),
        ("", "Names are case-sensitive"),
        ("invalid_value", "Invalid size '3x3'"),
        ("", "Connection refused"),
    ],
)
def test_other_errors_are_no_refusals(code: str, message: str) -> None:
    assert not is_refusal(code, message)


def failed(message: str, code: str | None) -> CallToolResult:
    structured = None if code is None else {"error": {"code": code, "message": message, "retryable": False}}
    return CallToolResult(
        is_error=True, content=[TextContent(type="text", text=message)], structured_content=structured
    )


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("content_policy", "No.", RefusalError),
        ("refused", "The API rejected the request: blocked by our safety system", RefusalError),  # version 0.1
        ("refused", "The API rejected the request: no such model", InputError),  # version 0.1
        ("invalid_request", "No such model", InputError),
        ("rate_limited", "Later.", GeneratorError),
        (None, "Prompt rejected by content moderation", RefusalError),  # a third-party server
        (None, "out of disk", GeneratorError),
    ],
)
def test_errors_of_image_servers_of_every_kind_become_refusals_where_they_are_some(
    code: str | None, message: str, kind: type[InterleaveError]
) -> None:
    assert type(error_of(failed(message, code))) is kind


def test_a_prompt_that_the_model_would_cut_is_reworded_like_a_refused_one() -> None:
    said = "The prompt has about 900 tokens; this model reads only the first 512. Shorten it by about 43 percent."
    error = error_of(failed(said, "prompt_too_long"))
    assert isinstance(error, RefusalError)
    assert str(error) == said
