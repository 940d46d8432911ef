"""Who may use the web interface: with credentials in the environment, and with a locustfile's own login."""

import importlib.util
import json
import logging
import os
import tempfile
import unittest
from http.client import HTTPConnection
from unittest import mock
from urllib.parse import urlencode

from locust import User, task
from locust._unsupported import NotSupportedYet
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.web.login import credentials, page

from .support import Run


def setUpModule():
    logging.disable(logging.CRITICAL)


def tearDownModule():
    logging.disable(logging.NOTSET)


class One(User):
    @task
    def nothing(self):
        pass


class Login(unittest.TestCase):
    variables = {}

    def setUp(self):
        patch = mock.patch.dict(os.environ, self.variables)
        patch.start()
        self.addCleanup(patch.stop)
        self.environment = Environment(
            user_classes=[One],
            available_user_classes={"One": One},
            available_shape_classes={},
            parsed_options=get_parser(default_config_files=()).parse_args([]),
            locustfile="mine.py",
        )
        self.runner = self.environment.create_local_runner()
        self.addCleanup(self.runner.quit)
        self.cookies = {}

    def make(self, **kwargs):
        web = self.environment.create_web_ui("127.0.0.1", 0, delayed_start=True, **kwargs)
        self.addCleanup(web.stop)
        return web

    def ask(self, method, path, form=None, **headers):
        connection = HTTPConnection("127.0.0.1", self.environment.web_ui.server.port, timeout=20)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, None if form is None else urlencode(form), headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.location = answer.headers["Location"]
        text = answer.read().decode()
        connection.close()
        return answer.status, text


class FromTheEnvironment(Login):
    variables = {"THRONG_WEB_USER": "ann", "THRONG_WEB_PASSWORD": "correct horse", "THRONG_WEB_TOKEN": "battery staple"}

    def setUp(self):
        super().setUp()
        self.make(web_login=True).start()

    def test_locusts_endpoints_and_ours_are_behind_the_login(self):
        for method, path in (("GET", "/stats/requests"), ("POST", "/swarm"), ("GET", "/api/v1/snapshot"), ("GET", "/any")):
            self.assertEqual(self.ask(method, path)[0], 401, path)
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.ask("POST", "/login", {"username": "ann", "password": "wrong"})[0], 401)
        self.assertEqual(self.ask("POST", "/login", {"username": "ann", "password": "correct horse"})[0], 303)
        status, text = self.ask("GET", "/stats/requests")
        self.assertEqual((status, json.loads(text)["state"]), (200, "ready"))

    def test_a_program_shows_the_token(self):
        self.assertEqual(self.ask("GET", "/tasks", Authorization="Bearer battery staple")[0], 200)


class Credentials(unittest.TestCase):
    def test_they_come_from_variables_or_files(self):
        self.assertIsNone(credentials({}))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("from a file\n")
            file.flush()
            found = credentials({"THRONG_WEB_USER": "ann", "THRONG_WEB_PASSWORD_FILE": file.name})
            self.assertEqual(found, ("ann", "from a file", None))
            with self.assertRaisesRegex(ValueError, "say the same"):
                credentials({"THRONG_WEB_TOKEN": "a", "THRONG_WEB_TOKEN_FILE": file.name})
        self.assertEqual(credentials({"THRONG_WEB_TOKEN": "t"}), (None, None, "t"))
        with self.assertRaisesRegex(ValueError, "needs THRONG_WEB_USER"):
            credentials({"THRONG_WEB_PASSWORD": "p"})

    def test_a_login_without_credentials_is_refused_by_name(self):
        if importlib.util.find_spec("flask") is None:
            self.skipTest("not installed: flask")
        with Run("from locust import User\nclass U(User): pass\n", "--web-login --web-port 0") as ran:
            self.assertEqual(ran.code, 1)
            self.assertIn("THRONG_WEB_USER", ran.stderr)


