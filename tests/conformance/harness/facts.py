"""Reduces a run to facts: everything that must be the same on every machine and engine.

Times, rates and sizes on the wire are left out; names, types, counts, tags, values that the
script chose, results of checks and thresholds, console lines and exit codes stay. What an engine
itself writes to its log is counted by level and not compared by its words.
"""

import json
import re
from collections import Counter

from .engine import Raw
from .script import Script

# They depend on how long a run happened to take.
UNSTABLE = {"vus", "vus_max"}
# Built in, so their values are measurements; custom metrics have values of the script's choosing.
BUILT_IN = re.compile(
    r"^(data_(sent|received)|iteration_duration|iterations|dropped_iterations|group_duration|checks|http_req.*)$"
)
MEASURED = re.compile(r"^(data_(sent|received)|iteration_duration|group_duration|http_req_(?!failed).*)$")
# What only throng says, and when the machine is busy: that it was the bottleneck itself.
OWN_WARNING = "the generator "
# Metrics that only throng has, and says so in its documentation.
OURS = {"iteration_start_lag", "iteration_response_time"}

NUMBER = re.compile(r"\d+(\.\d+)?(ns|µs|ms|s|m|h|kB|MB|GB|B|%)?(/s)?")


def reduce(script: Script, command: str, raw: Raw) -> dict:
    """The facts of one run of a command."""
    facts = {"exit": raw.exit}
    if script.stderr:
        facts["stderr"] = [_mask_log(line) for line in raw.stderr.splitlines() if OWN_WARNING not in line]
    else:
        facts |= _log(script, raw.stderr)
    if command != "run":
        return facts | {"output": _present(json.loads(raw.stdout)) if raw.stdout else None}
    facts["metrics"] = _metrics(script, raw.samples)
    if raw.summary is not None:
        facts["summary"] = _summary(raw.summary)
    if script.stdout:
        facts["stdout"] = [line for line in mask_numbers(raw.stdout) if OWN_WARNING not in line]
    if script.files:
        facts["files"] = {
            name: None if text is None else _file(name, text) for name, text in raw.files.items()
        }
    return facts


def _present(value):
    """JSON without what is null: a newer k6 knows more options that are not set."""
    if isinstance(value, dict):
        return {key: _present(inner) for key, inner in sorted(value.items()) if inner is not None}
    return [_present(inner) for inner in value] if isinstance(value, list) else value


def _file(name: str, text: str) -> list[str]:
    """The lines of a file; in CSV the time and the value of a sample are left out, and the order of rows."""
    if name.endswith(".csv"):
        header, *rows = re.sub(r"(?m)^(\w+),\d+,[-+.e\d]+,", r"\1,TIME,VALUE,", text).splitlines() or [""]
        return [header, *sorted(rows)]
    return [line for line in text.splitlines() if OWN_WARNING not in line]


def _log(script: Script, stderr: str) -> dict:
    console, errors = [], 0
    for line in stderr.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            # Before the format of the log is known, its lines are text; what else is printed is for people.
            if re.search(r"\blevel=error\b", line):
                errors += 1
            continue
        if record.get("source") == "console":
            console.append(f"{record['level']}: {record['msg']}")
        elif record["level"] == "error":
            errors += 1
    return {
        "console": sorted(console) if script.any_order else console,
        "errors": errors,
    }


def _mask_log(line: str) -> str:
    return re.sub(r'time="[^"]*"', 'time="TIME"', line)


