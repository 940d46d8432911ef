"""Gets the locustfile from the master, for a worker that was started with `-f -`; from a master of ours that knows this worker's
join token, with the files beside it."""

import logging
import socket
import time
from uuid import uuid4

import gevent
from gevent.event import Event

from ._version import version
from .runners import token
from .runners.archive import Arriving
from .runners.links import Dealer, LinkClosed
from .runners.messages import Garbled, Message
from .runners.tls import TlsError

logger = logging.getLogger(__name__)

# Seconds between two requests, and until it is given up.
_AGAIN = 1.0
_GIVE_UP = 300.0
# And for a part of the files, which may be long on its way; a connection that was made anew asks at once.
_PART_AGAIN = 30.0


class FetchError(Exception):
    """There is no locustfile to be had; says why."""


def fetch(host, port):
    """The master's locustfiles, each a dictionary of `filename` and `contents`, or a URL; and all files of the test as
    `Arriving`, None if the master does not give them away."""
    try:
        fetching = _Fetching(host, port)
    except TlsError as error:
        raise FetchError(str(error)) from None
    try:
        with gevent.Timeout(_GIVE_UP):
            return fetching.done()
    except gevent.Timeout:
        raise FetchError(
            f"Got no locustfile response from master {host}:{port} within {_GIVE_UP:.0f} seconds, gave up"
        ) from None
    finally:
        fetching.close()


class _Fetching:
    def __init__(self, host, port):
        self._master = f"{host}:{port}"
        # A name of its own: this is not the worker yet, and the master must not take it for one.
        self._identity = f"{socket.gethostname()}_download_locustfile_{uuid4().hex}"
        self._link = Dealer(host, port, self._identity)
        self._arriving = Arriving()
        self._next = Event()
        self._link.on_open = self._next.set
        self._asking = gevent.spawn(self._ask)

    def close(self):
        self._asking.kill()
        self._link.close(linger=0)

    def done(self):
        while True:
            answer = self._answer()
            if not isinstance(answer, dict):
                raise FetchError(f"the master at {self._master} sent something that is no locustfile")
            if "error" in answer:
                raise FetchError(f"the master at {self._master} has no locustfile: {answer['error']}")
            if "throng" not in answer:
                return answer["locustfiles"], None
            asked = self._arriving.wanted
            self._arriving.take(answer["throng"])
            if self._arriving.wanted is None:
                return [], self._arriving
            # One that was asked for twice is there already; one of other files may want the first again.
            if self._arriving.wanted != asked:
                self._next.set()

    def _ask(self):
        began = said = time.monotonic()
        while True:
            if self._link.wait_open(_AGAIN):
                self._next.clear()
                # What stands under our name only our masters read.
                request = {"version": version, "throng": {"part": self._arriving.wanted}}
                self._link.send(Message("locustfile", request, self._identity))
                self._next.wait(_PART_AGAIN if self._arriving.wanted else _AGAIN)
            if time.monotonic() - said > 5:
                said = time.monotonic()
                logger.warning("No locustfile from the master yet, after %.0f seconds", said - began)

    def _answer(self):
        while True:
            try:
                message = self._link.receive()
            except (Garbled, LinkClosed):
                continue
            if message.type == "locustfile":
                return message.data
            if message.type == token.ASK:
                self._prove(message)
            elif message.type == token.REFUSED:
                raise FetchError(f"the master at {self._master} refuses this worker: {message.data}")

    def _prove(self, message):
        known = token.known()
        if known is None:
            raise FetchError(f"the master at {self._master} wants a join token: set THRONG_TOKEN to the master's")
        said = token.proof(known, message.data["nonce"], self._identity)
        self._link.send(Message(token.ANSWER, {"proof": said}, self._identity))
