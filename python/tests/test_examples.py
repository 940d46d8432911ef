"""The examples run: each against a server, with what it does there looked at."""

import re
import tempfile
import unittest
from urllib.parse import parse_qs

from . import servers
from .servers import missing
from .support import REPOSITORY, Target, start

EXAMPLES = REPOSITORY / "examples" / "locust"


def run(example, arguments, env=None):
    """Runs an example to its end; (exit code, standard output, standard error)."""
    with tempfile.TemporaryDirectory() as folder:
        process = start(["-f", str(EXAMPLES / example), *arguments.split()], folder, env)
        stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


class Examples(unittest.TestCase):
    def test_hello(self):
        with Target() as target:
            code, _, stderr = run("hello/locustfile.py", f"--headless -u 10 -r 5 -t 2s --host {target.url}")
            self.assertEqual(code, 0, stderr)
            self.assertEqual({(method, path) for method, path, _ in target.asked}, {("GET", "/hello")})
            self.assertRegex(stderr, r"GET +/hello +\d+ +0\(0\.00%\)")
            self.assertIn('All users spawned: {"HelloUser": 10} (10 total users)', stderr)

    def test_devices(self):
        with Target() as target:
            code, _, stderr = run("devices/locustfile.py", f"--headless -u 5 -r 5 -t 3s --host {target.url}")
            self.assertEqual(code, 0, stderr)
            posted = [parse_qs(body) for method, path, body in target.asked if path == "/metrics"]
            logins = sum(path == "/login" for _, path, _ in target.asked)
        self.assertEqual(len({form["deviceid"][0] for form in posted}), 5, "each device has its own identity")
        self.assertRegex(posted[0]["timestamp"][0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$")
        self.assertGreater(len(posted), 50)
        self.assertLess(logins, len(posted) / 50)

    def test_settings_from_the_environment(self):
        with Target() as target:
            env = {
                "TARGET_PATHS": "/hello, /status/503",
                "WAIT_MIN": "0.05",
                "WAIT_MAX": "0.1",
                "LOCUST_HOST": target.url,
            }
            code, stdout, stderr = run("configured/locustfile.py", "--headless -u 5 -r 5 -t 2s", env)
            self.assertEqual(code, 1, stderr)
            self.assertEqual({path for _, path, _ in target.asked}, {"/hello", "/status/503"})
        self.assertIn(f"loading {target.url} at /hello, /status/503", stdout)
        self.assertIn("status 503 instead of 200", stderr)

    def test_settings_from_the_environment_before_1_0(self):
        with Target() as target:
            env = {"TARGET_PATHS": "/hello", "WAIT_MIN": "0.05", "WAIT_MAX": "0.1"}
            code, _, stderr = run(
                "configured/before_1_0.py", f"--no-web -c 3 --hatch-rate 3 -t 2s --host {target.url}", env
            )
            self.assertEqual(code, 0, stderr)
            self.assertGreater(len(target.asked), 20)
        self.assertEqual(len(re.findall("HttpLocust is deprecated", stderr)), 1)


MISSING = missing(*servers.MongoDB.NEEDS, "faker")


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class MongoDB(unittest.TestCase):
    def test_filling_up_to_a_limit(self):
        env = {
            "CLUSTER_URL": servers.MongoDB(self).url,
            "LIMIT_MEGABYTES": "0.5",
            "DOCUMENTS_PER_BATCH": "50",
            "FIND_WEIGHT": "0",
        }
        code, stdout, stderr = run("mongodb/mongo_populating.py", "--headless -u 4 -r 4 -t 50s", env)
        self.assertEqual(code, 0, stderr)
        held = float(re.search(r"the database holds ([\d.]+) MB", stdout)[1])
        # One batch is some 28 KB.
        self.assertTrue(0.5 <= held < 0.54, held)
        self.assertRegex(stderr, r"mongodb +insert many +\d+ +0\(0\.00%\)")
        self.assertNotIn("find one", stderr, "a weight of 0 leaves a task out")


if __name__ == "__main__":
    unittest.main()
