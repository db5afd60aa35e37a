"""How a question to somebody else, asked before anything depends on it, goes wrong."""


class ProbeFailed(Exception):
    """What was asked did not answer as it must. The text says what to do; it holds no secret."""
