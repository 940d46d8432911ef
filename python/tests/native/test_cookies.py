"""Cookies: what goes where, and jars that other libraries take. What is expected was observed on Locust 2.47."""

import copy
import http.cookiejar
import pickle
import subprocess
import sys
import unittest
import urllib.request
from collections.abc import MutableMapping
from http.cookies import SimpleCookie
from pathlib import Path

import locust  # noqa: F401 - patches the standard library before requests looks at it
import requests
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from .support import Raw, ok
from .test_session import head_of


def answer(request):
    match request.split(b" ")[1]:
        case b"/login":
            return ok(b"", "Set-Cookie: sid=abc; Path=/", "Set-Cookie: csrf=t; Path=/; HttpOnly; SameSite=Lax")
        case b"/deep/login":
            return ok(b"", "Set-Cookie: sid=deep")
        case b"/moved":
            return ok(b"", "Location: /there", "Set-Cookie: s=1; Path=/", status="302 Found")
        case b"/out":
            return ok(b"", "Set-Cookie: sid=; Path=/; Max-Age=0")
    return ok()


class Cookies(unittest.TestCase):
    def setUp(self):
        server = Raw(answer)
        self.url = server.__enter__().url
        self.addCleanup(server.__exit__)
        self.server = server
        self.client = HttpSession(self.url, Environment().events.request, None)
        self.cookies = self.client.cookies

    def sent(self, number=-1):
        return head_of(self.server.requests[number]).get("cookie")

    def shown(self, cookies=None):
        return [(c.name, c.value, c.domain, c.path) for c in self.cookies if cookies is None or c.name in cookies]


