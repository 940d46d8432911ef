"""Requests: what goes onto the wire, what comes back, what is counted."""

import gc
import gzip
import hashlib
import http.cookiejar
import io
import os
import re
import tempfile
import time
import unittest
import weakref
from unittest import mock

import gevent

from locust import _core

from .support import Raw, Session, ok


def head_of(request):
    """The header lines of a request by lower-case name."""
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Requests(unittest.TestCase):
    def test_headers_of_session_and_request_are_merged_without_regard_to_case(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.headers.update({"X-Session": "1", "Authorization": "Bearer t"})
            session.get("/", headers={"x-session": "2", "X-Own": "3", "Accept": None})
            session.get("/")
            first, second = map(head_of, server.requests)
        self.assertEqual((first["x-session"], first["x-own"]), ("2", "3"))
        self.assertNotIn("accept", first)
        self.assertEqual((second["x-session"], second["authorization"], second["accept"]), ("1", "Bearer t", "*/*"))

    def test_changed_session_headers_reach_the_next_request(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.get("/")
            session.headers["X-A"] = "1"
            session.get("/")
            del session.headers["x-a"]
            session.get("/")
        self.assertEqual([head_of(request).get("x-a") for request in server.requests], [None, "1", None])

    def test_a_header_that_is_no_text_fails_the_request(self):
        session = Session("http://127.0.0.1:1")
        response = session.get("/", headers={"X": 1})
        self.assertEqual((response.status_code, type(response.error).__name__), (0, "InvalidHeader"))
        self.assertEqual(session.stats.num_failures, 1)

    def test_urls_are_quoted_and_joined(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url + "/base")
            session.get("/a b?x=é", params={"k": ["1", None, 2]})
            session.get(server.url + "/absolute#fragment")
            targets = [request.split(b" ")[1].decode() for request in server.requests]
        self.assertEqual(targets, ["/base/a%20b?x=%C3%A9&k=1&k=2", "/absolute"])
        self.assertIn(("/base/a%20b?x=%C3%A9&k=1&k=2", "GET"), session.stats.entries)

    def test_the_name_of_a_url_without_a_path_is_a_slash(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.get("")
            session.get(server.url + "?a=1")
        self.assertEqual(sorted(session.stats.entries), [("/", "GET"), ("/?a=1", "GET")])

    def test_a_url_without_a_scheme_is_an_error_of_the_caller(self):
        session = Session("")
        with self.assertRaisesRegex(ValueError, "No scheme supplied"):
            session.get("/path")
        self.assertEqual(session.stats.num_requests, 0)

    def test_a_path_without_its_slash_runs_into_the_port(self):
        with self.assertRaisesRegex(ValueError, "^Failed to parse: '127.0.0.1:8000api' is not a valid host or port$"):
            Session("http://127.0.0.1:8000").get("api/users")

    def test_the_environment_is_looked_at_if_the_session_trusts_it(self):
        with Raw(lambda request: ok()) as server, tempfile.NamedTemporaryFile("w") as netrc:
            netrc.write("machine a.test login me password secret\n")
            netrc.flush()
            with mock.patch.dict(os.environ, {"http_proxy": server.url, "no_proxy": "b.test", "NETRC": netrc.name}):
                session = Session("http://a.test")
                self.assertIn("NameResolutionError", repr(session.get("/").error))
                session.trust_env = True
                self.assertEqual(session.get("/").status_code, 200)
                self.assertEqual(session.get("http://b.test/").status_code, 0)
                session.trust_env = False
                self.assertEqual(session.get("/").status_code, 0)
            self.assertEqual(head_of(server.requests[0])["authorization"], "Basic bWU6c2VjcmV0")
            self.assertTrue(server.requests[0].startswith(b"GET http://a.test/ HTTP/1.1"))

    def test_a_digest_challenge_is_answered_and_remembered(self):
        from requests.auth import HTTPDigestAuth

        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5'

        def answer(request):
            return ok() if b"Digest username" in request else ok(b"no", challenge, status="401 Unauthorized")

        with Raw(answer) as server:
            session = Session(server.url)
            auth = HTTPDigestAuth("me", "secret")
            first = session.post("/a?b=1", data="body", auth=auth)
            self.assertEqual((first.status_code, [r.status_code for r in first.history]), (200, [401]))
            self.assertEqual(session.get("/", auth=auth).status_code, 200)
            headers = [head_of(request).get("authorization") for request in server.requests]
            self.assertEqual((headers[0], len(headers), server.open), (None, 3, 1))
            self.assertIn('uri="/a?b=1"', headers[1])
            self.assertIn("nc=00000002", headers[2])
            self.assertTrue(server.requests[1].endswith(b"\r\n\r\nbody"))
            # RFC 7616 section 3.4.1, with the client's own nonce.
            md5 = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
            cnonce = re.search('cnonce="([^"]+)"', headers[1])[1]
            expected = md5(f"{md5('me:r:secret')}:n1:00000001:{cnonce}:auth:{md5('POST:/a?b=1')}")
            self.assertIn(f'response="{expected}"', headers[1])

    def test_an_adapter_of_requests_repeats_what_it_is_told_to(self):
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

        def answer(request):
            return ok() if b" /later" in request and len(server.requests) > 2 else ok(status="500 Oops")

        with Raw(answer) as server:
            session = Session(server.url)
            session.mount("http://", HTTPAdapter(pool_maxsize=100))
            session.mount("http://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[500], backoff_factor=0.01)))
            self.assertEqual((session.get("/later").status_code, len(server.requests)), (200, 3))
            failed = session.get("/never")
            self.assertEqual((failed.status_code, len(server.requests)), (0, 7))
            self.assertRegex(
                repr(failed.error),
                r"^RetryError\(MaxRetryError\(.*Max retries exceeded with url: /never "
                r"\(Caused by ResponseError\('too many 500 error responses'\)\)\"\)\)$",
            )
            self.assertEqual((session.post("/never").status_code, len(server.requests)), (500, 8))
            self.assertEqual((session.stats.num_requests, session.stats.num_failures), (3, 2))
        with self.assertRaisesRegex(NotImplementedError, "mount"):
            session.mount("http://one.host", HTTPAdapter())

    def test_sessions_with_one_pool_share_their_connections_and_its_limit(self):
        running, most = [], []

        def answer(_request):
            running.append(1)
            most.append(len(running))
            gevent.sleep(0.01)
            running.pop()
            yield ok()

        with Raw(answer) as server:
            pool = object()
            sessions = [Session(server.url, pool=pool, pool_size=2, concurrency=2) for _ in range(6)]
            sessions[0].cookies.set("own", "1")
            gevent.joinall([gevent.spawn(session.get, "/") for session in sessions for _ in range(3)])
            self.assertEqual((max(most), server.open, len(server.requests)), (2, 2, 18))
            self.assertEqual(sum("cookie" in head_of(request) for request in server.requests), 3)

    def test_files_are_sent_as_multipart(self):
        with Raw(lambda request: ok()) as server:
            Session(server.url).post(
                "/",
                data={"field": "value"},
                files={
                    "file": ("name.txt", io.BytesIO(b"content"), "text/plain"),
                    "plain": (None, "text"),
                    "typed": (None, "{}", "application/json"),
                    "unnamed": b"bytes",
                },
            )
            request = server.requests[0]
        boundary = head_of(request)["content-type"].partition("boundary=")[2].encode()
        self.assertEqual(request.count(b"--" + boundary), 6)
        self.assertIn(b'name="field"\r\n\r\nvalue\r\n', request)
        self.assertIn(b'name="file"; filename="name.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n', request)
        # Observed on Locust 2.47.
        self.assertIn(b'name="plain"\r\n\r\ntext\r\n', request)
        self.assertIn(b'name="typed"\r\nContent-Type: application/json\r\n\r\n{}\r\n', request)
        self.assertIn(b'name="unnamed"; filename="unnamed"\r\n\r\nbytes\r\n', request)

    def test_nan_is_no_json(self):
        response = Session("http://127.0.0.1:1").post("/", json={"a": float("nan")})
        self.assertEqual(type(response.error).__name__, "InvalidJSONError")

    def test_cookies_of_server_session_and_request(self):
        answers = iter([ok(b"", "Set-Cookie: s=1; Path=/"), ok(), ok()])
        with Raw(lambda request: next(answers)) as server:
            session = Session(server.url)
            first = session.get("/")
            session.cookies.set("own", "2")
            session.get("/", cookies={"s": "9"})
            session.get("/")
            seen = [head_of(request).get("cookie") for request in server.requests]
        self.assertEqual(dict(first.cookies.items()), {"s": "1"})
        self.assertEqual([sorted((text or "").split("; ")) for text in seen], [[""], ["own=2", "s=1", "s=9"], ["own=2", "s=1"]])
        self.assertEqual(session.cookies.get_dict(), {"s": "1", "own": "2"})

    def test_cookies_of_the_standard_library_are_taken(self):
        session = Session("http://a.test")
        cookie = http.cookiejar.Cookie(
            0, "n", "v", None, False, "a.test", True, False, "/p", True, False, None, True, None, None, {}
        )
        session.cookies.set_cookie(cookie)
        self.assertEqual([(c.name, c.value, c.domain, c.path) for c in session.cookies], [("n", "v", "a.test", "/p")])
        self.assertEqual(session.cookies["n"], "v")
        session.cookies.clear()
        self.assertEqual(len(session.cookies), 0)

    def test_authentication_objects_see_the_request(self):
        class Token:
            def __call__(self, request):
                request.headers["Authorization"] = f"Token {request.method}"
                return request

        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.get("/", auth=Token())
            session.get("/", auth=("u", "p"))
            seen = [head_of(request)["authorization"] for request in server.requests]
        self.assertEqual(seen, ["Token GET", "Basic dTpw"])

    def test_what_is_not_supported_is_named(self):
        session = Session("http://127.0.0.1:1")
        with self.assertRaisesRegex(NotImplementedError, "get_adapter"):
            session.get_adapter("http://")
        with self.assertRaisesRegex(TypeError, "unexpected keyword argument 'nope'"):
            session.get("/", nope=1)


class Responses(unittest.TestCase):
    def test_a_compressed_body_is_counted_unpacked(self):
        body = gzip.compress(b"hello " * 100)
        with Raw(lambda request: ok(body, "Content-Encoding: gzip")) as server:
            session = Session(server.url)
            response = session.get("/")
        self.assertEqual(response.text, "hello " * 100)
        self.assertEqual(session.stats.total.total_content_length, 600)

    def test_bodies_are_read_in_pieces_and_lines(self):
        with Raw(lambda request: ok(b"one\ntwo\nthree")) as server:
            response = Session(server.url).get("/", stream=True)
        self.assertEqual(list(response.iter_lines()), [b"one", b"two", b"three"])
        self.assertEqual(b"".join(response.iter_content(4)), b"one\ntwo\nthree")
        self.assertEqual(len(list(response.iter_content(4))), 4)

    def test_json_errors_are_those_of_both_clients(self):
        with Raw(lambda request: ok(b"{")) as server:
            for fast in (False, True):
                with self.assertRaises(ValueError):
                    Session(server.url, fast=fast).get("/").json()

    def test_hooks_see_the_response(self):
        seen = []
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.hooks["response"].append(lambda response, *_, **__: seen.append(response.status_code))
            session.get("/")
            session.get("/", hooks={"response": lambda response, *_, **__: seen.append("own")})
        self.assertEqual(seen, [200, "own"])

    def test_a_large_body_arrives_whole(self):
        body = bytes(range(256)) * 8192
        with Raw(lambda request: ok(body)) as server:
            session = Session(server.url)
            self.assertEqual(session.get("/").content, body)
            session.post("/", data=body)
        self.assertTrue(server.requests[1].endswith(body))

    def test_connections_are_kept_until_closed(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url, fast=True)
            for _ in range(3):
                session.get("/")
            self.assertEqual(server.open, 1)
            session.client.clientpool.close()
            session.get("/")
            self.assertEqual((len(server.requests), server.open <= 2), (4, True))


class TimeOuts(unittest.TestCase):
    def test_a_silent_server_times_out(self):
        def answer(_request):
            time.sleep(5)
            return ok()

        with Raw(answer) as server:
            session = Session(server.url)
            started = time.monotonic()
            response = session.get("/", timeout=0.05)
            self.assertLess(time.monotonic() - started, 2)
        self.assertEqual((response.status_code, type(response.error).__name__), (0, "ReadTimeout"))
        (error,) = session.stats.errors.values()
        self.assertIn("Read timed out. (read timeout=0.05)", repr(error.error))

    def test_a_time_out_of_nothing_is_refused(self):
        with self.assertRaisesRegex(ValueError, "less than or equal to 0"):
            Session("http://127.0.0.1:1").get("/", timeout=0)


class Events(unittest.TestCase):
    def test_listeners_run_before_and_after_statistics(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            seen = []
            session.sink.before = lambda **event: seen.append(("before", session.stats.num_requests, event["name"]))
            session.sink.after = lambda **event: seen.append(("after", session.stats.num_requests, event["url"]))
            session.get("/x", name="n")
        self.assertEqual(seen, [("before", 0, "n"), ("after", 1, server.url + "/x")])

    def test_what_a_listener_raises_leaves_the_request(self):
        class Stop(Exception):
            pass

        def listener(**_event):
            raise Stop

        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.sink.before = listener
            with self.assertRaises(Stop):
                session.get("/")
        self.assertEqual(session.stats.num_requests, 0)

    def test_listeners_of_a_list_are_called_one_by_one_and_failures_are_handed_over(self):
        def stop(**_event):
            listeners.remove(stop)
            raise ValueError("mine")

        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            seen = []
            listeners = [stop, lambda name, **_event: seen.append(name)]
            session.sink.before = listeners
            session.sink.failed = lambda error: seen.append(str(error))
            session.get("/a")
            session.get("/b")
            self.assertEqual(seen, ["mine", "/a", "/b"])

            def interrupt(**_event):
                raise KeyboardInterrupt

            listeners[:] = [interrupt]
            with self.assertRaises(KeyboardInterrupt):
                session.get("/c")

    def test_a_status_is_one_error_whoever_listens(self):
        with Raw(lambda request: ok(status="500 Oops")) as server:
            session = Session(server.url)
            session.get("/")
            session.get("/")
            session.sink.after = lambda **_event: None
            session.get("/")
        (error,) = session.stats.errors.values()
        self.assertEqual(error.occurrences, 3)
        self.assertEqual(repr(error.error), "HTTPError('500 Server Error: Oops for url: /')")

    def test_without_statistics_nothing_is_counted(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.sink.stats = None
            self.assertEqual(session.get("/").status_code, 200)


class Dictionary(unittest.TestCase):
    def test_names_differ_only_in_more_than_case(self):
        headers = _core.CaseInsensitiveDict({"Content-Type": "a"}, accept="b")
        headers["CONTENT-TYPE"] = "c"
        self.assertEqual(list(headers), ["CONTENT-TYPE", "accept"])
        self.assertEqual(headers, {"content-type": "c", "Accept": "b"})
        self.assertEqual(headers.pop("Accept"), "b")
        self.assertRaises(KeyError, lambda: headers["nope"])
        self.assertEqual(dict(headers.lower_items()), {"content-type": "c"})


class Memory(unittest.TestCase):
    """Nothing is kept that nobody can reach, which a long test would die of."""

    def assertFreed(self, make):
        gc.collect()
        gone = weakref.ref(make())
        gc.collect()
        self.assertIsNone(gone())

    def test_a_failed_response_and_its_exception_do_not_keep_each_other(self):
        def make():
            response = session.get("/")
            with self.assertRaises(Exception):
                response.raise_for_status()
            return response

        with Raw(lambda request: ok(status="500 Oops")) as server:
            session = Session(server.url)
            # The first one is an example in the statistics' table of errors.
            make()
            self.assertFreed(make)

    def test_an_event_does_not_keep_its_response(self):
        def make():
            with session.get("/", catch_response=True) as response:
                self.assertIs(response.request_meta["response"], response)
            return response

        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            session.sink.after = lambda **_event: None
            gc.disable()
            try:
                gone = weakref.ref(make())
                self.assertIsNone(gone(), "freed without the collector")
            finally:
                gc.enable()

    def test_a_user_and_its_session_do_not_keep_each_other(self):
        class User:
            def __init__(self):
                self.client = _core.Session()
                self.client._configure("http://a.test", None, self)

        self.assertFreed(User)

    def test_the_collector_may_come_at_any_time(self):
        class User:
            def __init__(self):
                self.client = Session("http://127.0.0.1:1")
                self.response = self.client.get("/")

        before = gc.get_threshold()
        gc.set_threshold(1, 1, 1)
        try:
            users = [User() for _ in range(100)]
        finally:
            gc.set_threshold(*before)
        self.assertEqual([user.response.status_code for user in users], [0] * 100)
