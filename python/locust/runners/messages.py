"""Messages between the nodes of a test, and the links that carry them between processes of one machine.

A link is a pair of connected sockets that was made before the fork. Messages are pickled: both ends are the same program
with the same locustfile, and nobody else can reach the sockets.
"""

import pickle
import struct

from gevent.lock import BoundedSemaphore

_LENGTH = struct.Struct("!I")


class Message:
    """A message, as handlers of custom messages get it."""

    def __init__(self, message_type, data, node_id):
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self):
        return f"<Message {self.type}:{self.node_id}>"


class LinkClosed(Exception):
    """The other process has ended."""


class Link:
    """One end of the connection of two processes."""

    def __init__(self, sock):
        self._socket = sock
        # Two greenlets may send at once, and a message may need several writes.
        self._sending = BoundedSemaphore()

    def send(self, message):
        """Sends a message; LinkClosed if there is nobody to read it."""
        body = pickle.dumps((message.type, message.data, message.node_id))
        with self._sending:
            try:
                self._socket.sendall(_LENGTH.pack(len(body)) + body)
            except OSError:
                raise LinkClosed from None

    def receive(self):
        """Waits for the next message; LinkClosed at the end."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return Message(*pickle.loads(self._read(length)))

    def close(self):
        """Ends the connection."""
        self._socket.close()

    def _read(self, count):
        parts = []
        while count:
            try:
                part = self._socket.recv(min(count, 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise LinkClosed
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