class OnTheWire(Cookies):
    def test_the_cookies_of_an_answer_or_of_the_session_are_sent_once(self):
        response = self.client.post("/login")
        for cookies in (response.cookies, self.cookies, response.cookies.copy()):
            self.client.get("/echo", cookies=cookies)
            self.assertEqual(self.sent(), "sid=abc; csrf=t")

    def test_a_dictionary_is_for_every_host_and_replaces_only_what_is_too(self):
        self.cookies.set("sid", "s0")
        self.cookies["z"] = "1"
        self.client.post("/login")
        self.assertEqual(self.sent(), "sid=s0; z=1")
        self.client.get("/echo", cookies={"sid": "mine", "x": "1", "bare": None})
        self.assertEqual(self.sent(), "sid=mine; z=1; x=1; bare; sid=abc; csrf=t")
        self.client.get("/echo")
        self.assertEqual(self.sent(), "sid=s0; z=1; sid=abc; csrf=t")

    def test_a_jars_cookies_go_to_their_hosts_and_replace_their_namesakes_there(self):
        self.client.post("/login")
        jar = requests.cookies.RequestsCookieJar()
        jar.set("sid", "strange", domain="other.test")
        jar.set("g", "1", domain="127.0.0.1")
        jar.set("sid", "own", domain="127.0.0.1")
        self.client.get("/echo", cookies=jar)
        self.assertEqual(self.sent(), "sid=own; csrf=t; g=1")
        self.assertEqual(self.cookies.get("sid"), "abc")

    def test_a_session_of_requests_gives_its_cookies_with_domain_and_path(self):
        self.client.post("/login")
        with requests.Session() as other:
            other.cookies.set("sid", "new", domain="127.0.0.1")
            self.cookies.update(other.cookies)
        self.client.get("/echo")
        self.assertEqual(self.sent(), "sid=new; csrf=t")
        self.cookies.clear(domain="127.0.0.1")
        self.client.get("/echo")
        self.assertEqual(self.sent(), None)

    def test_after_a_redirect_the_sessions_cookies_replace_the_requests(self):
        self.cookies.set("a", "1")
        self.cookies.set("z", "1")
        self.client.get("/moved", cookies={"own": "9", "a": "2"})
        self.assertEqual((self.sent(0), self.sent(1)), ("a=2; z=1; own=9", "a=1; z=1; own=9; s=1"))

    def test_the_next_request_of_an_answer_has_the_requests_cookies(self):
        response = self.client.get("/moved", cookies={"own": "9"}, allow_redirects=False)
        self.assertEqual(response.next.headers["Cookie"], "own=9; s=1")

    def test_what_was_prepared_keeps_its_cookies_on_the_way(self):
        self.client.post("/login")
        self.client.send(requests.Request("GET", self.url + "/moved", cookies={"sid": "1"}).prepare())
        self.assertEqual((self.sent(1), self.sent(2)), ("sid=1", "sid=1; s=1; sid=abc; csrf=t"))

    def test_longer_paths_come_first_and_what_is_over_goes(self):
        self.client.get("/login")
        self.client.get("/deep/login")
        self.client.get("/deep/x")
        self.assertEqual(self.sent(), "sid=deep; sid=abc; csrf=t")
        self.client.get("/out")
        self.client.get("/x")
        self.assertEqual(self.sent(), "csrf=t")

    def test_hosts_without_a_dot_are_in_the_domain_local(self):
        self.client.base_url = self.url.replace("127.0.0.1", "localhost")
        self.client.get("/login")
        self.cookies.set("q", "1", domain="localhost")
        self.cookies.set("r", "1", domain="localhost.local")
        self.client.get("/x")
        self.assertEqual(self.sent(), "sid=abc; csrf=t; r=1")
        self.assertEqual(self.cookies.list_domains(), ["localhost.local", "localhost"])

    def test_a_jar_that_is_assigned_is_taken_as_it_is(self):
        self.cookies.set("gone", "1")
        for kind in (requests.cookies.RequestsCookieJar, http.cookiejar.MozillaCookieJar):
            jar = kind()
            jar.set_cookie(requests.cookies.create_cookie("a", "1", domain="127.0.0.1", path="/p"))
            self.client.cookies = jar
            self.client.get("/")
            self.client.get("/p/x")
            self.assertEqual((self.sent(-2), self.sent(-1)), (None, "a=1"))
            self.assertEqual(self.shown(), [("a", "1", "127.0.0.1", "/p")])
        self.client.cookies = self.client.cookies
        self.assertEqual(len(self.cookies), 1)

    def test_other_policies_are_refused_by_name(self):
        policy = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
        with self.assertRaisesRegex(NotImplementedError, "a policy of its own for client.cookies"):
            self.cookies.set_policy(policy)
        with self.assertRaisesRegex(NotImplementedError, "a policy of its own for client.cookies"):
            self.client.cookies = requests.cookies.RequestsCookieJar(policy)
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy())

    def test_what_a_script_changes_of_a_cookie_is_sent(self):
        self.cookies.set("k", "v", secure=True)
        self.client.get("/")
        for cookie in self.cookies:
            cookie.secure, cookie.value = False, "w"
            copy.copy(cookie).value = "x"
        self.client.get("/")
        self.assertEqual((self.sent(0), self.sent(1)), (None, "k=w"))


class NamedHosts(Cookies):
    """A `Host` header of the locustfile; observed on Locust 2.47."""

    def setUp(self):
        super().setUp()
        self.server.answer = lambda request: (
            ok(b"", "Set-Cookie: sid=1; Domain=example.com", "Set-Cookie: b=1", "Location: /there", status="302 Found")
            if b" /login " in request
            else ok()
        )

    def test_cookies_are_of_the_host_that_the_header_names_and_redirects_go_there(self):
        self.client.headers["Host"] = "www.example.com:8080"
        self.client.get("/login")
        self.assertEqual(self.shown(), [("sid", "1", ".example.com", "/"), ("b", "1", "www.example.com", "/")])
        self.assertEqual([head_of(request)["host"] for request in self.server.requests], ["www.example.com:8080"] * 2)
        self.assertEqual(self.sent(), "sid=1; b=1")
        self.client.get("/", headers={"Host": "other.test"})
        self.assertIsNone(self.sent())

    def test_for_the_fast_client_they_are_of_the_url(self):
        fast = FastHttpSession(self.url, Environment().events.request, None)
        fast.get("/login", headers={"Host": "www.example.com"})
        self.assertEqual(self.shown_of(fast.cookiejar), [("b", "127.0.0.1")])
        self.assertEqual((self.sent(), head_of(self.server.requests[-1])["host"]), ("b=1", "www.example.com"))

    def shown_of(self, jar):
        return [(cookie.name, cookie.domain) for cookie in jar]


