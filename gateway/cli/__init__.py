"""The command `gateway`: one module a command, named in the table of `main`.

What several of them share: `options` (configurations, and how to end), `asking` (whom and when a
look into the store is about), `looking` (a gateway that is only looked at), `progress` (a bar).
"""
