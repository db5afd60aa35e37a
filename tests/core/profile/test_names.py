import time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.profile import names
from gateway.core.profile.names import MAX_NAME, fold, meaning, names_conversation, names_people
from tests.support.spellings import CONVERSATIONS, HONEST, HONEST_FIELDS, PEOPLE, spellings


def as_text(words: tuple[str, ...]) -> str:
    return " ".join(words)


@pytest.mark.parametrize("words", PEOPLE, ids=as_text)
def test_a_name_of_people_is_known_in_every_spelling(words: tuple[str, ...]) -> None:
    assert [name for name in spellings(words) if not names_people(name)] == []


@pytest.mark.parametrize("words", CONVERSATIONS, ids=as_text)
def test_a_name_of_a_conversation_is_known_in_every_spelling(words: tuple[str, ...]) -> None:
    assert [name for name in spellings(words) if not names_conversation(name)] == []


# Of each word of the tables there is one name that would be let by without it.
_PEOPLE_BY_WORD = """
    aad_person_reference access_org_sid act_contact_mail active_sub_sid actual_user_id
    agent_sub_slug ai_login_uuid amz_account_info amzn_organization_metadata anon_ids anonymous_id
    anonymous_sub_guid app_tenant_guid as_group_list auth_subject_token authenticated_role_id
    author_emails bot_customer_phone cf_owner_key chat_role_id claim_org_of client_number
    client_org_no company_identifiers console_sub_uid consumer_id consumer_role_ids createdby
    crm_patient_code current_org_s distinct_id effective_owner_of email_reference emailaddress
    emailaddresses emails_uuid end_organisation_details envoy_sub_uuid existing_role_id
    ext_identity_number external_id external_org_hash firstname for_student_uid forwarded_tenant_id
    fullname gateway_org_login goog_subscriber_handle google_org_no guest_hash guest_login_s
    hasura_tenant_s http_sub_no impersonate impersonate_role_no impersonated impersonated_sub_id
    internal_login_no jwt_principal_traits last_sub_s lastname lead_key linked_sub_no
    litellm_org_key llm_sub_no mailaddress mcp_actor_identifier message_org_hash ms_user_id
    msisdn_username my_actor_of new_member_hash of_person_data oidc_org_external on_org_s onbehalf
    onbehalfof onbehalfof_group_id openai_org_emailaddress openid_phone openwebui_tenant_uid
    original_org_hash parent_role_of participant_id phonenumber platform_actor_s pomerium_user_no
    portal_org_s preferred_sub_id prev_visitor_name previous_role_ref profile_principal proxy_role_s
    real_user_of related_user_hash remote_sub_ref request_owner_id requested_sub_name
    root_workspace_object safety_user sender_email site_employee_email source_org_of surname
    tailscale_group_s target_member_id team_guid the_person_properties tool_org_attributes uid_uid
    uids_ref unionid_identifier upn_id upstream_sub_id username_user vendor_sub_list
    verified_org_key vouch_user_ref web_people_slug webhook_org_id widget_user_no x_role_ref
"""
_CONVERSATIONS_BY_WORD = """
    chat_ids chatroom_name context_key conv_handle conv_identifier conv_object conv_reference conv_s
    conv_token conversation_guid convo_id dialog_uid dialogue_ref discussion_uuid lastresponse_ref
    parentresponse_uuid previousresponse_guid room_uid run_handle run_id run_identifier
    run_identifiers run_reference session_key task_sid thread_ts
"""


@pytest.mark.parametrize("name", _PEOPLE_BY_WORD.split())
def test_a_name_of_people_is_known_by_each_of_its_words(name: str) -> None:
    assert names_people(name)


@pytest.mark.parametrize("name", _CONVERSATIONS_BY_WORD.split())
def test_a_name_of_a_conversation_is_known_by_each_of_its_words(name: str) -> None:
    assert names_conversation(name)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_member_names_nobody_and_no_conversation(name: str) -> None:
    assert not names_people(name)
    assert not names_conversation(name)


@pytest.mark.parametrize("name", HONEST_FIELDS)
def test_an_ordinary_field_names_nobody(name: str) -> None:
    assert not names_people(name)


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("userId", "userid"),
        ("USER-ID", "userid"),
        ("u\u017fer_id", "userid"),
        ("\uff55\uff53\uff45\uff52id", "userid"),
        ("to\u212aen", "token"),
        ("se\u00dfion_id", "sessionid"),
        ("\ufb01le", "file"),
        ("", ""),
        ("_", "_"),
        ("名前", "名前"),
    ],
)
def test_folds_what_spellings_have_in_common(name: str, folded: str) -> None:
    assert fold(name) == folded


def test_names_of_nothing_but_other_letters_stay_apart() -> None:
    assert fold("名前") != fold("利用者")


def test_each_part_of_a_structured_name_counts() -> None:
    assert meaning("metadata[user][id]").forms == {"metadatauserid", "metadata", "user", "id"}


@pytest.mark.parametrize("name", ["org.example/locale", "org.user.example/page-id"])
def test_whose_a_name_is_names_nobody(name: str) -> None:
    assert not names_people(name)
    assert not names_conversation(name)


@pytest.mark.parametrize("name", ["x.user[id]", "user[a.b/c]", "user.a", "a/b.user"])
def test_what_only_looks_like_that_names_somebody(name: str) -> None:
    assert names_people(name)


def test_a_name_may_be_as_long_as_any() -> None:
    name = "user" + "\u200b" * (MAX_NAME - 4)
    assert names_people(name)


def test_of_a_long_name_nothing_is_known() -> None:
    name = "userId" + "\u200b" * MAX_NAME
    assert fold(name) == name
    assert not names_people(name)
    assert not names_conversation(name)


@given(st.text(max_size=200))
def test_any_text_is_a_name_and_folding_is_done_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert meaning(name).spelling == fold(name)


@given(st.sampled_from(PEOPLE), st.data())
def test_case_never_hides_a_name(words: tuple[str, ...], data: st.DataObject) -> None:
    name = "".join(words)
    flips = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    assert names_people(
        "".join(c.upper() if flip else c for c, flip in zip(name, flips, strict=True))
    )


def _words() -> list[str]:
    tables = (names._BEFORE, names._PEOPLE, names._AFTER_PEOPLE, names._MAYBE_PEOPLE)
    more = (names._IDENTIFIER, names._WHOLE_PEOPLE, names._CONVERSATION, names._AFTER_CONVERSATION)
    return sorted({word for table in (*tables, *more) for word in table.split()})


def _slowest(folded: list[str]) -> float:
    """Seconds that the slowest of these takes, the best of three attempts each."""
    slowest = 0.0
    for name in folded:
        best = 1.0
        for _ in range(3):
            start = time.thread_time()
            names._NAMES_PEOPLE.fullmatch(name)
            names._NAMES_CONVERSATION.fullmatch(name)
            best = min(best, time.thread_time() - start)
        slowest = max(slowest, best)
    return slowest


def test_no_name_makes_the_patterns_try_without_end() -> None:
    """N-09. `(?:s|id|ids)*` took 80 ms for 18 times "ids" and doubled with each more."""
    words = _words()
    crafted = [head + tail * 60 for head, tail in product(("user", "session", "x"), words)]
    crafted += [(one + other) * 30 for one, other in product(words, repeat=2)]
    assert _slowest([name[: MAX_NAME - 1] + "!" for name in crafted]) < 0.005
    assert _slowest([name[:MAX_NAME] for name in crafted]) < 0.005


def test_the_limits_are_these() -> None:
    assert names.MAX_NAME == 128