class ForOthers(Cookies):
    def test_requests_takes_the_jar_for_one_request(self):
        self.client.post("/login")
        self.assertEqual(requests.get(self.url + "/x", cookies=self.cookies).status_code, 200)
        self.assertEqual(self.sent(), "sid=abc; csrf=t")

    def test_a_session_of_requests_takes_the_jar_as_its_own(self):
        self.client.post("/login")
        with requests.Session() as other:
            other.cookies = self.cookies
            other.get(self.url + "/x")
            self.assertEqual(self.sent(), "sid=abc; csrf=t")
            other.get(self.url + "/deep/login")
            other.get(self.url + "/out")
        self.assertEqual(self.shown(["sid"]), [("sid", "deep", "127.0.0.1", "/deep")])

    def test_a_session_of_requests_takes_the_cookies_of_an_answer(self):
        with requests.Session() as other:
            other.cookies.update(self.client.post("/login").cookies)
            other.get(self.url + "/x")
            # Python 3.10 iterates over a jar by name.
            self.assertEqual(set(self.sent().split("; ")), {"sid=abc", "csrf=t"})
            merged = requests.cookies.merge_cookies(self.cookies, {"m": "1"})
            self.assertIs(requests.cookies.merge_cookies(merged, other.cookies), self.client.cookies)
        self.assertEqual(requests.utils.dict_from_cookiejar(self.cookies), {"sid": "abc", "csrf": "t", "m": "1"})

    def test_urllib_sends_and_keeps_cookies(self):
        self.client.post("/login")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        opener.open(self.url + "/deep/login").close()
        self.assertEqual(self.sent(), "sid=abc; csrf=t")
        self.assertEqual(self.shown()[-1], ("sid", "deep", "127.0.0.1", "/deep"))

    def test_its_cookies_are_those_of_the_standard_library(self):
        self.client.post("/login")
        sid, csrf = self.client.cookies
        self.assertIsInstance(sid, http.cookiejar.Cookie)
        self.assertEqual((sid.version, sid.port, sid.port_specified, sid.domain_specified), (0, None, False, False))
        self.assertEqual((sid.domain_initial_dot, sid.path_specified, sid.discard), (False, True, True))
        self.assertFalse(sid.is_expired())
        self.assertFalse(sid.has_nonstandard_attr("HttpOnly"))
        self.assertTrue(csrf.has_nonstandard_attr("HttpOnly"))
        self.assertEqual(csrf.get_nonstandard_attr("SameSite"), "Lax")
        self.assertEqual(str(sid), "<Cookie sid=abc for 127.0.0.1/>")
        for duplicate in (copy.copy, copy.deepcopy, lambda cookie: pickle.loads(pickle.dumps(cookie))):
            self.assertEqual(vars(duplicate(csrf)), vars(csrf))

    def test_it_can_be_copied_and_pickled(self):
        self.client.post("/login")
        for duplicate in (copy.copy, copy.deepcopy, lambda jar: pickle.loads(pickle.dumps(jar)), lambda jar: jar.copy()):
            other = duplicate(self.cookies)
            self.assertEqual((other, str(other)), (self.cookies, str(self.cookies)))
            other.clear()
        self.assertEqual(len(self.cookies), 2)

    def test_it_is_a_jar_and_a_mapping(self):
        self.assertIsInstance(self.cookies, http.cookiejar.CookieJar)
        self.assertIsInstance(self.cookies, MutableMapping)
        self.assertIs(self.cookies, self.client.cookies)
        self.assertIsInstance(self.cookies.get_policy(), http.cookiejar.DefaultCookiePolicy)
        fast = FastHttpSession(self.url, Environment().events.request, None)
        self.assertIsInstance(fast.cookiejar, http.cookiejar.CookieJar)


