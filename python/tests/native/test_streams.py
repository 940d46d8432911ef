"""Bodies that are read while they arrive, and the time-outs of single steps."""

import time
import unittest

import gevent
from gevent.event import Event

from .support import Raw, Session, ok

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def length(count):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count


class Streams(unittest.TestCase):
    def test_lines_are_there_before_the_end_of_the_response(self):
        seen = Event()

        def answer(_request):
            yield CHUNKED + chunk(b"one\ntw")
            seen.wait(5)
            yield chunk("o\ndrü".encode()[:-1])
            yield chunk("drü".encode()[-1:] + b"ben") + chunk(b"")

        with Raw(answer) as server:
            lines = Session(server.url).get("/", stream=True).iter_lines(decode_unicode=True)
            self.assertEqual(next(lines), "one")
            seen.set()
            self.assertEqual(list(lines), ["two", "drüben"])

    def test_the_fast_client_streams_text(self):
        def answer(_request):
            yield CHUNKED + chunk(b"one\n")
            gevent.sleep(0.01)
            yield chunk(b"two\n") + chunk(b"")

        with Raw(answer) as server:
            session = Session(server.url, fast=True)
            self.assertEqual(list(session.iter_lines("/")), ["one", "two"])
            self.assertEqual(list(session.get("/", stream=True).iter_content(3)), ["one", "\ntw", "o\n"])
            self.assertEqual(session.get("/", stream=True).content, b"one\ntwo\n")

    def test_responses_have_the_class_names_of_locust(self):
        with Raw(lambda request: ok()) as server:
            names = [
                [type(session.get(url, catch_response=catch)).__name__ for catch in (False, True) for url in ("/", "http://127.0.0.1:1/")]
                for session in (Session(server.url), Session(server.url, fast=True))
            ]
        caught = "ResponseContextManager"
        self.assertEqual(names, [[caught] * 4, ["FastResponse", "ErrorResponse", caught, caught]])
        with self.assertRaisesRegex(AttributeError, "^'ResponseContextManager' object has no attribute 'nope'$"):
            Session(server.url).get("/").nope

    def test_the_request_is_reported_when_its_head_is_there(self):
        seen = Event()

        def answer(_request):
            yield length(4) + b"ab"
            seen.wait(5)
            yield b"cd"

        with Raw(answer) as server:
            session = Session(server.url)
            response = session.get("/", stream=True)
            self.assertEqual((session.stats.num_requests, session.stats.total.total_content_length), (1, 4))
            gevent.spawn_later(0.02, seen.set)
            self.assertEqual((response.content, response.text), (b"abcd", "abcd"))

    def test_pieces_have_the_size_that_was_asked_for(self):
        def answer(_request):
            for piece in (length(7) + b"a", b"bcd", b"efg"):
                yield piece
                gevent.sleep(0.01)

        with Raw(answer) as server:
            session = Session(server.url)
            self.assertEqual(list(session.get("/", stream=True).iter_content(3)), [b"abc", b"def", b"g"])
            raw = session.get("/", stream=True).raw
            self.assertEqual((raw.read(2), raw.read()), (b"ab", b"cdefg"))

    def test_a_connection_serves_again_after_the_end_and_is_closed_before_it(self):
        def answer(_request):
            yield length(4) + b"ab"
            gevent.sleep(0.01)
            yield b"cd"

        with Raw(answer) as server:
            session = Session(server.url)
            self.assertEqual([session.get("/", stream=True).content for _ in range(3)], [b"abcd"] * 3)
            self.assertEqual(server.open, 1)
            session.get("/", stream=True).close()
            with gevent.Timeout(5):
                while server.open:
                    gevent.sleep(0.01)

    def test_what_was_handed_out_in_pieces_is_no_whole_any_more(self):
        def answer(_request):
            yield CHUNKED + chunk(b"a")
            gevent.sleep(0.01)
            yield chunk(b"")

        with Raw(answer) as server:
            response = Session(server.url).get("/", stream=True)
            self.assertEqual(list(response.iter_content(None)), [b"a"])
            with self.assertRaisesRegex(RuntimeError, "already consumed"):
                response.content

    def test_a_stream_that_breaks_raises_what_requests_raises(self):
        def answer(_request):
            yield length(9) + b"ab"
            gevent.sleep(0.01)
            raise OSError

        with Raw(answer) as server:
            response = Session(server.url).get("/", stream=True)
            with self.assertRaises(Exception) as raised:
                response.content
        self.assertEqual(type(raised.exception).__name__, "ChunkedEncodingError")

    def test_the_body_of_a_redirection_is_read_and_its_connection_used_again(self):
        def answer(request):
            if b"GET /there" in request:
                yield ok(b"there")
                return
            yield b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 4\r\n\r\nab"
            gevent.sleep(0.01)
            yield b"cd"

        with Raw(answer) as server:
            response = Session(server.url).get("/", stream=True)
            self.assertEqual((response.content, response.history[0].content), (b"there", b"abcd"))
            self.assertEqual(server.open, 1)


class Patience(unittest.TestCase):
    def test_a_slow_body_is_no_time_out_while_something_comes(self):
        def answer(_request):
            yield length(6)
            for _ in range(6):
                gevent.sleep(0.05)
                yield b"x"

        with Raw(answer) as server:
            for fast, options, timeout in ((False, {}, {"timeout": 0.15}), (True, {"network_timeout": 0.15}, {})):
                response = Session(server.url, fast=fast, **options).get("/", **timeout)
                self.assertEqual(response.content, b"xxxxxx")

    def test_silence_is_a_time_out_also_while_a_stream_is_read(self):
        def answer(_request):
            yield CHUNKED + chunk(b"x")
            gevent.sleep(5)

        with Raw(answer) as server:
            session = Session(server.url)
            self.assertIn("Read timed out", repr(session.get("/", timeout=0.05).error))
            pieces = session.get("/", timeout=(1, 0.05), stream=True).iter_content(None)
            self.assertEqual(next(pieces), b"x")
            began = time.monotonic()
            with self.assertRaisesRegex(Exception, "Read timed out"):
                next(pieces)
            self.assertLess(time.monotonic() - began, 2)
