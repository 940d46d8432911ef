"""throng's image in real containers: the environments of the manifests that people have, unchanged, and a stop mid-run.

    ./x test containers

Needs root, a Docker Engine (Debian's docker.io) and mmdebstrap; THRONG is the binary under test. Where no engine can
run, everything here is skipped, and says why.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import images
from engine import Engine, Unavailable
from images import ROOT

ENGINE = None
WORK = None
EXAMPLES = ROOT / "examples"


def setUpModule():
    global ENGINE, WORK
    try:
        ENGINE = Engine()
    except Unavailable as reason:
        print(f"\n*** CONTAINERS ARE NOT TESTED HERE: {reason}\n", file=sys.stderr, flush=True)
        if notes := os.environ.get("THRONG_TEST_NOTES"):
            with open(notes, "a") as file:
                print(f"containers: {reason}", file=file)
        raise unittest.SkipTest(str(reason)) from reason
    unittest.addModuleCleanup(ENGINE.close)
    WORK = Path(tempfile.mkdtemp(prefix="throng-containers-"))
    unittest.addModuleCleanup(shutil.rmtree, WORK, ignore_errors=True)
    print(f"storage driver {ENGINE.storage}", file=sys.stderr)
    images.build(ENGINE, Path(os.environ["THRONG"]), WORK, Path(os.environ.get("THRONG_TEST_CACHE", ROOT / ".cache")))


def image(tag, files, dockerfile):
    """An image as others make it, from files of its own; built without a network."""
    context = Path(tempfile.mkdtemp(dir=WORK))
    for name, content in files.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    (context / "Dockerfile").write_text(textwrap.dedent(dockerfile))
    ENGINE.build(context, tag)
    return tag


def mounted(files):
    """A folder to mount, as a ConfigMap is: links to files below a hidden folder."""
    folder = Path(tempfile.mkdtemp(dir=WORK))
    folder.chmod(0o755)
    data = folder / "..data"
    data.mkdir()
    for name, content in files.items():
        (data / name).write_text(content)
        (folder / name).symlink_to(f"..data/{name}")
    return folder


def target(port=80):
    """The application that is loaded."""
    api = ENGINE.start("throng:slim", "demo-api", f"--listen=0.0.0.0:{port}")
    api.until(lambda log: "listening on" in log, "the demo API")
    return api


class Page:
    """What a browser does with a master."""

    def __init__(self, master, port=8089):
        self.master = master
        self.url = f"http://{master.address}:{port}"

    def until(self, condition, what, timeout=60, path="/stats/requests"):
        deadline, last = time.monotonic() + timeout, None
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                    last = json.load(answer)
                if condition(last):
                    return last
            except OSError as error:
                last = error
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come: {last}\n{self.master.logs()[-4000:]}")

    def swarm(self, users, rate):
        form = urllib.parse.urlencode({"user_count": users, "spawn_rate": rate}).encode()
        with urllib.request.urlopen(f"{self.url}/swarm", form, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        with urllib.request.urlopen(f"{self.url}/stop", b"", timeout=10) as answer:
            return json.load(answer)


def aggregated(stats):
    return next(row for row in stats["stats"] if row["name"] == "Aggregated")


def keep(name, *containers):
    """Writes logs to where they can be read afterwards; docs/kubernetes-guide.md quotes them."""
    folder = ROOT / "tests/output/containers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.log").write_text("\n----\n".join(one.logs() for one in containers))


HELLO = (EXAMPLES / "locust/hello/locustfile.py").read_text()


class Setups(unittest.TestCase):
    """Setups that people have written down, each with the variables of its own manifests (docs/kubernetes-guide.md)."""

    def master_and_workers(self, tag, master, worker, names):
        """Through the page: start, a worker that is stopped in the middle, stop. What the page shows at the end."""
        lead = ENGINE.start(tag, environment=master, names=names)
        self.addCleanup(lead.stop, 1)
        page = Page(lead)
        page.until(lambda stats: True, "the page")
        names = {**names, "locust-master": lead.address}
        workers = [ENGINE.start(tag, environment=worker, names=names) for _ in range(3)]
        for one in workers:
            self.addCleanup(one.stop, 1)
        page.until(lambda stats: stats.get("worker_count") == 3, "three workers")
        self.assertTrue(page.swarm(6, 6)["success"])
        page.until(lambda stats: stats["user_count"] == 6 and aggregated(stats)["num_requests"] > 100, "load from all")

        code, seconds = workers[0].stop()
        self.assertEqual(code, 0, workers[0].logs())
        self.assertLess(seconds, 10, "SIGTERM reached the tool")
        left = page.until(
            lambda stats: stats["user_count"] == 6 and len([w for w in stats["workers"] if w["user_count"]]) == 2,
            "its users on the two others",
        )
        count = aggregated(left)["num_requests"]
        page.until(lambda stats: aggregated(stats)["num_requests"] > count + 100, "load after that")
        page.stop()
        stats = page.until(lambda stats: stats["state"] == "stopped", "the end")
        keep(tag, lead, *workers)
        self.assertEqual(aggregated(stats)["num_failures"], 0, stats["errors"])
        return lead, stats

    def test_a_test_that_is_in_the_image(self):
        """A folder /test, and all else in the manifest's environment. `RUN pip install` and `run.sh` are not needed."""
        tag = image(
            "with-its-test",
            {"test/test.py": HELLO, "test/requirements.txt": "locust == 1.6.0\n"},
            """\
            FROM throng:python
            ADD test /test
            """,
        )
        lead, stats = self.master_and_workers(
            tag,
            {"LOCUST_MODE": "master", "TARGET_HOST": "http://knowledge-service"},
            {"LOCUST_MODE": "worker", "LOCUST_MASTER": "locust-master", "TARGET_HOST": "http://knowledge-service"},
            {"knowledge-service": target().address},
        )
        self.assertEqual({row["name"] for row in stats["stats"]}, {"/hello", "Aggregated"})
        self.assertIn("starting locust -f /test/test.py --host=http://knowledge-service --master", lead.logs())
        self.assertIn("names locust == 1.6.0: throng takes its place", lead.logs())

    # An entry point as people write it, which calls locust by its path.
    SCRIPT = """\
        #!/bin/bash
        LOCUST="/usr/local/bin/locust"
        LOCUS_OPTS="-f /test/test.py --host=$TARGET_HOST"
        if [[ "$LOCUST_MODE" = "master" ]]; then
            LOCUS_OPTS="$LOCUS_OPTS --master"
        elif [[ "$LOCUST_MODE" = "worker" ]]; then
            LOCUS_OPTS="$LOCUS_OPTS --worker --master-host=$LOCUST_MASTER"
        fi
        $LOCUST $LOCUS_OPTS
        """

    def assert_leads(self, tag):
        """With the script, it becomes a master."""
        lead = ENGINE.start(tag, environment={"LOCUST_MODE": "master", "TARGET_HOST": "http://x"})
        self.addCleanup(lead.stop, 1)
        stats = Page(lead).until(lambda stats: stats["state"] == "ready", "the page")
        self.assertEqual(stats["worker_count"], 0)

    def test_an_entry_script_that_calls_locust_by_its_path(self):
        dockerfile = """\
            FROM throng:python
            ADD test /test
            USER 0
            RUN chmod 755 /test/run.sh
            USER 10001
            ENTRYPOINT ["/test/run.sh"]
            """
        self.assert_leads(image("with-a-script", {"test/test.py": HELLO, "test/run.sh": self.SCRIPT}, dockerfile))

    def test_the_binary_in_an_image_of_ones_own(self):
        """A Python with gevent, and one line for throng."""
        dockerfile = """\
            FROM debian:python
            ADD test /test
            COPY --from=throng:slim /usr/local/bin/throng /usr/local/bin/locust
            RUN chmod 755 /test/run.sh
            ENTRYPOINT ["/test/run.sh"]
            """
        self.assert_leads(image("of-ones-own", {"test/test.py": HELLO, "test/run.sh": self.SCRIPT}, dockerfile))

    def test_devices_whose_tasks_are_in_locust_tasks(self):
        """/locust-tasks/tasks.py; the devices of the original, which log in and send metrics."""
        devices = (EXAMPLES / "locust/devices/locustfile.py").read_text()
        tag = image(
            "devices",
            {"locust-tasks/tasks.py": devices, "locust-tasks/requirements.txt": "locustio==0.7.2\n"},
            """\
            FROM throng:python
            COPY locust-tasks /locust-tasks
            """,
        )
        host = "http://workload-simulation-webapp.appspot.com"
        _, stats = self.master_and_workers(
            tag,
            {"LOCUST_MODE": "master", "TARGET_HOST": host},
            {"LOCUST_MODE": "worker", "LOCUST_MASTER": "locust-master", "TARGET_HOST": host},
            {"workload-simulation-webapp.appspot.com": target().address},
        )
        self.assertIn("/metrics", {row["name"] for row in stats["stats"]})

    def test_a_test_from_before_1_0_in_a_configmap(self):
        """Capitals, ATTACKED_HOST, options of before version 1.0, a port of its own, and a file mounted at /locust."""
        volumes = {mounted({"script.py": (EXAMPLES / "locust/configured/before_1_0.py").read_text()}): "/locust"}
        api = target()
        both = {"ATTACKED_HOST": "attacked", "TARGET_PATHS": "/hello,/health", "LOCUST_MASTER_BIND_PORT": "6667",
                "WAIT_MIN": "0.1", "WAIT_MAX": "0.2"}  # fmt: skip
        lead = ENGINE.start(
            "throng:python",
            environment={**both, "LOCUST_MODE": "MASTER",
                         "LOCUST_OPTS": "--no-web -c 9 --hatch-rate 9 -t 5s --expect-slaves 3"},
            names={"attacked": api.address}, volumes=volumes,
        )  # fmt: skip
        worker = {**both, "LOCUST_MODE": "SLAVE", "LOCUST_MASTER": "locust-master"}
        names = {"attacked": api.address, "locust-master": lead.address}
        workers = [
            ENGINE.start("throng:python", environment=worker, names=names, volumes=volumes) for _ in range(3)
        ]
        self.assertEqual(lead.wait(), 0, lead.logs())
        keep("configmap", lead, *workers)
        log = lead.logs()
        self.assertRegex(log, r"GET +/hello +\d+ +0\(0\.00%\)")
        self.assertIn("--host=http://attacked", log)
        self.assertEqual([one.wait() for one in workers], [0, 0, 0], workers[0].logs())

    def test_a_k6_script_on_three_workers_of_which_one_is_stopped(self):
        """An open load, so that it is known how much of it there has to be."""
        script = """\
            import http from 'k6/http';
            import { check } from 'k6';
            export const options = {
              scenarios: { steady: { executor: 'constant-arrival-rate', rate: 60, timeUnit: '1s', duration: '10s',
                                     preAllocatedVUs: 12 } },
              thresholds: { checks: ['rate==1'], http_req_duration: ['p(95)<500'] },
            };
            export default function () {
              const answer = http.get(`${__ENV.BASE_URL}/employees`);
              check(answer, { 'status is 200': (r) => r.status === 200 });
            }
            """
        api = target(5000)
        token = {"THRONG_TOKEN": "a-token-that-nobody-guesses"}
        lead = ENGINE.start(
            "throng:slim", "controller", "--expect-workers=3", "--ui=0.0.0.0:8089", "/locust/load-test.js",
            environment={**token, "BASE_URL": "http://flask-backend:5000"},
            volumes={mounted({"load-test.js": textwrap.dedent(script)}): "/locust"},
        )  # fmt: skip
        names = {"flask-backend": api.address, "throng-controller": lead.address}
        workers = [
            ENGINE.start("throng:slim", "worker", "--controller=throng-controller:5557", environment=token, names=names)
            for _ in range(3)
        ]
        Page(lead).until(lambda run: len(run["timeline"]["rps"]) >= 3, "three seconds of load", path="/api/v1/snapshot")
        code, seconds = workers[1].stop()
        self.assertEqual(code, 0, workers[1].logs())
        self.assertLess(seconds, 10)
        self.assertEqual(lead.wait(), 0, lead.logs())
        keep("script", lead, *workers)
        log = lead.logs()
        # Both ends of the ten seconds are planned.
        self.assertRegex(log, r"iterations\.*: 60[01] ", log)
        self.assertEqual([workers[0].wait(), workers[2].wait()], [0, 0])


