"""Who is asking: where a request may say it, and what of that is believed.

What is where:

    chain, shared         all sign-ins of one org; those that several orgs share
    places, org_from      where a request may say who is asking, and for which org
    verifier              what each sign-in is to them. The kinds: jwt, introspect, forwarded, host
                          (host_connection), token_introspection, sessions/
    token, claims         a signed token taken apart; what it must say
    claim_set             what of a person an object of claims says, be it a token or an answer
    keys, jwk, jwks       the keys that tokens are verified with; oidc: where they come from;
                          algorithms, publickey: which of them are good enough
    remote, verdicts      asking a server who somebody is; what is remembered of its answers;
                          connecting, fetch: how it is reached
    membership            which orgs somebody is in, where the sign-in does not say
    visitors              people who have not signed in
    logout_token, once    a provider's word that somebody has signed out, which counts once
    seen                  what sign-ins said of people last
    assertions, widgets   what the gateway itself says of a person, and signs
    explain               what each credential is worth, in words
"""
