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
from functools import lru_cache

import msgspec

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


class Amounts(msgspec.Struct, frozen=True):
    """What one answer, or many, cost."""

    credits: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


NOTHING = Amounts()


class _Shape(msgspec.Struct, frozen=True):
    """Which of the names that a vendor uses say what."""

    tells_tokens: bool
    credits: str | None
    tokens_in: str | None
    tokens_out: str | None
    total: str | None
    beside_in: tuple[str, ...]
    beside_out: tuple[str, ...]


def amounts(usage: Mapping[str, float] | None) -> Amounts:
    """What these costs, by a vendor's own names, come to."""
    if not usage:
        return NOTHING
    shape = _shape(*usage)
    spent = 0.0 if shape.credits is None else _counted(usage[shape.credits])
    if not shape.tells_tokens:
        return Amounts(spent)
    tokens_in = 0.0 if shape.tokens_in is None else _counted(usage[shape.tokens_in])
    tokens_out = 0.0 if shape.tokens_out is None else _counted(usage[shape.tokens_out])
    if shape.total is not None:  # what it says of both sides tells the one that is not named
        total = _counted(usage[shape.total])
        if shape.tokens_in is None:
            tokens_in = max(0.0, total - tokens_out)
        elif shape.tokens_out is None:
            tokens_out = max(0.0, total - tokens_in)
    for name in shape.beside_in:
        tokens_in += _counted(usage[name])
    for name in shape.beside_out:
        tokens_out += _counted(usage[name])
    return Amounts(
        spent,
        _whole(tokens_in) if tokens_in else 0,
        _whole(tokens_out) if tokens_out else 0,
    )


@lru_cache(maxsize=256)  # a vendor has a handful
def _shape(*names: str) -> _Shape:
    known = {_spelling(name): name for name in names}

    def first(rows: Iterable[str]) -> str | None:
        return next((known[row] for row in rows if row in known), None)

    tokens_in, tokens_out, total = first(TOKENS_IN), first(TOKENS_OUT), first(TOTAL)
    beside_in = tuple(known[row] for row in BESIDE_IN if row in known)
    beside_out = tuple(known[row] for row in BESIDE_OUT if row in known)
    return _Shape(
        tells_tokens=any((tokens_in, tokens_out, total, beside_in, beside_out)),
        credits=first(CREDITS),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        total=total,
        beside_in=beside_in,
        beside_out=beside_out,
    )


def _spelling(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _counted(amount: float) -> float:
    return float(amount) if 0 <= amount <= MOST else 0.0  # False of NaN


def _whole(tokens: float) -> int:
    return min(math.ceil(tokens), MOST)
