"""The errors of the store that are not an answer to a client."""


class StoreError(Exception):
    """The store cannot be used. Says what is wrong, where, and what to do; for the operator."""


class DatabaseFault(Exception):
    """A database refused a statement. Says which kind of refusal, and none of the values."""
