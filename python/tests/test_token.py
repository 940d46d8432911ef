"""The join token of masters and workers, and the files of the test that come with it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from locust import _core
from locust.runners import archive, token

from .support import Target, free_port, start, until

LOCUSTFILE = """
import os
from locust import HttpUser, constant, task
from parts.words import GREETING

assert "THRONG_TOKEN" not in os.environ
USERS = open("data/users.csv").read().split()

class Visitor(HttpUser):
    wait_time = constant(0.05)

    @task
    def visit(self):
        self.client.get(f"/{GREETING}/{USERS[0]}", name="visit")
"""


class Stranger:
    """A client that speaks the protocol and does not know the token."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._connection = _core.Connection("DEALER", b"stranger", None, None)
        while self._connection.peer_identity is None:
            self._socket.sendall(self._connection.output())
            self._connection.receive(self._socket.recv(1 << 16))
        self._socket.sendall(self._connection.output())

    def say(self, kind, data):
        self._connection.send(_core.pack_message(kind, data, "stranger", lambda item: item))
        self._socket.sendall(self._connection.output())

    def hear(self, seconds):
        """Reads for so long; OSError if it was hung up on."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if not self._socket.recv(1 << 16):
                    raise ConnectionError("hung up on")
            except TimeoutError:
                return

    def close(self):
        self._socket.close()


class Nodes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        test = self.folder / "master" / "tests"
        (test / "parts").mkdir(parents=True)
        (self.folder / "master" / "data").mkdir()
        (test / "data").symlink_to(self.folder / "master" / "data")
        (test / "locustfile.py").write_text(LOCUSTFILE.replace("data/users", "tests/data/users"), encoding="utf-8")
        (test / "parts" / "words.py").write_text("GREETING = 'hello'", encoding="utf-8")
        (self.folder / "master" / "data" / "users.csv").write_text("ann bob", encoding="utf-8")
        self.port = free_port()

    def variables(self, name):
        return {}

    def node(self, name, arguments, known, variables=None):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        env = {"THRONG_TOKEN": known} if known else {}
        env.update(self.variables(name) if variables is None else variables)
        with open(self.folder / f"{name}.log", "w", encoding="utf-8") as log:
            process = start(arguments, folder, env, stderr=log)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def master(self, url, known, seconds=2):
        arguments = "-f tests/locustfile.py --master --headless --only-summary --master-bind-host 127.0.0.1 -u 2 -r 2"
        more = ["--master-bind-port", str(self.port), "-t", str(seconds), "-H", url, "--expect-workers", "1"]
        return self.node("master", [*arguments.split(), *more], known)

    def worker(self, name, known, file="-"):
        return self.node(name, ["-f", file, "--worker", "--master-port", str(self.port)], known)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def test_who_knows_the_token_gets_the_folder_and_joins(self):
        with Target() as target:
            master, worker = self.master(target.url, "s3cret"), self.worker("worker", "s3cret")
            self.assertEqual((master.wait(60), worker.wait(20)), (0, 0), self.log("master") + self.log("worker"))
            self.assertIn("/hello/ann", {path for _, path, _ in target.asked})
        for name in ("master", "worker"):
            self.assertNotIn("s3cret", self.log(name))

    def test_who_does_not_is_refused_and_the_test_waits_for_another(self):
        with Target() as target:
            master = self.master(target.url, "s3cret")
            for name, known, why in (
                ("stranger", "other", "its join token is another one than the master's"),
                ("nobody", None, "wants a join token: set THRONG_TOKEN"),
            ):
                stranger = self.worker(name, known)
                self.assertEqual(stranger.wait(30), 1, self.log(name))
                self.assertIn(why, self.log(name))
            # With its own locustfile it is refused when it joins.
            words = self.folder / "own" / "plain.py"
            words.parent.mkdir()
            words.write_text("from locust import User, task\nclass U(User):\n    @task\n    def t(self): pass\n")
            own = self.worker("own", "other", "plain.py")
            self.assertEqual(own.wait(30), 255, self.log("own"))
            self.assertIn("refuses this worker", self.log("own"))
            until(lambda: "the join token of" in self.log("master"), what="a line of the master")
            worker = self.worker("worker", "s3cret")
            self.assertEqual((master.wait(60), worker.wait(20)), (0, 0), self.log("master") + self.log("worker"))

    def test_a_stranger_is_borne_only_for_a_few_small_messages(self):
        with Target() as target:
            master = self.master(target.url, "s3cret", seconds=1)
            until(lambda: "MasterRunner" in self.log("master") or self.listens(), what="the master")
            for size, count in ((1, 20), (100_000, 2)):
                stranger = Stranger(self.port)
                stranger.say("client_ready", "2.47.0")
                with self.assertRaises(OSError):
                    for _ in range(count):
                        stranger.say("stats", "x" * size)
                        stranger.hear(0.05)
                    stranger.hear(5)
                stranger.close()
            worker = self.worker("worker", "s3cret")
            self.assertEqual((master.wait(60), worker.wait(20)), (0, 0), self.log("master") + self.log("worker"))

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def test_without_a_token_there_is_the_one_file_as_in_locust(self):
        (self.folder / "master" / "tests" / "locustfile.py").write_text(
            "from locust import HttpUser, constant, task\n"
            "class Visitor(HttpUser):\n    wait_time = constant(0.05)\n"
            "    @task\n    def visit(self): self.client.get('/plain')\n",
            encoding="utf-8",
        )
        with Target() as target:
            # A token of the worker's own is no harm: nobody asks for it.
            master, worker = self.master(target.url, None), self.worker("worker", "s3cret")
            self.assertEqual((master.wait(60), worker.wait(20)), (0, 0), self.log("master") + self.log("worker"))
            self.assertIn("/plain", {path for _, path, _ in target.asked})


@unittest.skipUnless(shutil.which("openssl"), "not there: openssl")
class Encrypted(Nodes):
    """The same over TLS, with certificates on both sides."""

    # It would have to speak TLS.
    test_a_stranger_is_borne_only_for_a_few_small_messages = None

    def setUp(self):
        super().setUp()
        self.certificates = self.folder / "certificates"
        self.certificates.mkdir()
        self.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca")
        for name in ("lead", "me"):
            (self.certificates / f"{name}.txt").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
            self.openssl(f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
            self.openssl(f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -out {name}.pem -days 2 -extfile {name}.txt")

    def openssl(self, arguments):
        subprocess.run(["openssl", *arguments.split()], cwd=self.certificates, check=True, capture_output=True)

    def variables(self, name):
        shown = {"CERTIFICATE": "lead.pem", "KEY": "lead.key", "CLIENT_AUTHORITY": "ca.pem"}
        if name != "master":
            shown = {"CERTIFICATE": "me.pem", "KEY": "me.key", "AUTHORITY": "ca.pem"}
        return {f"THRONG_TLS_{kind}": str(self.certificates / file) for kind, file in shown.items()}

    def test_who_shows_no_certificate_or_speaks_no_tls_is_refused_with_the_reason(self):
        with Target() as target:
            master = self.master(target.url, None, seconds=1)
            without = {"THRONG_TLS_AUTHORITY": str(self.certificates / "ca.pem")}
            for name, variables, text in (
                ("bare", without, "shows no certificate"),
                ("plain", {"THRONG_TLS_AUTHORITY": ""}, "does not speak TLS"),
            ):
                stranger = self.node(name, ["-f", "-", "--worker", "--master-port", str(self.port)], None, variables)
                until(lambda text=text: text in self.log("master"), what=text)
                if name == "bare":
                    until(lambda: "the master wants a certificate" in self.log("bare"), what="the worker's word")
                stranger.kill()
            strange = {**self.variables("worker"), "THRONG_TLS_AUTHORITY": str(self.certificates / "me.pem")}
            stranger = self.node("strange", ["-f", "-", "--worker", "--master-port", str(self.port)], None, strange)
            until(lambda: "there is no TLS with what listens" in self.log("strange"), what="the worker's word")
            stranger.kill()
            broken = {"THRONG_TLS_CERTIFICATE": "none.pem", "THRONG_TLS_KEY": "none.key"}
            wrong = self.node("wrong", ["-f", "-", "--worker"], None, {**self.variables("worker"), **broken})
            self.assertEqual(wrong.wait(20), 1, self.log("wrong"))
            self.assertIn("cannot use the certificate none.pem", self.log("wrong"))
            master.kill()


class Archives(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(os.path.realpath(folder.name))
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)

    def write(self, path, content="x"):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(content, encoding="utf-8")

    def arrived(self, sent):
        arriving = archive.Arriving()
        while (wanted := arriving.wanted) is not None:
            arriving.take(sent.part(wanted))
        return arriving

    def test_what_a_test_needs_arrives_and_the_rest_stays(self):
        for path in ("load/t.py", "load/sub/data.csv", "load/.env", "load/venv/x.py", "load/own/pyvenv.cfg", "load/own/y.py",
                     "load/__pycache__/t.pyc", "load/key.pem", "load/big/z.bin", "elsewhere.txt"):  # fmt: skip
            self.write(path)
        self.write(".throngignore", "# not these\n*.pem\nload/big/\n")
        with mock.patch.object(archive, "PART", 100):
            sent = archive.Archive(["load/t.py"])
            self.assertGreater(sent.part(0)["parts"], 1)
            into = self.folder / "into"
            paths, folder = self.arrived(sent).unpack(str(into))
        self.assertEqual((paths, folder), ([str(into / "load/t.py")], str(into)))
        found = {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file()}
        self.assertEqual(found, {"load/t.py", "load/sub/data.csv"})

    def test_too_much_stays_where_it_is(self):
        self.write("t.py")
        self.write("large.bin", "x" * 100)
        with mock.patch.object(archive, "MOST", 50), self.assertRaisesRegex(archive.Unshipped, "large.bin.*throngignore"):
            archive.Archive(["t.py"])

    def test_nothing_is_written_elsewhere_and_nothing_that_was_changed(self):
        self.write("t.py")
        sent = archive.Archive(["t.py"])
        for name, value in (("paths", ["../../t.py"]), ("folder", "/etc"), ("sha256", "0" * 64)):
            arriving = archive.Arriving()
            arriving.take({**sent.part(0), name: value})
            with self.assertRaises(archive.Unshipped):
                arriving.unpack(str(self.folder / "into"))

    def test_a_master_that_started_again_with_other_files_sends_them_all(self):
        self.write("t.py", "one")
        before = archive.Archive(["t.py"])
        self.write("t.py", "two")
        after = archive.Archive(["t.py"])
        arriving = archive.Arriving()
        arriving.take({**before.part(0), "parts": 2})
        arriving.take(after.part(0))
        self.assertIsNone(arriving.wanted)
        paths, _ = arriving.unpack(str(self.folder / "into"))
        self.assertEqual(Path(paths[0]).read_text(), "two")


class Proofs(unittest.TestCase):
    def test_a_proof_is_of_one_name_to_one_question(self):
        asked = token.question()
        said = token.proof("secret", asked, "me")
        self.assertTrue(token.is_proof("secret", asked, "me", said))
        self.assertFalse(token.is_proof("other", asked, "me", said))
        self.assertFalse(token.is_proof("secret", token.question(), "me", said))
        self.assertFalse(token.is_proof("secret", asked, "you", said))
        self.assertFalse(token.is_proof("secret", asked, "me", said.hex()))


if __name__ == "__main__":
    unittest.main()
