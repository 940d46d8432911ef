"""Databases around a locustfile: `throng run --fill FILE --cleanup`, by the binary that `THRONG` names."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

from . import servers
from .servers import missing
from .support import until

THRONG = os.environ.get("THRONG")
MISSING = [*missing(*servers.MongoDB.NEEDS), *([] if THRONG else ["the program, named by THRONG"])]

LOCUSTFILE = """
    import os
    from locust import User, constant, events, task
    from pymongo import MongoClient

    people = MongoClient(os.environ["CLUSTER_URL"])["sample"]["people"]
    print(people.count_documents({}), "documents before the test")

    class Hiring(User):
        wait_time = constant(0.01)

        @task
        def hire(self):
            people.insert_one({"name": f"LoadTest User {id(self)}"})
            self.environment.events.request.fire(
                request_type="mongodb", name="hire", response_time=1, response_length=0, exception=None, context={}
            )
"""

FILL = """
    - url: ${CLUSTER_URL}
      database: sample
      collection: people
      documents: 50
      retry_for: 1s
      template: people.json
      cleanup: { name: { $regex: "^LoadTest User" } }
"""


@unittest.skipIf(MISSING, f"not there: {', '.join(MISSING)}")
class Around(unittest.TestCase):
    def setUp(self):
        import pymongo

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.server = servers.MongoDB(self)
        client = pymongo.MongoClient(self.server.url)
        self.addCleanup(client.close)
        self.people = client["sample"]["people"]
        self.write("locustfile.py", LOCUSTFILE)
        self.write("fill.yaml", FILL)
        self.write("people.json", '{"name": "$name"}')

    def write(self, name, text):
        (self.folder / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def start(self, arguments, **env):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THRONG")}
        process = subprocess.Popen(
            [THRONG, *arguments.split()],
            cwd=self.folder,
            env={**clean, "THRONG_PYTHON": sys.executable, "CLUSTER_URL": self.server.url, **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(process.kill)
        return process

    def run_to_its_end(self, arguments, **env):
        process = self.start(arguments, **env)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout, stderr

    def counts(self):
        left = self.people.count_documents({"name": {"$regex": "^LoadTest User"}})
        return left, self.people.count_documents({}) - left

    def test_a_test_finds_what_was_filled_and_leaves_nothing(self):
        test = "locustfile.py --headless -u 2 -r 2 -t 1s --json"
        code, stdout, stderr = self.run_to_its_end(f"run --fill fill.yaml {test}")
        self.assertEqual(code, 0, stderr)
        self.assertTrue(stdout.startswith("50 documents before the test\n["), stdout)
        self.assertIn("filled sample.people: ", stderr)
        left, others = self.counts()
        self.assertGreater(left, 0)
        self.assertEqual(others, 50)
        code, stdout, stderr = self.run_to_its_end(f"run --fill fill.yaml --cleanup {test}")
        self.assertEqual(code, 0, stderr)
        self.assertIn(f"{50 + left} documents before the test", stdout)
        self.assertIn(" documents of sample.people", stderr)
        self.assertEqual(self.counts(), (0, 50))

    def test_an_aborted_test_is_cleaned_up_too(self):
        for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 0)):
            process = self.start("run --fill fill.yaml --cleanup locustfile.py --headless -u 2")
            until(lambda: self.counts()[0] > 0, what="a document of the test")
            process.send_signal(number)
            _, stderr = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, stderr)
            self.assertIn("Shutting down", stderr)
            self.assertEqual(self.counts(), (0, 50))

    def test_a_test_that_fails_is_cleaned_up_and_keeps_its_code(self):
        self.people.insert_one({"name": "LoadTest User of a test that was killed"})
        broken = 'from locust import events\n@events.test_start.add_listener\ndef start(**_): raise SystemExit(7)\n'
        self.write("broken.py", textwrap.dedent(LOCUSTFILE) + broken)
        code, _, stderr = self.run_to_its_end("run --fill fill.yaml --cleanup broken.py --headless -u 1 -t 2s")
        self.assertEqual(code, 7, stderr)
        self.assertEqual(self.counts(), (0, 50))
        self.write("wrong.py", "import nothing_of_this_name\n")
        code, _, stderr = self.run_to_its_end("run --fill fill.yaml --cleanup wrong.py --headless -u 1 -t 2s")
        self.assertEqual(code, 1, stderr)

    def test_locusts_own_face_has_variables(self):
        test = "locust --headless -u 1 -t 1s"
        code, stdout, stderr = self.run_to_its_end(test, THRONG_FILL="fill.yaml", THRONG_CLEANUP="true")
        self.assertEqual(code, 0, stderr)
        self.assertIn("50 documents before the test", stdout)
        self.assertEqual(self.counts(), (0, 50))

    def test_what_cannot_be_is_refused_before_anything_is_done(self):
        for arguments, message in (
            ("run locustfile.py --cleanup", "--cleanup needs --fill FILE"),
            ("run locustfile.py --fill fill.yaml --worker", "--fill is for the master"),
            ("run locustfile.py --fill none.yaml", "none.yaml"),
        ):
            code, _, stderr = self.run_to_its_end(arguments)
            self.assertIn(code, (104, 255), stderr)
            self.assertIn(message, stderr)
        code, _, stderr = self.run_to_its_end(
            "run locustfile.py --fill fill.yaml --headless -t 1s", CLUSTER_URL="mongodb://root:hunter22@127.0.0.1:1"
        )
        self.assertEqual(code, 112, stderr)
        self.assertNotIn("hunter22", stderr)


if __name__ == "__main__":
    unittest.main()
