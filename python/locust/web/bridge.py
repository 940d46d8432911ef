"""From what the page's server asks to what Python answers: routes as WSGI, commands as the runner's methods.

The server is Rust's, on a thread without the interpreter. A watcher of gevent's hub wakes a greenlet for each question.
"""

import io
import json
import logging
import sys
from urllib.parse import unquote_to_bytes

import gevent

from . import actions, guards
from .form import start_form

logger = logging.getLogger("locust.web")

_READ = 1
# What headers say of the body, which is not the one that is sent when somebody is let through.
_OF_THE_BODY = ("content-type", "content-length", "content-encoding", "etag", "last-modified", "cache-control")


class Bridge:
    """Answers what `server` asks, for as long as it is open."""

    def __init__(self, web_ui, server):
        self.web_ui = web_ui
        self.server = server
        # Not a reason for the process to live on: the runner's greenlets are.
        self._watcher = gevent.get_hub().loop.io(server.fileno(), _READ, ref=False)
        self._watcher.start(self._look)

    def close(self):
        """Answers no more."""
        self._watcher.stop()

    def _look(self):
        for ask in self.server.take():
            gevent.spawn({"request": self._serve, "admit": self._admit}.get(ask.kind, self._command), ask)

    # ---- requests

    def _serve(self, ask):
        self._relay(ask, self.web_ui.application, self._environ(ask))

    def _admit(self, ask):
        """Whether whoever asks for a page of ours is let through; what the locustfile's application says instead is the answer."""
        asked = guards.Asked()

        def judge(begun, parts):
            # Neither a guard nor a hook after the view has refused.
            if not asked.reached or not 200 <= begun[0] < 300:
                return False
            own = [(name, value) for name, value in begun[1] if name.lower() not in _OF_THE_BODY]
            ask.admit(asked.admitted, own if asked.admitted else [])
            return True

        try:
            environ = self._environ(ask)
            if not self.web_ui.is_guarded():
                ask.admit(self.web_ui.admits(environ), [])
                return
            environ = guards.as_locusts(environ, asked)
        except Exception:
            logger.exception("%s %s cannot be asked for", ask.method, ask.path)
            ask.begin(500, [("Content-Type", "text/plain")])
            ask.end()
            return
        self._relay(ask, self.web_ui.app, environ, judge)

    def _relay(self, ask, application, environ, judge=None):
        """Has `application` answer; `judge`, who sees the head of the answer, may say that it is not to be sent."""
        begun = []

        def start_response(status, headers, exc_info=None):
            if begun and exc_info is None:
                raise AssertionError("start_response was called before")
            begun[:] = [int(status.split(" ", 1)[0]), headers]
            return lambda part: ask.write(part)

        sends = False
        try:
            parts = application(environ, start_response)
            try:
                for part in parts:
                    if not sends:
                        if judge and judge(begun, parts):
                            return
                        sends = True
                        ask.begin(*begun)
                    if not ask.write(part):
                        break
                if not sends:
                    if judge and judge(begun, parts):
                        return
                    sends = True
                    ask.begin(*begun)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        except Exception:
            logger.exception("%s %s failed", ask.method, ask.path)
            if sends:
                # Part of it has gone out: whoever reads it must not take that for the whole.
                ask.abort()
                return
            ask.begin(500, [("Content-Type", "text/plain")])
        finally:
            ask.end()

    def _environ(self, ask):
        host, _, port = ask.remote.rpartition(":")
        environ = {
            "REQUEST_METHOD": ask.method,
            "SCRIPT_NAME": self.web_ui.base_path,
            "PATH_INFO": unquote_to_bytes(ask.path).decode("latin-1"),
            "QUERY_STRING": ask.query,
            "SERVER_NAME": self.web_ui.host or "localhost",
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": host.strip("[]"),
            "REMOTE_PORT": port,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.web_ui.tls else "http",
            "wsgi.input": io.BytesIO(ask.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(ask.body)),
        }
        for name, value in ask.headers:
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = value
            elif key != "CONTENT_LENGTH":
                known = environ.get(f"HTTP_{key}")
                environ[f"HTTP_{key}"] = value if known is None else f"{known}, {value}"
        return environ

    # ---- commands

    def _command(self, ask):
        try:
            getattr(self, f"_{ask.kind}")(ask)
        except ValueError as error:
            ask.refuse(str(error))
        except Exception as error:
            logger.exception("the command %s failed", ask.kind)
            ask.refuse(f"{type(error).__name__}: {error}")

    def _start(self, ask):
        if "start" not in self.web_ui.feed.can():
            ask.refuse_now("a test runs already, or there is no worker yet")
            return
        details = json.loads(ask.details)
        for key in ("classes", "shape"):
            if details[key] is not None and not self.web_ui.userclass_picker_is_active:
                raise ValueError("classes cannot be chosen: --class-picker is not set")
        form = start_form({**details, "users": ask.users, "spawn_rate": ask.spawn_rate})
        self._swarm(ask, form)

    def _users(self, ask):
        if "edit" not in self.web_ui.feed.can():
            ask.refuse_now("no test runs whose users can be changed")
            return
        rate = ask.spawn_rate
        if rate is None:
            rate = getattr(self.web_ui.environment.parsed_options, "spawn_rate", None) or 1
        # Who changes the users on the page has said nothing of the time, which it still shows.
        self._swarm(ask, {"user_count": [str(ask.users)], "spawn_rate": [str(rate)]}, keeps_limit=True)

    def _swarm(self, ask, form, keeps_limit=False):
        answer = actions.swarm(self.web_ui, form, keeps_limit)
        if answer["success"]:
            ask.accept()
        else:
            ask.refuse(answer["message"])
        self.web_ui.feed.wake()

    def _stop(self, ask):
        if "stop" not in self.web_ui.feed.can():
            ask.refuse_now("no test runs")
            return
        actions.stop(self.web_ui)
        ask.accept()
        self.web_ui.feed.wake()

    def _reset(self, ask):
        actions.reset(self.web_ui)
        ask.accept()
        self.web_ui.feed.wake()

    def _pause(self, ask):
        ask.refuse_ever("a locustfile cannot be paused")

    _resume = _pause

    def _scale(self, ask):
        ask.refuse_ever("scale is for k6 scripts: the number of a locustfile's users is set with users")
