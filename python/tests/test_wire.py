"""The bytes between nodes: what a worker reports and what a master orders, as Locust 2.47 does, to the order of keys.

A node at the other end is made by hand, and what it is sent is read without any library. Where `$THRONG_REAL_LOCUST` is an
interpreter with Locust, its own nodes are read in the same way and compared.
"""

import os
import re
import socket
import struct
import tempfile
import time
import unittest
from pathlib import Path

from .support import Target, free_port, start

REAL = os.environ.get("THRONG_REAL_LOCUST")

GREETING = bytes([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0]) + b"NULL".ljust(52, b"\0")

LOCUSTFILE = """
from locust import HttpUser, constant, task

class MyUser(HttpUser):
    wait_time = constant(60)

    @task
    def three(self):
        self.client.get("/item")
        self.client.get("/status/404", name="gone")
        self.environment.events.request.fire(
            request_type="OWN", name="own", response_time=1234.5, response_length=7, exception=ValueError("boom")
        )
"""

IN_ORDER = """
from pathlib import Path
from locust import User, constant, events, task

def note(name):
    def listener(**kwargs):
        with (Path(__file__).parent / "order").open("a") as notes:
            print(name, file=notes)

    return listener

for name in ("init", "test_start"):
    getattr(events, name).add_listener(note(name))

class MyUser(User):
    wait_time = constant(60)

    @task
    def work(self):
        pass
"""

# What each value is, from its first byte on: msgpack has several forms for one number, of which the shortest is sent.
ENTRY = [
    ("name", "text"),
    ("method", "text"),
    ("last_request_timestamp", "float"),
    ("start_time", "float"),
    ("num_requests", "whole"),
    ("num_none_requests", "whole"),
    ("num_failures", "whole"),
    ("total_response_time", "float"),
    ("max_response_time", "float"),
    ("min_response_time", "float"),
    ("total_content_length", "whole"),
    ("response_times", {"whole": "whole"}),
    ("num_reqs_per_sec", {"whole": "whole"}),
    ("num_fail_per_sec", {"whole": "whole"}),
]
ERROR = [
    ("name", "text"),
    ("method", "text"),
    ("error", "text"),
    ("occurrences", "whole"),
    ("first_seen", "float"),
    ("last_seen", "float"),
]


