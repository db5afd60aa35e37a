"""Who is asking: where a request may say it, and what of that is believed.

What is where:

    chain, shared         all sign-ins of one org; those that several orgs share
    verifier              what each sign-in is to them. The kinds: jwt, introspect, forwarded, host,
                          token_introspection, sessions/
    token, claims, said   a signed token taken apart; what it says; whom that names
    keys, jwks, oidc      the keys that tokens are verified with, and where they come from
    remote, verdicts      asking a server who somebody is; what is remembered of its answers
    visitors              people who have not signed in
    logout_token, once    a provider's word that somebody has signed out, which counts once
    assertions, widgets   what the gateway itself says of a person, and signs
"""
