"""Connections between the nodes of a test: ZMTP over sockets, waited for by greenlets.

A `Link` is one connection: of a master to each worker, and of a forked worker to its parent. A `Dealer` is a worker's way
to its master: a link that is made anew whenever it breaks. Who sends never waits: what a peer does not take is kept until
it is too much, and then the peer is given up.
"""

import logging
import socket
import ssl
from collections import deque

import gevent
from gevent.event import Event
from gevent.queue import Queue

from .._core import Connection, WireError
from . import tls, token
from .messages import Garbled, Message

logger = logging.getLogger("locust.runners")

# What may wait for a peer that does not read.
_WAITING_AT_MOST = 10_000
_BYTES_AT_MOST = 256 << 20
# Seconds: for one attempt to connect, between two at first and at most, and for what is left to say when a link is closed.
_CONNECTING = 5.0
_BETWEEN_ATTEMPTS = 0.1
_BETWEEN_ATTEMPTS_AT_MOST = 1.0
_UNTIL_HEARD = 2.0
_LINGER = 5.0


class LinkClosed(Exception):
    """The connection has ended; says why, if the peer is to blame."""


class _Waiting:
    """Packed messages on their way out, oldest first; they outlive the socket that they wait for."""

    def __init__(self):
        self.bodies = deque()
        self.size = 0

    def add(self, body):
        self.bodies.append(body)
        self.size += len(body)

    def taken(self):
        """The oldest one is in the kernel's hands."""
        self.size -= len(self.bodies.popleft())

    @property
    def too_much(self):
        return len(self.bodies) > _WAITING_AT_MOST or self.size > _BYTES_AT_MOST


class _Channel:
    """One socket that speaks ZMTP, until it ends."""

    def __init__(self, sock, connection, waiting, first=None):
        self._socket = sock
        self._connection = connection
        self._waiting = waiting
        # Goes before what waits; that waits for the peer's first word then.
        self._urgent = deque() if first is None else deque([first])
        self._may_go = first is None
        self._patience = None
        self._wake = Event()
        self._idle = Event()
        self._writer = gevent.spawn(self._write)

    @property
    def open(self):
        """Whether both sides have said who they are."""
        return self._connection.peer_identity is not None

    def go(self):
        """What waits may go."""
        if not self._may_go:
            self._may_go = True
            self.wake()

    def say(self, body):
        """Sends this before what waits."""
        self._urgent.append(body)
        self.wake()

    def wake(self):
        """There is something to send."""
        self._idle.clear()
        self._wake.set()

    def read(self):
        """Waits for the peer and returns its messages, each a list of parts; LinkClosed at the end."""
        try:
            data = self._socket.recv(1 << 16)
        except ssl.SSLError as error:
            # With TLS 1.3 that a certificate is missing is said here.
            self.close()
            raise LinkClosed(tls.reason(error)) from None
        except OSError:
            data = b""
        if not data:
            self.close()
            raise LinkClosed
        try:
            return self._connection.receive(data)
        except WireError as error:
            self.close()
            raise LinkClosed(str(error)) from None
        finally:
            # The handshake and pings are answered by this.
            self.wake()

    def flush(self, seconds):
        """Waits until all is in the kernel's hands."""
        self.wake()
        self._idle.wait(seconds)

    def close(self):
        """Ends the connection."""
        self._idle.set()
        self._writer.kill(block=False)
        if self._patience is not None:
            self._patience.kill(block=False)
        self._socket.close()

    def _write(self):
        try:
            while True:
                self._wake.clear()
                self._socket.sendall(self._connection.output())
                if self.open and not self._may_go and self._patience is None:
                    # A master that says nothing to it is one of Locust's that does not know this worker.
                    self._patience = gevent.spawn_later(_UNTIL_HEARD, self.go)
                while self.open and self._urgent:
                    self._connection.send(self._urgent.popleft())
                    self._socket.sendall(self._connection.output())
                while self.open and self._may_go and self._waiting.bodies:
                    self._connection.send(self._waiting.bodies[0])
                    self._socket.sendall(self._connection.output())
                    # Only now: one that a broken connection took half goes over the next one.
                    self._waiting.taken()
                if not self._wake.is_set():
                    if not self._waiting.bodies:
                        self._idle.set()
                    self._wake.wait()
        except OSError:
            # The reader sees the end.
            self._idle.set()
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def _one_part(parts):
    # Some clients put an empty part before the message, as a REQ socket would.
    *empty, body = parts
    if any(empty):
        raise Garbled(f"a message of {len(parts)} parts")
    return Message.unserialize(body)


