"""The engine ray on a real cluster of this machine with two workers: the same bytes as here, whatever is killed.

The cluster listens on the loopback address only, asks for a token of its own, and is ended by its own processes' ids.
Drivers run as processes of their own, as users start them.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import mimetic2
from mimetic2.counting.counts import count_captions, sample_path, shards_path
from mimetic2.engines import get_engine
from mimetic2.errors import MissingRequirement

pytest.importorskip("ray", reason="ray is not installed: pip install 'mimetic2[distributed]'")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers through /proc")

CONCEPTS = "concept,aliases,group\nAnn Lee,A. Lee,people\nBo,,people\nNobody,,\n"
WORDS = ("ann", "lee", "Bo", "a", "portrait", "Lee", "é", "house", "by")


@dataclass
class Cluster:
    """A running cluster: its address and what a driver's environment needs."""

    address: str
    environment: dict[str, str]
    process: int

    def raylet(self) -> int:
        return next(pid for pid, line in _children(self.process) if b"raylet/raylet" in line)

    def busy_workers(self) -> list[int]:
        return [pid for pid, line in _children(self.raylet()) if line.startswith(b"ray::_call")]

    def kill_a_busy_worker(self) -> None:
        """SIGKILL one in the midst of a task: stopped first, so that the task cannot end meanwhile."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for worker in self.busy_workers():
                os.kill(worker, signal.SIGSTOP)
                if worker in self.busy_workers():
                    os.kill(worker, signal.SIGKILL)
                    return
                os.kill(worker, signal.SIGCONT)
            time.sleep(0.002)
        pytest.fail("no worker was busy within a minute")


def _children(parent: int) -> list[tuple[int, bytes]]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append((int(status.parent.name), (status.parent / "cmdline").read_bytes()))
        except OSError:
            continue
    return found


def start_cluster(*before: str, **settings: str) -> Iterator[Cluster]:
    """A head node with two workers; ended by signals to the processes that were started here.

    ``before``: a command that starts what follows it.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray"))  # short: its sockets' paths are limited to 107 bytes
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    environment = os.environ | {
        "PYTHONPATH": str(Path(mimetic2.__file__).parents[1]),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray replaces 127.0.0.1 by an address that others reach
        "RAY_USAGE_STATS_ENABLED": "0",
        **settings,
    }
    head = ["--head", "--block", "--node-ip-address=127.0.0.1", "--port=0", "--num-cpus=2", f"--temp-dir={folder}"]
    options = ["--include-dashboard=false", "--disable-usage-stats", f"--object-store-memory={100 * 2**20}"]
    command = [*before, sys.executable, "-m", "ray.scripts.scripts", "start", *head, *options]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        address = _wait(lambda: (folder / "ray_current_cluster").read_text(), process)
        yield Cluster(address, environment, process.pid)
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(read: Callable[[], str], process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return read()
        except FileNotFoundError:
            time.sleep(0.05)
    pytest.fail(f"the cluster did not start (exit code {process.poll()})")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    yield from start_cluster()


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """A folder with a concept list and 30 shards that take a worker a while each."""
    draw = random.Random(4)
    (tmp_path / "concepts.csv").write_text(CONCEPTS, encoding="utf-8")
    (tmp_path / "c").mkdir()
    for shard in range(30):
        pairs = [(f"http://x/{draw.randrange(20_000)}", " ".join(draw.choices(WORDS, k=4))) for _ in range(12_000)]
        table = pa.table({"URL": [url for url, _ in pairs], "TEXT": [text for _, text in pairs]})
        pq.write_table(table, tmp_path / "c" / f"{shard:03d}.parquet", row_group_size=1000)
    return tmp_path


def count(cluster: Cluster, folder: Path, first: str = "") -> subprocess.Popen[bytes]:
    """`mimetic2 count --engine ray` in its own process, with paths relative to ``folder``; ``first``: run before it."""
    files = ["--captions", "c/*.parquet", "--concepts", "concepts.csv", "--out", "ray.csv", "--sample", "15"]
    engine = ["--engine", "ray", "--address", cluster.address, "--json"]
    command = [sys.executable, "-c", f"{first}\nfrom mimetic2.cli.main import main; main()", "count", *files, *engine]
    return subprocess.Popen(
        command, cwd=folder, env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def assert_same_as_here(folder: Path) -> None:
    from mimetic2.concepts import read_concepts

    concepts = read_concepts(folder / "concepts.csv")
    count_captions([str(folder / "c")], concepts, out=folder / "local.csv", sample=15, workers=1)
    assert (folder / "ray.csv").read_bytes() == (folder / "local.csv").read_bytes()
    assert (folder / "ray.json").read_bytes() == (folder / "local.json").read_bytes()
    samples = [pl.read_parquet(sample_path(folder / name)) for name in ("ray.csv", "local.csv")]
    assert samples[0].equals(samples[1])
    assert len(samples[0]) == 30


def wait_for_results(folder: Path, number: int) -> list[Path]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        results = list(shards_path(folder / "ray.csv").glob("*.parquet"))
        if len(results) >= number:
            return results
        time.sleep(0.005)
    pytest.fail("no result within a minute")


def test_a_killed_worker_changes_nothing(cluster: Cluster, captions: Path) -> None:
    with count(cluster, captions) as process:
        wait_for_results(captions, 2)
        cluster.kill_a_busy_worker()
        output, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    assert b"a worker was killed at " in log
    assert json.loads(output)["rows"] == 360_000
    assert_same_as_here(captions)


ENGINE = """
import json, os, signal, sys
from mimetic2.engines import get_engine
from mimetic2.errors import InputError

def square(task):
    return task * task

def fail(task):
    raise InputError("is bad", file="x.csv", row=3)

def die(task):
    os.kill(os.getpid(), signal.SIGKILL)

engine = get_engine("ray", address=sys.argv[1], workers=2)
print(json.dumps(sorted(engine.run(square, range(12)))))
for function in (fail, die):
    try:
        list(engine.run(function, ["task"]))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""


def test_results_and_errors_come_through(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(ENGINE)
    command = [sys.executable, str(tmp_path / "driver.py"), cluster.address]
    done = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        json.dumps([[task, task * task] for task in range(12)]),
        "InputError: x.csv: row 3: is bad",
        "WorkerLost: task: 3 workers died of this task, the last was killed",
    ]
    assert done.stderr.count("a worker was killed at task; the task is done again") == 2


def test_no_cluster_no_token_no_ray(
    cluster: Cluster, captions: Path, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    nobody = Cluster(f"127.0.0.1:{unused_port}", cluster.environment, 0)
    without = {name: value for name, value in cluster.environment.items() if name != "RAY_AUTH_TOKEN_PATH"}
    stranger = Cluster(cluster.address, without | {"HOME": str(captions)}, 0)
    for other, reason in ((nobody, b"refused"), (stranger, b"no authentication token was found")):
        with count(other, captions) as process:
            output, log = process.communicate(timeout=60)
        assert process.returncode == 2
        assert output == b""
        assert b"no Ray cluster at '127.0.0.1:" in log
        assert reason in log
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingRequirement, match=r"pip install 'mimetic2\[distributed\]'"):
        get_engine("ray")


OTHER_PYTHON = """
import collections, sys
sys.version_info = collections.namedtuple("V", "major minor micro releaselevel serial")(3, 11, 99, "final", 0)
"""


@pytest.mark.parametrize(
    ("pretend", "here"),
    [
        ("import ray; ray.__version__ = '2.50.9'", b"2.50.9 and "),
        (OTHER_PYTHON, b"and 3.11.99"),
    ],
)
def test_other_versions_than_the_cluster_s_are_told(
    cluster: Cluster, captions: Path, pretend: str, here: bytes
) -> None:
    with count(cluster, captions, pretend) as process:
        output, log = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, b""), log
    line = log.splitlines()[-1]
    assert line.startswith(f"mimetic2: the Ray cluster at '{cluster.address}' has Ray ".encode())
    assert here in line
    assert line.endswith(b"accepted: the same version of both there and here")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.slow
def test_a_killed_driver_resumes(cluster: Cluster, captions: Path) -> None:
    with count(cluster, captions) as process:
        wait_for_results(captions, 5)
        process.kill()
        process.communicate()
    assert not (captions / "ray.csv").exists()
    time.sleep(3)  # Ray ends the tasks of a driver that is gone
    before = {path: path.stat().st_mtime_ns for path in shards_path(captions / "ray.csv").glob("*.parquet")}
    assert 5 <= len(before) < 30
    with count(cluster, captions) as process:
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0, log
    after = {path: path.stat().st_mtime_ns for path in shards_path(captions / "ray.csv").glob("*.parquet")}
    assert len(after) == 30
    assert before.items() <= after.items()
    assert_same_as_here(captions)


OUT_OF_MEMORY = """
import sys
from pathlib import Path
from mimetic2.engines import get_engine

def greedy(mark):
    if not Path(mark).exists():
        Path(mark).touch()
        kept = []
        while True:
            kept.append(bytearray(b"x" * (1 << 26)))
    return "done"

print(list(get_engine("ray", address=sys.argv[1], workers=1).run(greedy, [sys.argv[2]])))
"""


@pytest.mark.slow
def test_out_of_memory(tmp_path: Path) -> None:
    """Ray ends a worker when the node's memory is fuller than a threshold: here, 3 GiB above what is used now."""
    psutil = pytest.importorskip("psutil")
    memory = psutil.virtual_memory()
    if memory.available < 6 << 30:
        pytest.skip("needs 6 GiB of free memory")
    threshold = 1 - (memory.available - (3 << 30)) / memory.total
    (tmp_path / "driver.py").write_text(OUT_OF_MEMORY)
    settings = {"RAY_memory_usage_threshold": f"{threshold:.4f}", "RAY_memory_monitor_refresh_ms": "50"}
    for cluster in start_cluster(**settings):
        command = [sys.executable, str(tmp_path / "driver.py"), cluster.address, str(tmp_path / "mark")]
        done = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=180)
    assert done.stdout == "[(0, 'done')]\n", done.stderr
    assert "a worker ran out of memory at" in done.stderr


@pytest.mark.slow
def test_a_node_without_mimetic2(captions: Path) -> None:
    (captions / "other" / "mimetic2").mkdir(parents=True)
    (captions / "other" / "mimetic2" / "__init__.py").touch()
    for cluster in start_cluster(PYTHONPATH=str(captions / "other")):
        here = cluster.environment | {"PYTHONPATH": str(Path(mimetic2.__file__).parents[1])}
        with count(Cluster(cluster.address, here, 0), captions) as process:
            _, log = process.communicate(timeout=60)
    assert process.returncode == 3, log
    assert b"a node of the cluster lacks mimetic2." in log


@pytest.mark.slow
def test_results_on_a_disk_that_the_driver_does_not_see(captions: Path) -> None:
    """The cluster runs where another file system is mounted over the folder of results."""
    hidden = shards_path(captions / "ray.csv")
    hidden.mkdir()
    inside = ("unshare", "--user", "--map-root-user", "--mount")
    if shutil.which("unshare") is None or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("needs user namespaces")
    mount = ("sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(hidden))
    for cluster in start_cluster(*inside, *mount):
        impatient = "import mimetic2.counting.counts as counts; counts._VISIBLE_SECONDS = 1.0"
        with count(cluster, captions, impatient) as process:
            output, log = process.communicate(timeout=120)
    assert (process.returncode, output) == (2, b""), log
    line = log.splitlines()[-1].decode()
    assert line.startswith(f"mimetic2: {hidden}: a worker on {socket.gethostname()} wrote ")
    assert line.endswith("accepted: an --out on a file system that all nodes share")
    assert not (captions / "ray.csv").exists()


@pytest.mark.slow
def test_images_painted_on_the_cluster_are_the_same(cluster: Cluster, tmp_path: Path) -> None:
    pytest.importorskip("diffusers")
    (tmp_path / "concepts.csv").write_text("concept\nAda Keller\nBruno Corvo\n")
    options = ["--model", "lab", "--domain", "lab", "--concepts", "concepts.csv", "--images", "1"]
    for out, engine in (("here", []), ("there", ["--engine", "ray", "--address", cluster.address])):
        command = ["generate", *options, "--out", out, *engine]
        subprocess.run(
            [sys.executable, "-c", "from mimetic2.cli.main import main; main()", *command],
            cwd=tmp_path, env=cluster.environment, check=True, timeout=600, capture_output=True,
        )  # fmt: skip
    roots = (tmp_path / "here", tmp_path / "there")
    made = [{path.relative_to(root): path.read_bytes() for path in root.rglob("*.png")} for root in roots]
    assert made[0] == made[1]
    assert len(made[0]) == 10
