"""Where models come from (adapters, checkpoints, the hub, with a client of our own in its place), how they run."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ldm_layout import ldm_state_dict
from PIL import Image

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from mimetic2.cli.main import run  # noqa: E402
from mimetic2.concepts import Concept  # noqa: E402
from mimetic2.errors import InputError, MissingRequirement  # noqa: E402
from mimetic2.generation import Adapter, Execution, Sampling, generate_images  # noqa: E402
from mimetic2.generation import hub as hub_module  # noqa: E402
from mimetic2.generation import pipeline as pipeline_module  # noqa: E402
from mimetic2.generation.models import resolve_model  # noqa: E402
from mimetic2.generation.pipeline import LocalModel, PipelineBackend  # noqa: E402
from mimetic2.generation.presets import TrainingData, model_warnings, presets  # noqa: E402
from mimetic2.generation.prompts import jobs_of  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
PROMPTS = ["a painting of a house by {concept}", "a painting of a tree by {concept}"]
ADA, BRUNO = Concept("Ada Keller"), Concept("Bruno Corvo")
SMALL = Sampling(steps=2, width=16, height=16)
Tiny = Callable[[str], Path]


def opened(model: str | Path, sampling: Sampling = SMALL, **more: Any) -> PipelineBackend:
    config = more.pop("config", None)
    return PipelineBackend(LocalModel(resolve_model(str(model), config=config), sampling, **more))


def painted(backend: Any, images: int = 1) -> np.ndarray:
    jobs = jobs_of(ADA.name, PROMPTS, images, 0)
    return np.stack([each.picture for _, made in backend.render([jobs]) for each in made])


@pytest.fixture(scope="module")
def lora(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of random weights for the tiny Stable Diffusion."""
    return lora_for(tiny("sd"), tmp_path_factory.mktemp("lora"))


