"""A user of MongoDB, with pymongo: queries are reported as MONGODB QUERY."""

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ..user.users import User
from ._operation import reported


class MongoDBClient:
    """A connection to one database; `db` is pymongo's."""

    def __init__(self, conn_string, db_name, request_event=None):
        from .. import events

        self._request_event = request_event or events.request
        self.client = MongoClient(conn_string)
        self.db = self.client[db_name]

    def execute_query(self, collection_name, query):
        """The documents that match; an empty list after a failure, which is reported."""
        try:
            with reported(self._request_event, "MONGODB", "QUERY") as meta:
                found = list(self.db[collection_name].find(query))
                meta["response_length"] = len(found)
                return found
        except PyMongoError:
            return []


class MongoDBUser(User):
    """A user with a `MongoDBClient`; set `conn_string` and `db_name`."""

    abstract = True
    conn_string = None
    db_name = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.client = MongoDBClient(self.conn_string, self.db_name, self.environment.events.request)

    def on_stop(self):
        self.client.client.close()
