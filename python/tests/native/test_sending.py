"""Prepared requests, redirects by hand, and what `response.request` shows: as sessions of `requests` have them."""

import copy
import io
import pickle
import sys
import unittest
from unittest import mock

import locust  # noqa: F401 - patches the standard library before anything else
import requests
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from locust.exception import LocustError
from urllib3.util.retry import Retry

from .support import Raw, ok
from .test_session import head_of

MOVED = ok(b"", "Location: /there", "Set-Cookie: s=1; Path=/", status="302 Found")


def answer(request):
    """A redirect for `/moved`, 404 for `/gone`, the request itself for the rest."""
    target = request.split(b" ")[1]
    if target.startswith(b"/moved"):
        return MOVED
    return ok(request, status="404 Not Found" if target == b"/gone" else "200 OK")


class Sending(unittest.TestCase):
    def setUp(self):
        server = Raw(answer)
        self.url = server.__enter__().url
        self.addCleanup(server.__exit__)
        self.server = server
        self.events = []
        self.environment = Environment()
        self.environment.events.request.add_listener(lambda **event: self.events.append(event["name"]))
        self.client = HttpSession(self.url, self.environment.events.request, None)

    def prepare(self, method, path, **more):
        return self.client.prepare_request(requests.Request(method, self.url + path, **more))

    def test_a_prepared_request_has_what_the_session_adds(self):
        self.client.headers["X-Session"] = "1"
        self.client.auth = ("me", "secret")
        self.client.params = {"all": "1"}
        self.client.cookies.set("c", "2")
        prepared = self.prepare("POST", "/a", json={"a": 1}, params={"own": "x"}, headers={"Accept": None})
        self.assertIsInstance(prepared, requests.PreparedRequest)
        self.assertEqual(prepared.path_url, "/a?all=1&own=x")
        self.client.headers["X-Session"] = "changed"
        response = self.client.send(prepared)
        request = self.server.requests[0]
        head = head_of(request)
        self.assertTrue(request.startswith(b"POST /a?all=1&own=x HTTP/1.1\r\n"))
        self.assertTrue(request.endswith(b'\r\n\r\n{"a": 1}'))
        seen = [head.get(name) for name in ("x-session", "cookie", "content-type", "content-length", "accept")]
        self.assertEqual(seen, ["1", "c=2", "application/json", "8", None])
        self.assertEqual(head["authorization"], "Basic bWU6c2VjcmV0")
        self.assertEqual((response.status_code, response.ok), (200, True))

    def test_what_is_sent_counts_nowhere_as_with_locust(self):
        self.client.send(self.prepare("GET", "/a"))
        gone = self.client.send(self.prepare("GET", "/gone"))
        self.assertEqual((gone.status_code, bool(gone)), (404, False))
        with self.assertRaisesRegex(requests.HTTPError, "^404 Client Error: Not Found for url: http://.*/gone$"):
            gone.raise_for_status()
        self.assertEqual(self.events, [])

    def test_what_fails_it_is_raised(self):
        with self.assertRaisesRegex(requests.ConnectionError, "Max retries exceeded with url: /x"):
            self.client.send(requests.Request("GET", "http://127.0.0.1:1/x").prepare())
        with self.assertRaisesRegex(ValueError, "^You can only send PreparedRequests.$"):
            self.client.send(requests.Request("GET", self.url))
        with self.assertRaisesRegex(TypeError, "unexpected keyword argument 'name'"):
            self.client.send(self.prepare("GET", "/a"), name="a")

    def test_one_that_no_session_prepared_goes_out_as_it_is(self):
        self.client.cookies.set("c", "2")
        self.client.send(requests.Request("GET", self.url + "/a", headers={"X-A": "1"}).prepare())
        head = head_of(self.server.requests[0])
        self.assertEqual([head.get(name) for name in ("x-a", "cookie", "accept")], ["1", None, None])
        # Observed on Locust 2.47.
        self.assertEqual((head["user-agent"], head["accept-encoding"]), ("python-urllib3/2.8.0", "identity"))

    def test_redirects_of_what_is_sent_are_followed_unless_it_says_no(self):
        response = self.client.send(self.prepare("HEAD", "/moved", cookies={"own": "9"}))
        self.assertEqual([each.status_code for each in response.history], [302])
        self.assertEqual(head_of(self.server.requests[1])["cookie"], "own=9; s=1")
        response = self.client.send(self.prepare("GET", "/moved"), allow_redirects=False)
        self.assertEqual((response.status_code, response.history), (302, []))
        with response:
            self.assertTrue(response.is_redirect)

    def test_one_that_is_sent_again_is_the_same(self):
        self.client.cookies.set("c", "2")
        self.client.mount("http://", requests.adapters.HTTPAdapter(max_retries=Retry(1, status_forcelist=[503])))
        statuses = iter(["503 Busy", "200 OK"])
        self.server.answer = lambda request: ok(status=next(statuses))
        self.client.send(requests.Request("GET", self.url + "/a").prepare())
        self.assertEqual([head_of(request).get("cookie") for request in self.server.requests], [None, None])

    def test_hooks_of_a_prepared_request_are_called(self):
        heard = []

        def hook(response, **told):
            heard.append((response.status_code, sorted(told)))

        self.client.send(self.prepare("GET", "/a", hooks={"response": hook}), timeout=5)
        self.assertEqual(heard, [(200, ["cert", "proxies", "stream", "timeout", "verify"])])

    def test_a_digest_of_a_prepared_request_is_answered(self):
        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5'
        self.server.answer = lambda request: (
            ok() if b"Digest username" in request else ok(b"no", challenge, status="401 Unauthorized")
        )
        auth = requests.auth.HTTPDigestAuth("me", "secret")
        response = self.client.send(self.prepare("GET", "/a", auth=auth))
        self.assertEqual((response.status_code, [each.ok for each in response.history]), (200, [False]))

    def test_the_answer_to_a_challenge_has_the_cookies_that_came_with_it(self):
        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5'
        self.server.answer = lambda request: (
            ok() if b"Digest username" in request else ok(b"", challenge, "Set-Cookie: n=1", status="401 Unauthorized")
        )
        self.client.cookies.set("c", "2")
        auth = requests.auth.HTTPDigestAuth("me", "secret")
        self.client.send(requests.Request("GET", self.url + "/a", auth=auth).prepare())
        # Observed on Locust 2.47.
        self.assertEqual([head_of(request).get("cookie") for request in self.server.requests], [None, "n=1"])

    def test_next_is_the_request_that_a_redirect_asks_for(self):
        self.assertIsNone(self.client.get("/a").next)
        self.assertIsNone(self.client.get("/moved").next)
        following = self.client.post("/moved", data="body", headers={"X-A": "1"}, allow_redirects=False).next
        self.assertIsInstance(following, requests.PreparedRequest)
        self.assertEqual((following.method, following.url, following.body), ("GET", self.url + "/there", None))
        self.assertEqual((following.headers["x-a"], following.headers["cookie"]), ("1", "s=1"))
        self.assertNotIn("Content-Length", following.headers)
        self.assertTrue(self.client.send(following).text.startswith("GET /there HTTP/1.1"))

    def test_next_can_be_sent_without_requests_too(self):
        with mock.patch.dict(sys.modules):
            del sys.modules["requests"]
            following = self.client.get("/moved", allow_redirects=False).next
            self.assertEqual(type(following).__name__, "SentRequest")
            self.assertEqual(self.client.send(following).status_code, 200)

    def test_redirects_can_be_followed_one_by_one(self):
        moved = self.client.get("/moved", allow_redirects=False)
        self.assertEqual(self.client.get_redirect_target(moved), "/there")
        self.assertIsNone(self.client.get_redirect_target(self.client.get("/a")))
        followed = list(self.client.resolve_redirects(moved, moved.request))
        self.assertEqual([each.url for each in followed], [self.url + "/there"])
        following = next(self.client.resolve_redirects(moved, moved.request, yield_requests=True))
        self.assertEqual(following.url, self.url + "/there")
        self.server.answer = lambda request: MOVED
        self.client.max_redirects = 3
        with self.assertRaisesRegex(requests.TooManyRedirects, "^Exceeded 3 redirects.$"):
            list(self.client.resolve_redirects(moved, moved.request))

    def test_the_parts_of_a_redirect_are_those_of_requests(self):
        moved = self.client.post("/moved", auth=("me", "x"), allow_redirects=False)
        stranger = requests.Request("POST", "http://b.test/", headers={"Authorization": "x"}).prepare()
        self.client.rebuild_auth(stranger, moved)
        self.client.rebuild_method(stranger, moved)
        self.assertEqual((stranger.headers.get("Authorization"), stranger.method), (None, "GET"))
        self.assertEqual(self.client.rebuild_proxies(stranger, {"http": "http://p"}), {"http": "http://p"})
        self.assertTrue(self.client.should_strip_auth("http://a.test/", "http://b.test/"))
        self.assertFalse(self.client.should_strip_auth("http://a.test/", "https://a.test/"))

    def test_settings_are_merged_with_those_of_the_session(self):
        self.client.verify = False
        merged = self.client.merge_environment_settings(self.url, {"http": "http://p"}, None, None, None)
        self.assertEqual(dict(merged, proxies=dict(merged["proxies"])),
                         {"proxies": {"http": "http://p"}, "stream": False, "verify": False, "cert": None})  # fmt: skip

    def test_adapters_are_refused_by_name(self):
        for name in ("adapters", "get_adapter"):
            with self.assertRaisesRegex(NotImplementedError, name):
                attribute = getattr(self.client, name)
                attribute("http://a.test")

    def test_a_session_knows_its_user(self):
        user = object()
        self.assertIs(HttpSession(self.url, self.environment.events.request, user).user, user)

    def test_only_what_counts_needs_catch_response(self):
        with self.assertRaises(LocustError), self.client.get("/a"):
            pass


