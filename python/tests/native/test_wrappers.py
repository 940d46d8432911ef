"""What locustfiles put in front of, behind and into requests: a `request` of their own, hooks, credentials."""

import unittest

from .support import Raw, Session, ok


def wrapped(session):
    """Puts a wrapper before the session's `request`; returns what it is called with."""
    calls, request = [], session.request

    def wrapper(method, url, **options):
        calls.append((method, url, options))
        return request(method, url, **options)

    session.request = wrapper
    return calls


class OwnRequest(unittest.TestCase):
    """Observed on Locust 2.47: a resource manager that replaces `client.request` sees what `get` and the others send."""

    def test_an_attribute_of_the_session_stands_before_all_methods(self):
        with Raw(lambda _request: ok()) as server:
            session = Session(server.url)
            calls = wrapped(session)
            self.assertEqual(session.get("/a", name="n").status_code, 200)
            session.options("/b")
            session.head("/c")
            session.delete("/d")
            session.post("/e", "x", {"a": 1})
            session.put("/f", data="y")
            session.patch("/g", allow_redirects=False)
        none = {"data": None, "json": None}
        self.assertEqual(
            calls,
            [
                ("GET", "/a", {**none, "name": "n", "allow_redirects": True}),
                ("OPTIONS", "/b", {**none, "allow_redirects": True}),
                ("HEAD", "/c", {**none, "allow_redirects": False}),
                ("DELETE", "/d", none),
                ("POST", "/e", {"data": "x", "json": {"a": 1}}),
                ("PUT", "/f", {"data": "y", "json": None}),
                ("PATCH", "/g", {**none, "allow_redirects": False}),
            ],
        )
        self.assertEqual(session.stats.total.num_requests, 7)

    def test_that_of_the_fast_client_sees_what_was_named(self):
        with Raw(lambda _request: ok(b"a\nb")) as server:
            session = Session(server.url, fast=True)
            calls = wrapped(session)
            session.get("/a", name="n")
            session.head("/b")
            session.post("/c")
            session.put("/d", json=[])
            self.assertEqual(list(session.iter_lines("/e")), ["a", "b"])
        self.assertEqual(
            calls,
            [
                ("GET", "/a", {"name": "n"}),
                ("HEAD", "/b", {}),
                ("POST", "/c", {"data": None, "json": None}),
                ("PUT", "/d", {"data": None, "json": []}),
                ("GET", "/e", {"stream": True}),
            ],
        )

    def test_it_is_gone_when_it_is_deleted(self):
        with Raw(lambda _request: ok()) as server:
            session = Session(server.url)
            calls = wrapped(session)
            session.get("/a")
            del session.request
            session.get("/a")
        self.assertEqual(len(calls), 1)

    def test_that_of_a_subclass_sees_the_same(self):
        calls = []

        class Own(Session):
            def request(self, method, url, name=None, **options):
                calls.append((method, url, name, options))
                return super().request(method, url, name, **options)

        with Raw(lambda _request: ok()) as server:
            Own(server.url).get("/a", name="n")
        self.assertEqual(calls, [("GET", "/a", "n", {"data": None, "json": None, "allow_redirects": True})])


class AuthHeader(unittest.TestCase):
    """Observed on Locust 2.47."""

    def sent(self, session, raw, **options):
        session.get("/", **options)
        lines = raw.requests[-1].split(b"\r\n")
        return [line.partition(b": ")[2].decode() for line in lines if line.lower().startswith(b"authorization:")]

    def test_the_fast_client_sends_what_is_set(self):
        raw = Raw(lambda _request: ok())
        with raw:
            session = Session(raw.url.replace("//", "//me:pw@"), fast=True)
            self.assertEqual(session.auth_header, "Basic bWU6cHc=")
            session.auth_header = "Bearer x"
            self.assertEqual(session.auth_header, "Bearer x")
            self.assertEqual(self.sent(session, raw), ["Bearer x"])
            self.assertEqual(self.sent(session, raw, headers={"authorization": "mine"}), ["Bearer x"])
            self.assertEqual(self.sent(session, raw, auth=("u", "p")), ["Basic dTpw"])
            session.auth_header = None
            self.assertEqual(self.sent(session, raw), [])
            self.assertIsNone(session.auth_header)

    def test_to_the_other_it_is_an_attribute_like_any_other(self):
        raw = Raw(lambda _request: ok())
        with raw:
            session = Session(raw.url)
            session.auth = ("me", "pw")
            session.auth_header = "Bearer x"
            self.assertEqual(session.auth_header, "Bearer x")
            self.assertEqual(self.sent(session, raw), ["Basic bWU6cHc="])


if __name__ == "__main__":
    unittest.main()