class Reader:
    """MessagePack, with maps as lists of pairs, that refuses a number in a longer form than it needs."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        taken = self.data[self.at : self.at + count]
        assert len(taken) == count, "the message is cut off"
        self.at += count
        return taken

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def whole(self, form, shorter):
        value = self.number(form)
        assert not shorter(value), f"{value} in {struct.calcsize(form)} bytes"
        return value

    def value(self):
        kind = self.take(1)[0]
        if kind < 0x80:
            return kind
        if kind < 0x90:
            return self.pairs(kind & 0xF)
        if kind < 0xA0:
            return [self.value() for _ in range(kind & 0xF)]
        if kind < 0xC0:
            return self.take(kind & 0x1F).decode()
        if kind >= 0xE0:
            return kind - 0x100
        match kind:
            case 0xC0:
                return None
            case 0xC2 | 0xC3:
                return kind == 0xC3
            case 0xC4:
                return self.take(self.number("B"))
            case 0xCB:
                return self.number("d")
            case 0xCC:
                return self.whole("B", lambda n: n < 0x80)
            case 0xCD:
                return self.whole("H", lambda n: n < 0x100)
            case 0xCE:
                return self.whole("I", lambda n: n < 0x10000)
            case 0xCF:
                return self.whole("Q", lambda n: n < 1 << 32)
            case 0xD0:
                return self.whole("b", lambda n: n >= -0x20)
            case 0xD9:
                return self.take(self.whole("B", lambda n: n < 32)).decode()
            case 0xDA:
                return self.take(self.whole("H", lambda n: n < 256)).decode()
            case 0xDC:
                return [self.value() for _ in range(self.whole("H", lambda n: n < 16))]
            case 0xDE:
                return self.pairs(self.whole("H", lambda n: n < 16))
        raise AssertionError(f"0x{kind:x} is nothing that Locust sends")

    def pairs(self, count):
        return Pairs((self.value(), self.value()) for _ in range(count))


class Pairs(list):
    """A map in the order in which it was sent."""

    def get(self, key):
        return dict(self)[key]


def read(data):
    """The message in these bytes; nothing may follow it."""
    reader = Reader(data)
    value = reader.value()
    assert reader.at == len(data), "something follows the message"
    return value


def shape(value):
    """What is sent, without the values; of maps with numbers as keys only that."""
    match value:
        case Pairs():
            if value and not isinstance(value[0][0], str):
                return {shape(key): shape(item) for key, item in value}
            return [(key, shape(item)) for key, item in value]
        case list():
            return [shape(item) for item in value]
        case bool():
            return "switch"
        case None:
            return "nothing"
        case int():
            return "whole"
        case float():
            return "float"
        case bytes():
            return "bytes"
        case _:
            return "text"


class Peer:
    """The other end of a node's connection, as ZMTP 3 has it: one frame is one message."""

    def __init__(self, sock, kind, identity=b""):
        self.sock = sock
        sock.settimeout(30)
        sock.sendall(GREETING)
        self.exactly(64)
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
        if kind == b"DEALER":
            ready += b"\x08Identity" + struct.pack(">I", len(identity)) + identity
        sock.sendall(bytes([4, len(ready)]) + ready)
        flags, self.ready = self.frame()
        assert flags & 4, "its READY comes first"

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            assert more, "the connection ended"
            data += more
        return data

    def frame(self):
        flags = self.exactly(1)[0]
        size = struct.unpack(">Q", self.exactly(8))[0] if flags & 2 else self.exactly(1)[0]
        return flags, self.exactly(size)

    def send(self, *messages):
        """Sends them all at once."""
        assert all(len(data) < 256 for data in messages)
        self.sock.sendall(b"".join(bytes([0, len(data)]) + data for data in messages))

    def receive(self, kind):
        """The next message of this kind: its bytes, and what they say."""
        while True:
            flags, data = self.frame()
            assert flags in (0, 2), "one frame is one message"
            message = read(data)
            assert isinstance(message, list) and len(message) == 3, message
            if message[0] == kind:
                return data, message


def text(value):
    """A short text as msgpack has it."""
    return bytes([0xA0 | len(value)]) + value if len(value) < 32 else bytes([0xD9, len(value)]) + value


def order(kind, data, node):
    return b"\x93" + text(kind) + data + text(node)


class Node:
    """A worker or a master of either kind, whose other end is made by hand: `with Node("--worker ...") as node`."""

    def __init__(self, arguments, python, locustfile=LOCUSTFILE):
        self._arguments, self._python, self._locustfile = arguments.split(), python, locustfile

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="throng-test-")
        self.folder = folder = Path(self._folder.name)
        (folder / "locustfile.py").write_text(self._locustfile, encoding="utf-8")
        with open(folder / "log", "w", encoding="utf-8") as log:
            self._process = start(self._arguments, folder, stderr=log, python=self._python)
        return self

    def __exit__(self, *_exception):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


def reports(python):
    """What a worker says, from its first word on: `client_ready`, an idle report and one with three requests."""
    with socket.create_server(("127.0.0.1", 0)) as server, Target() as target:
        server.settimeout(60)
        port = server.getsockname()[1]
        with Node(f"--worker --master-port {port}", python):
            sock, _ = server.accept()
            with sock:
                peer = Peer(sock, b"ROUTER")
                said = [peer.receive("client_ready")]
                node = said[0][1][2].encode()
                assert b"Identity" in peer.ready and node in peer.ready
                peer.send(order(b"ack", b"\x81\xa5index\x00", node))
                said += [peer.receive("heartbeat"), peer.receive("stats")]
                users = b"\x81\xa6MyUser\x01"
                now = b"\xcb" + struct.pack(">d", time.time())
                spawn = b"\x85" + text(b"timestamp") + now + text(b"user_classes_count") + users
                spawn += text(b"host") + text(target.url.encode()) + text(b"stop_timeout") + b"\xcb" + bytes(8)
                peer.send(order(b"spawn", spawn + text(b"parsed_options") + b"\x80", node))
                said += [peer.receive("spawning"), peer.receive("spawning_complete")]
                report = peer.receive("stats")
                while not report[1][1].get("stats"):
                    report = peer.receive("stats")
                said.append(report)
                return node, said


