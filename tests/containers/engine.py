"""A Docker Engine of the tests' own: started by hand, with its data, socket and networks beside any other's.

Nothing is pulled and nothing leaves the machine: images are built from a root file system that Debian's packages make,
and containers talk to each other on an internal network.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

# Another for each process, as a bridge that was left behind would take the answers.
SUBNET = f"10.77.{os.getpid() % 250}.0/24"
NETWORK = "throng-tests"


class Unavailable(Exception):
    """No engine can run here; the text says why."""


class Engine:
    """Runs until it is closed. `run` and `start` make containers, which are removed with the engine's data."""

    def __init__(self):
        if os.geteuid() != 0:
            raise Unavailable("dockerd needs root")
        # Debian keeps servers off the path of some.
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        for program in ("dockerd", "docker", "containerd", "runc"):
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed")
        # A short path: a socket's may have 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="throng-docker-"))
        self.socket = self.folder / "docker.sock"
        self.log = self.folder / "dockerd.log"
        self.daemon = None
        self.addresses = 10
        reasons = []
        for storage in ("overlay2", "vfs"):
            try:
                self._begin(storage)
                break
            except Unavailable as reason:
                reasons.append(f"{storage}: {reason}")
                self._end()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Unavailable("dockerd does not start here; " + "; ".join(reasons))
        try:
            self.docker("network", "create", "--internal", "--subnet", SUBNET, NETWORK)
        except subprocess.CalledProcessError as error:
            self.close()
            raise Unavailable(f"no private network can be made: {error.stderr.strip()}") from error

    def _begin(self, storage):
        self.storage = storage
        with open(self.log, "w") as log:
            self.daemon = subprocess.Popen(
                [
                    "dockerd",
                    f"--host=unix://{self.socket}",
                    f"--data-root={self.folder / 'data'}",
                    f"--exec-root={self.folder / 'exec'}",
                    f"--pidfile={self.folder / 'pid'}",
                    f"--storage-driver={storage}",
                    # Containers talk to each other only: nothing has to be translated or filtered.
                    "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.daemon.poll() is not None:
                raise Unavailable(self._last_words())
            if self.docker("version", check=False).returncode == 0:
                return
            time.sleep(0.2)
        raise Unavailable(f"no answer after 60 s: {self._last_words()}")

    def _last_words(self):
        lines = [line for line in self.log.read_text().splitlines() if line.strip()]
        return lines[-1] if lines else "it says nothing"

    def _end(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                # Its containerd as well: they are one session.
                os.killpg(self.daemon.pid, signal.SIGKILL)
                self.daemon.wait()
        self.daemon = None

    def close(self):
        """Removes all containers, ends the daemon and forgets its data."""
        names = self.docker("ps", "-aq", check=False).stdout.split()
        if names:
            self.docker("rm", "-f", *names, check=False)
        # Its bridge would outlive the daemon, and take the addresses from the next one.
        self.docker("network", "rm", NETWORK, check=False)
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the client ----

    def docker(self, *arguments, check=True, stdin=None, timeout=240):
        """Runs the client; its output is text."""
        environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}
        return subprocess.run(
            ["docker", *map(str, arguments)],
            env=environment, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True, text=True, check=check, timeout=timeout,
        )  # fmt: skip

    def build(self, context, tag, *options):
        """Builds an image without any network."""
        done = self.docker("build", "--network=none", "--tag", tag, *options, context, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{tag} is not built:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")

    def address(self):
        """The next free address of the network."""
        self.addresses += 1
        return SUBNET.rsplit(".", 1)[0] + f".{self.addresses}"

    def run(self, image, *arguments, options=(), stdin=None):
        """Runs to the end, hardened as in the manifests."""
        interactive = ["-i"] if stdin is not None else []
        command = ["run", "--rm", *interactive, *HARDENED, "--network", NETWORK, *options, image, *arguments]
        return self.docker(*command, check=False, stdin=stdin)

    def start(self, image, *arguments, environment=None, names=None, volumes=None, options=()):
        """Starts a container in the background."""
        address = self.address()
        command = ["run", "-d", *HARDENED, "--network", NETWORK, "--ip", address]
        for name, value in (environment or {}).items():
            command += ["--env", f"{name}={value}"]
        # What a Service is in a cluster.
        for name, target in (names or {}).items():
            command += ["--add-host", f"{name}:{target}"]
        for source, target in (volumes or {}).items():
            command += ["--volume", f"{source}:{target}:ro"]
        done = self.docker(*command, *options, image, *arguments, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{image} does not start: {done.stderr}")
        return Container(self, done.stdout.strip(), address)


# As `restricted` in Kubernetes' Pod Security Standards, with a root that cannot be written. Libraries can be loaded from
# an emptyDir, and unless one says so not from a tmpfs.
HARDENED = (
    "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=10001:10001",
    "--tmpfs=/tmp:mode=1777,exec",
)  # fmt: skip


class Container:
    """One that was started in the background."""

    def __init__(self, engine, name, address):
        self.engine = engine
        self.name = name
        self.address = address

    def logs(self):
        done = self.engine.docker("logs", self.name)
        return done.stdout + done.stderr

    def state(self):
        return json.loads(self.engine.docker("inspect", "--format={{json .State}}", self.name).stdout)

    def wait(self, timeout=90):
        """Its exit code."""
        return int(self.engine.docker("wait", self.name, timeout=timeout).stdout)

    def stop(self, grace=60):
        """SIGTERM, as Kubernetes does it, and the exit code; how long it took."""
        began = time.monotonic()
        self.engine.docker("stop", "-t", grace, self.name)
        return self.state()["ExitCode"], time.monotonic() - began

    def until(self, condition, what, timeout=60):
        """Waits for a condition of the log's text."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            text = self.logs()
            if condition(text):
                return text
            if not self.state()["Running"]:
                break
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come:\n{self.logs()[-4000:]}")