class Shown(unittest.TestCase):
    """What `response.request` shows of what went out."""

    def setUp(self):
        server = Raw(answer)
        self.url = server.__enter__().url
        self.addCleanup(server.__exit__)
        self.server = server
        self.event = Environment().events.request
        self.client = HttpSession(self.url, self.event, None)

    def test_cookies_and_the_length_are_among_the_headers(self):
        self.client.get("/moved")
        request = self.client.post("/a", data="abc").request
        self.assertEqual((request.headers["Cookie"], request.headers["Content-Length"]), ("s=1", "3"))
        self.assertNotIn("Content-Length", self.client.get("/a").request.headers)

    def test_an_own_cookie_header_stands_alone_and_new_cookies_are_kept(self):
        self.client.cookies.set("c", "2")
        response = self.client.get("/moved", headers={"Cookie": "own=1"})
        cookies = [head_of(request)["cookie"] for request in self.server.requests]
        self.assertEqual((cookies, response.request.headers["Cookie"]), (["own=1", "c=2; s=1"], "c=2; s=1"))

    def test_cookies_of_the_request_go_along_when_it_is_redirected(self):
        self.client.get("/moved", cookies={"own": '{"a": 1, "b": 2}'})
        self.assertEqual(head_of(self.server.requests[1])["cookie"], 'own={"a": 1, "b": 2}; s=1')

    def test_quotes_of_a_cookie_are_sent_back(self):
        self.server.answer = lambda request: ok(b"", 'Set-Cookie: q="x y"; Path=/')
        self.client.get("/a")
        self.client.get("/a")
        self.assertEqual(head_of(self.server.requests[1])["cookie"], 'q="x y"')

    def test_cookies_are_kept_as_they_are(self):
        # Observed on Locust 2.47.
        for fast in (False, True):
            for header, shown, sent in (
                (b'prefs={"a":1}', '{"a":1}', b'prefs={"a":1}'),
                (b'm="[\\"x\\"]"; Path=/', *(('"[\\"x\\"]"', b'm="[\\"x\\"]"') if fast else ('"[x]"', b'm="[x]"'))),
                (b"u=caf\xc3\xa9", "caf\xc3\xa9", b"u=caf\xc3\xa9"),
                (b"l=caf\xe9", "caf\xe9", b"l=caf\xe9"),
                (b"s=a\\b", "a\\b", b"s=a\\b"),
            ):
                with self.subTest(fast=fast, header=header):
                    client = (FastHttpSession if fast else HttpSession)(self.url, self.event, None)
                    cookies = client.cookiejar if fast else client.cookies
                    self.server.answer = lambda request, header=header: ok(b"").replace(
                        b"\r\n\r\n", b"\r\nSet-Cookie: " + header + b"\r\n\r\n"
                    )
                    client.get("/a")
                    self.assertEqual([cookie.value for cookie in cookies], [shown])
                    client.get("/a")
                    self.assertIn(b"\r\nCookie: " + sent + b"\r\n", self.server.requests[-1])

    def test_no_body_is_announced_by_all_that_may_have_one(self):
        # Observed on Locust 2.47.
        for fast, those in ((False, ("POST", "DELETE", "OPTIONS", "PATCH", "PUT")), (True, ("POST", "PATCH", "PUT"))):
            client = (FastHttpSession if fast else HttpSession)(self.url, self.event, None)
            for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH", "PUT"):
                client.request(method, "/a")
                length = head_of(self.server.requests[-1]).get("content-length")
                self.assertEqual(length, "0" if method in those else None, f"{method}, fast: {fast}")

    def test_dots_in_paths_are_resolved_by_one_of_the_clients(self):
        for fast, path in ((False, b"/b"), (True, b"/a/../b")):
            client = (FastHttpSession if fast else HttpSession)(self.url, self.event, None)
            client.get("/a/../b")
            self.assertEqual(self.server.requests[-1].split()[1], path)

    def test_dots_where_a_redirect_leads_to_stay_for_one_of_the_clients_if_a_host_is_given(self):
        # Observed on Locust 2.47.
        whole = self.url + "/a/../b"
        for fast, location, path in (
            (False, whole, b"/a/../b"),
            (False, whole.removeprefix("http:"), b"/a/../b"),
            (False, "/a/../b", b"/b"),
            (False, "x/../b", b"/b"),
            (True, whole, b"/b"),
            (True, whole.removeprefix("http:"), b"/b"),
            (True, "/a/../b", b"/b"),
        ):
            with self.subTest(fast=fast, location=location):
                client = (FastHttpSession if fast else HttpSession)(self.url, self.event, None)
                moved = ok(b"", f"Location: {location}", status="302 Found")
                self.server.answer = lambda request, moved=moved: moved if b" /start " in request else ok()
                client.get("/start")
                self.assertEqual(self.server.requests[-1].split()[1], path)

    def test_headers_are_sent_as_latin_1(self):
        for session in (self.client, FastHttpSession(self.url, self.event, None)):
            session.headers["X-Session"] = "\xfc"
            session.get("/a", headers={"X-A": "caf\xe9"})
            # Observed on Locust 2.47.
            self.assertIn(b"\r\nX-A: caf\xe9\r\n", self.server.requests[-1])
            self.assertIn(b"\r\nX-Session: \xfc\r\n", self.server.requests[-1])

    def test_headers_that_are_taken_away_are_urllib3s(self):
        self.client.get("/a", headers={"User-Agent": None, "Accept-Encoding": None})
        head = head_of(self.server.requests[0])
        # Observed on Locust 2.47.
        self.assertEqual((head["user-agent"], head["accept-encoding"]), ("python-urllib3/2.8.0", "identity"))

    def test_hooks_of_a_request_stand_instead_of_the_sessions(self):
        heard = []
        self.client.hooks["response"].append(lambda response, **_: heard.append("session"))
        self.client.get("/a")
        self.client.get("/a", hooks={"response": []})
        self.client.get("/a", hooks={"response": lambda response, **_: heard.append("request")})
        self.assertEqual(heard, ["session", "session", "request"])


