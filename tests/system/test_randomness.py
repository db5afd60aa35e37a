import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from gateway.system.randomness import AT_ONCE, ten_bytes

FORK = """
import os
from gateway.system.randomness import ten_bytes

ten_bytes()
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, b"".join(ten_bytes() for _ in range(600)))
    os._exit(0)
os.close(writer)
ours = b"".join(ten_bytes() for _ in range(600))
theirs = b""
while some := os.read(reader, 65536):
    theirs += some
os.wait()
cut = lambda drawn: {drawn[at : at + 10] for at in range(0, 6000, 10)}
assert len(cut(ours)) == len(cut(theirs)) == 600
assert not cut(ours) & cut(theirs)
"""


def test_nobody_gets_the_same_ones_twice() -> None:
    def draw(_: int) -> list[bytes]:
        return [ten_bytes() for _ in range(AT_ONCE)]

    with ThreadPoolExecutor(8) as threads:
        drawn = [one for some in threads.map(draw, range(32)) for one in some]
    assert len(set(drawn)) == len(drawn) == 32 * AT_ONCE
    assert {len(one) for one in drawn} == {10}


def test_a_process_that_is_forked_off_draws_its_own() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)