class AsAMapping(Cookies):
    def test_setting_a_cookie_returns_it(self):
        cookie = self.cookies.set("a", "1", domain="a.test", path="/p", expires=4_000_000_000)
        self.assertEqual((cookie.name, cookie.value, cookie.domain, cookie.path), ("a", "1", "a.test", "/p"))
        self.assertIsNone(self.cookies.set("a", None))
        self.assertEqual(len(self.cookies), 0)
        self.cookies.set("m", SimpleCookie("m=1; Path=/q")["m"])
        self.assertEqual(self.shown(), [("m", "1", "", "/q")])
        with self.assertRaisesRegex(TypeError, r"create_cookie\(\) got unexpected keyword arguments: \['foo'\]"):
            self.cookies.set("a", "1", foo=1)
        with self.assertRaisesRegex(NotImplementedError, "client.cookies.set"):
            self.cookies.set("a", "1", port="80")

    def test_two_cookies_of_one_name_are_a_conflict(self):
        self.cookies.set("a", "1", domain="a.test")
        self.cookies.set("a", "2", domain="b.test")
        for look in (lambda: self.cookies["a"], lambda: self.cookies.get("a"), lambda: self.cookies.pop("a")):
            with self.assertRaises(requests.cookies.CookieConflictError) as caught:
                look()
            self.assertEqual(str(caught.exception), "There are multiple cookies with name, 'a'")
        self.assertIn("a", self.cookies)
        self.assertEqual(self.cookies.get("a", domain="b.test"), "2")
        del self.cookies["a"]
        self.assertEqual(len(self.cookies), 0)

    def test_a_conflict_needs_no_requests(self):
        script = (
            "import sys, locust\n"
            "from locust.clients import HttpSession\n"
            "from locust.env import Environment\n"
            "cookies = HttpSession('http://a.test', Environment().events.request, None).cookies\n"
            "cookies.set('a', '1', domain='a'), cookies.set('a', '1', domain='b')\n"
            "try:\n    cookies['a']\n"
            "except RuntimeError as error:\n    print(type(error).__name__, 'requests' in sys.modules)"
        )
        package = Path(__file__).parents[2]
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=package, check=True)
        self.assertEqual(done.stdout, "CookieConflictError False\n")

    def test_what_is_missing(self):
        self.assertIsNone(self.cookies.get("a"))
        del self.cookies["a"]
        self.assertNotIn(5, self.cookies)
        with self.assertRaisesRegex(KeyError, "name='a', domain=None, path=None"):
            self.cookies["a"]
        with self.assertRaises(KeyError):
            self.cookies.clear(domain="a.test")
        with self.assertRaises(ValueError):
            self.cookies.clear(name="a")
        self.assertEqual((self.cookies.pop("a", 3), self.cookies.setdefault("a", "4"), self.cookies["a"]), (3, "4", "4"))

    def test_keys_values_and_items_also_as_iterators(self):
        self.cookies.update({"a": "1", "b": "2"})
        self.assertEqual(list(self.cookies.iterkeys()), self.cookies.keys())
        self.assertEqual(list(self.cookies.itervalues()), ["1", "2"])
        self.assertEqual(dict(self.cookies.iteritems()), dict(self.cookies))
        self.cookies.set("old", "1", expires=1)
        self.assertEqual(len(self.cookies), 3)
        self.cookies.clear_expired_cookies()
        self.assertEqual(self.cookies.keys(), ["a", "b"])
        self.cookies.clear_session_cookies()
        self.assertEqual(len(self.cookies), 0)
