"""Our JSON makes of plain values what Python's makes of them, and leaves the others to it."""

import json
import math
import random
import unittest
from decimal import Decimal

from .support import Raw, Session, ok

VALUES = [
    {}, [], "", 0, -1, 2**63 - 1, -(2**63), 2**63, 10**30, True, False, None, 1.0, -0.0, 1e16, 1e-7, 123456.789, 5e-324,
    "é\u2028\x7f\x00\t\"\\/", "😀", "\ud83d", {"a": {"b": [1, 2.5, None, "x"]}, "é": ()}, (1, 2),
    {1: "int key", None: "none key", 2.5: "float key", True: "bool key"}, [[[[]]]], {"a" * 50: "long key"},
]  # fmt: skip

TEXTS = [
    '{"a": 1, "a": 2}', " [1 , 2.0,3e2 , -0, -0.0, 1E+2] \n", '"\\u00e9\\ud83d\\ude00\\n\\/"', '"\\ud83d"', "NaN",
    "[Infinity, -Infinity]", "12345678901234567890", "1e999", "true", "null", '{"a":{}}', "[]", '"\x7f"', "[1,]", "{,}",
    "01", "1.", "-", ".5", "+1", "'a'", '{"a" 1}', '{"a":}', "tru", "", " ", "[1] x", '"\t"', '"\\x"', '"\\u12g4"', "{1: 2}",
    '"abc', "[" * 300 + "]" * 300, "[" * 300,
]  # fmt: skip


def outcome(function):
    try:
        value = function()
    except Exception as error:
        return type(error).__mro__[-3:], str(error)
    return value, repr(value)


class Bodies(unittest.TestCase):
    def sent(self, values, fast=True):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url, fast=fast)
            for value in values:
                session.post("/", json=value)
            return [request.partition(b"\r\n\r\n")[2] for request in server.requests]

    def test_values_are_written_as_python_writes_them(self):
        values = [value for value in VALUES if value is not None]
        self.assertEqual(self.sent(values), [json.dumps(value).encode() for value in values])
        self.assertEqual(self.sent(values, fast=False), [json.dumps(value).encode() for value in values])
        odd = [math.inf, [math.nan], {"deep": [-math.inf]}]
        self.assertEqual(self.sent(odd), [json.dumps(value).encode() for value in odd])

    def test_what_is_no_json_is_refused_in_pythons_words(self):
        circle = []
        circle.append(circle)
        for value in ({"a": Decimal(1)}, [object], {(1, 2): 3}, circle):
            with self.assertRaises(Exception) as ours:
                self.sent([value])
            with self.assertRaises(Exception) as theirs:
                json.dumps(value)
            self.assertEqual(repr(ours.exception), repr(theirs.exception))


class Answers(unittest.TestCase):
    def read(self, texts, content_type="application/json"):
        bodies = iter([text if isinstance(text, bytes) else text.encode() for text in texts])
        with Raw(lambda request: ok(next(bodies), f"Content-Type: {content_type}")) as server:
            session = Session(server.url, fast=True)
            return [outcome(session.get("/").json) for _ in texts]

    def test_texts_are_read_as_python_reads_them(self):
        texts = TEXTS + [json.dumps(value, ensure_ascii=ascii) for value in VALUES for ascii in (True, False) if value != "\ud83d"]
        for text, ours in zip(texts, self.read(texts)):
            self.assertEqual(ours, outcome(lambda: json.loads(text)), text)

    def test_damaged_texts_are_read_or_refused_as_by_python(self):
        chance = random.Random(7)
        whole = json.dumps({"key": [1, -2.5e3, "t\u00e9xt\\n", {"x": None, "y": True}]})
        texts = []
        for _ in range(300):
            damaged = list(whole)
            for _ in range(chance.randint(1, 3)):
                damaged[chance.randrange(len(damaged))] = chance.choice('{}[],:"\\0-.eE tnu')
            texts.append("".join(damaged))
        for text, ours in zip(texts, self.read(texts)):
            self.assertEqual(ours, outcome(lambda: json.loads(text)), text)

    def test_keys_that_fall_into_the_same_place_are_told_apart(self):
        texts = [json.dumps({f"key{n}": n, f"other{n}": -n}) for n in range(1000)]
        self.assertEqual([value for value, _ in self.read(texts)], [json.loads(text) for text in texts])

    def test_a_known_encoding_stands_before_utf_8(self):
        with Raw(lambda request: ok('{"a": "é"}'.encode(), "Content-Type: text/plain")) as server:
            self.assertEqual(Session(server.url).get("/").json(), {"a": "Ã©"})
