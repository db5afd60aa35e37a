"""Who is asking, and what may be said of them.

What is where:

    identity, subject  a person, and the name one vendor knows them by; a subject in a path
    assertion          what we say of a person, signed
    seal               names that are secrets
    logout             who has signed out
"""
