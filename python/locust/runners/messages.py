"""Messages between the nodes of a test, and their form on the wire.

That is Locust's: a msgpack array of type, data and node. Two kinds of objects that msgpack has no form for travel as
dictionaries with a mark in them: points in time and MongoDB's object ids.
"""

import sys
from datetime import datetime

from .. import _core

# The key of a report with what Locust's masters do not know, which listeners do not see.
FINE = "throng"
# That of a heartbeat with how late the worker's loop was at worst since the one before, in ms.
LAG = "throng_lag"

_TIME = "%Y%m%dT%H:%M:%S.%f"


class Message:
    """A message, as handlers of custom messages get it."""

    def __init__(self, message_type, data, node_id):
        self.type = message_type
        self.data = data
        self.node_id = node_id

    def __repr__(self):
        return f"<Message {self.type}:{self.node_id}>"

    def serialize(self):
        """The bytes of the message; TypeError for data that cannot be sent."""
        return _core.pack_message(self.type, self.data, self.node_id or "", _marked)

    @classmethod
    def unserialize(cls, data):
        """The message that bytes stand for; `Garbled` if they stand for none."""
        try:
            return cls(*_core.unpack_message(data, _unmarked))
        except (ValueError, TypeError) as error:
            raise Garbled(str(error)) from None


class Garbled(Exception):
    """A node sent something that is no message."""


def _marked(item):
    if isinstance(item, datetime):
        return {"__datetime__": True, "as_str": item.strftime(_TIME)}
    bson = sys.modules.get("bson.objectid")
    if bson is not None and isinstance(item, bson.ObjectId):
        return {"__ObjectId__": True, "as_str": str(item)}
    return item


def _unmarked(item):
    if "__datetime__" in item:
        return datetime.strptime(item["as_str"], _TIME)
    if "__ObjectId__" in item:
        try:
            from bson import ObjectId
        except ImportError:
            # Where nobody can use it as one, it stays what it came as.
            return item
        return ObjectId(item["as_str"])
    return item
