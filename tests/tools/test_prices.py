"""The price table: shipped list prices, the user's own in their place, names of dated versions."""

from pathlib import Path

import pytest

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.prices import Price, dollar_amount, load_prices, price_of, prices_path, prices_when_needed


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


@pytest.mark.parametrize(
    "content",
    [
        "[",
        '["m"]\ninput = "much"',
        '["m"]\nimage = -1',
        '["m"]\nprice = 1',
        "m = 3",
        "m = " + "[" * 100_000,
        "m = " + "1" * 5000,
        "#" * 2_000_000,
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_its_problem(content: str) -> None:
    prices_path().write_text(content)
    with pytest.raises(ProfileError, match=r"prices\.toml (cannot be used|is too large)") as error:
        load_prices()
    assert "\n" not in str(error.value)
    assert "pydantic" not in str(error.value)


def test_only_the_price_of_a_hosted_model_needs_a_table_that_can_be_used() -> None:
    prices_path().write_text("[")
    table = prices_when_needed()
    assert price_of("my-model", table, hosted=False) is None
    with pytest.raises(ProfileError, match=r"prices\.toml cannot be used"):
        price_of("gpt-5-mini", table)
    prices_path().write_text('["my-model"]\nimage = 0.1\n')
    assert price_of("my-model", prices_when_needed(), hosted=False) == Price(image=0.1)


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


def test_an_image_costs_by_its_size_and_by_the_images_that_the_call_shows() -> None:
    price = Price(image=0.04, image_sizes={"1536x1024": 0.06}, input_image=0.01)
    assert price.of_image() == pytest.approx(0.04)
    assert price.of_image("1024x1024") == pytest.approx(0.04)
    assert price.of_image("1536x1024", inputs=2) == pytest.approx(0.08)
    assert price.of_image("3:2") == pytest.approx(0.06)
    assert price.of_image("768x512") == pytest.approx(0.04), "another size of the same shape has its own price"
    assert Price(input=1, output=1).of_image("1536x1024") is None
    assert load_prices()["gpt-image-1"].of_image("1536x1024", inputs=1) == pytest.approx(0.065)


@pytest.mark.parametrize(
    "content", ['image_sizes = { "wide" = 1 }', 'image_sizes = { "16:9" = -1 }', "input_image = -1"]
)
def test_prices_by_size_are_checked(content: str) -> None:
    prices_path().write_text(f'["m"]\nimage = 1\n{content}\n')
    with pytest.raises(ProfileError, match=r"prices\.toml cannot be used"):
        load_prices()


@pytest.mark.parametrize(
    ("dollars", "shown"), [(0, "$0.00"), (0.01, "$0.01"), (12.345, "$12.35"), (0.0042, "$0.0042"), (1e-6, "$0.0001")]
)
def test_a_sum_below_a_cent_is_not_shown_as_nothing(dollars: float, shown: str) -> None:
    assert dollar_amount(dollars) == shown
