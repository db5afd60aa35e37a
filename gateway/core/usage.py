"""What an answer cost, in one vocabulary: credits, tokens in, tokens out.

Every vendor has its own names for these, and `Record.usage` keeps those. A name is compared without
case and separators, so `promptTokens` and `prompt_tokens` are one. Amounts are a vendor's say-so:
what is negative, infinite or no number counts as nothing, or an answer could refund a budget.

- Chatbase, Bookbag: `credits`
- AltaTech / GPTBots: `total_credits`, `prompt_tokens`, `completion_tokens`, `total_tokens`
- OpenAI: the latter three, or `input_tokens`, `output_tokens`; its details are parts of these
- Anthropic: `input_tokens` without what was read from and written to its cache: that is added
- Gemini: `promptTokenCount`, `candidatesTokenCount`, and `thoughtsTokenCount` beside it
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

# By spelling without case and separators. Of several names of one row the first counts.
CREDITS = ("credits", "totalcredits", "costcredit", "costcredits", "creditsused", "creditcost")
TOKENS_IN = ("prompttokens", "inputtokens", "tokensin", "prompttokencount", "inputtokencount")
TOKENS_OUT = (
    "completiontokens",
    "outputtokens",
    "tokensout",
    "candidatestokencount",
    "outputtokencount",
)
TOTAL = ("totaltokens", "tokens", "totaltokencount", "tokensused")
BESIDE_IN = ("cachecreationinputtokens", "cachereadinputtokens")
BESIDE_OUT = ("thoughtstokencount",)

MOST = 2**53  # what a float counts up to one by one, and an integer column holds


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one answer, or many, cost."""

    credits: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


NOTHING = Amounts()


def amounts(usage: Mapping[str, float]) -> Amounts:
    """What these costs, by a vendor's own names, come to."""
    if not usage:
        return NOTHING
    found = {_spelling(name): _counted(amount) for name, amount in usage.items()}
    tokens_in = _first(found, TOKENS_IN)
    tokens_out = _first(found, TOKENS_OUT)
    total = _first(found, TOTAL)
    if total is not None:  # what it says of both sides tells the one that is not named
        if tokens_in is None:
            tokens_in = max(0.0, total - (tokens_out or 0.0))
        elif tokens_out is None:
            tokens_out = max(0.0, total - tokens_in)
    return Amounts(
        credits=_first(found, CREDITS) or 0.0,
        tokens_in=_whole((tokens_in or 0.0) + _sum(found, BESIDE_IN)),
        tokens_out=_whole((tokens_out or 0.0) + _sum(found, BESIDE_OUT)),
    )


@lru_cache(maxsize=1024)  # a vendor has a dozen
def _spelling(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _counted(amount: float) -> float:
    return float(amount) if 0 <= amount <= MOST else 0.0  # False of NaN


def _first(found: Mapping[str, float], names: Iterable[str]) -> float | None:
    return next((found[name] for name in names if name in found), None)


def _sum(found: Mapping[str, float], names: Iterable[str]) -> float:
    return sum(found.get(name, 0.0) for name in names)


def _whole(tokens: float) -> int:
    return min(math.ceil(tokens), MOST)
