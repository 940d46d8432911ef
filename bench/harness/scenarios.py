"""The scenarios, one function each. A scenario prints its figures and says whether its aim was met."""

import statistics
import subprocess
import tempfile
from pathlib import Path

from . import measure
from .measure import number, percentile, spread
from .servers import Nginx, TruthServer
from .tools import SCRIPTS, K6Like, Load, Wrk


class Bench:
    """The programs, how often, and where the lines go."""

    def __init__(self, options):
        self.throng = K6Like("throng", [*options.throng, "k6"])
        # Its own face exports what k6 has no metric for: how late iterations start.
        self.own_face = K6Like("throng", options.throng)
        self.k6 = K6Like("k6", options.k6)
        self.wrk = Wrk()
        self.locust_python = options.locust_python
        self.truth_server = options.truth_server
        self.pairs, self.seconds = options.pairs, options.seconds
        self.scale, self.patience = options.scale, options.patience

    def vus(self, count: int) -> int:
        return max(1, int(count * self.scale))

    def round(self, label: str, results: dict) -> None:
        figures = "  ".join(
            f"{name}: {r.requests:,} requests, {r.cost.cpu:.2f} CPU s, {number(r.cost.peak_mb)} MB" for name, r in results.items()
        )
        print(f"  {label}  load {measure.load_average():.2f}  {figures}", flush=True)

    def compare_cost(self, script: str, vus: int, aim: float, with_wrk: bool) -> bool:
        """Requests per CPU second in alternating rounds: throng, k6, (wrk,) throng again."""
        rounds = []
        with Nginx() as server:
            load = Load(SCRIPTS / script, server.url, ["--vus", str(vus), "--duration", f"{self.seconds}s"])
            for index in range(self.pairs):
                measure.wait_for_quiet(1.0, self.patience)
                results = {"throng": self.throng.run(load), "k6": self.k6.run(load)}
                if with_wrk:
                    results["wrk"] = self.wrk.run(vus, self.seconds, server.url)
                results["throng again"] = self.throng.run(load)
                self.round(f"pair {index + 1}", results)
                rounds.append(results)
        ratios = [r["throng"].per_cpu_second / r["k6"].per_cpu_second for r in rounds]
        itself = [r["throng again"].per_cpu_second / r["throng"].per_cpu_second for r in rounds]
        for name in rounds[0]:
            print(f"  {name:14} requests per CPU second: {spread([r[name].per_cpu_second for r in rounds])}")
        print(f"  throng against k6:     {spread(ratios)}")
        print(f"  throng against itself: {spread(itself)}")
        if with_wrk:
            print(f"  throng against wrk:    {spread([r['throng'].per_cpu_second / r['wrk'].per_cpu_second for r in rounds])}")
        return verdict(statistics.median(ratios) >= aim, f"at least {aim} times k6's requests per CPU second")

    def compare_memory(self, script: Path, vus: int, seconds: int, aim: float, flags: list[str] | None = None) -> bool:
        """Peak resident memory in alternating rounds; three are enough, it varies little."""
        rounds = []
        with Nginx() as server:
            load = Load(script, server.url, ["--vus", str(vus), "--duration", f"{seconds}s", *(flags or [])])
            for index in range(max(1, min(3, self.pairs))):
                results = {"throng": self.throng.run(load), "k6": self.k6.run(load)}
                self.round(f"pair {index + 1}", results)
                rounds.append(results)
        ratios = [r["throng"].cost.peak_mb / r["k6"].cost.peak_mb for r in rounds]
        for name in ("throng", "k6"):
            print(f"  {name:7} peak MB at {vus:,} virtual users: {spread([r[name].cost.peak_mb for r in rounds])}")
        print(f"  throng against k6: {spread(ratios)}")
        return verdict(statistics.median(ratios) <= aim, f"at most {aim} of k6's peak")


def get(bench: Bench) -> bool:
    """One request, a check and a threshold at 50 virtual users: requests per CPU second against k6 and wrk."""
    return bench.compare_cost("get.js", 50, 5.0, with_wrk=True)


def cpu(bench: Bench) -> bool:
    """A script that computes (10 KB of JSON, a loop, a payload, eight checks) at 10 virtual users."""
    return bench.compare_cost("cpu.js", 10, 5.0, with_wrk=False)


