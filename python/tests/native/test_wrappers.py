"""What locustfiles put in front of, behind and into requests: a `request` of their own, hooks, credentials."""

import io
import tempfile
import types
import unittest

from locust import _core
from locust._http import exceptions, sending

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


def answer(request):
    """404, 302 and 401 by their paths; else what the request was."""
    target = request.split(b" ")[1]
    if target == b"/302":
        return ok(b"", "Location: /final", status="302 Found")
    if target == b"/401" and b"\r\nAuthorization: " not in request:
        return ok(b"", status="401 Unauthorized")
    return ok(target, status="404 Not Found" if target.startswith(b"/404") else "200 OK")


class Reported(unittest.TestCase):
    """A server, and sessions whose events are kept."""

    def setUp(self):
        self.server = Raw(answer).__enter__()
        self.addCleanup(self.server.socket.close)
        self.events = []
        self.client = self.session()

    def session(self, **options):
        session = Session(self.server.url, **options)
        session.sink.after = lambda **event: self.events.append(event)
        return session

    def last(self):
        event = self.events[-1]
        return event["name"], event["url"].removeprefix(self.server.url), event["response_length"], repr(event["exception"])


def failing(error):
    def hook(response, **_told):
        raise error

    return {"response": hook}


class Hooks(Reported):
    """Observed on Locust 2.47."""

    def test_what_a_hook_raises_of_requests_is_a_failed_request(self):
        def check(response, **_told):
            response.raise_for_status()

        for session_wide in (False, True):
            if session_wide:
                self.client.hooks["response"] = check
            response = self.client.get("/404", **({} if session_wide else {"hooks": {"response": check}}))
            self.assertEqual((response.status_code, response.text, type(response.error).__name__), (0, "", "HTTPError"))
            text = f"HTTPError('404 Client Error: Not Found for url: {self.server.url}/404')"
            self.assertEqual(self.last(), ("/404", "/404", 0, text))
        self.assertEqual(len(self.events), 2)

    def test_the_url_is_that_of_the_request_which_the_error_knows(self):
        self.client.get("/a", params={"b": 1}, hooks=failing(exceptions.HTTPError("mine")))
        self.assertEqual(self.last(), ("/a", "/a", 0, "HTTPError('mine')"))
        request = types.SimpleNamespace(url=self.server.url + "/c?d=1")
        self.client.get("/a", hooks=failing(exceptions.HTTPError("mine", request=request)))
        self.assertEqual(self.last(), ("/c?d=1", "/c?d=1", 0, "HTTPError('mine')"))
        self.client.get("/a", name="n", hooks=failing(exceptions.HTTPError("mine", request=request)))
        self.assertEqual(self.last()[0], "n")

    def test_other_errors_and_those_of_urls_are_raised(self):
        for error in (ValueError("v"), exceptions.InvalidURL("u"), exceptions.MissingSchema("u")):
            with self.assertRaises(type(error)):
                self.client.get("/a", hooks=failing(error))
        self.assertEqual(self.events, [])

    def test_only_of_errors_of_connections_the_cause_is_shown(self):
        for kind, shown in ((exceptions.ConnectionError, "OSError('cause')"), (exceptions.ReadTimeout, "ReadTimeout('e')")):
            error = kind("e")
            error.__context__ = OSError("cause")
            self.client.get("/a", hooks=failing(error))
            self.assertEqual(self.last()[3], shown)

    def test_a_block_may_forgive_it(self):
        with self.client.get("/a", catch_response=True, hooks=failing(exceptions.HTTPError("mine"))) as response:
            self.assertEqual(response.status_code, 0)
            response.success()
        self.assertEqual(self.last()[3], "None")

    def test_a_hook_hears_of_all_responses_with_the_settings(self):
        heard = []
        hook = lambda response, **told: heard.append((response.status_code, told))  # noqa: E731
        self.client.get("/302", hooks={"response": hook})
        told = {"cert": None, "proxies": {}, "stream": False, "timeout": None, "verify": True}
        self.assertEqual(heard, [(302, told), (200, told)])
        self.client.get("http://127.0.0.1:1/", hooks={"response": hook})
        self.assertEqual(len(heard), 2)

    def test_a_hook_may_repeat_the_request(self):
        def authenticate(response, **_told):
            if response.status_code == 401:
                request = response.request.copy()
                request.headers["Authorization"] = "token"
                self.assertNotIn("Authorization", response.request.headers)
                return sending.send(self.client, request, {})

        response = self.client.get("/401", hooks={"response": authenticate})
        self.assertEqual((response.status_code, response.text), (200, "/401"))
        self.assertEqual(self.last(), ("/401", "/401", 4, "None"))
        self.assertEqual(len(self.events), 1)

    def test_a_response_that_a_hook_returns_is_reported_instead(self):
        fields = {"status_code": 202, "reason": None, "headers": {"X-A": "1"}, "content": b"other", "history": []}
        request = types.SimpleNamespace(method="PUT", url="http://o/z?y=1", headers={"X-B": "2"})
        elapsed = types.SimpleNamespace(total_seconds=lambda: 1.5)
        other = types.SimpleNamespace(**fields, url="http://o/final", request=request, elapsed=elapsed)
        response = self.client.get("/404", hooks={"response": lambda _response, **_told: other})
        self.assertIsInstance(response, _core.Response)
        self.assertEqual((response.status_code, response.text, response.url), (202, "other", "http://o/final"))
        self.assertEqual((response.headers["x-a"], response.request.headers["x-b"]), ("1", "2"))
        self.assertEqual(self.last(), ("/z?y=1", "http://o/z?y=1", 5, "None"))
        with self.assertRaises(AttributeError):
            self.client.get("/a", hooks={"response": lambda _response, **_told: {}})


