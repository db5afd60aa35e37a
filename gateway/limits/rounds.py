"""How long tools and an agent may talk with each other before the person has to say something.

An agent that calls a tool again and again, and a page that answers each time by itself, would never
end, and each round costs. Chatbase's own SDK stops after ten; so do we, in this process.
"""

from collections import OrderedDict

MOST = 10  # requests in a row
REMEMBERED = 10_000  # conversations


class ToolRounds:
    """Keeps the `Rounds` port."""

    def __init__(self) -> None:
        self._rounds: OrderedDict[tuple[str, ...], int] = OrderedDict()  # who went on last is last

    def said(self, *conversation: str) -> None:
        self._rounds.pop(conversation, None)

    def may_go_on(self, *conversation: str) -> bool:
        rounds = self._rounds.pop(conversation, 0) + 1
        self._rounds[conversation] = min(rounds, MOST + 1)
        if len(self._rounds) > REMEMBERED:
            self._rounds.popitem(last=False)
        return rounds <= MOST
