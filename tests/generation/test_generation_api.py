"""Models behind an API, against a server of our own on the loopback that answers well, badly and not at all."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("httpx2")

from mimetic2.cli.main import run
from mimetic2.concepts import Concept
from mimetic2.errors import InputError, Interrupted, MissingRequirement
from mimetic2.generation import Api, Sampling, generate_images

KEY = "sk-secret-0123456789"
PROMPTS = ["a painting by {concept}", "a sketch by {concept}"]
ADA, BRUNO = Concept("Ada"), Concept("Bruno")


def encoded(text: str, size: int = 16) -> bytes:
    """A PNG that depends on the prompt's words."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(list(text.encode())).integers(0, 256, (size, size, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def good(server: Server, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    return 200, {}, {"data": [{"b64_json": base64.b64encode(encoded(body["prompt"])).decode()}]}


class Server:
    """What it was asked, when and with which headers; ``answer`` may be replaced."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.links: list[tuple[str, dict[str, str]]] = []
        self.times: list[float] = []
        self.answer: Callable[[Server, dict[str, Any]], tuple[int, dict[str, str], Any]] = good
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def first(self, number: int, status: int, headers: dict[str, str] | None = None, body: Any = None) -> None:
        """Answer so to the first requests, well to the others."""

        def answer(server: Server, asked: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
            return (status, headers or {}, body or {}) if len(server.bodies) <= number else good(server, asked)

        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_POST(self) -> None:
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with state.lock:
            state.at_once += 1
            state.most_at_once = max(state.at_once, state.most_at_once)
            state.bodies.append(body)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            state.times.append(time.monotonic())
            status, headers, answer = state.answer(state, body)
        if self.path != "/v1/images/generations":
            status, answer = 404, {"error": {"message": f"no such place: {self.path}"}}
        time.sleep(0.02)
        with state.lock:
            state.at_once -= 1
        self._send(status, headers, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def do_GET(self) -> None:
        self.state.links.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self._send(200, {}, encoded(self.path))

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("MIMETIC2_API_KEY", KEY)
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        state.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def make(server: Server, out: Path, sampling: Sampling | None = None, images: int = 2, **api: Any) -> Any:
    given = {"model": "painter-1", "allow_private": True, "backoff": 0.01} | api
    concepts = [ADA, BRUNO]
    return generate_images(server.url, concepts, PROMPTS, out, images=images, api=Api(**given), sampling=sampling)


def everything_written(out: Path) -> bytes:
    return b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_images_come_and_the_key_goes_nowhere(server: Server, tmp_path: Path, capsys: Any) -> None:
    table = make(server, tmp_path, options={"quality": "low"})
    assert set(table["status"]) == {"ok"}
    assert len(server.bodies) == 8
    assert server.bodies[0].keys() == {"model", "prompt", "n", "quality"}
    assert {body["prompt"] for body in server.bodies} == {
        p.replace("{concept}", c) for p in PROMPTS for c in ("Ada", "Bruno")
    }
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    expected = np.asarray(Image.open(io.BytesIO(encoded("a sketch by Ada"))))
    assert (np.asarray(Image.open(tmp_path / "Ada/1/0.png")) == expected).all()
    assert KEY.encode() not in everything_written(tmp_path)
    record = json.loads((tmp_path / "generation.json").read_text())
    assert record["made_with"]["endpoint"] == server.url
    assert "cannot be made again" in record["warnings"][0]
    assert KEY not in "".join(capsys.readouterr())


def test_nothing_is_asked_for_twice(server: Server, tmp_path: Path) -> None:
    make(server, tmp_path)
    (tmp_path / "Ada/0/1.png").unlink()
    server.bodies.clear()
    make(server, tmp_path)
    assert [body["prompt"] for body in server.bodies] == ["a painting by Ada"]


def test_links_are_followed_without_the_key(server: Server, tmp_path: Path) -> None:
    server.answer = lambda state, body: (200, {}, {"data": [{"url": f"http://127.0.0.1:{state.port}/made/1.png"}]})
    assert set(make(server, tmp_path)["status"]) == {"ok"}
    assert all(path == "/made/1.png" and "authorization" not in headers for path, headers in server.links)


def test_a_link_into_the_private_network_is_refused(server: Server, tmp_path: Path) -> None:
    server.answer = lambda state, body: (200, {}, {"data": [{"url": "http://localhost:1/x.png"}]})
    with pytest.raises(InputError, match="private or local address"):
        make(server, tmp_path)


@pytest.mark.parametrize(("status", "retry_after"), [(429, "0.05"), (500, ""), (503, ""), (429, "")])
def test_another_attempt(server: Server, tmp_path: Path, status: int, retry_after: str) -> None:
    server.first(2, status, {"retry-after": retry_after} if retry_after else {})
    table = make(server, tmp_path, parallel=1)
    assert set(table["status"]) == {"ok"}
    assert len(server.bodies) == 10


def test_retry_after_holds_every_request(server: Server, tmp_path: Path) -> None:
    server.first(1, 429, {"retry-after": "1"})
    make(server, tmp_path, images=1, parallel=1)
    assert server.times[1] - server.times[0] >= 1


def test_a_connection_that_breaks_off_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.first(1, 200, {"content-length": "9999"}, b"{")
    assert set(make(server, tmp_path, parallel=1, timeout=0.5)["status"]) == {"ok"}


def test_giving_up_keeps_what_was_paid_for(server: Server, tmp_path: Path) -> None:
    server.answer = lambda state, body: good(state, body) if len(state.bodies) <= 3 else (500, {}, {})
    with pytest.raises(Interrupted, match=r"HTTP 500 after 2 attempts.*run the same command again"):
        make(server, tmp_path, attempts=2, parallel=2)
    assert len(list(tmp_path.rglob("*.png"))) == 3
    server.answer = good
    assert set(make(server, tmp_path)["status"]) == {"ok"}


def test_a_long_wait_stops_at_once(server: Server, tmp_path: Path) -> None:
    server.first(99, 429, {"retry-after": "86400"})
    with pytest.raises(Interrupted, match="wait 86400 s"):
        make(server, tmp_path, parallel=1)
    assert len(server.bodies) == 1


REFUSALS = [
    (400, {"error": {"code": "content_policy_violation", "message": "no"}}, "refused by the provider: content_policy"),
    (400, {"error": {"code": "moderation_blocked", "message": "no"}}, "refused by the provider: moderation_blocked"),
    (400, {"error": {"message": "Rejected by our safety system."}}, "refused by the provider: content policy"),
    (200, {"data": []}, "refused by the provider: no image in the answer"),
    (200, {"data": [{"b64_json": "!!"}]}, "the answer is not an image: broken base64"),
    (200, {"data": [{"b64_json": base64.b64encode(b"GIF8").decode()}]}, "the answer is not an image: not an image"),
    (200, b"<html>", "refused by the provider: no image in the answer"),
]


@pytest.mark.parametrize(("status", "body", "reason"), REFUSALS)
def test_refusals_are_reasons(server: Server, tmp_path: Path, status: int, body: Any, reason: str) -> None:
    server.answer = lambda state, asked: (status, {}, body) if "sketch" in asked["prompt"] else good(state, asked)
    table = make(server, tmp_path)
    excluded = table.filter(table["status"] == "excluded")
    assert set(excluded["prompt"]) == {1}
    assert excluded["reason"].str.starts_with(reason).all()
    server.bodies.clear()
    make(server, tmp_path)
    assert server.bodies == []


def test_black_images_are_excluded(server: Server, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "PNG")
    server.answer = lambda *_: (200, {}, {"data": [{"b64_json": base64.b64encode(buffer.getvalue()).decode()}]})
    assert set(make(server, tmp_path)["reason"]) == {"all black"}


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (401, {"error": {"message": f"Wrong key: {KEY}"}}, MissingRequirement, r"the key in \$MIMETIC2_API_KEY"),
        (403, {"error": {"message": f"{KEY} may not"}}, InputError, r"\[key\] may not"),
        (404, {"error": {"message": "no model painter-1"}}, InputError, "HTTP 404 to model 'painter-1'"),
        (400, {"error": "bad size"}, InputError, "bad size"),
        (301, {}, InputError, "HTTP 301"),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, Interrupted, "quota is used up"),
        (402, {}, Interrupted, "quota is used up"),
    ],
)  # fmt: skip
def test_what_cannot_succeed_stops(
    server: Server, tmp_path: Path, status: int, body: Any, error: type[Exception], message: str
) -> None:
    server.answer = lambda *_: (status, {"location": "http://127.0.0.1:9/"} if status == 301 else {}, body)
    with pytest.raises(error, match=message) as caught:
        make(server, tmp_path, parallel=1)
    assert len(server.bodies) == 1
    assert KEY not in str(caught.value)


def test_without_a_key(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMETIC2_API_KEY")
    make(server, tmp_path / "open")
    assert "authorization" not in server.headers[0]
    server.answer = lambda *_: (401, {}, {})
    with pytest.raises(MissingRequirement, match=r"set \$PAINTER_KEY"):
        make(server, tmp_path / "closed", key_variable="PAINTER_KEY")


def test_the_size_is_asked_for_and_checked(server: Server, tmp_path: Path) -> None:
    make(server, tmp_path / "right", Sampling(width=16, height=16))
    assert {body["size"] for body in server.bodies} == {"16x16"}
    with pytest.raises(InputError, match="16x16 pixels, 32x32 were asked for"):
        make(server, tmp_path / "wrong", Sampling(width=32, height=32))


def test_the_cost_cap_stops_and_a_higher_one_goes_on(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"cap of 0\.25 is reached: 0\.25 spent, 3 images are missing"):
        make(server, tmp_path, price=0.05, max_cost=0.25)
    assert len(server.bodies) == len(list(tmp_path.rglob("*.png"))) == 5
    with pytest.raises(Interrupted, match="3 images are missing"):
        make(server, tmp_path, price=0.05, max_cost=0.25)
    assert len(server.bodies) == 5
    assert make(server, tmp_path, price=0.05, max_cost=0.4).height == 8
    assert len(server.bodies) == 8


def test_what_is_made_again_costs_again(server: Server, tmp_path: Path) -> None:
    make(server, tmp_path, price=1.0, max_cost=8.0)
    (tmp_path / "Ada/0/0.png").unlink()
    with pytest.raises(Interrupted, match="8 spent, 1 images are missing"):
        make(server, tmp_path, price=1.0, max_cost=8.0)


def test_requests_keep_to_the_rate_and_to_their_number(server: Server, tmp_path: Path) -> None:
    make(server, tmp_path / "slow", per_minute=1200, parallel=4)
    assert max(server.times) - min(server.times) > 7 * 0.05 - 0.03
    assert server.most_at_once <= 4
    server.most_at_once = 0
    make(server, tmp_path / "one", parallel=1)
    assert server.most_at_once == 1


def test_rewritten_prompts_are_told(server: Server, tmp_path: Path, capsys: Any) -> None:
    picture = base64.b64encode(encoded("x")).decode()
    server.answer = lambda *_: (200, {}, {"data": [{"b64_json": picture, "revised_prompt": "a cat"}]})
    make(server, tmp_path)
    assert capsys.readouterr().err.count("rewrote prompts") == 1


@pytest.mark.parametrize(
    ("url", "api", "message"),
    [
        ("http://example.org/v1", {}, "unencrypted"),
        ("https://me:word@example.org/v1", {}, "credentials"),
        ("https://example.org/v1?key=1", {}, "not the address of an endpoint"),
        ("https://example.org/v1", {"max_cost": 5.0}, "price of an image"),
    ],
)
def test_wrong_endpoints(tmp_path: Path, url: str, api: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_images(url, [ADA], PROMPTS, tmp_path, images=1, api=Api(model="m", **api))


def test_private_addresses_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="private or local address"):
        generate_images("https://127.0.0.1:1/v1", [ADA], PROMPTS, tmp_path, images=1, api=Api(model="m"))


@pytest.mark.parametrize("sampling", [Sampling(steps=3), Sampling(guidance=2.0), Sampling(negative_prompt="x")])
def test_options_that_an_api_does_not_have(server: Server, tmp_path: Path, sampling: Sampling) -> None:
    with pytest.raises(InputError, match="no effect on a model behind an API"):
        make(server, tmp_path, sampling)


def test_the_command(server: Server, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "concepts.csv").write_text("concept\nAda\n")
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    options = [
        "--concepts",
        str(tmp_path / "concepts.csv"),
        "--prompts",
        str(tmp_path / "prompts.txt"),
        "--images",
        "1",
    ]
    out = ["--out", str(tmp_path / "out"), "--model", server.url]
    assert run(["generate", *options, *out]) == 2
    assert "--api-model" in capsys.readouterr().err
    api = ["--api-model", "painter-1", "--api-allow-private", "--api-option", "quality=hd", "--api-option", "n=1"]
    assert run(["generate", *options, *out, *api, "--device", "cpu"]) == 2
    assert "no effect on a model behind an API" in capsys.readouterr().err
    assert run(["generate", *options, *out, *api]) == 0
    assert capsys.readouterr().out.startswith(f"2 images in {tmp_path / 'out'}\nwarning: the images come from an API")
    assert server.bodies[0]["quality"] == "hd"
    assert run(["generate", *options, *out, *api, "--api-price", "-1"]) == 2
    assert "--api-price is wrong" in capsys.readouterr().err
