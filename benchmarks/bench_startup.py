"""How long a user waits for `import mimetic2` and `mimetic2 --help`, against a bare Python, and which modules weigh.

python benchmarks/bench_startup.py [repeats]      # fails where the import takes .3 s or more, the help .5 s or more

CPU time is the least of the repeats: on a shared machine that is what the program costs; wall time is its median.
"""

import os
import re
import resource
import statistics
import subprocess
import sys
import time

HELP = "from mimetic2.cli.main import run; run(['--help'])"
CASES = {"pass": ("pass", None), "import mimetic2": ("import mimetic2", 0.3), "mimetic2 --help": (HELP, 0.5)}
HEAVIEST = 12
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")


def once(code: str) -> tuple[float, float]:
    """Wall and CPU seconds of a Python that runs ``code``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def weights(code: str) -> list[tuple[str, float]]:
    """Milliseconds that each top-level package's modules take by themselves, the heaviest first."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    said = subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    total: dict[str, float] = {}
    for own, _, _, name in _LINE.findall(said):
        package = name.split(".")[0]
        total[package] = total.get(package, 0.0) + int(own) / 1000
    return sorted(total.items(), key=lambda item: -item[1])[:HEAVIEST]


def main(repeats: int) -> int:
    """Measure in turn, so that a noisy minute falls on all cases alike; 1 where a limit is passed."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    for code, _ in CASES.values():
        once(code)  # writes byte code, fills the page cache
    for _ in range(repeats):
        for name, (code, _) in CASES.items():
            taken[name].append(once(code))
    base = min(cpu for _, cpu in taken["pass"])
    late = 0
    print(f"{'':<16} {'CPU ms':>7} {'wall ms':>8} {'× pass':>7}   {repeats} repeats, {os.cpu_count()} cores")
    for name, (_, limit) in CASES.items():
        cpu, wall = min(cpu for _, cpu in taken[name]), statistics.median(wall for wall, _ in taken[name])
        verdict = "" if limit is None else f"  limit {1000 * limit:.0f} ms: {'kept' if cpu < limit else 'PASSED'}"
        late += limit is not None and cpu >= limit
        print(f"{name:<16} {1000 * cpu:>7.0f} {1000 * wall:>8.0f} {cpu / base:>7.1f}{verdict}")
    for name in ("import mimetic2", "mimetic2 --help"):
        print(f"\nheaviest packages of {name}, ms of their own modules")
        for package, milliseconds in weights(CASES[name][0]):
            print(f"  {package:<24} {milliseconds:>7.1f}")
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
