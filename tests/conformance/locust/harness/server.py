"""The server that the locustfiles load: every answer depends on the request alone.

Some paths answer as no library would, to see what a client reports: a reset connection, a truncated body,
a status line that is none. Those are written to the socket by hand.
"""

import base64
import gzip
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers are small: without this they wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_arguments):
        """Nothing: the runs print enough."""

    def answer(self):
        url = urlsplit(self.path)
        first, *rest = url.path.strip("/").split("/")
        body = self.read_body()
        action = getattr(self, f"do_{first}", None)
        if action is None:
            return self.send(404, "nothing here")
        return action(rest, parse_qs(url.query, keep_blank_values=True), body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status, body="", kind="text/plain", headers=()):
        data = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(data)

    def send_json(self, value, status=200, headers=()):
        self.send(status, json.dumps(value, sort_keys=True), "application/json", headers)

    # ---- ordinary answers

    def do_hello(self, _rest, _query, _body):
        self.send(200, "hello")

    def do_status(self, rest, _query, _body):
        self.send(int(rest[0]), f"status {rest[0]}")

    def do_item(self, rest, _query, _body):
        self.send(200, f"item {rest[0]}")

    def do_slow(self, rest, _query, _body):
        time.sleep(int(rest[0]) / 1000)
        self.send(200, "slow")

    def do_json(self, _rest, query, _body):
        self.send_json({"name": "throng", "list": [1, 2, 3], "nested": {"a": None}, "args": query})

    def do_text(self, _rest, _query, _body):
        self.send(200, "not json")

    def do_bytes(self, rest, _query, _body):
        self.send(200, b"x" * int(rest[0]), "application/octet-stream")

    def do_latin(self, _rest, _query, _body):
        self.send(200, "caf\u00e9".encode("latin-1"), "text/plain; charset=iso-8859-1")

    def do_gzip(self, _rest, _query, _body):
        self.send(200, gzip.compress(b"squeezed " * 20, mtime=0), headers=[("Content-Encoding", "gzip")])

    def do_lines(self, _rest, _query, _body):
        self.send(200, "one\ntwo\nthree\n")

    def do_echo(self, _rest, query, body):
        """What arrived: of the headers only those that a script set or that say how the body is to be read."""
        shown = {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower().startswith("x-") or name.lower() in ("content-type", "accept", "authorization", "cookie")
        }
        kind = shown.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            boundary = kind.split("boundary=")[1].encode()
            body = body.replace(boundary, b"BOUNDARY")
            shown["content-type"] = "multipart/form-data"
        shown["cookie"] = "; ".join(sorted(shown.get("cookie", "").split("; ")))
        self.send_json({"method": self.command, "query": query, "headers": shown, "body": body.decode("latin-1")})

    def do_login(self, _rest, _query, body):
        form = parse_qs(body.decode())
        self.send_json({"user": form.get("user")}, headers=[("Set-Cookie", "session=s3cret; Path=/")])

    def do_cookie(self, rest, _query, _body):
        self.send(200, "set", headers=[("Set-Cookie", f"{rest[0]}={rest[1]}; Path=/")])

    def do_redirect(self, rest, query, _body):
        left = int(rest[0])
        status = int(query.get("status", ["302"])[0])
        target = f"/redirect/{left - 1}" if left > 1 else "/echo"
        self.send(status, "elsewhere", headers=[("Location", target)])

    def do_loop(self, _rest, _query, _body):
        self.send(302, "again", headers=[("Location", "/loop")])

    def do_auth(self, rest, _query, _body):
        expected = "Basic " + base64.b64encode(":".join(rest).encode()).decode()
        if self.headers.get("Authorization") == expected:
            self.send(200, "in")
        else:
            self.send(401, "out", headers=[("WWW-Authenticate", 'Basic realm="x"')])

    # ---- answers that are none

    def do_close(self, _rest, _query, _body):
        self.close_connection = True

    def do_reset(self, _rest, _query, _body):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        self.rfile.close()

    def do_truncated(self, _rest, _query, _body):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        self.close_connection = True

    def do_garbage(self, _rest, _query, _body):
        self.wfile.write(b"hello\r\n")
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Nothing: clients that go away are part of the tests."""


def start():
    """Serves from a thread; returns the server and its base URL."""
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


if __name__ == "__main__":
    print(start()[1], flush=True)
    threading.Event().wait()
