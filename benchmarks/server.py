"""The server under all runners: raw HTTP/1.1 on one asyncio loop, so that it is never what is measured.

It counts the requests that came as the workload wants them, which is how the benchmark knows that a runner did the work.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TOKEN = re.compile(rb"\r\nx-token: *([^\r]*)", re.IGNORECASE)
FIRST_TOKEN = "start"


class Orders:
    """What the server remembers: requests done right and wrong since the last count, and the tokens that are to come back.

    Whoever brings the first token begins a chain of answers; there are as many `chains` as processes that send.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.good = self.bad = self.chains = 0
        self.awaited: dict[str, str] = {}

    def answer(self, head: bytes, body: bytes) -> tuple[int, object]:
        """Status and JSON for one request."""
        method, target = head.split(b" ", 2)[:2]
        if target == b"/count":
            counts = {"good": self.good, "bad": self.bad, "chains": self.chains}
            self.forget()
            return 200, counts
        answer = self.order(head, body) if method == b"POST" else thing(target)
        self.good, self.bad = self.good + bool(answer), self.bad + (not answer)
        return (200, answer) if answer else (400, {"error": "not as the workload wants it"})

    def order(self, head: bytes, body: bytes) -> dict[str, object] | None:
        """A POST is right when it carries the token and reference of the answer before it, and a stamp set by a script."""
        found, sent = TOKEN.search(head), json.loads(body)
        token = found[1].decode() if found else ""
        if token == FIRST_TOKEN:
            self.chains += 1
            self.awaited[token] = FIRST_TOKEN
        if self.awaited.pop(token, None) != sent["ref"] or not sent["stamp"].startswith("stamp-"):
            return None
        token, ref = f"token-{self.good:08d}", f"ref-{self.good:08d}"
        self.awaited[token] = ref
        items = [{"code": f"{number:06d}", "price": 1000 + number, "name": f"item {number}"} for number in range(5)]
        return {"ok": True, "token": token, "ref": ref, "stamp": sent["stamp"], "items": items}


def thing(target: bytes) -> dict[str, object] | None:
    """A GET of `/things/NUMBER` gets that number back."""
    number = target.partition(b"?")[0].rpartition(b"/")[2]
    return {"id": int(number), "name": f"thing {int(number)}", "tags": ["a", "b", "c"]} if number.isdigit() else None


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, _, rest = self.waiting.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.waiting = rest[size:]
            self.reply(*self.orders.answer(head, rest[:size]))

    def reply(self, code: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        status = b"200 OK" if code == 200 else b"400 Bad Request"
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self.transport.write(head + body)


async def serve() -> None:
    """Listen on a free port of 127.0.0.1, say which, and stop when standard input is closed."""
    orders, loop = Orders(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(orders), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
