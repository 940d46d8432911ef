"""Runs one locustfile once and collects what it left behind, as facts."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

LIMIT_SECONDS = 60


def observe(engine, script, run, base_url, processes=0):
    """The facts of one run: what the locustfile noted, the exit code, and the files and output asked for; on so many worker
    processes, if there are to be any.
    """
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        folder = Path(folder)
        noted = folder / "facts"
        noted.touch()
        for name, text in run.files.items():
            (folder / name).write_text(text.replace("HOST", base_url), encoding="utf-8")
        arguments = run.arguments.replace("HOST", base_url).replace("HERE", str(script.path.parent)).split()
        if "-f" not in arguments and not any(argument.startswith("--locustfile") for argument in arguments):
            arguments = ["-f", str(script.path), *arguments]
        if processes:
            arguments += ["--processes", str(processes)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        env.update(HOME=str(folder), FACTS=str(noted), PYTHONDONTWRITEBYTECODE="1", BASE_URL=base_url)
        env.update({name: value.replace("HOST", base_url) for name, value in run.env.items()})
        if "LOCUST_HOST" not in env and not any("host" in text for text in run.files.values()):
            arguments = (
                [*arguments, "--host", base_url] if "--host" not in arguments and "-H" not in arguments else arguments
            )
        workers = []
        if script.workers:
            port = _free_port()
            here = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
            there = ["-f", str(script.path), "--worker", "--master-port", str(port)]
            arguments = [*here, "--expect-workers", str(script.workers), *arguments]
            for number in range(script.workers):
                own = folder / f"facts of worker {number}"
                own.touch()
                workers.append((_start(engine, there, folder, {**env, "FACTS": str(own)}), own))
        process = _start(engine, arguments, folder, env)
        if script.signal:
            _send(script.signal, process, noted)
        stdout, stderr = _finish(process)
        facts = {"exit code": process.returncode, **_read(noted)}
        if workers:
            facts["workers"] = []
        for worker, own in workers:
            stderr += f"---- a worker\n{_finish(worker)[1]}"
            found = {"exit code": worker.returncode, **_read(own)}
            facts["workers"].append({key: sorted(value) if key in script.unordered else value for key, value in found.items()})
        # Which worker comes first is chance.
        facts.get("workers", []).sort(key=lambda found: json.dumps(found, sort_keys=True))
        for what in script.outputs:
            facts[what] = _output(what, folder, stdout, stderr)
        for key in script.unordered:
            if key in facts:
                facts[key] = sorted(facts[key], key=json.dumps)
        text = json.dumps(facts, indent=1, sort_keys=True)
        port = base_url.rsplit(":", 1)[1]
        text = text.replace(base_url, "HOST").replace(f"127.0.0.1:{port}", "HOST").replace(f"port={port}", "port=PORT")
        text = (
            re.sub(r"0x[0-9a-f]{6,}", "0xADDRESS", text)
            .replace(str(folder), "FOLDER")
            .replace(str(script.path.parent), "HERE")
        )
        return json.loads(text), stdout, stderr


def _start(engine, arguments, folder, env):
    return subprocess.Popen(
        [*engine, *arguments],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process):
    """What the process wrote until it ended, or until it was given up."""
    try:
        return process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        return stdout, f"{stderr}\nconformance: still running after {LIMIT_SECONDS} s"


def _read(noted):
    """The facts of one process: key -> values in their order."""
    facts = {}
    for line in noted.read_text(encoding="utf-8").splitlines():
        key, value = json.loads(line)
        facts.setdefault(key, []).append(value)
    return facts


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _send(order, process, noted):
    """`TERM when ready`: the signal, once the locustfile has noted the fact."""
    name, _, key = order.partition(" when ")
    until = time.monotonic() + LIMIT_SECONDS
    while f'["{key}"' not in noted.read_text(encoding="utf-8") and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(getattr(signal, f"SIG{name}"))


def _output(what, folder, stdout, stderr):
    """What a run wrote, reduced to what does not depend on its speed."""
    kind, _, detail = what.partition(" ")
    if kind == "stdout":
        return [re.sub(r"\s+", " ", line).strip() for line in stdout.splitlines() if line.strip()]
    if kind == "log":
        # The lines that tools look for; the words of all others are an engine's own.
        lines = [line.split(": ", 1)[1] for line in stderr.splitlines() if re.match(r"\[\d{4}-", line) and ": " in line]
        return [line for line in lines if re.search(detail, line)]
    if kind == "stderr":
        lines = [re.sub(r"^\[.*?\] [^/]*/", "", line).strip() for line in stderr.splitlines()]
        return [line for line in lines if re.search(detail, line)]
    if kind == "tables":
        # Numbers masked, so that columns and rows remain; the periodic tables come as often as there was time.
        text = stderr[stderr.rindex("Type     Name", 0, stderr.index("Response time percentiles")) :]
        return [
            re.sub(r"[\d.]+", "0", re.sub(r" +", " ", line)).strip()
            for line in text.splitlines()
            if not line.startswith("[")
        ]
    if kind == "columns":
        with open(folder / detail, newline="", encoding="utf-8") as file:
            return next(csv.reader(file))
    if kind == "rows":
        with open(folder / detail, newline="", encoding="utf-8") as file:
            # The first four columns identify a row; in the history the first two are time and users.
            rows = list(csv.reader(file))[1:]
        return sorted({tuple(row[2:4] if "history" in detail else row[:4]) for row in rows})
    if kind == "json":
        return [
            [entry["method"], entry["name"], entry["num_requests"], sorted(entry)]
            for entry in json.loads(
                stdout[stdout.index("[") :] if detail == "stdout" else (folder / detail).read_text(encoding="utf-8")
            )
        ]
    if kind == "exists":
        return (folder / detail).exists()
    raise ValueError(f"unknown output: {what}")
