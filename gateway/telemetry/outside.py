"""Telling something where nobody who can write to the store can take it back: a file, or a URL."""

import asyncio
import errno
import os

CLOCK = 10.0  # seconds


async def tell_outside(target: str, lines: bytes) -> None:
    """Append lines to the file, or POST them to the URL, as NDJSON.

    Raises:
        OSError: neither the file nor the URL took them.
    """
    if target.partition("://")[0] in {"https", "http"}:
        await _post(target, lines)
    else:
        await asyncio.to_thread(append, target, lines)


def append(path: str, lines: bytes) -> None:
    """Append to a file; on the disk when it returns. Raises `OSError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, lines) < len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _post(url: str, lines: bytes) -> None:
    # Imported here: a quarter of a second, for what is done once a day if at all.
    import httpx

    fields = {"content-type": "application/x-ndjson"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=CLOCK) as client:
            answer = await client.post(url, content=lines, headers=fields)
    except httpx.HTTPError as error:
        raise OSError(f"nobody at {url.partition('?')[0]} took the heads of audit") from error
    if not answer.is_success:
        raise OSError(f"the heads of audit were answered with {answer.status_code}")
