"""A hub on loopback: what is asked of it, and only with --allow-download."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from mimetic2.embedding import EmbeddingTable  # noqa: E402
from mimetic2.files import sha256  # noqa: E402

COMMIT = "a" * 40
REPOSITORY = "someone/clip"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    folder = tmp_path_factory.mktemp("model")
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPVisionConfig(**sizes, image_size=32, patch_size=8, projection_dim=16)
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "README.md").write_text("a page")
    return folder


@pytest.fixture
def hub(model):
    """Its address and the files that were fetched from it."""
    fetched = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            resolved = f"/{REPOSITORY}/resolve/"
            if self.path.startswith(f"/api/models/{REPOSITORY}/tree/"):
                listed = [
                    {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": "0" * 40}
                    for path in sorted(model.iterdir())
                ]
                found = json.dumps(listed).encode()
            elif self.path.startswith(f"/api/models/{REPOSITORY}"):
                files = [{"rfilename": path.name} for path in sorted(model.iterdir())]
                found = json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": files}).encode()
            elif self.path.startswith(resolved):
                name = self.path.removeprefix(resolved).split("/")[1]
                found = (model / name).read_bytes()
                if body:
                    fetched.append(name)
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(found)))
            self.send_header("ETag", f'"{hashlib.sha256(found).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(found)

        def log_message(self, *words):
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", fetched
    server.shutdown()
    server.server_close()
    thread.join()


def embed(folder: Path, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(folder / "hub"), "HF_HUB_DISABLE_XET": "1"}
    line = [
        sys.executable,
        "-c",
        "from mimetic2.cli.main import main; main()",
        "embed",
        "--images",
        "images",
        "--embedder",
        "clip",
    ]
    line += ["--weights", REPOSITORY, "--out", "vectors.parquet", *words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow  # three processes that load torch
def test_weights_are_fetched_once_and_only_when_allowed(tmp_path, hub, model):
    address, fetched = hub
    (tmp_path / "images" / "Ada").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "images" / "Ada" / "0.png")

    refused = embed(tmp_path, address)
    assert refused.returncode == 3, refused.stderr
    assert "--allow-download" in refused.stderr
    assert fetched == []

    allowed = embed(tmp_path, address, "--allow-download")
    assert allowed.returncode == 0, allowed.stderr
    assert f"downloading {REPOSITORY} (licence: its licence stands on its page)" in allowed.stderr
    assert sorted(fetched) == ["config.json", "model.safetensors"]
    table = EmbeddingTable.load(tmp_path / "vectors.parquet")
    assert table.identity.weights_sha256 == sha256(model / "model.safetensors")

    fetched.clear()
    (tmp_path / "vectors.parquet").unlink()
    again = embed(tmp_path, address)
    assert again.returncode == 0, again.stderr
    assert fetched == []
