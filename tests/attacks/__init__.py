"""The attack campaign: what hostile hands try, seen from both ends of real sockets.

- One file a family. A row carries the id under which `docs/attacks.md` lists its kind of attack,
  "H-04 quoted"; `test_coverage.py` holds that table and the tests together.
- A row passes only if both ends agree: the client's answer, and the raw bytes the vendor received,
  or that it received none. A status alone proves nothing.
- A guard is tried with what a generator spells (`tests.support.spellings`), and once in each place:
  body, query, path, field, cookie, token. What each guard does with each of its inputs is tested
  beside the guard; the table says where.
- Rows of one file share a gateway and a vendor (`conftest.py`), which is told to forget between
  them. A row that needs another configuration builds its own.
"""
