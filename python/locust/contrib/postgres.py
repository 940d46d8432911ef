"""A user of PostgreSQL, with psycopg: queries are reported as postgres_success or postgres_failure execute_query."""

import psycopg

from ..user.users import User
from ._operation import reported


class PostgresClient:
    """One connection."""

    def __init__(self, conn_string, request_event=None):
        from .. import events

        self._request_event = request_event or events.request
        self.connection = psycopg.connect(conn_string)

    def execute_query(self, query):
        """Runs the query; its rows, or None after a failure, which is reported."""
        try:
            with reported(self._request_event, "postgres_success", "execute_query") as meta:
                try:
                    cursor = self.connection.execute(query)
                    rows = cursor.fetchall() if cursor.description else []
                except psycopg.Error:
                    meta["request_type"] = "postgres_failure"
                    # The transaction is broken: the next query needs a new one.
                    self.connection.rollback()
                    raise
                meta["response_length"] = len(rows)
                return rows
        except psycopg.Error:
            return None

    def close(self):
        """Ends the connection."""
        self.connection.close()


class PostgresUser(User):
    """A user with a `PostgresClient`; set `conn_string`."""

    abstract = True
    conn_string = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.client = PostgresClient(self.conn_string, self.environment.events.request)

    def on_stop(self):
        self.client.close()
