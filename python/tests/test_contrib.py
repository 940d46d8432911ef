"""The extras in `locust.contrib`."""

import csv
import importlib
import os
import sys
import tempfile
import time
import types
import unittest
from unittest import mock

from locust.contrib._operation import reported
from locust.contrib.csv_request_logger import CSV_COLUMNS, CsvRequestLogger
from locust.env import Environment

from . import servers
from .servers import missing


class RequestLog(unittest.TestCase):
    def test_every_request_is_a_row(self):
        environment = Environment()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "logs", "requests.csv")
            CsvRequestLogger(path).register(environment)
            fire = environment.events.request.fire
            response = types.SimpleNamespace(status_code=200)
            fire(
                request_type="GET",
                name="/a,b",
                response_time=12.3456,
                response_length=7,
                response=response,
                start_time=0,
            )
            fire(request_type="X", name="y", response_time=None, response_length=0, exception=ValueError("bad"))
            environment.events.quitting.fire(environment=environment, reverse=True)
            fire(request_type="GET", name="late", response_time=1, response_length=0)
            with open(path, newline="", encoding="utf-8") as file:
                columns, first, second = csv.reader(file)
        self.assertEqual(tuple(columns), CSV_COLUMNS)
        self.assertEqual(first, ["1970-01-01T00:00:00+00:00", "GET", "/a,b", "12.346", "7", "200", ""])
        self.assertEqual(second[1:], ["X", "y", "", "0", "", "ValueError('bad')"])


class Operations(unittest.TestCase):
    def setUp(self):
        self.environment = Environment()
        self.heard = []
        self.environment.events.request.add_listener(lambda **kwargs: self.heard.append(kwargs))

    def test_an_operation_is_reported_with_its_time_and_error(self):
        with reported(self.environment.events.request, "DB", "query") as meta:
            meta["response_length"] = 3
        with self.assertRaises(KeyError), reported(self.environment.events.request, "DB", "query"):
            raise KeyError("gone")
        self.assertEqual([repr(each["exception"]) for each in self.heard], ["None", "KeyError('gone')"])
        self.assertEqual(self.heard[0]["response_length"], 3)
        self.assertGreaterEqual(self.heard[0]["response_time"], 0)

    def test_queries_of_postgres_succeed_and_fail_under_different_types(self):
        class Broken(Exception):
            pass

        def execute(query):
            if query == "bad":
                raise Broken("syntax")
            return types.SimpleNamespace(description=["n"], fetchall=lambda: [(1,), (2,)])

        connection = types.SimpleNamespace(execute=execute, rollback=lambda: None, close=lambda: None)
        psycopg = types.SimpleNamespace(connect=lambda _conn_string: connection, Error=Broken)
        with mock.patch.dict(sys.modules, {"psycopg": psycopg}):
            sys.modules.pop("locust.contrib.postgres", None)
            client = importlib.import_module("locust.contrib.postgres").PostgresClient(
                "", self.environment.events.request
            )
            sys.modules.pop("locust.contrib.postgres")
        self.assertEqual(client.execute_query("good"), [(1,), (2,)])
        self.assertIsNone(client.execute_query("bad"))
        self.assertEqual(
            [(each["request_type"], each["name"]) for each in self.heard],
            [("postgres_success", "execute_query"), ("postgres_failure", "execute_query")],
        )


class Servers(unittest.TestCase):
    """Queries of real servers: what is reported is the whole operation, with the rows."""

    def setUp(self):
        self.environment = Environment()
        self.heard = []
        self.environment.events.request.add_listener(lambda **kwargs: self.heard.append(kwargs))

    def assert_heard(self, *facts):
        heard = [(each["request_type"], each["name"], each["response_length"]) for each in self.heard]
        self.assertEqual(heard, list(facts))

    @unittest.skipIf(missing(*servers.MongoDB.NEEDS), "pymongo or nx-27017 is not installed")
    def test_a_mongodb_query_is_reported_with_its_whole_cursor(self):
        module = importlib.import_module("locust.contrib.mongodb")
        server = servers.MongoDB(self)

        class SomeUser(module.MongoDBUser):
            conn_string = server.url + "&serverSelectionTimeoutMS=500"
            db_name = "sample"

        user = SomeUser(self.environment)
        user.client.db["people"].insert_many([{"n": n} for n in range(1000)])
        took = []
        def found():
            started = time.perf_counter()
            documents = user.client.execute_query("people", {"n": {"$gte": 100}})
            took.append((time.perf_counter() - started) * 1000)
            return documents

        # More than the first batch of a cursor, which is 101 documents: reading it takes further requests.
        self.assertEqual(sorted(each["n"] for each in found()), list(range(100, 1000)))
        server.process.kill()
        server.process.wait()
        self.assertEqual(user.client.execute_query("people", {}), [])
        self.assert_heard(("MONGODB", "QUERY", 900), ("MONGODB", "QUERY", 0))
        self.assertIsNone(self.heard[0]["exception"])
        self.assertIsNotNone(self.heard[1]["exception"])
        self.assertGreater(self.heard[0]["response_time"], 0.5 * took[0])
        user.on_stop()

    @unittest.skipIf(missing("psycopg"), "psycopg is not installed")
    @unittest.skipIf(servers.Postgres.PROGRAM is None, "PostgreSQL is not installed")
    def test_a_postgres_query_is_reported_with_its_rows_and_the_next_one_works_after_a_failure(self):
        module = importlib.import_module("locust.contrib.postgres")

        class SomeUser(module.PostgresUser):
            conn_string = servers.Postgres(self).url

        user = SomeUser(self.environment)
        self.assertEqual(user.client.execute_query("SELECT generate_series(1, 3)"), [(1,), (2,), (3,)])
        self.assertIsNone(user.client.execute_query("SELECT nonsense"))
        self.assertEqual(user.client.execute_query("SELECT 1 WHERE pg_sleep(0.2) IS NOT NULL"), [(1,)])
        self.assert_heard(
            ("postgres_success", "execute_query", 3),
            ("postgres_failure", "execute_query", 0),
            ("postgres_success", "execute_query", 1),
        )
        self.assertGreaterEqual(self.heard[2]["response_time"], 200)
        user.on_stop()


class Missing(unittest.TestCase):
    def test_what_is_not_there_says_so_when_it_is_imported(self):
        for name in ("mqtt", "socketio", "oai", "milvus", "qdrant"):
            with self.assertRaisesRegex(
                NotImplementedError, rf"locust\.contrib\.{name} is not supported by throng yet"
            ):
                importlib.import_module(f"locust.contrib.{name}")


if __name__ == "__main__":
    unittest.main()