def lora_for(model: Path, folder: Path) -> Path:
    """A LoRA of random weights for a tiny pipeline, in the layout that diffusers saves."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = diffusers.DiffusionPipeline.from_pretrained(model)
    part = "transformer" if hasattr(pipeline, "transformer") else "unet"
    torch.manual_seed(1)
    config = LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"], init_lora_weights=False)
    denoiser = getattr(pipeline, part)
    denoiser.add_adapter(config)
    layers = {name: 5 * value for name, value in get_peft_model_state_dict(denoiser).items()}
    pipeline.save_lora_weights(folder, **{f"{part}_lora_layers": layers}, weight_name="style.safetensors")
    return folder / "style.safetensors"


@pytest.mark.parametrize("family", ["sdxl", "sd3", "flux"])
def test_a_lora_of_other_families(tiny: Tiny, tmp_path: Path, family: str) -> None:
    adapter = lora_for(tiny(family), tmp_path)
    plain = painted(opened(tiny(family)))
    assert (painted(opened(tiny(family), adapters=(Adapter(adapter, 0.0),))) == plain).all()
    assert (painted(opened(tiny(family), adapters=(Adapter(adapter),))) != plain).any()


def test_a_lora_changes_images_and_at_scale_0_none(tiny: Tiny, lora: Path) -> None:
    plain = painted(opened(tiny("sd")))
    assert (painted(opened(tiny("sd"), adapters=(Adapter(lora, 0.0),))) == plain).all()
    full = painted(opened(tiny("sd"), adapters=(Adapter(lora),)))
    assert (full != plain).any()
    half = painted(opened(tiny("sd"), adapters=(Adapter(lora, 0.5),)))
    assert (half != full).any()
    twice = painted(opened(tiny("sd"), adapters=(Adapter(lora, 0.5), Adapter(lora, 0.5))))
    assert np.abs(twice.astype(int) - full).max() <= 1


def test_a_lora_is_part_of_the_images_identity(tiny: Tiny, lora: Path, tmp_path: Path) -> None:
    model = str(tiny("sd"))
    generate_images(model, [ADA], PROMPTS, tmp_path, images=1, sampling=SMALL, lora=[Adapter(lora)])
    record = json.loads((tmp_path / "generation.json").read_text())
    assert record["made_with"]["lora"][0]["scale"] == 1
    assert len(record["made_with"]["lora"][0]["sha256"]) == 64
    with pytest.raises(InputError, match="lora"):
        generate_images(model, [ADA], PROMPTS, tmp_path, images=1, sampling=SMALL, lora=[Adapter(lora, 0.5)])
    with pytest.raises(InputError, match="lora"):
        generate_images(model, [ADA], PROMPTS, tmp_path, images=1, sampling=SMALL)


def test_a_lora_of_something_else_is_refused(tiny: Tiny, lora: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="StableDiffusionPipeline"):
        opened(tiny("sd"), adapters=(Adapter(tmp_path / "other.safetensors"),))
    with pytest.raises(InputError, match="StableDiffusion3Pipeline"):
        opened(tiny("sd3"), adapters=(Adapter(lora),))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("style.bin", InputError, "style.bin: no such file"),
        ("style.pt:0.5", InputError, "style.pt: no such file"),
        ("style", InputError, "is no LoRA adapter"),
        ("none.safetensors", InputError, "no such file"),
        ("none.safetensors:strong", InputError, "'strong' is no scale"),
        ("none.safetensors:nan", InputError, "the scale is nan"),
    ],
)
def test_wrong_adapters(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Adapter.parse(text)


@pytest.mark.parametrize("written", ["style.bin", "style.pt:0.5"])
def test_a_pickled_adapter_is_refused(written: str, tmp_path: Path) -> None:
    (tmp_path / written.partition(":")[0]).touch()
    with pytest.raises(MissingRequirement, match="mimetic2 convert"):
        Adapter.parse(str(tmp_path / written))


def test_adapters_by_the_command(tiny: Tiny, lora: Path, tmp_path: Path, capsys: Any) -> None:
    assert Adapter.parse(f"{lora}:0.25") == Adapter(lora, 0.25)
    (tmp_path / "concepts.csv").write_text("concept\nAda Keller\n")
    (tmp_path / "prompts.txt").write_text(PROMPTS[0])
    command = ["generate", "--model", str(tiny("sd")), "--concepts", str(tmp_path / "concepts.csv"), "--images", "1"]
    command += ["--prompts", str(tmp_path / "prompts.txt"), "--out", str(tmp_path / "out"), "--steps", "1"]
    assert run([*command, "--lora", f"{lora}:0.25"]) == 0
    assert run([*command, "--lora", f"{lora}:0.5"]) == 2
    assert "lora" in capsys.readouterr().err


@pytest.mark.parametrize(("family", "encoder"), [("sd", "clip"), ("sd", "open_clip"), ("sdxl", "both")])
def test_a_single_checkpoint_paints_what_its_pipeline_paints(
    tiny: Tiny, tmp_path: Path, family: str, encoder: str
) -> None:
    from safetensors.torch import save_file

    pipeline = diffusers.DiffusionPipeline.from_pretrained(tiny(family))
    save_file(ldm_state_dict(pipeline, encoder), tmp_path / "model.safetensors")
    config = tmp_path / "config"
    shutil.copytree(tiny(family), config, ignore=shutil.ignore_patterns("*.safetensors"))
    assert (painted(opened(tmp_path / "model.safetensors", config=config)) == painted(opened(tiny(family)))).all()


@pytest.mark.parametrize("family", ["sd3", "flux", "pixart"])
def test_other_families_are_not_read_from_one_file(tiny: Tiny, tmp_path: Path, family: str) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(InputError, match="in one file is not read; accepted: a folder in the layout of diffusers, or"):
        resolve_model(str(tmp_path / "model.safetensors"), config=tiny(family))


class Client:
    """Stands in for the hub's client: which repositories are cached, which can be had, and what was asked."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root, self.source = root, source
        self.cached: set[str] = set()
        self.online: dict[str, Exception | None] = {}
        self.asked: list[tuple[str, bool]] = []

    def snapshot_download(self, repository: str, *, local_files_only: bool = False, **filters: Any) -> str:
        from huggingface_hub.errors import LocalEntryNotFoundError

        self.asked.append((repository, local_files_only))
        assert filters["allow_patterns"] == ["*.json", "*.txt", "*.model", "*/*.safetensors"]
        if repository not in self.cached:
            if local_files_only:
                raise LocalEntryNotFoundError("not here")
            if repository not in self.online:
                raise OSError("no network")
            error = self.online[repository]
            if error is not None:
                raise error
            self.cached.add(repository)
        folder = self.root / repository.replace("/", "--") / "0123456789abcdef"
        if not folder.exists():
            shutil.copytree(self.source, folder)
        return str(folder)


