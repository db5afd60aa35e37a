"""The one error of the store that is not an answer to a client."""


class StoreError(Exception):
    """The store cannot be used. Says what is wrong, where, and what to do; for the operator."""
