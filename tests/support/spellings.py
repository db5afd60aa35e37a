"""The spellings in which one name reaches some server or other: a generator, not a list.

Each guard is tested with what comes out here, since most published bypasses were one more spelling
of a name that was on somebody's list.
"""

from collections.abc import Iterator

# Names that mean people, as words; each is spelt in every way below.
PEOPLE: tuple[tuple[str, ...], ...] = (
    ("user",),
    ("user", "id"),
    ("uid",),
    ("external", "user", "id"),
    ("external", "id"),
    ("end", "user", "id"),
    ("end", "user", "identifier"),
    ("customer", "id"),
    ("contact", "id"),
    ("visitor", "id"),
    ("account", "id"),
    ("member", "id"),
    ("person", "id"),
    ("client", "id"),
    ("subject",),
    ("subject", "id"),
    ("sub",),
    ("principal", "id"),
    ("identity",),
    ("actor", "id"),
    ("owner", "id"),
    ("participant", "id"),
    ("sender", "id"),
    ("email",),
    ("user", "email"),
    ("customer", "email", "address"),
    ("user", "name"),
    ("preferred", "username"),
    ("user", "hash"),
    ("user", "metadata"),
    ("user", "roles"),
    ("roles",),
    ("groups",),
    ("phone", "number"),
    ("safety", "identifier"),
    ("anonymous", "id"),
    ("anonymous", "ids"),
    ("distinct", "id"),
    ("guest", "id"),
    ("on", "behalf", "of"),
    ("impersonate", "user"),
    ("behalf", "of"),
    ("act", "as"),
    ("run", "as"),
    ("run", "as", "user"),
    ("do", "as"),
    ("sudo", "user"),
    ("final", "user", "id"),
    ("acct", "id"),
    ("requester", "id"),
    ("caller", "id"),
    ("org", "id"),
    ("organization", "id"),
    ("organisation", "id"),
    ("tenant", "id"),
    ("tenant",),
    ("workspace", "id"),
    ("team", "id"),
    ("company", "id"),
    ("x", "external", "user", "id"),
    ("x", "external", "org", "id"),
    ("x", "external", "roles"),
    ("x", "user", "id"),
    ("x", "user", "email"),
    ("x", "org", "id"),
    ("x", "tenant", "id"),
    ("x", "forwarded", "user"),
    ("x", "forwarded", "email"),
    ("x", "forwarded", "preferred", "username"),
    ("x", "forwarded", "groups"),
    ("x", "auth", "request", "user"),
    ("x", "auth", "request", "email"),
    ("x", "auth", "request", "preferred", "username"),
    ("x", "auth", "request", "groups"),
    ("remote", "user"),
    ("x", "remote", "user"),
    ("x", "webauth", "user"),
    ("x", "authenticated", "userid"),
    ("x", "goog", "authenticated", "user", "id"),
    ("x", "goog", "authenticated", "user", "email"),
    ("x", "amzn", "oidc", "identity"),
    ("x", "ms", "client", "principal", "id"),
    ("x", "ms", "client", "principal", "name"),
    ("cf", "access", "authenticated", "user", "email"),
    ("tailscale", "user", "login"),
    ("x", "consumer", "username"),
    ("x", "hasura", "user", "id"),
    ("x", "openwebui", "user", "id"),
    ("x", "litellm", "end", "user", "id"),
    ("openai", "organization"),
)

CONVERSATIONS: tuple[tuple[str, ...], ...] = (
    ("conversation",),
    ("conversation", "id"),
    ("conversation", "uuid"),
    ("convo", "id"),
    ("conv", "id"),
    ("thread",),
    ("thread", "id"),
    ("thread", "ts"),
    ("session",),
    ("session", "id"),
    ("session", "key"),
    ("session", "token"),
    ("mcp", "session", "id"),
    ("chat", "id"),
    ("chat", "session", "id"),
    ("room", "id"),
    ("dialogue", "id"),
    ("context", "id"),
    ("task", "id"),
    ("run", "id"),
    ("previous", "response", "id"),
    ("previous", "conversation", "id"),
    ("parent", "conversation", "id"),
)