def memory(bench: Bench) -> bool:
    """Peak memory of 5,000 virtual users that request and sleep."""
    return bench.compare_memory(SCRIPTS / "sleep.js", bench.vus(5000), 15, 0.75)


def library(bench: Bench) -> bool:
    """Peak memory of 1,000 virtual users that import lodash.min.js (73 KB)."""
    with tempfile.TemporaryDirectory() as folder:
        return bench.compare_memory(with_lodash(Path(folder)), bench.vus(1000), 8, 0.5)


def bundle(bench: Bench) -> bool:
    """Peak memory of 200 virtual users with a bundle of 600 KB in 2,000 functions, and of one in classes and tables."""
    met = True
    for kind in (with_functions, with_classes):
        with tempfile.TemporaryDirectory() as folder:
            print(f"  {kind.__doc__}")
            met &= bench.compare_memory(kind(Path(folder), 600_000), bench.vus(200), 8, 1.1)
    return met


def connected(bench: Bench) -> bool:
    """15,000 connected virtual users run at all; nginx is a process of its own."""
    count = bench.vus(15_000)
    with Nginx() as server:
        result = bench.throng.run(Load(SCRIPTS / "connected.js", server.url, ["--vus", str(count), "--duration", "30s"]))
    bench.round("throng", {"throng": result})
    return verdict(result.requests >= count, f"{count:,} virtual users each made a request")


def sleeping(bench: Bench) -> bool:
    """50,000 sleeping virtual users run at all."""
    count = bench.vus(50_000)
    result = bench.throng.run(Load(SCRIPTS / "sleeping.js", "", ["--vus", str(count), "--duration", "15s"]))
    bench.round("throng", {"throng": result})
    iterations = result.summary["metrics"].get("iterations", {}).get("count", 0)
    print(f"  {iterations:,} iterations, {result.cost.peak_mb * 1024 / count:.1f} KB per virtual user")
    return verdict(iterations >= count, f"{count:,} virtual users each slept")


def fairness(bench: Bench) -> bool:
    """Nine virtual users' waiting time while the tenth burns their common thread."""
    met = True
    with Nginx() as server:
        for kind in ("script", "native"):
            load = Load(SCRIPTS / "fairness.js", server.url, ["--vus", "10", "--duration", f"{bench.seconds}s", "-e", f"KIND={kind}"])
            # Pinned to one core, so that there is one thread for all.
            result = bench.throng.run(load, cpus={0})
            waiting = result.summary["metrics"]["others_waiting"]
            print(f"  {kind}: others' waiting median {waiting['med']:.3f} ms, p(95) {waiting['p(95)']:.3f} ms")
            met &= verdict(waiting["med"] < 5, f"median under 5 ms beside {kind} work")
    return met


def truth(bench: Bench) -> bool:
    """What the generator says a request waited, minus what the server knows it took."""
    rate = 2000
    with tempfile.TemporaryDirectory() as folder, TruthServer(bench.truth_server) as server:
        said = Path(folder, "said.txt")
        load = Load(SCRIPTS / "truth.js", server.url, ["--console-output", str(said), "--log-format", "raw"])
        bench.throng.run(load, env={"RATE": str(rate), "DURATION": f"{bench.seconds}s"})
        pairs = [line.split()[:2] for line in said.read_text().splitlines() if line]
    differences = [float(waited) - server.times[int(id)] / 1e6 for id, waited in pairs]
    print(f"  {len(differences):,} requests at {rate} a second, load {measure.load_average():.2f}")
    for p in (50, 90, 99, 99.9):
        print(f"  p({p}) of said minus known: {percentile(differences, p):.3f} ms")
    print(f"  smallest {min(differences):.3f} ms, greatest {max(differences):.3f} ms")
    return verdict(percentile(differences, 99) <= 0.2, "p(99) at most 0.2 ms")


def lag(bench: Bench) -> bool:
    """How late each of 1,000 starts a second is, for a minute."""
    with Nginx() as server:
        load = Load(SCRIPTS / "rate.js", server.url, [])
        result = bench.own_face.run(load, env={"RATE": "1000", "DURATION": f"{int(60 * bench.scale) or 1}s"})
    late = result.summary["metrics"]["iteration_start_lag"]
    dropped = result.summary["metrics"].get("dropped_iterations", {}).get("count", 0)
    print(f"  {result.requests:,} starts, {dropped} dropped; lag median {late['med']:.3f} ms, p(99) {late['p(99)']:.3f} ms, max {late['max']:.3f} ms")
    return verdict(late["p(99)"] <= 1, "p(99) of the lag at most 1 ms")


