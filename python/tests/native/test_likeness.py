"""Whom `isinstance` takes sessions and responses for; observed on Locust 2.47."""

import copy
import os
import pickle
import subprocess
import sys
import unittest
from collections.abc import Mapping
from unittest import mock

import requests

from locust import clients
from locust._http import likeness
from locust._unsupported import NotSupportedYet
from locust.clients import HttpSession, ResponseContextManager
from locust.event import EventHook

from .support import Raw, Session, ok


class Likeness(unittest.TestCase):
    def setUp(self):
        self.server = Raw(lambda _request: ok(b"", "X-A: 1")).__enter__()
        self.addCleanup(self.server.socket.close)

    def test_a_session_is_one_of_requests(self):
        class Own(HttpSession):
            def __init__(self, *args):
                super().__init__(*args)
                self.calls = 0

            def request(self, method, url, **options):
                self.calls += 1
                return super().request(method, url, **options)

        for kind in (HttpSession, Own):
            session = kind(self.server.url, EventHook(), None)
            self.assertIsInstance(session, requests.Session)
            self.assertIs(session.__class__, kind)
            response = session.get("/")
            self.assertIsInstance(response, clients.ResponseContextManager)
        self.assertEqual(session.calls, 1)

    def test_what_a_request_returns_is_of_requests_too(self):
        response = Session(self.server.url).get("/")
        self.assertIsInstance(response, requests.Response)
        self.assertIsInstance(response, ResponseContextManager)
        self.assertIsInstance(response.headers, requests.structures.CaseInsensitiveDict)
        self.assertIsInstance(response.headers, Mapping)
        self.assertIsInstance(response.request, requests.PreparedRequest)
        self.assertNotIsInstance(response, requests.Session)
        self.assertNotIsInstance(Session(self.server.url, fast=True).get("/"), requests.Response)

    def test_classes_have_the_names_they_had(self):
        response = Session(self.server.url).get("/")
        for value in (response, response.headers, response.request):
            named, own = value.__class__, type(value)
            self.assertEqual((named.__module__, named.__name__), (own.__module__, own.__name__))
            self.assertTrue(issubclass(named, own))
            self.assertIs(value.__class__, named)
        self.assertEqual(repr(response), "<Response [200]>")

    def test_headers_are_copied_and_pickled_as_before(self):
        headers = Session(self.server.url).get("/").headers
        for made in (copy.copy(headers), copy.deepcopy(headers), pickle.loads(pickle.dumps(headers))):
            self.assertIs(type(made), type(headers))
            self.assertEqual(made, headers)
        self.assertEqual(headers, requests.structures.CaseInsensitiveDict(headers.items()))
        with self.assertRaisesRegex(TypeError, "pickle a response: not supported"):
            pickle.dumps(Session(self.server.url).get("/"))

    def test_what_is_not_requests_but_has_its_name_is_passed_over(self):
        with mock.patch.dict(sys.modules, requests=mock.MagicMock()), mock.patch.dict(likeness._made, clear=True):
            session = HttpSession(self.server.url, EventHook(), None)
            self.assertIs(session.get("/").__class__, ResponseContextManager)

    def test_copies_of_a_client_are_refused_by_name(self):
        for refused in (copy.copy, pickle.dumps):
            with self.assertRaisesRegex(NotSupportedYet, "copying or pickling a client is not supported"):
                refused(HttpSession(self.server.url, EventHook(), None))

    def test_requests_is_not_imported_for_it(self):
        code = (
            "import sys; from locust import clients, event\n"
            "session = clients.HttpSession('http://127.0.0.1:1', event.EventHook(), None)\n"
            "response = session.get('/')\n"
            "assert not isinstance(response, int) and response.__class__ is type(response)\n"
            "assert 'requests' not in sys.modules"
        )
        package = os.path.dirname(os.path.dirname(clients.__file__))
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": package})


if __name__ == "__main__":
    unittest.main()