class BeforeSending(Reported):
    """Observed on Locust 2.47: what `requests` raises before it sends anything is a failed request, other errors are raised."""

    def test_values_that_are_no_json(self):
        circle = []
        circle.append(circle)
        for value, text in (
            ({"a": float("nan")}, "Out of range float values are not JSON compliant"),
            (circle, "Circular reference detected"),
        ):
            response = self.client.post("/a", json=value, params={"b": 1})
            self.assertEqual(response.status_code, 0)
            name, url, length, error = self.last()
            self.assertEqual((name, url, length), ("/a?b=1", "/a?b=1", 0))
            self.assertIn(f"InvalidJSONError(ValueError('{text}", error)
        with self.assertRaises(TypeError):
            self.client.post("/a", json=object())
        self.assertEqual(self.server.requests, [])

    def test_headers_that_are_none(self):
        self.client.get("/a", headers={"X-A": 1}, params={"b": 1})
        self.assertEqual(self.last()[:3], ("/a", "/a", 0))

    def test_authentication_that_fails(self):
        def auth(error):
            def authenticate(_request):
                raise error

            return authenticate

        response = self.client.get("/a", auth=auth(exceptions.ConnectionError("no token")))
        self.assertEqual(response.status_code, 0)
        self.assertEqual(self.last(), ("/a", "/a", 0, "ConnectionError('no token')"))
        with self.assertRaises(ValueError):
            self.client.get("/a", auth=auth(ValueError("mine")))
        self.assertEqual((len(self.events), self.server.requests), (1, []))


class Fast(Reported):
    """Observed on Locust 2.47, of its fast client."""

    def setUp(self):
        super().setUp()
        self.client = self.session(fast=True)

    def test_parameters_are_not_in_the_urls_that_are_shown(self):
        url = self.server.url + "/a?b=1"
        response = self.client.get("/a?b=1", params={"c": 2})
        self.assertEqual(response.text, "/a?b=1&c=2")
        self.assertEqual((response.url, response.request.url, self.events[-1]["url"]), (url, url, url))
        self.assertEqual(response.request.selector, "/a?b=1&c=2")
        response = self.client.get("/302", params={})
        self.assertEqual(response.url, self.server.url + "/final")
        self.assertEqual(str(self.client.get("/404", params={"c": 1}).error), f"URL {self.server.url}/404: code=404")

    def test_several_headers_of_a_name_are_a_list(self):
        with Raw(lambda _request: ok(b"", "Set-Cookie: a=1", "X: 1", "Set-Cookie: b=2")) as server:
            for fast, several in ((True, ["a=1", "b=2"]), (False, "a=1, b=2")):
                headers = Session(server.url, fast=fast).get("/").headers
                self.assertEqual((headers.get("set-cookie"), headers["X"]), (several, "1"))
                pairs = [value for name, value in headers.items() if name == "Set-Cookie"]
                self.assertEqual(pairs, several if fast else [several])

    def test_there_is_no_json_where_there_is_no_response(self):
        response = self.client.get("http://127.0.0.1:1/")
        with self.assertRaisesRegex(TypeError, "must be str, bytes or bytearray, not NoneType"):
            response.json()


class Chunks(Reported):
    """Observed on Locust 2.47: bodies without a known length go out in chunks."""

    def sent(self, data, fast=False):
        response = self.session(fast=fast).post("/a", data=data)
        head, _, body = self.server.requests[-1].partition(b"\r\n\r\n")
        framing = [line for line in head.lower().split(b"\r\n") if b"transfer-encoding" in line or b"content-length" in line]
        self.assertEqual(len(framing), 1)
        name, _, value = framing[0].decode().partition(": ")
        self.assertEqual(response.request.headers[name], value)
        return value, body

    def test_of_a_generator_each_piece_is_a_chunk(self):
        for fast in (False, True):
            pieces = (piece for piece in ("a", b"", b"bc"))
            self.assertEqual(self.sent(pieces, fast), ("chunked", b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"))
        self.assertEqual(self.sent(piece for piece in ()), ("chunked", b"0\r\n\r\n"))

    def test_files_and_what_has_a_length_do_not(self):
        self.assertEqual(self.sent(io.BytesIO(b"abc")), ("3", b"abc"))
        self.assertEqual(self.sent(io.BytesIO(b"abc"), fast=True)[0], "chunked")
        for fast in (False, True):
            with tempfile.TemporaryFile() as file:
                file.write(b"abc")
                file.seek(1)
                self.assertEqual(self.sent(file, fast), ("2", b"bc"))

    def test_what_generates_may_fail(self):
        def broken():
            yield b"a"
            raise RuntimeError("mine")

        with self.assertRaises(RuntimeError):
            self.client.post("/a", data=broken())


if __name__ == "__main__":
    unittest.main()
