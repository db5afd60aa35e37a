import json
import shlex
import subprocess

from gateway.demo.curl import cheating_curl

COMMAND = cheating_curl(
    "http://127.0.0.1:1/chat", token="eyJ.a.b", claimed="o'sam", conversation="c-1"
)


def test_a_shell_reads_what_was_meant():
    script = COMMAND.replace("curl", "printf '%s\\0'")
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
    arguments = shown.decode().split("\0")[:-1]
    assert arguments[:2] == ["-i", "http://127.0.0.1:1/chat"]
    assert "Authorization: Bearer eyJ.a.b" in arguments
    assert "X-External-User-Id: o'sam" in arguments
    assert json.loads(arguments[-1]) == {
        "message": "Where is my order?",
        "userId": "o'sam",
        "conversationId": "c-1",
    }


def test_the_token_stands_once_so_that_the_rest_is_readable():
    assert COMMAND.count("eyJ.a.b") == 1
    assert shlex.split(COMMAND.partition("\n")[0]) == ["TOKEN=eyJ.a.b"]