class Odds(unittest.TestCase):
    """What scripts do with headers, cookies and bodies. Texts were observed on Locust 2.47."""

    def setUp(self):
        server = Raw(answer)
        self.url = server.__enter__().url
        self.addCleanup(server.__exit__)
        self.server = server
        self.client = HttpSession(self.url, Environment().events.request, None)
        self.fast = FastHttpSession(self.url, Environment().events.request, None)

    def test_headers_and_cookies_can_be_copied(self):
        for duplicate in (copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))):
            headers = duplicate(self.client.headers)
            headers["X-A"] = "1"
            self.assertEqual((headers["accept"], self.client.headers.get("x-a")), ("*/*", None))
        cookies = copy.copy(self.client.cookies)
        cookies.set("a", "1", domain="a.test", path="/p")
        cookies.set("b", "2", domain="b.test", path="/p")
        cookies.set("gone", "3", expires=1)
        cookies.clear_expired_cookies()
        self.assertEqual((cookies.list_paths(), cookies.multiple_domains(), len(self.client.cookies)), (["/p"], False, 0))
        self.assertEqual(str(cookies), "<RequestsCookieJar[<Cookie a=1 for a.test/p>, <Cookie b=2 for b.test/p>]>")

    def test_a_header_that_would_end_the_line_is_refused(self):
        for value in ("a\nb", " a"):
            error = self.client.get("/a", headers={"X-A": value}).error
            text = f"reserved character(s), or return character(s) in header value: {value!r}"
            self.assertEqual((type(error).__name__, str(error)), ("InvalidHeader", f"Invalid leading whitespace, {text}"))
        with self.assertRaisesRegex(ValueError, r"^invalid value for header field 'X-A': 'a\\nb'$"):
            self.fast.get("/a", headers={"X-A": "a\nb"})
        self.assertEqual(self.server.requests, [])

    def test_forms_and_files_of_the_fast_client_are_geventhttpclients(self):
        self.fast.post("/a", data={"a": 1, "b": ["x"], "c": None})
        self.fast.post("/a", data=io.BytesIO(b"abc"))
        self.fast.request("post", "/a")
        form, octets, lower = self.server.requests
        self.assertTrue(form.endswith(b"\r\n\r\na=1&b=%5B%27x%27%5D&c=None"), form)
        self.assertEqual(head_of(octets)["content-type"], "application/octet-stream")
        self.assertTrue(lower.startswith(b"POST /a "))

    def test_the_raw_body_knows_its_head(self):
        for stream in (False, True):
            raw = self.client.get("/a", stream=stream).raw
            self.assertEqual((raw.status, raw.reason, raw.version), (200, "OK", 11))
            self.assertEqual((raw.headers["content-length"] > "0", raw.read(3, decode_content=True)), (True, b"GET"))

    def test_errors_of_connections_are_told_in_urllib3s_words(self):
        refused = "NewConnectionError(\"HTTPConnection(host='127.0.0.1', port=1): Failed to establish a new connection: "
        error = str(self.client.get("http://127.0.0.1:1/").error)
        self.assertIn(refused + '[Errno 111] Connection refused")', error)
        error = str(self.client.get("http://no.invalid/").error)
        self.assertIn("NameResolutionError(\"HTTPConnection(host='no.invalid', port=80): Failed to resolve 'no.invalid'", error)


