"""What an agent says: a question is matched by its words, and answered from the shop's books.

There is no language model here, and nothing to persuade. The agent speaks of one customer only: the
one it was told of by user id. What somebody writes about themselves changes nothing.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.demo.shop import Account, Order, Shop


@dataclass(frozen=True, slots=True)
class Question:
    """`turn` counts the answers given so far: it varies the wording."""

    shop: Shop
    user: str | None
    message: str
    turn: int

    @property
    def account(self) -> Account | None:
        return self.shop.accounts.get(self.user or "")

    def pick(self, *wordings: str) -> str:
        return wordings[self.turn % len(wordings)]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    ends: bool = False  # the conversation is over after it


def answer(question: Question) -> Answer:
    account = question.account
    if account is None:
        return Answer(_to_a_stranger(question))
    if _names_another(question):
        return Answer(_about_another(question, account))
    for pattern, reply in _REPLIES:
        if pattern.search(question.message):
            text = reply(question, account)
            return Answer(text, ends=reply is _farewell)
    return Answer(_unknown(question, account))


def _names_another(question: Question) -> bool:
    others = [user for user in question.shop.accounts if user != question.user]
    return any(re.search(rf"\b{user}\b", question.message, re.IGNORECASE) for user in others)


def _about_another(question: Question, account: Account) -> str:
    return question.pick(
        f"I can only look at your own orders, {account.first_name}. Who you are is not yours to "
        f"tell me: {question.shop.name}'s own server does, and it says “{question.user}”.",
        f"That would be somebody else's business. I was told that you are “{question.user}”, and "
        "nothing written in this chat changes that.",
    )


def _to_a_stranger(question: Question) -> str:
    return (
        f"Welcome to {question.shop.name}! Nobody has told me who you are, so I cannot look up any "
        f"orders. We are open {question.shop.hours}."
    )


def _identity(question: Question, account: Account) -> str:
    return question.pick(
        f"You are {account.first_name}: I was told the user id “{question.user}”, by somebody who "
        "holds our key. You could not have told me that yourself.",
        f"“{question.user}”, as far as I am concerned. It came with your question, and not from "
        "your browser.",
    )


def _where(question: Question, account: Account) -> str:
    order = _newest_open(account)
    if order is None:
        return (
            f"Nothing is under way at the moment, {account.first_name}. The last thing was "
            f"{_with_article(account.orders[0])}: {account.orders[0].state}."
        )
    return question.pick(
        f"Good news, {account.first_name}: your {order.thing} ({order.number}) is {order.state}. "
        f"{order.news}",
        f"Your {order.thing}, order {order.number}, is {order.state}. {order.news}",
        f"I have just looked again, {account.first_name}. {order.number}, the {order.thing}: "
        f"{order.state}. {order.news}",
    )


def _orders(question: Question, account: Account) -> str:
    lines = "; ".join(f"{_with_article(order)}, {order.state}" for order in account.orders)
    return question.pick(
        f"Here is everything I have under your name, {account.first_name}: {lines}.",
        f"You have {_count(len(account.orders))} with us: {lines}.",
    )


def _cancel(question: Question, account: Account) -> str:
    order = _newest_open(account)
    if order is None:
        return f"There is nothing left to cancel, {account.first_name}."
    if order.state == "being packed":
        account.cancel(order)
        return (
            f"Done: {order.number}, the {order.thing}, is cancelled. They had just found the lid. "
            "Your money is back within three days."
        )
    return (
        f"I am afraid {order.number}, your {order.thing}, is {order.state} already. You can send "
        f"it back, though: you have {question.shop.returns}."
    )


def _returns(question: Question, account: Account) -> str:
    return question.pick(
        f"Of course. You have {question.shop.returns}. Put the order number on a slip of paper in "
        "the box and bring it to any post office.",
        f"You can return anything within {question.shop.returns}. The money is back with you three "
        "days after the parcel is with us.",
    )


def _hours(question: Question, account: Account) -> str:
    return question.pick(
        f"We are open {question.shop.hours}.",
        f"{question.shop.hours}, {account.first_name}. Come by, the coffee is on.",
    )


def _thanks(question: Question, account: Account) -> str:
    return question.pick(
        f"You are welcome, {account.first_name}!",
        "Any time. That is what I am here for.",
        "Gladly. Is there anything else I can look up?",
    )


def _greeting(question: Question, account: Account) -> str:
    return question.pick(
        f"Hello {account.first_name}, welcome back to {question.shop.name}. How can I help?",
        f"Hello again, {account.first_name}! What can I look up for you?",
    )


def _farewell(question: Question, account: Account) -> str:
    return f"Goodbye, {account.first_name}! I am closing this conversation."


def _help(question: Question, account: Account) -> str:
    return (
        "I can tell you where an order is, list all of them, cancel one that has not left yet, and "
        'explain returns and opening hours. And if you ask me "Who am I?", I can tell you that too.'
    )


def _unknown(question: Question, account: Account) -> str:
    return question.pick(
        f"I am only a small shop assistant, {account.first_name}, and that is beyond me. Ask me "
        "where your order is, how to return something, or when we are open.",
        "That one I do not know. Orders, returns and opening hours are what I am good at.",
    )


def _newest_open(account: Account) -> Order | None:
    return next((order for order in account.orders if order.is_open), None)


def _with_article(order: Order) -> str:
    return f"a {order.thing} ({order.number})"


def _count(orders: int) -> str:
    return {1: "one order", 2: "two orders"}.get(orders, f"{orders} orders")


Reply = Callable[[Question, Account], str]

# The first that matches answers: "cancel my order" is about cancelling before it is about orders.
_REPLIES: tuple[tuple[re.Pattern[str], Reply], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reply)
    for pattern, reply in (
        (r"\bwho am i\b|\bmy name\b|\bmy id\b|\bknow me\b|\bwho do you think\b", _identity),
        (r"\bcancel|\bcall off\b|\bdo not want\b|\bdon.?t want\b", _cancel),
        (r"\breturn|\brefund|\bsend .*back\b|\bexchange\b|\bmoney back\b", _returns),
        (r"\bopen|\bhours?\b|\bclos(e|ed|ing)\b", _hours),
        (r"\bwhere\b|\bwhen\b|\barriv|\btrack|\bstatus\b|\bdeliver|\bon its way\b", _where),
        (r"\border(s|ed)?\b|\bbought\b|\bpurchase|\bparcel|\bpackage", _orders),
        (r"bye\b|\bsee you\b|\bthat.?s all\b", _farewell),
        (r"\bthank|\bcheers\b|\bgreat\b|\bperfect\b", _thanks),
        (r"\bhelp\b|\bwhat can you\b|\bwhat do you\b", _help),
        (r"\bhello\b|\bhi\b|\bhey\b|\bgood (morning|evening|afternoon)\b", _greeting),
    )
)
