"""Sessions with statistics of their own, and servers that misbehave."""

import socket
import threading

import locust  # noqa: F401 - patches the standard library before anything else
from locust import _core
from locust.event import EventHook  # noqa: F401 - the package must be importable as a whole


class Session(_core.Session):
    """A session as the package makes it, reporting to `sink`."""

    def __init__(self, base_url, fast=False, **options):
        self.sink = _core.Sink(_core.Stats())
        self.sink.stats._configure()
        self._configure(base_url, self.sink, None, fast=fast, **options)

    @property
    def stats(self):
        return self.sink.stats


class Raw:
    """A server that answers each request with what `answer(request)` returns: bytes, an iterator of them, or None to
    close.

    `with Raw(answer) as url:`; it runs in green threads of the same process. `requests` keeps what came.
    """

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.open = 0

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self.socket.close()

    def _accept(self):
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        self.open += 1
        received = b""
        with connection:
            try:
                while data := connection.recv(65536):
                    received += data
                    while (message := _message(received)) is not None:
                        received = received[len(message) :]
                        self.requests.append(message)
                        answer = self.answer(message)
                        if answer is None:
                            return
                        for piece in [answer] if isinstance(answer, bytes) else answer:
                            connection.sendall(piece)
            except OSError:
                pass
            finally:
                self.open -= 1


def _message(received):
    """The first whole request in what came; None if there is none."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if name.lower() == b"transfer-encoding":
            length = body.find(b"0\r\n\r\n") + 5
            if length < 5:
                return None
    if len(body) < length:
        return None
    return received[: len(head) + 4 + length]


def ok(body=b"ok", *headers, status="200 OK"):
    """A response with that body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