# What honest clients of chat APIs send; none of it says who asks or which conversation is meant.
_HONEST = """
    message messages messageId message_id parent_message_id userMessageId userMessage user_message
    userInput userPrompt prompt system instructions input inputs query question content contents
    text title name description language locale timezone country city region user_location
    stream streaming model temperature top_p topP top_k topK max_tokens maxTokens max_output_tokens
    max_completion_tokens stop stop_sequences seed n presence_penalty frequency_penalty logit_bias
    logprobs response_format text_format verbosity service_tier store reasoning reasoning_effort
    thinking effort truncation modalities audio image images video voice speed prediction metadata
    web_search_options prompt_cache_key prompt_cache_retention safety_settings generationConfig
    tools tool_choice toolChoice parallel_tool_calls toolCallId tool_call_id tool_calls output
    functions function_call mcp_servers attachments files file_id fileIds filename mimeType url
    documents documentIds document_ids folderIds folder_ids sources citations confidence knowledge
    custom_variables conversation_config conversationHistory conversation_type history context
    long_term_memory short_term_memory corner_citation response_mode auto_generate_name workflow_id
    trace_id agent agentId agent_id chatbotId bot_id assistant_id feedback rating score comment
    reason label labels tags category status state type mode kind format encoding version platform
    browser referrer page pageUrl page_size perPage limit cursor offset skip before after sort order
    filter search q fields expand include id ids uuid guid hash key token code value values data
    body payload options settings config debug trigger source channel event events variables
    created_at createdAt updated_at timestamp date time index position start end first last count
    idempotency_key client guest anonymous external safety profile company team run task chat room
    thread_count sessionDuration subtitle subscribe subscription groupBy roleplay persona organize
    accounting contactless membership displayName replyTo sequence quality theme width height
"""
HONEST = tuple(_HONEST.split())

# Fields of an ordinary browser request, and of SDKs and proxies on the way.
_HONEST_FIELDS = """
    accept accept-charset accept-encoding accept-language authorization cache-control connection
    content-encoding content-length content-type cookie date dnt expect forwarded from host
    if-match if-none-match keep-alive origin pragma priority proxy-authorization range referer
    sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site
    sec-gpc te traceparent tracestate upgrade-insecure-requests user-agent via x-api-key
    x-client-data x-client-info x-client-version x-cloud-trace-context x-amzn-trace-id
    x-correlation-id x-csrf-token x-forwarded-for x-forwarded-host x-forwarded-port
    x-forwarded-proto x-real-ip x-request-id x-requested-with x-stainless-lang x-stainless-os
    x-stainless-runtime openai-beta anthropic-version anthropic-beta idempotency-key last-event-id
    true-client-ip cf-connecting-ip cf-ray x-b3-traceid x-original-url x-http-method-override
"""
HONEST_FIELDS = tuple(_HONEST_FIELDS.split())


def joined(words: tuple[str, ...]) -> Iterator[str]:
    """`words` as one name, by the conventions of different languages, in different cases."""
    capitalised = [word.capitalize() for word in words]
    for name in (
        words[0] + "".join(capitalised[1:]),
        "".join(capitalised),
        *(separator.join(words) for separator in ("", "_", "-", " ", "__", ".", "/", ":")),
        "-".join(capitalised),
    ):
        yield from (name, name.upper(), name.swapcase())


def disguised(name: str) -> Iterator[str]:
    """`name` in forms that some server takes for it: invisible, compatible, bracketed, padded."""
    middle = len(name) // 2
    for mark in ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\0", "\t", "\u00a0"):
        yield name[:middle] + mark + name[middle:]
        yield name + mark
        yield mark + name
    yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)  # full width
    yield name.replace("s", "\u017f").replace("k", "\u212a")  # Go's JSON folds these two
    yield name.replace("i", "\u0131").replace("I", "\u0131")  # an I to Java's equalsIgnoreCase
    yield from (f"{name} ", f" {name}", f"{name}[]", f"{name}[0]", f"{name}[$ne]", f"{name}.0")
    yield from (f"{name}\0x", f"{name}\0{name}")  # C's strings end there
    yield from (f"[{name}]", f"{name}.", f"_{name}", f"{name}1", f"filter[{name}]", f"a.b.{name}")


def spellings(words: tuple[str, ...]) -> Iterator[str]:
    """Every spelling of `words`, plain ones first."""
    plain = list(dict.fromkeys(joined(words)))
    yield from plain
    for name in (plain[0], "_".join(words)):
        yield from disguised(name)
