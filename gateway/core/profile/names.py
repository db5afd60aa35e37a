"""What a name says: does it mean who somebody is, or which conversation?

Servers read one name in many spellings: Go's JSON ignores case, CGI takes `_` for `-`, qs and PHP
make an object of `user[id]`. So names are compared without case, separators, invisible characters
and compatibility forms, and a name with dots or brackets counts by each of its parts as well.

The tables are words, put together in one order: words before, the word itself, words after.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from gateway.core.memo import Memo

MAX_NAME = 128  # a longer one is nothing we know, nor worth remembering

_BEFORE = """
    x http the my new current active existing real effective actual target source original request
    requested forwarded remote web webauth auth authenticated verified preferred as act on for of
    run sudo final
    onbehalfof end ext external internal chat chatbot app bot ai llm agent message tool vendor
    upstream platform portal site widget console gateway proxy client guest anonymous
    impersonate impersonated previous prev last parent root linked related
    amzn amz oidc jwt claim ms aad google goog envoy openai litellm openwebui mcp tailscale cf
    access pomerium vouch consumer hasura webhook crm
"""

# Words that mean people, or the body of people they belong to, whatever stands after them.
_PEOPLE = """
    user enduser customer contact person people member visitor subject sub subscriber principal
    employee identity actor owner tenant org organisation organization workspace account login
    student patient role group
"""
_AFTER_PEOPLE = """
    s id ids identifier identifiers identity uid uuid guid name names email emails mail phone key
    hash token ref reference code number no handle login external info metadata attributes traits
    properties details data object of slug list sid emailaddress phonenumber
"""

# Words that mean people only where an identifier follows: `client: "web"` is no claim.
_MAYBE_PEOPLE = """
    client guest anonymous anon distinct external safety profile participant sender author company
    team lead impersonate impersonated consumer acct requester requestor caller
"""
_IDENTIFIER = """
    id ids identifier identifiers uid uuid guid ref reference hash email emails phone number key
    user username principal
"""

# Names that mean a person by themselves.
_WHOLE_PEOPLE = """
    uid uids email emails emailaddress emailaddresses mailaddress username usernames userprincipal
    upn openid unionid firstname lastname fullname surname phonenumber msisdn
    onbehalf onbehalfof behalfof impersonate impersonated createdby actas runas doas sudo
"""

_CONVERSATION = """
    conversation conversations convo convos conv thread threads session sessions dialog dialogs
    dialogue dialogues discussion discussions chatroom
"""
_AFTER_CONVERSATION = """
    s id ids identifier identifiers uuid guid uid sid key ref reference handle name token object ts
"""
_MAYBE_CONVERSATION = "chat room context task run previousresponse lastresponse parentresponse"
_CONVERSATION_IDENTIFIER = (
    "id ids identifier identifiers uuid guid uid sid key ref reference handle"
)


def _one_of(words: str) -> str:
    # Longest first, so that the usual name is found at the first attempt.
    return "|".join(sorted(set(words.split()), key=lambda word: (-len(word), word)))


# No repetition is open-ended: `(?:id|ids|s)*` takes 2**n attempts for "ididids...x".
_BEFORE_ANY = rf"(?:{_one_of(_BEFORE)}){{0,5}}"
_NAMES_PEOPLE = re.compile(
    rf"{_BEFORE_ANY}"
    rf"(?:(?:{_one_of(_PEOPLE)}){{1,2}}(?:{_one_of(_AFTER_PEOPLE)}){{0,3}}"
    rf"|(?:{_one_of(_MAYBE_PEOPLE)})(?:{_one_of(_IDENTIFIER)}){{1,2}}"
    rf"|(?:{_one_of(_WHOLE_PEOPLE)})(?:{_one_of(_IDENTIFIER)})?"
    r")[0-9]*"
)
_NAMES_CONVERSATION = re.compile(
    rf"{_BEFORE_ANY}"
    rf"(?:(?:{_one_of(_CONVERSATION)})(?:{_one_of(_AFTER_CONVERSATION)}){{0,2}}"
    rf"|(?:{_one_of(_MAYBE_CONVERSATION)})(?:{_one_of(_CONVERSATION_IDENTIFIER)}){{1,2}}"
    r")[0-9]*"
)

_STRUCTURE = re.compile(r"[.\[\]\0]+")  # to a parser in C a name ends at its NUL
# Whose a name is, as `_meta` of MCP has it: `org.example/locale` says nothing of an org.
_PREFIX = re.compile(r"\A(?:[A-Za-z0-9-]+\.)+(?=[A-Za-z0-9-]+/)")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name says, in all the ways a server may read it."""

    spelling: str  # what all spellings of the name have in common
    forms: frozenset[str]  # that, and the same of each part of `user[id]`
    people: bool
    conversation: bool


def meaning(name: str) -> Meaning:
    """What `name` says; of one longer than `MAX_NAME` nothing is known but itself."""
    if len(name) > MAX_NAME:
        return Meaning(name, frozenset({name}), people=False, conversation=False)
    return _meaning(name)


@lru_cache(maxsize=8192)
def _meaning(name: str) -> Meaning:
    spelling = _fold(name) or name
    parts = _STRUCTURE.split(_PREFIX.sub("", name))
    forms = frozenset({spelling, *(_fold(part) for part in parts)} - {""})
    return Meaning(
        spelling,
        forms,
        people=any(_NAMES_PEOPLE.fullmatch(form) for form in forms),
        conversation=any(_NAMES_CONVERSATION.fullmatch(form) for form in forms),
    )


def _fold(name: str) -> str:
    # Through capitals, as Java compares without case: that of a dotless i (U+0131) is I.
    plain = unicodedata.normalize("NFKC", name).upper().casefold()
    return _SEPARATORS.sub("", plain)


def fold(name: str) -> str:
    """A name without case, separators, invisible characters and compatibility forms.

    A name that has nothing else, or is longer than `MAX_NAME`, is its own fold.
    """
    return meaning(name).spelling


@cache
def disguises(head: str) -> Memo[str, bool]:
    """Whether a name is another spelling of `head`, which profiles or the configuration name."""
    folded = fold(head)
    return Memo(lambda name: name != head and fold(name) == folded)


def names_people(name: str) -> bool:
    """Whether a name means who somebody is: `userId`, `x-external-user-id`, `safety_identifier`."""
    return meaning(name).people


def names_conversation(name: str) -> bool:
    """Whether a name means a conversation: `conversation_id`, `threadId`, `sessionKey`."""
    return meaning(name).conversation