def _metrics(script: Script, lines: list[dict]) -> dict:
    metrics: dict[str, dict] = {}
    for line in lines:
        name = line["metric"]
        if name in UNSTABLE or name in OURS:
            continue
        if line["type"] == "Metric":
            data = line["data"]
            metrics[name] = {"type": data["type"], "contains": data["contains"], "count": 0, "tags": Counter()}
            continue
        data = line["data"]
        metric = metrics[name]
        metric["count"] += 1
        tags = [f"{key}={_tag(key, value)}" for key, value in sorted((data.get("tags") or {}).items())]
        tags += [f"({key})" for key in sorted(data.get("metadata") or {})]
        metric["tags"][" ".join(tags)] += 1
        if not MEASURED.match(name) and name not in script.timed:
            metric["sum"] = round(metric.get("sum", 0) + data["value"], 6)
            if not BUILT_IN.match(name):
                metric["min"] = min(metric.get("min", data["value"]), data["value"])
                metric["max"] = max(metric.get("max", data["value"]), data["value"])
    for metric in metrics.values():
        metric["tags"] = dict(sorted(metric["tags"].items()))
    # Nine metrics of each request carry the same tags; written once they can be read and reviewed.
    requests = metrics.get("http_reqs", {}).get("tags")
    for name, metric in metrics.items():
        if name.startswith("http_req_") and metric["tags"] == requests:
            metric["tags"] = "as http_reqs"
    return dict(sorted(metrics.items()))


def _tag(key: str, value: str) -> str:
    """The words of an error are the engine's own; its code is compared."""
    return "TEXT" if key == "error" and value else value


def _summary(summary: dict) -> dict:
    metrics = {}
    for name, metric in sorted(summary.get("metrics", {}).items()):
        if name in UNSTABLE or name in OURS:
            continue
        values = sorted(key for key in metric if key != "thresholds")
        metrics[name] = {"values": values} | ({"crossed": metric["thresholds"]} if "thresholds" in metric else {})
    facts = {"metrics": metrics, "root_group": summary.get("root_group")}
    if "setup_data" in summary:
        facts["setup_data"] = summary["setup_data"]
    return facts


def mask_numbers(text: str) -> list[str]:
    """Lines with numbers as `N`, and runs of dots, dashes and spaces as one: widths follow numbers."""
    lines = []
    for line in text.splitlines():
        line = NUMBER.sub("N", line)
        line = re.sub(r"(N)+", "N", line)
        line = re.sub(r"\.{2,}", "..", line)
        indent = len(line) - len(line.lstrip(" "))
        lines.append(" " * indent + re.sub(r" {2,}", " ", line.strip()))
    return lines


def difference(expected, actual, near: int, path: str = "") -> list[str]:
    """Where two facts differ, one line each; sample counts may differ by `near`."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        lines = []
        for key in [*expected, *(key for key in actual if key not in expected)]:
            place = f"{path}/{key}"
            if key not in actual:
                if not _forgiven(expected[key], near, place):
                    lines.append(f"{place}: missing, expected {_short(expected[key])}")
            elif key not in expected:
                if not _forgiven(actual[key], near, place):
                    lines.append(f"{place}: unexpected {_short(actual[key])}")
            else:
                lines += difference(expected[key], actual[key], near, place)
        return lines
    if isinstance(expected, list) and isinstance(actual, list):
        lines = []
        for index in range(max(len(expected), len(actual))):
            place = f"{path}[{index}]"
            if index >= len(actual):
                lines.append(f"{place}: missing, expected {_short(expected[index])}")
            elif index >= len(expected):
                lines.append(f"{place}: unexpected {_short(actual[index])}")
            else:
                lines += difference(expected[index], actual[index], near, place)
        return lines
    if expected == actual and type(expected) is type(actual):
        return []
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (expected, actual))
    if numbers and (expected == actual or (_counted(path) and abs(expected - actual) <= near)):
        return []
    return [f"{path}: expected {_short(expected)}, got {_short(actual)}"]


def unexplained(lines: list[str], differs: dict[str, str]) -> list[str]:
    """The differences that no `@differs` explains, and the explanations that explain nothing any more."""
    left = [line for line in lines if not any(line.startswith(path) for path in differs)]
    stale = [path for path in differs if not any(line.startswith(path) for line in lines)]
    return left + [f"{path}: said to differ ({differs[path]}) and does not" for path in stale]


def _counted(path: str) -> bool:
    return "/metrics/" in path or path.endswith(("/passes", "/fails"))


def _forgiven(value, near: int, path: str) -> bool:
    """A tag set that is there a few times in one run may be absent in another."""
    return "/tags/" in path and isinstance(value, int) and value <= near


def _short(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"
