"""The command that tries to cheat: one person's token, another's name and conversation."""

import json
import shlex


def cheating_curl(url: str, *, token: str, claimed: str, conversation: str) -> str:
    """Two lines for a POSIX shell. The token is genuine; everything else in it is a claim."""
    body = json.dumps(
        {"message": "Where is my order?", "userId": claimed, "conversationId": conversation}
    )
    arguments = [
        f"curl -i {shlex.quote(url)}",
        '-H "Authorization: Bearer $TOKEN"',
        "-H 'Content-Type: application/json'",
        f"-H {shlex.quote(f'X-External-User-Id: {claimed}')}",
        f"-d {shlex.quote(body)}",
    ]
    return f"TOKEN={shlex.quote(token)}\n" + " \\\n  ".join(arguments)
