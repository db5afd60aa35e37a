"""The vendors' own guides to naming users: each sentence of them, through the gateway."""
