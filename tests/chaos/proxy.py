"""A TCP proxy in front of the queue: passes on, goes silent, hangs up, strands."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path


class Proxy:
    """Listens on a port of its own and passes everything on to a Unix socket.

    ``cut`` keeps every connection open and passes nothing on, as a broken network
    does; ``mend`` goes on with new ones. Runs in a thread of its own.
    """

    def __init__(self, target: Path, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._is_cut = False
        #: Connections made before this number pass nothing on and are never closed.
        self._stranded = 0
        self._made = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        self._is_cut = True

    def mend(self) -> None:
        """Whoever waited in vain connects anew."""
        self._is_cut = False
        self._loop.call_soon_threadsafe(self._hang_up)

    def hang_up(self) -> None:
        """Break every connection once."""
        self._loop.call_soon_threadsafe(self._hang_up)

    def strand(self) -> None:
        """Every connection there is goes silent for good; new ones work."""
        self._stranded = self._made

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _hang_up(self) -> None:
        for writer in list(self._writers):
            writer.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._hang_up()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        self._made += 1
        number = self._made
        try:
            far = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.close()
            self._writers.discard(writer)
            return
        self._writers.add(far[1])
        try:
            await asyncio.gather(
                self._pass(reader, far[1], number), self._pass(far[0], writer, number)
            )
        finally:
            for one in (writer, far[1]):
                self._writers.discard(one)
                one.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
    ) -> None:
        try:
            while data := await reader.read(65536):
                while self._is_cut:  # noqa: ASYNC110 - set from another thread
                    await asyncio.sleep(0.05)
                if number <= self._stranded:
                    continue
                writer.write(data)
                await writer.drain()
        except (OSError, RuntimeError):
            pass
        finally:
            writer.close()
