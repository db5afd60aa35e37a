import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer import usage as module
from gateway.core.answer.usage import MOST, NOTHING, Amounts, amounts


@pytest.mark.parametrize(
    ("usage", "found"),
    [
        pytest.param({}, NOTHING, id="nothing said"),
        pytest.param({"credits": 2}, Amounts(credits=2), id="Chatbase and Bookbag"),
        pytest.param({"credits": 0.25}, Amounts(credits=0.25), id="part of a credit"),
        pytest.param(
            {"total_credits": 1.5, "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
            Amounts(1.5, 7, 3),
            id="AltaTech, whole",
        ),
        pytest.param(
            {
                "prompt_tokens": 7,
                "cached_tokens": 5,
                "completion_tokens": 3,
                "reasoning_tokens": 2,
                "total_tokens": 10,
            },
            Amounts(0, 7, 3),
            id="OpenAI, chat completions",
        ),
        pytest.param(
            {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
            Amounts(0, 7, 3),
            id="OpenAI, responses",
        ),
        pytest.param(
            {
                "input_tokens": 7,
                "cache_creation_input_tokens": 100,
                "cache_read_input_tokens": 1000,
                "ephemeral_5m_input_tokens": 100,
                "output_tokens": 3,
            },
            Amounts(0, 1107, 3),
            id="Anthropic",
        ),
        pytest.param(
            {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 20},
            Amounts(0, 7, 23),
            id="Gemini",
        ),
        pytest.param({"inputTokens": 7, "outputTokens": 3}, Amounts(0, 7, 3), id="AI SDK"),
        pytest.param({"total_tokens": 10}, Amounts(0, 10, 0), id="a total alone"),
        pytest.param(
            {"total_tokens": 10, "completion_tokens": 3}, Amounts(0, 7, 3), id="a total and out"
        ),
        pytest.param(
            {"total_tokens": 10, "prompt_tokens": 7}, Amounts(0, 7, 3), id="a total and in"
        ),
        pytest.param(
            {"total_tokens": 1, "prompt_tokens": 7}, Amounts(0, 7, 0), id="a total too small"
        ),
        pytest.param(
            {"total_tokens": 1, "completion_tokens": 3}, Amounts(0, 0, 3), id="less than out"
        ),
        pytest.param({"prompt_tokens": 1.2}, Amounts(0, 2, 0), id="part of a token is one"),
        pytest.param({"credits": -5, "prompt_tokens": -1}, NOTHING, id="a refund"),
        pytest.param({"credits": math.nan, "input_tokens": math.inf}, NOTHING, id="no numbers"),
        pytest.param({"credits": 0, "total_credits": 7}, NOTHING, id="the first name counts"),
        pytest.param({"credits": MOST}, Amounts(credits=MOST), id="the most"),
        pytest.param({"prompt-tokens": 7, "OUTPUT_TOKENS": 3}, Amounts(0, 7, 3), id="spellings"),
        pytest.param({"thoughtsTokenCount": 20}, Amounts(0, 0, 20), id="thoughts alone"),
        pytest.param({"cache_read_input_tokens": 5}, Amounts(0, 5, 0), id="a cache alone"),
        pytest.param({"credits": 10**400}, NOTHING, id="more than a float holds"),
        pytest.param({"seconds": 7, "images": 2}, NOTHING, id="what nobody knows"),
    ],
)
def test_a_vendors_words_become_ours(usage: dict[str, float], found: Amounts) -> None:
    assert amounts(usage) == found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("cost_credit cost_credits credit_cost credits_used", Amounts(7, 0, 0)),
        ("tokens_in inputTokenCount", Amounts(0, 7, 0)),
        ("tokens_out outputTokenCount", Amounts(0, 0, 7)),
        ("tokens totalTokenCount tokens_used", Amounts(0, 7, 0)),
    ],
)
def test_other_vendors_have_other_words(names: str, found: Amounts) -> None:
    for name in names.split():
        assert amounts({name: 7}) == found, name


def test_names_that_vendors_make_up_are_forgotten_again() -> None:
    for number in range(1000):
        amounts({f"credits-of-{number}": 1.0})
    assert module._shape.cache_info().currsize <= 256


def test_tokens_are_both_sides() -> None:
    assert Amounts(1.0, 7, 3).tokens == 10


@given(
    st.dictionaries(
        st.sampled_from(["credits", "prompt_tokens", "output_tokens", "total_tokens", "x"]),
        st.one_of(st.floats(), st.integers(-(10**30), 10**30)),
    )
)
def test_whatever_a_vendor_says_can_be_kept(usage: dict[str, float]) -> None:
    found = amounts(usage)
    assert 0 <= found.credits <= MOST
    assert 0 <= found.tokens_in <= MOST
    assert 0 <= found.tokens_out <= MOST