def long(bench: Bench) -> bool:
    """Ten minutes at full speed: memory at the end against minute two."""
    minutes = max(0.5, 10 * bench.scale)
    with Nginx() as server:
        load = Load(SCRIPTS / "get.js", server.url, ["--vus", "50", "--duration", f"{int(minutes * 60)}s"])
        result = bench.throng.run(load, sample=1)
    def during(tenth: int) -> float:
        """Median of the memory in one tenth of the run: a minute, when it takes ten."""
        length = minutes * 6
        return statistics.median(mb for at, mb in result.cost.memory if (tenth - 1) * length <= at <= tenth * length)

    early, late = during(2), during(10)
    print(f"  {result.requests:,} requests; {number(early)} MB in the second tenth, {number(late)} MB in the last")
    return verdict(late <= early * 1.05, "within 5 %")


def script_with(folder: Path, imports: str, use: str) -> Path:
    """sleep.js with one more import and an expression that uses it."""
    body = (SCRIPTS / "sleep.js").read_text().replace("import http", f"{imports}\nimport http", 1)
    script = folder / "script.js"
    script.write_text(body.replace("sleep(1);", f"{use};\n  sleep(1);"))
    return script


def with_lodash(folder: Path) -> Path:
    """lodash 4.17.21 as it is published, from the npm registry."""
    subprocess.run(["npm", "pack", "--silent", "lodash@4.17.21"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["tar", "xzf", next(folder.glob("*.tgz")), "package/lodash.min.js"], cwd=folder, check=True)
    return script_with(folder, "import _ from './package/lodash.min.js';", "_.sum([1, 2])")


def with_functions(folder: Path, size: int) -> Path:
    """plain functions of 308 bytes each"""
    parts = []
    for n in range(size // 308):
        part = (
            f"export function fn{n}(a, b) {{\n  let total = 0;\n  for (let i = 0; i < a.length; i++) {{\n"
            f"    if (a[i] > b) {{ total += a[i] * {n}; }} else {{ total -= b; }}\n  }}\n"
            f"  return total > 1000 ? 'big-{n}' : String(total) + '-{n}';\n}}\n"
        )
        parts.append(part + "/*" + "x" * (308 - len(part) - 5) + "*/\n")
    (folder / "library.js").write_text("".join(parts))
    return script_with(folder, "import * as library from './library.js';", "library.fn7([1, 2], 1)")


def with_classes(folder: Path, size: int) -> Path:
    """functions, classes and tables, as bundlers make them"""
    parts, length, n = [], 0, 0
    while length < size:
        part = (
            f"const table{n} = {{ name: 'entry {n}', weights: [{n}, {n + 1}, {n + 2}], nested: {{ on: true, label: 'label {n}' }} }};\n"
            f"function compute{n}(input, options) {{\n"
            f"  const settings = Object.assign({{ step: {n % 9 + 1}, limit: 100 }}, options);\n"
            f"  let result = 0;\n  for (let i = 0; i < settings.limit; i += settings.step) {{\n"
            f"    result += (input[i % input.length] || 0) * table{n}.weights[i % 3];\n  }}\n"
            f"  return settings.round ? Math.round(result) : result;\n}}\n"
            f"class Model{n} {{\n  constructor(values) {{ this.values = values; }}\n"
            f"  get total() {{ return compute{n}(this.values, {{ round: true }}); }}\n"
            f"  describe() {{ return `${{table{n}.nested.label}}: ${{this.total}}`; }}\n}}\n"
            f"registry['model{n}'] = Model{n};\n"
        )
        parts.append(part)
        length += len(part)
        n += 1
    (folder / "library.js").write_text("export const registry = {};\n" + "".join(parts))
    imports = "import { registry } from './library.js';"
    return script_with(folder, imports, "new registry.model0([1, 2, 3]).describe()")


def verdict(met: bool, aim: str) -> bool:
    print(f"  {'met' if met else 'NOT MET'}: {aim}")
    return met


ALL = {
    function.__name__: function
    for function in (get, cpu, memory, library, bundle, connected, sleeping, fairness, truth, lag, long)
}
