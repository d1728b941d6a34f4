"""A loopback web server that misbehaves in every way a link of a large dataset may."""

from __future__ import annotations

import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image


def picture(seed: int = 0, kind: str = "JPEG", size: int = 64) -> bytes:
    """A noisy picture of more than a thousand bytes."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it is 60 000 × 60 000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(2_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


class Hostile:
    """The server's address, what it was asked for and when, and what it answers (``robots`` may be changed)."""

    def __init__(self) -> None:
        self.robots: tuple[int, str] = (404, "")
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.times: list[tuple[str, float]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def requests(self) -> int:
        return sum(count for path, count in self.asked.items() if path != "/robots.txt")


class _Handler(BaseHTTPRequestHandler):
    state: Hostile

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        state = self.state
        with state.lock:
            state.asked[self.path] += 1
            state.headers.append({key.lower(): value for key, value in self.headers.items()})
            state.times.append((self.path, time.monotonic()))
            state.at_once += 1
            state.most_at_once = max(state.most_at_once, state.at_once)
        try:
            self._answer(state)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            with state.lock:
                state.at_once -= 1

    def _answer(self, state: Hostile) -> None:
        name = self.path.split("?")[0].strip("/").split("/")[0]
        special: dict[str, Callable[[], None]] = {
            "robots.txt": lambda: self._send(state.robots[0], state.robots[1].encode()),
            "endless": self._endless,
            "drip": self._drip,
            "slow": self._slow,
            "truncated": self._truncated,
            "loop": lambda: self._redirect("/loop"),
            "to": lambda: self._redirect(self.path.split("to=", 1)[1]),
            "busy": lambda: self._busy(1),
            "always-busy": lambda: self._busy(10**9),
            "later": lambda: self._send(429, b"", {"Retry-After": "9999"}),
            "gone": lambda: self._send(404, b"no"),
            "text": lambda: self._send(200, b"<html>" + b"x" * 2000, {"Content-Type": "image/jpeg"}),
            "mislabelled": lambda: self._send(200, picture(2, "PNG"), {"Content-Type": "text/html"}),
            "half": lambda: self._send(200, picture(3)[:1500]),
            "bomb": lambda: self._send(200, bomb(), {"Content-Type": "image/png"}),
            "gzip": lambda: self._send(200, b"\x1f\x8b" + bytes(5000), {"Content-Encoding": "gzip"}),
            "huge": lambda: self._send(200, b"", {"Content-Length": "99999999999"}),
            "noai": lambda: self._send(200, picture(4), {"X-Robots-Tag": "noai, noimageai"}),
            "tdm": lambda: self._send(200, picture(4), {"tdm-reservation": "1"}),
            "small": lambda: self._send(200, picture(5, "PNG", 8)),
            "cookie": lambda: self._send(200, picture(6), {"Set-Cookie": "track=1; Path=/"}),
        }
        seed = int(name) if name.isdigit() else 1
        special.get(name, lambda: self._send(200, picture(seed)))()

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        all_headers = {"Content-Length": str(len(body)), "Content-Type": "image/jpeg"} | (headers or {})
        for key, value in all_headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, target: str) -> None:
        self._send(302, b"", {"Location": target})

    def _busy(self, times: int) -> None:
        if self.state.asked[self.path] <= times:
            self._send(429, b"", {"Retry-After": "1"})
        else:
            self._send(200, picture(7))

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"\xff\xd8\xff")
        while True:
            self.wfile.write(bytes(65536))

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"\xff")
            self.wfile.flush()
            time.sleep(0.05)

    def _slow(self) -> None:
        time.sleep(2)

    def _truncated(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "50000")
        self.end_headers()
        self.wfile.write(picture(8)[:1000])


@contextmanager
def hostile_server() -> Iterator[Hostile]:
    """Run the server on a free loopback port."""
    state = Hostile()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
