"""Sessions that a host framework keeps in a cookie it signs with its secret: one reader each.

Whoever has the secret can be anybody; the readers only tell what the framework itself has signed
from what it has not. They are never laxer than the framework: what it refuses is refused here, and
besides what has another spelling, size or JSON than the framework writes.
"""
