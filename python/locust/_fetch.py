"""Gets the locustfile from the master, for a worker that was started with `-f -`."""

import logging
import socket
import time
from uuid import uuid4

import gevent

from ._version import version
from .runners.links import Dealer, LinkClosed
from .runners.messages import Garbled, Message

logger = logging.getLogger(__name__)

# Seconds between two requests, and until it is given up.
_AGAIN = 1.0
_GIVE_UP = 300.0


class FetchError(Exception):
    """There is no locustfile to be had; says why."""


def fetch(host, port):
    """The master's locustfiles: each a dictionary of `filename` and `contents`, or a URL."""
    # A name of its own: this is not the worker yet, and the master must not take it for one.
    identity = f"{socket.gethostname()}_download_locustfile_{uuid4().hex}"
    link = Dealer(host, port, identity)
    asking = gevent.spawn(_ask, link, identity)
    try:
        with gevent.Timeout(_GIVE_UP):
            answer = _answer(link)
    except gevent.Timeout:
        raise FetchError(
            f"Got no locustfile response from master {host}:{port} within {_GIVE_UP:.0f} seconds, gave up"
        ) from None
    finally:
        asking.kill()
        link.close(linger=0)
    if not isinstance(answer, dict):
        raise FetchError(f"the master at {host}:{port} sent something that is no locustfile")
    if "error" in answer:
        raise FetchError(f"the master at {host}:{port} has no locustfile: {answer['error']}")
    return answer["locustfiles"]


def _ask(link, identity):
    began = said = time.monotonic()
    while True:
        if link.wait_open(_AGAIN):
            link.send(Message("locustfile", {"version": version}, identity))
            gevent.sleep(_AGAIN)
        if time.monotonic() - said > 5:
            said = time.monotonic()
            logger.warning("No locustfile from the master yet, after %.0f seconds", said - began)


def _answer(link):
    while True:
        try:
            message = link.receive()
        except (Garbled, LinkClosed):
            continue
        if message.type == "locustfile":
            return message.data
