"""A mail server that keeps what it is given: just enough of SMTP for one client."""

from __future__ import annotations

import re
import socketserver
import threading
from types import TracebackType
from typing import Self

from tests.upgrade.visitor import wait_until

LINK = re.compile(r"https?://[^/\s]+(/\S*)")


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 test")
        for line in self.rfile:
            command = line[:4].upper().strip()
            if command == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
            self._say("250 test" if command != b"QUIT" else "221 bye")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a port of its own while it is used as a context."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[str] = []
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"

    def link_to(self, address: str, page: str) -> str:
        """The path of the link to this page in a mail to ``address``, which may be on
        its way."""
        found: list[str] = []

        def has_come() -> bool:
            mails = [mail for mail in self.mails if f"To: {address}" in mail]
            links = [link for mail in mails for link in LINK.findall(mail)]
            found[:] = [link for link in links if link.startswith(page)]
            return bool(found)

        wait_until(has_come, f"a mail to {address} with a link to {page}")
        return found[0]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()