class Image(unittest.TestCase):
    """What the image and its entry point do by themselves."""

    def test_arguments_are_passed_on_under_each_name(self):
        for arguments, expected in [
            (("version",), "throng "),
            (("throng", "version"), "throng "),
            (("k6", "version"), "k6 v1.1.0"),
            (("locust", "--version"), "locust 2.47"),
            (("--version",), "locust 2.47"),
        ]:
            done = ENGINE.run("throng:python", *arguments)
            self.assertIn(expected, done.stdout + done.stderr, arguments)
            self.assertEqual(done.returncode, 0)
        done = ENGINE.run("throng:python", "nonesuch")
        self.assertEqual(done.returncode, 104)
        self.assertIn("no such program", done.stderr)

    def test_the_names_are_where_others_look(self):
        for path in ("/usr/local/bin/k6", "/usr/local/bin/locust", "/opt/venv/bin/locust"):
            done = ENGINE.run("throng:python", "--version", options=("--entrypoint", path))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_it_needs_no_newer_c_library_than_is_said(self):
        said = re.search(r"needs glibc (\d+)\.(\d+)", (ROOT / "docs/containers.md").read_text())
        symbols = subprocess.run(["objdump", "-T", os.environ["THRONG"]], check=True, capture_output=True, text=True).stdout
        needed = max((int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", symbols))
        self.assertLessEqual(needed, (int(said[1]), int(said[2])))

    def test_a_script_comes_through_standard_input(self):
        script = "export default function () { console.log('from standard input'); }\n"
        for command in (("k6", "run", "-"), ("run", "-")):
            done = ENGINE.run("throng:slim", *command, stdin=script)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("from standard input", done.stderr)

    def test_nothing_needs_to_be_written(self):
        """A root that cannot be written, and no volume at all."""
        done = ENGINE.docker(
            "run", "--rm", "--read-only", "--cap-drop=ALL", "--network=none",
            "--volume", f"{mounted({'locustfile.py': HELLO})}:/locust:ro", "--env", "TARGET_HOST=http://127.0.0.1:9",
            "throng:python", "--headless", "-u", "1", "-t", "1s", check=False,
        )  # fmt: skip
        # All requests fail, which is Locust's code 1, and the table says so.
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("100.00%", done.stderr)

    def test_without_a_test_it_says_so(self):
        done = ENGINE.run("throng:python", options=("--env", "LOCUST_MODE=boss"))
        self.assertEqual(done.returncode, 104)
        self.assertIn("LOCUST_MODE=boss is none of standalone, master, worker, slave", done.stderr)
        done = ENGINE.run("throng:python")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("locustfile", done.stderr)

    def test_the_slim_image_says_that_it_has_no_python(self):
        volume = ("--volume", f"{mounted({'locustfile.py': HELLO})}:/locust:ro")
        done = ENGINE.run("throng:slim", options=volume)
        self.assertEqual(done.returncode, 1)
        self.assertIn("find a Python interpreter", done.stderr)

    def test_process_1_takes_leave_of_orphans_and_passes_codes_on(self):
        orphans = 'for i in 1 2 3; do (sh -c "sleep 0.1 & exit" ); done; sleep 1; cat /proc/[0-9]*/stat; exit 7'
        done = ENGINE.run("throng:slim", "sh", "-c", orphans)
        self.assertEqual(done.returncode, 7)
        self.assertNotRegex(done.stdout, r"\) Z ")
        done = ENGINE.run("throng:slim", "sh", "-c", "kill -KILL $$")
        self.assertEqual(done.returncode, 137)

    def test_signals_reach_a_run(self):
        script = "import { sleep } from 'k6'; export default function () { sleep(1); }\n"
        one = ENGINE.start(
            "throng:slim", "run", "--duration=5m", "/locust/long.js", volumes={mounted({"long.js": script}): "/locust"}
        )
        one.until(lambda log: "default" in log, "the run")
        time.sleep(1)
        code, seconds = one.stop()
        self.assertEqual(code, 105, one.logs())
        self.assertLess(seconds, 15)


class Requirements(unittest.TestCase):
    """Packages that are installed at the start."""

    LOCUSTFILE = "import greeting\nfrom locust import User, task\n" + textwrap.dedent(
        """\
        class Greeter(User):
            @task
            def greet(self):
                print(greeting.TEXT)
                self.environment.runner.quit()
        """
    )

    def wheel(self):
        """A package of our own: nothing comes from elsewhere."""
        folder = Path(tempfile.mkdtemp(dir=WORK))
        folder.chmod(0o755)
        info = "throng_test_greeting-1.0.dist-info"
        with zipfile.ZipFile(folder / "throng_test_greeting-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr("greeting.py", "TEXT = 'hello from a package'\n")
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: throng-test-greeting\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", f"greeting.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        return folder

    def run_it(self, requirements, *environment):
        test = mounted({"locustfile.py": self.LOCUSTFILE, "requirements.txt": requirements})
        options = ["--volume", f"{test}:/locust:ro", "--volume", f"{self.wheel()}:/wheels:ro"]
        for variable in ("LOCUST_OPTS=--headless -u 1 -t 20s", "PIP_NO_INDEX=1", *environment):
            options += ["--env", variable]
        return ENGINE.run("throng:python", options=options)

    def test_they_are_installed_where_it_can_be_written(self):
        done = self.run_it("locust==2.0\nthrong-test-greeting\n", "PIP_FIND_LINKS=/wheels")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hello from a package", done.stdout)
        self.assertIn("locust==2.0: throng takes its place", done.stderr)

    def test_without_a_network_it_says_what_to_do(self):
        done = self.run_it("throng-test-greeting\n")
        self.assertEqual(done.returncode, 104, done.stderr)
        self.assertIn("without a network the packages have to be in the image", done.stderr)

    def test_they_can_be_left_out(self):
        done = self.run_it("throng-test-greeting\n", "THRONG_REQUIREMENTS=")
        self.assertNotIn("installing", done.stderr)
        self.assertIn("No module named 'greeting'", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