@pytest.fixture
def client(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    import huggingface_hub

    made = Client(tmp_path / "hub", tiny("sd"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", made.snapshot_download)
    return made


def test_a_download_is_pinned_and_used_again(client: Client, tmp_path: Path, capsys: Any) -> None:
    mirror = presets()["sd-1.5"].ids[0]
    client.online[mirror] = None
    with pytest.raises(MissingRequirement, match=r"--allow-download to fetch .*licence: CreativeML"):
        resolve_model("sd-1.5")
    assert client.asked == [(mirror, True)]
    source = resolve_model("sd-1.5", allow_download=True)
    assert (source.repository, source.revision, source.steps) == (mirror, "0123456789abcdef", 50)
    assert "licence: CreativeML Open RAIL-M" in capsys.readouterr().err
    client.asked.clear()
    assert resolve_model("sd-1.5", allow_download=True) == resolve_model("sd-1.5") == source
    assert not any(online for _, online in client.asked if not online)
    assert {local for _, local in client.asked} == {True}


def test_what_a_preset_says_stands_in_every_output(client: Client, tmp_path: Path, capsys: Any) -> None:
    client.cached.add(presets()["sd-1.5"].ids[0])
    (tmp_path / "concepts.csv").write_text("concept\nAda Keller\n")
    (tmp_path / "prompts.txt").write_text(PROMPTS[0])
    command = ["generate", "--model", "sd-1.5", "--concepts", str(tmp_path / "concepts.csv"), "--images", "1"]
    command += ["--prompts", str(tmp_path / "prompts.txt"), "--out", str(tmp_path / "out"), "--steps", "1"]
    assert run(command) == 0
    assert "warning: sd-1.5 was trained on part of LAION-2B-en" in capsys.readouterr().out
    record = json.loads((tmp_path / "out/generation.json").read_text())
    assert record["revision"] == "0123456789abcdef"
    assert record["licence"] == "CreativeML Open RAIL-M"
    assert record["training_data"]["relation"] == "superset"
    assert record["warnings"] == list(model_warnings("sd-1.5"))


def test_mirrors_are_tried_in_turn_and_reasons_given(client: Client) -> None:
    import httpx2
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    response = httpx2.Response(401, request=httpx2.Request("GET", "https://huggingface.co"))
    first, second = presets()["sd-2.1-base"].ids
    client.online = {first: RepositoryNotFoundError("gone", response=response), second: None}
    assert resolve_model("sd-2.1-base", allow_download=True).repository == second
    client.cached.clear()
    client.online[second] = GatedRepoError("gated", response=response)
    with pytest.raises(MissingRequirement, match=rf"{first}: not on the hub.*{second}: gated: accept its licence"):
        resolve_model("sd-2.1-base", allow_download=True)
    client.online = {}
    with pytest.raises(MissingRequirement, match="OSError"):
        resolve_model("somebody/some-model", allow_download=True)


def test_an_interrupted_download_is_not_a_model(tiny: Tiny, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(tiny("sd"), whole)
    assert hub_module.is_complete(whole)
    for part in ("unet/diffusion_pytorch_model.safetensors", "tokenizer", "model_index.json"):
        folder = tmp_path / part.replace("/", "-")
        shutil.copytree(whole, folder)
        shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink()
        assert not hub_module.is_complete(folder)
    index = {"weight_map": {"a": "diffusion_pytorch_model.safetensors", "b": "second.safetensors"}}
    (whole / "unet/diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    assert not hub_module.is_complete(whole)


CLASSES = {
    "sd-1.1": "StableDiffusionPipeline", "sd-1.5": "StableDiffusionPipeline", "sd-2.1": "StableDiffusionPipeline",
    "sd-2.1-base": "StableDiffusionPipeline", "sdxl-base": "StableDiffusionXLPipeline",
    "pixart-sigma": "PixArtSigmaPipeline",
}  # fmt: skip


@pytest.mark.parametrize(("name", "family"), CLASSES.items())
def test_steps_and_guidance_of_presets_are_the_defaults_of_their_pipelines(name: str, family: str) -> None:
    defaults = inspect.signature(getattr(diffusers, family).__call__).parameters
    preset = presets()[name]
    assert preset.steps == defaults["num_inference_steps"].default
    assert preset.guidance == defaults["guidance_scale"].default


@pytest.mark.parametrize("relation", ["exact", "superset", "proxy", "unknown"])
def test_relations_warn(relation: Any) -> None:
    warning = TrainingData(name="D", relation=relation).warning("m")
    assert (warning is None) == (relation == "exact")
    assert model_warnings("lab") == ()


def test_workers_paint_the_same_bytes(tiny: Tiny, tmp_path: Path) -> None:
    for out, execution in (("one", None), ("two", Execution(device="cpu", workers=2))):
        generate_images(
            str(tiny("sd")), [ADA, BRUNO], PROMPTS, tmp_path / out, images=3, batch_size=4, sampling=SMALL,
            execution=execution,
        )  # fmt: skip
    made = [
        {p.relative_to(tmp_path / out): p.read_bytes() for p in (tmp_path / out).rglob("*.png")}
        for out in ("one", "two")
    ]
    assert made[0] == made[1]
    assert len(made[0]) == 12


def test_lanes_paint_the_same_bytes_whatever_the_number_of_cores(tiny: Tiny) -> None:
    batches = [jobs_of(f"painter {n}", PROMPTS, 3, 0) for n in range(6)]
    before = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            outcomes = dict(opened(tiny("sd")).render(batches))
            made.append([outcome.picture.tobytes() for n in range(6) for outcome in outcomes[n]])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1]


def test_an_error_in_a_lane_is_raised(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(tiny("sd"))
    monkeypatch.setattr(backend, "_call", lambda pipeline, jobs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(backend.render([jobs_of("a", PROMPTS, 1, 0)] * 5))


def test_out_of_memory_makes_smaller_parts(tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    backend = opened(tiny("sd"))
    whole, calls = painted(backend, 4), []
    monkeypatch.setattr(pipeline_module, "_SMALL_PIXELS", 0)  # as large pictures go
    paint = backend._call

    def scarce(pipeline: Any, jobs: Any) -> Any:
        calls.append(len(jobs))
        if len(jobs) > 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return paint(pipeline, jobs)

    monkeypatch.setattr(backend, "_call", scarce)
    assert np.abs(painted(backend, 4).astype(int) - whole).max() <= 1
    assert calls == [8, 4, 2, 2, 2, 2]
    assert "going on with 2 images at a time" in capsys.readouterr().err
    monkeypatch.setattr(backend, "_call", lambda *_: (_ for _ in ()).throw(torch.cuda.OutOfMemoryError()))
    with pytest.raises(InputError, match="one image does not fit"):
        painted(backend, 4)


def test_the_automatic_batch_fits_the_memory(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = jobs_of("a", PROMPTS, 1, 0)
    large = opened(tiny("sd"), Sampling(steps=1, width=1024, height=1024))
    monkeypatch.setattr(pipeline_module, "usable_memory", lambda: 30e9)
    assert opened(tiny("sd")).automatic_batch_size(jobs) == 64
    assert large.automatic_batch_size(jobs) == 5
    monkeypatch.setattr(pipeline_module, "usable_memory", lambda: 1e9)
    assert large.automatic_batch_size(jobs) == 1


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3", "flux", "pixart"])
def test_precision_and_attention(tiny: Tiny, family: str) -> None:
    default = opened(tiny(family))
    assert default._pipeline.dtype == torch.float32
    half = opened(tiny(family), execution=Execution(dtype="bfloat16", attention="native", channels_last=False))
    assert half._pipeline.dtype == torch.bfloat16
    assert painted(half).shape == (2, 16, 16, 3)
    assert half.identity()["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("execution", "message"),
    [
        ({"device": "cuda"}, "no device 'cuda' on this machine"),
        ({"device": "tpu"}, "there is no device 'tpu'"),
        ({"dtype": "int8"}, "there is no precision 'int8'"),
        ({"workers": 0}, "workers is 0"),
        ({"attention": "telepathy"}, "there is no attention 'telepathy'"),
    ],
)
def test_wrong_execution(tiny: Tiny, execution: dict[str, Any], message: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("says what a machine without a GPU says")
    with pytest.raises(InputError, match=message):
        opened(tiny("sd"), execution=Execution(**execution))


def test_what_a_gpu_would_get_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert Execution().number_of_workers() == 4
    assert Execution(device="cuda:1").number_of_workers() == 1
    assert Execution().precision(transformer=False) == "float16"
    assert Execution().precision(transformer=True) == "bfloat16"
    assert Execution(dtype="float32").precision(transformer=True) == "float32"


def test_a_recorded_model_paints_the_same_bytes(tiny: Tiny) -> None:
    recorded = opened(tiny("sd"), execution=Execution(compile=True))
    batches = [jobs_of(f"painter {n}", PROMPTS, 1, 0) for n in range(3)]
    made = [dict(backend.render(batches)) for backend in (opened(tiny("sd")), recorded)]
    for n in range(3):
        for one, other in zip(made[0][n], made[1][n], strict=True):
            assert (one.picture == other.picture).all()


@pytest.mark.slow
def test_a_compiled_model_paints_nearly_the_same(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_module, "_SMALL_PIXELS", 0)  # as large pictures go
    plain, compiled = opened(tiny("sd")), opened(tiny("sd"), execution=Execution(compile=True))
    assert np.abs(painted(compiled).astype(int) - painted(plain)).max() <= 1


def test_a_prompt_in_another_language() -> None:
    jobs = jobs_of("Pablo Picasso", ["a painting by {concept}", "{alias}的画"], 1, 0, "毕加索")
    assert [job.text for job in jobs] == ["a painting by Pablo Picasso", "毕加索的画"]
    assert jobs_of("{alias}", ["{concept} {alias}"], 1, 0)[0].text == "{alias} {alias}"


def test_aliases_reach_the_prompt(backend: Any, tmp_path: Path) -> None:
    from mimetic2.generation import generate_with

    generate_with(backend, [Concept("Ada", ("Адa", "A."))], ["{alias}!"], tmp_path, images=1)
    assert backend.batches[0][0].text == "Адa!"
    assert Image.open(tmp_path / "Ada/0/0.png").size == (8, 8)
