"""The console, and a browser that does nothing by itself: each field of a request is said."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.admin.stage import TOKEN, Operators, operators
from tests.support.message import Field
from tests.support.wire import Answer, raw_request, wire


@dataclass
class Looking:
    """Whoever looks at the console of `operators`; `cookie` is the session's, or empty."""

    operators: Operators
    cookie: str = field(default="", repr=False)

    async def get(
        self, target: str, fields: Sequence[Field] = (), *, method: str = "GET", host: str = ""
    ) -> Answer:
        """A page, as a browser that was told its address asks for it."""
        mine = [("Cookie", self.cookie)] if self.cookie else []
        content = raw_request(method, target, [*mine, *fields], host=host or self.host)
        return await wire(self.operators.url, content)

    async def send(
        self,
        target: str,
        form: Mapping[str, str],
        fields: Sequence[Field] | None = None,
        *,
        media: str = "application/x-www-form-urlencoded",
    ) -> Answer:
        """A form; without other `fields`, as our own page sends it."""
        mine = [("Cookie", self.cookie)] if self.cookie else []
        site = [("Origin", f"http://{self.host}")] if fields is None else fields
        sent = [*mine, *site, ("Content-Type", media)]
        content = raw_request("POST", target, sent, urlencode(form).encode(), host=self.host)
        return await wire(self.operators.url, content)

    async def sign_in(self, token: str = TOKEN, **form: str) -> Answer:
        answer = await self.send("/console/sign-in", {"token": token} | form)
        for line in answer.values("set-cookie"):
            self.cookie = line.partition(";")[0]
        return answer

    @property
    def host(self) -> str:
        return urlsplit(self.operators.url).netloc


@asynccontextmanager
async def looking(folder: Path, *, signed_in: bool = True) -> AsyncIterator[Looking]:
    async with operators(folder) as there:
        browser = Looking(there)
        if signed_in:
            assert (await browser.sign_in()).status == 303
        yield browser