class Link:
    """One connection over a socket: `ROUTER` on the master's side, `DEALER` on the worker's."""

    def __init__(self, sock, socket_type, identity="", first_message_limit=None):
        self._connection = Connection(socket_type, identity.encode(), None, first_message_limit)
        self._waiting = _Waiting()
        self._channel = _Channel(sock, self._connection, self._waiting)
        self._arrived = deque()
        self.closed = False
        # Of whom, where it came in over a network.
        self.address = ("", 0)

    @property
    def identity(self):
        """By what the peer wants to be known; empty before the handshake."""
        return (self._connection.peer_identity or b"").decode(errors="replace")

    def accept(self, message_limit):
        """Bears messages of this size from now on."""
        self._connection.set_message_limit(message_limit)

    def send(self, message):
        """Sends a message, later if need be; LinkClosed if there is nobody to read it."""
        if self.closed:
            raise LinkClosed
        self._waiting.add(message.serialize())
        if self._waiting.too_much:
            self.close(linger=0)
            raise LinkClosed("the peer does not read what it is sent")
        self._channel.wake()

    def receive(self):
        """Waits for the next message; Garbled if it is none, LinkClosed at the end."""
        while not self._arrived:
            try:
                self._arrived.extend(self._channel.read())
            except LinkClosed:
                self.closed = True
                raise
        return _one_part(self._arrived.popleft())

    def close(self, linger=_LINGER):
        """Ends the connection, when what was sent is gone or so many seconds have passed."""
        if not self.closed:
            self.closed = True
            if linger and self._channel.open:
                self._channel.flush(linger)
            self._channel.close()


class Dealer:
    """A worker's way to its master, which is looked for again whenever it breaks. Messages wait meanwhile."""

    def __init__(self, host, port, identity):
        self._tls = tls.of_worker()
        self._address = (host, port)
        self._identity = identity
        self._waiting = _Waiting()
        self._arrived = Queue()
        self._channel = None
        self._open = Event()
        # Called whenever the connection stands again.
        self.on_open = lambda: None
        # Asked for a small message that goes first over each new connection; what waits goes when the master has said something:
        # it does not bear large messages of somebody that it does not know yet.
        self.greeting = lambda: None
        self.closed = False
        self._running = gevent.spawn(self._run)

    def wait_open(self, seconds):
        """Waits until the connection stands; False if it does not."""
        return self._open.wait(seconds)

    def send(self, message):
        """Sends a message as soon as there is a master."""
        if self.closed:
            raise LinkClosed
        self._waiting.add(message.serialize())
        if self._waiting.too_much:
            # The oldest, as the newest say how things are.
            self._waiting.taken()
        if self._channel:
            self._channel.wake()

    def say(self, message):
        """Sends a message now, before those that wait; not at all if there is no connection."""
        if self._channel:
            self._channel.say(message.serialize())

    def receive(self):
        """Waits for the next message; Garbled if it is none, LinkClosed if this end was closed."""
        item = self._arrived.get()
        if isinstance(item, Exception):
            raise item
        return item

    def reconnect(self):
        """Breaks the connection, so that it is made anew."""
        if self._channel:
            self._channel.close()

    def close(self, linger=_LINGER):
        """Ends the connection, when what was sent is gone or so many seconds have passed."""
        if self.closed:
            return
        self.closed = True
        if linger and self._open.is_set():
            self._channel.flush(linger)
        self._running.kill()
        if self._channel:
            self._channel.close()
        self._arrived.put(LinkClosed())

    def _run(self):
        refused, pause = None, _BETWEEN_ATTEMPTS
        while True:
            try:
                sock = self._connected()
            except ssl.SSLError as error:
                if (why := tls.reason(error)) != refused:
                    refused = why
                    logger.error("there is no TLS with what listens on %s:%d: %s", *self._address, why)
                gevent.sleep(_BETWEEN_ATTEMPTS_AT_MOST)
                continue
            except OSError as error:
                logger.debug("cannot connect to %s:%d: %s", *self._address, error)
                gevent.sleep(pause)
                pause = min(2 * pause, _BETWEEN_ATTEMPTS_AT_MOST)
                continue
            pause = _BETWEEN_ATTEMPTS
            sock.settimeout(None)
            keep_alive(sock)
            greeting = self.greeting()
            first = None if greeting is None else greeting.serialize()
            self._channel = _Channel(sock, Connection("DEALER", self._identity.encode()), self._waiting, first)
            try:
                self._read()
            except LinkClosed as end:
                self._open.clear()
                if str(end) and str(end) != refused:
                    refused = str(end)
                    logger.error("cannot use what listens on %s:%d: %s", *self._address, end)
            gevent.sleep(_BETWEEN_ATTEMPTS)

    def _connected(self):
        sock = socket.create_connection(self._address, timeout=_CONNECTING)
        if self._tls is None:
            return sock
        try:
            return self._tls.wrap_socket(sock, server_hostname=self._address[0])
        except BaseException:
            sock.close()
            raise

    def _read(self):
        while True:
            for parts in self._channel.read():
                try:
                    message = _one_part(parts)
                    # Who asks for a proof bears nothing else before it.
                    if message.type != token.ASK:
                        self._channel.go()
                    self._arrived.put(message)
                except Garbled as error:
                    self._arrived.put(error)
            if self._channel.open and not self._open.is_set():
                self._open.set()
                self.on_open()


def keep_alive(sock):
    """Finds out about peers that vanished without a word; small messages go at once."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
