"""Where a master listens for its workers.

Locust's protocol has no authentication: whoever can reach the port can join a test and read its options, unless there is a
join token (`token`). What is not
ZMTP is refused with a line in the log, what announces too much is cut off, and so many strangers are borne at a time
that they cannot keep workers out.
"""

import ipaddress
import logging
import socket
import ssl
import time
from collections import deque

import gevent

from . import tls
from .links import Link, LinkClosed, keep_alive
from .messages import Garbled

logger = logging.getLogger("locust.runners")

# Seconds that a client may take until its first message, and clients that may take them at the same time.
FIRST_MESSAGE_TIMEOUT = 10.0
STRANGERS_AT_MOST = 256
# Bytes of a message from a client that is no worker (yet), and from a worker.
STRANGER_MESSAGE_LIMIT = 64 << 10
WORKER_MESSAGE_LIMIT = 64 << 20
# At least so many seconds are between two lines about refused clients.
_BETWEEN_LINES = 1.0


class Door:
    """Listens, from when `hears` is set, and calls `welcome(link, messages)` in a greenlet of its own for each client that speaks
    ZMTP; with `admit(link, first_message)`, only what that returns, which is LinkClosed for who is not to come in.
    """

    def __init__(self, host, port, welcome, admit=None, context=None, hears=None):
        self._welcome = welcome
        self._admit = admit
        self._tls = context
        self._hears = hears
        self._listener = _listen(host, port)
        self.port = self._listener.getsockname()[1]
        self._strangers = deque()
        self._refused = _Refused(self.port)
        self._warn(host)
        self._accepting = gevent.spawn(self._accept)

    def close(self):
        """Listens no more. Links that stand are not affected."""
        self._accepting.kill()
        self._listener.close()
        for link in list(self._strangers):
            link.close(linger=0)

    def _warn(self, host):
        is_open = self._admit is None
        if _is_loopback(self._listener.getsockname()[0]):
            return
        if is_open and self._tls is not None and self._tls.verify_mode == ssl.CERT_REQUIRED:
            logger.info("Workers with certificates are listened for on %s:%d", host or "*", self.port)
        elif is_open:
            logger.warning(
                "Workers are listened for on %s:%d without authentication, as Locust's protocol has none: "
                "whoever reaches this port can join the test and read its options (--master-bind-host 127.0.0.1 keeps "
                "it to this machine; THRONG_TOKEN, on master and workers, to those who know it)",
                host or "*",
                self.port,
            )
        else:
            logger.info("Workers with this master's join token are listened for on %s:%d", host or "*", self.port)

    def _accept(self):
        if self._hears is not None:
            # Those who come meanwhile wait in the kernel, and do not take this for a master that does not know them.
            self._hears.wait()
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                # Out of file descriptors, most likely; those who wait are accepted later.
                logger.warning("cannot accept workers on port %d: %s", self.port, error)
                gevent.sleep(1)
                continue
            keep_alive(sock)
            gevent.spawn(self._hear, sock, address)

    def _hear(self, sock, address):
        if len(self._strangers) >= STRANGERS_AT_MOST:
            # The one that has had most time.
            self._strangers.popleft().close(linger=0)
        stranger = _Stranger(sock)
        self._strangers.append(stranger)
        try:
            with gevent.Timeout(FIRST_MESSAGE_TIMEOUT):
                link = stranger.speak(self._tls)
                link.address = address
                said = [link.receive()]
                if self._admit is not None:
                    said = self._admit(link, said[0])
        except (LinkClosed, Garbled, OSError) as error:
            why = tls.reason(error) if isinstance(error, OSError) else str(error)
            if why:
                self._refused.say(address, why)
            return stranger.close(linger=0)
        except gevent.Timeout:
            what = "nothing" if self._admit is None else "nothing, or does not prove that it knows the join token,"
            self._refused.say(address, f"it said {what} for {FIRST_MESSAGE_TIMEOUT:.0f} seconds")
            return stranger.close(linger=0)
        finally:
            if stranger in self._strangers:
                self._strangers.remove(stranger)
        return self._welcome(link, said)


class _Stranger:
    """A client that has said nothing yet."""

    def __init__(self, sock):
        self._open = sock

    def speak(self, context):
        """The link to it, once TLS stands if there is to be any."""
        if context is not None:
            # In its place before it waits, so that it can be closed.
            self._open = context.wrap_socket(self._open, server_side=True, do_handshake_on_connect=False)
            self._open.do_handshake()
        self._open = link = Link(self._open, "ROUTER", first_message_limit=STRANGER_MESSAGE_LIMIT)
        return link

    def close(self, linger):
        """Ends the connection."""
        if isinstance(self._open, Link):
            self._open.close(linger=linger)
        else:
            self._open.close()


class _Refused:
    """Says who was refused; of many, one a second."""

    def __init__(self, port):
        self._port = port
        self._said = -_BETWEEN_LINES
        self._unsaid = 0

    def say(self, address, why):
        now = time.monotonic()
        if now - self._said < _BETWEEN_LINES:
            self._unsaid += 1
            return
        others = f" ({self._unsaid} others since the last line like this)" if self._unsaid else ""
        logger.warning("Refused a client from %s on port %d: %s%s", address[0], self._port, why, others)
        self._said, self._unsaid = now, 0


def _listen(host, port):
    if host in ("", "*"):
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
        host = "0.0.0.0"
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=1024)


def _is_loopback(address):
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