def spawn_order(python):
    """What a master tells its only worker to run."""
    port = free_port()
    name = b"w_" + b"0" * 32
    arguments = f"--master --master-bind-host 127.0.0.1 --master-bind-port {port} --headless -u 3 -r 3 -H http://h"
    with Node(arguments, python):
        for _ in range(600):
            try:
                sock = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        with sock:
            peer = Peer(sock, b"DEALER", name)
            peer.send(order(b"client_ready", text(b"2.47.0"), name))
            peer.receive("ack")
            data, message = peer.receive("spawn")
            return name, data, message


class Wire(unittest.TestCase):
    maxDiff = None

    def test_a_worker_reports_as_locust_does(self):
        node, said = reports(None)
        ready, heartbeat, idle, spawning, spawned, report = said
        # Byte for byte.
        version = re.search(rb"\d+\.\d+\.\d+", ready[0])[0]
        self.assertEqual(ready[0], order(b"client_ready", text(version), node))
        self.assertEqual(spawning[0], order(b"spawning", b"\xc0", node))
        counts = b"\x82" + text(b"user_classes_count") + b"\x81\xa6MyUser\x01" + text(b"user_count") + b"\x01"
        self.assertEqual(spawned[0], order(b"spawning_complete", counts, node))
        self.assertEqual(
            shape(heartbeat[1][1])[:3],
            [("state", "text"), ("current_cpu_usage", "float"), ("current_memory_usage", "whole")],
        )
        # The keys, their order and what they hold; ours have the fine distribution after them.
        keys = ["stats", "stats_total", "errors", "user_classes_count", "user_count"]
        self.assertEqual([key for key, _ in idle[1][1]], [*keys, "throng"])
        self.assertEqual([key for key, _ in report[1][1]], [*keys, "throng"])
        data = report[1][1]
        entries = [dict(entry) for entry in data.get("stats")]
        self.assertEqual(
            sorted((entry["method"], entry["name"], entry["num_requests"], entry["num_failures"]) for entry in entries),
            [("GET", "/item", 1, 0), ("GET", "gone", 1, 1), ("OWN", "own", 1, 1)],
        )
        failed = {"GET gone", "OWN own"}
        for entry, sent in zip(entries, data.get("stats"), strict=True):
            expected = dict(ENTRY)
            if f"{entry['method']} {entry['name']}" not in failed:
                expected["num_fail_per_sec"] = []
            self.assertEqual(shape(sent), list(expected.items()))
        own = next(entry for entry in entries if entry["name"] == "own")
        self.assertEqual(own["response_times"], [(1200, 1)])
        self.assertEqual((own["total_response_time"], own["total_content_length"]), (1234.5, 7))
        total = data.get("stats_total")
        self.assertEqual(shape(total), ENTRY)
        self.assertEqual((total.get("name"), total.get("method"), total.get("num_requests")), ("Aggregated", "", 3))
        for key, error in data.get("errors"):
            self.assertRegex(key, "^[0-9a-f]{64}$")
            self.assertEqual(shape(error), ERROR)

    @unittest.skipUnless(REAL, "THRONG_REAL_LOCUST names no interpreter with Locust")
    def test_a_worker_of_locust_says_the_same_but_for_what_is_ours_alone(self):
        (our_node, ours), (their_node, theirs) = reports(None), reports(REAL)
        self.assertEqual(len(our_node), len(their_node))
        for (our_bytes, our), (their_bytes, their) in zip(ours, theirs, strict=True):
            self.assertEqual(our[0], their[0])
            mine, real = without_ours(our[1]), their[1]
            if our[0] == "stats":
                mine, real = by_name(mine), by_name(real)
            self.assertEqual(shape(mine), shape(real), our[0])
            if our[0] in ("client_ready", "spawning", "spawning_complete"):
                self.assertEqual(our_bytes.replace(our_node, their_node), their_bytes)
        # The same error has the same key, so that masters of either kind add them up.
        errors = [sorted(key for key, _ in said[-1][1][1].get("errors")) for said in (ours, theirs)]
        own = [
            next(dict(item) for item in said[-1][1][1].get("stats") if item.get("name") == "own")
            for said in (ours, theirs)
        ]
        self.assertEqual(*errors)
        self.assertEqual(own[0]["response_times"], own[1]["response_times"])

    def test_a_master_orders_as_locust_does(self):
        name, data, message = spawn_order(None)
        keys = ["timestamp", "user_classes_count", "host", "stop_timeout", "parsed_options"]
        self.assertEqual([key for key, _ in message[1]], keys)
        self.assertEqual(message[2], name.decode())
        self.assertTrue(data.startswith(b"\x93\xa5spawn\x85\xa9timestamp\xcb"), data[:40])
        rest = text(b"user_classes_count") + b"\x81\xa6MyUser\x03" + text(b"host") + text(b"http://h")
        self.assertEqual(data[27 : 27 + len(rest)], rest)
        options = message[1].get("parsed_options")
        self.assertEqual((options.get("num_users"), options.get("headless")), (3, True))

    def test_a_worker_is_told_to_spawn_with_its_first_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(60)
            with Node(f"--worker --master-port {server.getsockname()[1]}", None, IN_ORDER) as worker:
                sock, _ = server.accept()
                with sock:
                    peer = Peer(sock, b"ROUTER")
                    node = peer.receive("client_ready")[1][2].encode()
                    now = b"\xcb" + struct.pack(">d", time.time())
                    spawn = b"\x85" + text(b"timestamp") + now + text(b"user_classes_count") + b"\x81\xa6MyUser\x01"
                    spawn += text(b"host") + b"\xc0" + text(b"stop_timeout") + b"\xc0" + text(b"parsed_options") + b"\x80"
                    peer.send(order(b"ack", b"\x81\xa5index\x00", node), order(b"spawn", spawn, node))
                    peer.receive("spawning_complete")
                    self.assertEqual((worker.folder / "order").read_text(), "init\ntest_start\n")

    @unittest.skipUnless(REAL, "THRONG_REAL_LOCUST names no interpreter with Locust")
    def test_a_master_of_locust_orders_the_same(self):
        (_, ours, our), (_, theirs, their) = spawn_order(None), spawn_order(REAL)
        # Up to the options, but for the moment.
        end = ours.index(b"parsed_options")
        self.assertEqual(ours[:19] + ours[27:end], theirs[:19] + theirs[27:end])
        known = dict(our[1].get("parsed_options"))
        missing = {key for key, _ in their[1].get("parsed_options") if key not in known}
        # Names from before 1.0, which Locust's parser keeps to refuse them.
        self.assertEqual(missing - {"expect_slaves", "slave"}, set(), "options that workers of Locust look for")


def without_ours(data):
    """A report or heartbeat without what Locust's masters pass over."""
    if not isinstance(data, Pairs):
        return data
    return Pairs((key, item) for key, item in data if not str(key).startswith("throng"))


def by_name(report):
    """A report whose entries and errors are in one order, and whose bins are one: times differ from run to run."""

    def plain(key, value):
        if key == "stats":
            return [by_name(entry) for entry in sorted(value, key=lambda entry: entry.get("name"))]
        if key == "stats_total":
            return by_name(value)
        if key == "errors":
            return [error for _, error in sorted(value)]
        # Locust has a whole 0 where nothing was counted, and ours a float one.
        return 0 if value == 0 else value

    return Pairs((key, plain(key, value)) for key, value in report)


if __name__ == "__main__":
    unittest.main()