class Form(unittest.TestCase):
    def test_what_a_locustfile_says_is_text(self):
        hostile = "<script>x</script>"
        text = page(
            {
                "error": hostile,
                "username_password_callback": "/in",
                "auth_providers": [{"label": hostile, "callback_url": "/git", "icon_url": '"><script>'}],
                "custom_form": {
                    "inputs": [
                        {"label": hostile, "name": "a", "is_secret": True, "is_required": True},
                        {"label": "b", "name": "b", "choices": ["1", hostile], "is_multiple": True, "default_value": ["1"]},
                        {"label": "c", "name": "c", "default_value": True},
                    ],
                    "callback_url": "/custom",
                },
            }
        )
        self.assertNotIn("<script", text)
        for part in ('action="/in"', 'href="/git"', 'action="/custom"', 'type="password" name="a"', "<select", "checkbox"):
            self.assertIn(part, text)


@unittest.skipIf(importlib.util.find_spec("flask_login") is None, "not installed: flask-login")
class OfTheLocustfile(Login):
    """Flask-Login as Locust's documentation has it: user loader, form, blueprint."""

    def setUp(self):
        from flask import Blueprint, redirect, request, session, url_for
        from flask_login import UserMixin, login_user, logout_user

        super().setUp()
        web = self.make(web_login=True)

        class AuthUser(UserMixin):
            def __init__(self, name):
                self.id = name

        web.app.config["SECRET_KEY"] = "of a test"
        web.login_manager.user_loader(AuthUser)
        web.auth_args = {"username_password_callback": "/login_submit"}
        blueprint = Blueprint("auth", "web_ui_auth")

        @blueprint.route("/login_submit", methods=["POST"])
        def login_submit():
            if request.form.get("password") == "secret":
                login_user(AuthUser(request.form["username"]))
                return redirect(url_for("locust.index"))
            session["auth_error"] = "Invalid <username> or password"
            return redirect(url_for("locust.login"))

        @blueprint.route("/open")
        def unguarded():
            return "open"

        @blueprint.route("/mine")
        @web.auth_required_if_enabled
        def guarded():
            return "mine"

        @blueprint.route("/metrics")
        @web.auth_required_if_enabled
        def metrics():
            return "of mine"

        @blueprint.route("/logout")
        def log_out():
            logout_user()
            return redirect(url_for("locust.login"))

        web.app.register_blueprint(blueprint)
        web.start()

    def test_its_form_leads_in(self):
        self.assertEqual((self.ask("GET", "/", Accept="text/html")[0], self.location), (303, "/login"))
        status, text = self.ask("GET", "/login")
        self.assertEqual(status, 200)
        self.assertIn('action="/login_submit"', text)
        self.assertEqual((self.ask("POST", "/login_submit", {"username": "a", "password": "no"})[0], self.location), (302, "/login"))
        self.assertIn("Invalid &lt;username&gt; or password", self.ask("GET", "/login")[1])
        self.assertNotIn("Invalid", self.ask("GET", "/login")[1])
        self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 401)
        self.assertEqual((self.ask("POST", "/login_submit", {"username": "a", "password": "secret"})[0], self.location), (302, "/"))
        for path in ("/", "/api/v1/snapshot", "/stats/requests", "/mine"):
            self.assertEqual(self.ask("GET", path)[0], 200, path)
        self.assertEqual(self.ask("GET", "/metrics"), (200, "of mine"))
        self.assertEqual((self.ask("GET", "/logout")[0], self.location), (302, "/login"))
        self.assertEqual(self.ask("GET", "/api/v1/snapshot")[0], 401)

    def test_strangers_see_what_guards_nothing(self):
        self.assertEqual(self.ask("GET", "/open"), (200, "open"))
        for path in ("/mine", "/stats/requests", "/metrics"):
            self.assertEqual((self.ask("GET", path)[0], self.location), (302, "/login"), path)
        self.assertEqual(self.ask("POST", "/swarm", {"user_count": 1, "spawn_rate": 1})[0], 302)
        self.assertEqual(self.runner.state, "ready")
        self.assertEqual(self.ask("POST", "/api/v1/stop", X_Throng="1")[0], 401)

    def test_the_form_must_be_described(self):
        self.environment.web_ui.stop()
        with self.assertRaisesRegex(ValueError, "THRONG_WEB_USER.*auth_args"):
            self.make(web_login=True).start()
        with self.assertRaises(NotSupportedYet):
            _ = self.make().login_manager


if __name__ == "__main__":
    unittest.main()
