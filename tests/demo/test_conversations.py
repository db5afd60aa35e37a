from gateway.demo.conversations import Conversations, Message


def test_lists_one_users_conversations_of_one_agent_newest_first():
    conversations = Conversations()
    first = conversations.open("north", "alice")
    conversations.open("north", "sam")
    conversations.open("south", "alice")
    second = conversations.open("north", "alice")
    first.say(Message("user", "again"))
    assert [one.id for one in conversations.of("north", "alice")] == [first.id, second.id]
    assert len(conversations.of("north")) == 3


def test_finds_the_question_an_answer_belongs_to():
    conversation = Conversations().open("north", "alice")
    one = conversation.say(Message("user", "one"))
    first = conversation.say(Message("assistant", "1"))
    conversation.say(Message("user", "two"))
    conversation.say(Message("assistant", "2"))
    assert conversation.question_before(first) is one
    assert conversation.question_before(one) is one


def test_an_answer_to_nothing_has_no_question():
    conversation = Conversations().open("north", None)
    greeting = conversation.say(Message("assistant", "Hello"))
    assert conversation.question_before(greeting) is None


def test_forgets_what_came_after_a_message_and_still_counts_it():
    conversation = Conversations().open("north", "alice")
    asked = conversation.say(Message("user", "one"))
    conversation.say(Message("assistant", "1"))
    conversation.forget_after(asked)
    assert conversation.messages == [asked]
    assert conversation.answers == 1


def test_its_title_is_what_was_asked_first_and_not_too_long():
    conversation = Conversations().open("north", "alice")
    assert conversation.as_json()["title"] == "New conversation"
    conversation.say(Message("user", "why " * 40))
    title = conversation.as_json()["title"]
    assert title.startswith("why why")
    assert len(title) == 60
