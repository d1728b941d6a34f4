"""Training on a tiny configuration: killed and continued it gives the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

torch = pytest.importorskip("torch")

from mimetic2.errors import InputError  # noqa: E402
from mimetic2.lab import read_shards, shipped_shards  # noqa: E402
from mimetic2.lab.loop import load_state, run_steps, save_state, step_generator  # noqa: E402
from mimetic2.lab.optimisation import Average, Muon, orthogonalise  # noqa: E402
from mimetic2.lab.recipe import TINY, Recipe, fingerprint  # noqa: E402
from mimetic2.lab.training import train  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Killed(Exception):  # noqa: N818 - what happened
    """Stands for a kill in the middle of a stage."""


class Recorder:
    """A progress bar that can stop the training after some steps of one stage."""

    def __init__(self, stage: str = "", after: int = 0) -> None:
        self.stage, self.after = stage, after
        self.opened: list[tuple[str, int, int]] = []
        self._now = ""
        self._done = 0

    @contextmanager
    def __call__(self, description: str, total: int, unit: str, already: int) -> Iterator[Recorder]:
        self.opened.append((description, total, already))
        self._now, self._done = description, already
        yield self

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._done += amount
        if self._now == self.stage and self._done >= self.after:
            raise Killed


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return read_shards(shipped_shards()[:1]).gather_every(100).head(40)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, rows: pl.DataFrame) -> Path:
    torch.set_num_threads(1)
    return train(rows, tmp_path_factory.mktemp("undisturbed"), TINY, Recorder())


def _weights(pipeline: Path) -> dict[str, bytes]:
    return {str(path.relative_to(pipeline)): path.read_bytes() for path in sorted(pipeline.rglob("*.safetensors"))}


@pytest.mark.parametrize(("stage", "after"), [("autoencoder", 4), ("decoder", 2), ("latents", 1), ("denoiser", 3)])
def test_killed_in_any_stage_it_continues_to_the_same_weights(
    tmp_path: Path, rows: pl.DataFrame, undisturbed: Path, stage: str, after: int
) -> None:
    torch.set_num_threads(1)
    with pytest.raises(Killed):
        train(rows, tmp_path, TINY, Recorder(stage, after), save_every=0)
    again = Recorder()
    assert _weights(train(rows, tmp_path, TINY, again, save_every=0)) == _weights(undisturbed)
    already = {name: done for name, _, done in again.opened}
    assert stage == "latents" or already[stage] == after - 1
    assert all(already[done] > 0 for done in ("autoencoder",) if stage != "autoencoder")


def test_another_recipe_does_not_continue_a_training(tmp_path: Path, rows: pl.DataFrame) -> None:
    train(rows, tmp_path, TINY, Recorder())
    with pytest.raises(InputError, match="other settings"):
        train(rows, tmp_path, replace(TINY, seed=1), Recorder())


def test_another_seed_gives_other_weights(tmp_path: Path, rows: pl.DataFrame, undisturbed: Path) -> None:
    other = _weights(train(rows, tmp_path, replace(TINY, seed=1), Recorder()))
    same = _weights(undisturbed)
    assert other["vae/diffusion_pytorch_model.safetensors"] == same["vae/diffusion_pytorch_model.safetensors"]
    assert other["unet/diffusion_pytorch_model.safetensors"] != same["unet/diffusion_pytorch_model.safetensors"]


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"not safetensors")
    trainer = _Doubling()
    with pytest.raises(InputError, match="no training state"):
        load_state(tmp_path / "state", trainer, "x")


class _Doubling:
    """The smallest trainer: one number that doubles, plus a random draw."""

    def __init__(self) -> None:
        self.value = torch.ones(1, dtype=torch.float64)

    def step(self, step: int) -> float:
        self.value.mul_(2).add_(torch.rand(1, generator=step_generator(0, step)))
        return self.value.item()

    def tensors(self) -> dict[str, torch.Tensor]:
        return {"value": self.value}


@pytest.mark.parametrize("stop", [0, 1, 7, 10])
def test_the_loop_continues_where_it_was_saved(tmp_path: Path, stop: int) -> None:
    straight, broken, continued = _Doubling(), _Doubling(), _Doubling()
    run_steps(straight, 10, tmp_path / "straight", "x")
    for step in range(stop):
        broken.step(step)
    save_state(tmp_path / "broken", broken, stop, "x")
    run_steps(continued, 10, tmp_path / "broken", "x")
    assert torch.equal(continued.value, straight.value)


@pytest.mark.parametrize(("rows_", "columns"), [(8, 8), (16, 72), (3, 40)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_orthogonalised_matrices_have_singular_values_near_one(rows_: int, columns: int, scale: float) -> None:
    matrices = torch.randn(4, rows_, columns, generator=step_generator(0, 1)) * scale
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert values.max() < 1.3
    assert values.median() > 0.6


def test_orthogonalising_keeps_the_singular_vectors() -> None:
    matrix = torch.randn(1, 6, 30, generator=step_generator(0, 2))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    rotated = left.mT @ orthogonalise(matrix) @ right.mT
    off_diagonal = rotated - torch.diag_embed(torch.diagonal(rotated, dim1=1, dim2=2))
    assert off_diagonal.abs().max() < 0.05


def test_muon_descends() -> None:
    target = torch.randn(6, 4, 3, 3, generator=step_generator(0, 3))
    weight = torch.nn.Parameter(torch.zeros_like(target))
    muon = Muon([weight], rate=0.05)
    losses = []
    for _ in range(120):
        loss = (weight - target).pow(2).mean()
        weight.grad = torch.autograd.grad(loss, weight)[0]
        muon.step(1.0)
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_the_average_follows_and_replaces_the_weights() -> None:
    weight = torch.nn.Parameter(torch.zeros(2))
    average = Average([weight], decay=0.5)
    with torch.no_grad():
        weight.fill_(1.0)
    for step in range(20, 40):
        average.update(step)
    average.apply()
    assert torch.allclose(weight, torch.ones(2), atol=1e-4)


def test_the_fingerprint_sees_every_number() -> None:
    recipe = Recipe()
    assert fingerprint(recipe) == fingerprint(Recipe())
    assert fingerprint(recipe) != fingerprint(replace(recipe, denoiser=replace(recipe.denoiser, muon_rate=0.021)))