class Fast(unittest.TestCase):
    """The names that geventhttpclient gives responses and requests."""

    def setUp(self):
        server = Raw(lambda request: ok(b"one\ntwo\nthree", "X-A: 1", status="404 Gone" if b" /gone" in request else "200 OK"))
        self.url = server.__enter__().url
        self.addCleanup(server.__exit__)
        self.client = FastHttpSession(self.url, Environment().events.request, None)

    def test_a_response_has_geventhttpclients_names(self):
        response = self.client.get("/a")
        self.assertEqual((response.status, response.data, response.info()["x-a"]), (200, b"one\ntwo\nthree", "1"))
        self.assertEqual((response.isclosed(), response.unzipped(), response.stream.read()), (True, response.data, response.data))
        self.assertEqual([response.readline() for _ in range(4)], [b"one\n", b"two\n", b"three", b""])

    def test_the_absence_of_a_response_has_them_too(self):
        response = self.client.get("http://127.0.0.1:1/")
        self.assertEqual((response.status, response.data, response.info(), response.stream), (0, None, None, None))

    def test_a_stream_is_given_up_when_it_is_released(self):
        response = self.client.get("/a", stream=True)
        self.assertEqual(response.readline(), b"one\n")
        response.release()
        self.assertTrue(response.isclosed())

    def test_a_request_has_the_names_of_the_standard_library(self):
        request = self.client.post("/a?b=1", data="abc").request
        host = self.url.removeprefix("http://")
        self.assertEqual((request.full_url, request.get_full_url()), (self.url + "/a?b=1",) * 2)
        self.assertEqual((request.type, request.host, request.get_host()), ("http", host, "127.0.0.1"))
        self.assertEqual((request.selector, request.get_method(), request.data), ("/a?b=1", "POST", b"abc"))
        self.assertEqual((request.get_header("content-length"), request.has_header("X-B")), ("3", False))
        self.assertEqual(request.get_header("X-B", "none"), "none")

    def test_the_user_agent_tells_its_limits_and_closes(self):
        agent = self.client.client
        self.assertEqual((agent.max_redirects, agent.max_retries), (30, 0))
        self.client.get("/a")
        agent.close()
        self.assertEqual(self.client.get("/a").status, 200)

    def test_the_text_of_a_bad_status_names_the_url(self):
        error = self.client.get("/gone").error
        # Observed on Locust 2.47.
        self.assertEqual((str(error), repr(error)), (f"URL {self.url}/gone: code=404", "LocustBadStatusCode(code=404)"))


if __name__ == "__main__":
    unittest.main()
