"""The price table: shipped list prices, the user's own in their place, names of dated versions."""

from pathlib import Path

import pytest

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.prices import Price, load_prices, price_of, prices_path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path))


def test_the_users_prices_replace_the_shipped_ones_and_add_to_them() -> None:
    shipped = load_prices()
    assert shipped["gpt-5-mini"].of_tokens(1_000_000, 500_000) == pytest.approx(1.25)
    prices_path().write_text('["gpt-5-mini"]\ninput = 1\noutput = 1\n["mine"]\nimage = 0.1\n')
    table = load_prices()
    assert table["gpt-5-mini"] == Price(input=1, output=1)
    assert (table["mine"].image, table["gpt-4o"]) == (0.1, shipped["gpt-4o"])


@pytest.mark.parametrize("content", ["[", '["m"]\ninput = "much"', '["m"]\nimage = -1', '["m"]\nprice = 1', "m = 3"])
def test_a_table_that_cannot_be_used_is_named_with_its_problem(content: str) -> None:
    prices_path().write_text(content)
    with pytest.raises(ProfileError, match=r"prices\.toml cannot be used"):
        load_prices()


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-5-mini", 1.0),
        ("openai:gpt-5-mini", 1.0),
        ("gpt-5-mini-2025-08-07", 1.0),
        ("openai/gpt-5-mini-latest", 1.0),
        ("gpt-5", None),
        ("gpt-5-mini-turbo", None),
    ],
)
def test_a_dated_version_costs_what_its_model_costs_and_another_model_does_not(model: str, found: float | None) -> None:
    price = price_of(model, {"gpt-5-mini": Price(input=1, output=1)})
    assert (price and price.input) == found
