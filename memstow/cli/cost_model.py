"""``memstow cost-model``: samples, training and judgement of learned cost models, and their word on MLIR text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..accelerator import load_accelerator
from ..errors import InvalidInputError, UnknownNameError
from .console import as_json, notice, print_json, results_only_on_stdout
from .cost_model_progress import CollectionBar, TrainingLines
from .cost_model_tables import print_kernels, print_metrics, print_model
from .options import JsonOption

if TYPE_CHECKING:
    from ..cost_model.samples import SampleSet, SampleSource

app = typer.Typer(no_args_is_help=True, help="Learned cost models: collect samples, train, evaluate, predict.")
SOURCES = ("vela", "tpu", "host")
#: The shipped model that a source's samples are judged by.
MODEL_OF = {"vela": "ethos_u", "tpu": "tpu", "host": "host"}

SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="S", help="vela, tpu or host; left out, what the file says.")
]
SamplesArgument = Annotated[
    Path, typer.Option("--samples", metavar="FILE", help="Samples: .csv or .csv.gz.", show_default=False)
]


@app.command("collect")
def collect_command(
    source: Annotated[str, typer.Option("--source", metavar="S", help="vela or host.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="NAME.csv or NAME.csv.gz to write.", show_default=False)
    ],
    accelerator: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these, or all whose names begin so (ethos_u65).", show_default=False),
    ] = None,
    models: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only these models of the zoo.", show_default=False)
    ] = None,
    rpc: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Measure on a device behind TVM's RPC.", show_default=False),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="T", help="TVM's target of that device; this host's here.", show_default=False)
    ] = None,
    cache_bytes: Annotated[
        int | None, typer.Option(metavar="N", help="Its last-level cache; this host's here.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Collect samples: cycles of Arm's compiler, or kernels timed on this host or a device of yours.

    Interrupted, it keeps what is finished; the same command goes on from there.
    """
    from ..cost_model.collection import collect, parts_folder

    if not out.name.endswith((".csv", ".csv.gz")):
        raise InvalidInputError(f"--out {out}: expected a name that ends in .csv or .csv.gz")
    chosen = models.split(",") if models else None
    parts = accelerator.split(",") if accelerator else None
    with results_only_on_stdout():
        found_source = _source(source, Device(rpc, target, cache_bytes))
        try:
            with CollectionBar(len(chosen or found_source.programs())) as bar:
                found = collect(found_source, chosen, out, bar.on_kernel, accelerators=parts)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"finished programs are in {parts_folder(out)}; run it again to go on") from None
    programs = len({sample.program for sample in found.samples})
    if json:
        print_json({"file": str(out), "samples": len(found.samples), "programs": programs})
    else:
        print(f"{out}: {len(found.samples)} samples of {programs} programs")


@app.command("train")
def train_command(
    samples: SamplesArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The model's folder.", show_default=False)],
    source: SourceOption = None,
    name: Annotated[
        str | None, typer.Option(metavar="N", help="Left out, the folder's name.", show_default=False)
    ] = None,
    trials: Annotated[int, typer.Option(metavar="N", help="Trials of Optuna on training programs; 0: defaults.")] = 0,
    rounds: Annotated[int | None, typer.Option(metavar="N", help="Rounds of boosting.", show_default=False)] = None,
    members: Annotated[int | None, typer.Option(metavar="N", help="Of the ensemble.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed and samples, same model.")] = 0,
    twin: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the model without the test programs too.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train a model on samples, judged on whole programs that it has not seen, then trained on all."""
    from ..cost_model.settings import settings_for
    from ..cost_model.training import train
    from ..cost_model.tuning import tune

    data = _load(samples, source)
    settings = settings_for(data.source, rounds=rounds, members=members, seed=seed)
    with TrainingLines() as lines:
        if trials:
            settings = tune(data, settings, trials, lines.on_trial)
        trained = train(name or out.name, data, settings, lines.on_step)
    trained.model.save(out)
    if twin is not None:
        trained.twin.save(twin)
    if json:
        print_json(as_json(trained.model.card))
    else:
        print_model(trained.model.card, out)


@app.command("evaluate")
def evaluate_command(
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples", metavar="FILE", help="Judge on these; left out, what training found.", show_default=False
        ),
    ] = None,
    source: SourceOption = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|FOLDER", help="Left out, the source's.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """How well trained models do: on samples from a file, or on the test programs that were kept from training."""
    from ..cost_model.evaluation import evaluate, held_out
    from ..cost_model.registry import trained_model, trained_names

    if samples is None:
        names = [model or MODEL_OF[_known_source(source)]] if model or source else trained_names()
        found = [metrics for name in names for metrics in held_out(trained_model(name))]
    else:
        data = _load(samples, source)
        if model is None and data.source not in MODEL_OF:
            raise InvalidInputError(f"{samples}: samples of the source {data.source!r}: expected --model, found none")
        found = evaluate(trained_model(model or MODEL_OF[data.source]), data, notice)
    if json:
        print_json([metrics.model_dump(mode="json") for metrics in found])
    else:
        print_metrics(found)


@app.command("predict")
def predict_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.mlir", help="StableHLO or linalg on tensors, as text.", show_default=False)
    ],
    accelerator: Annotated[str, typer.Option("--accelerator", metavar="A", help="Name or FILE.toml.")] = "tpu_v5e",
    cost_model: Annotated[
        str, typer.Option("--cost-model", metavar="C", help="learned, a trained model's name, or its folder.")
    ] = "learned",
    json: JsonOption = False,
) -> None:
    """What a learned model says of the kernels of MLIR text, with everything in slow or in fast memory."""
    from ..cost_model.evaluation import predict_kernels
    from ..cost_model.mlir import read_mlir, to_program
    from ..cost_model.registry import resolve_cost_model

    part = load_accelerator(accelerator)
    program = to_program(read_mlir(file), part)
    kernels = predict_kernels(resolve_cost_model(cost_model, part), program, part)
    if json:
        document = {"program": program.name, "accelerator": part.name, "kernels": [k._asdict() for k in kernels]}
        print_json(document)
    else:
        print_kernels(program.name, part.name, kernels)


def _known_source(name: str | None) -> str:
    if name not in SOURCES:
        raise UnknownNameError("source of samples", str(name), SOURCES)
    return str(name)


@dataclass(frozen=True)
class Device:
    """What is measured; ``None`` stands for this host's."""

    rpc: str | None
    target: str | None
    cache_bytes: int | None


def _source(name: str, device: Device) -> SampleSource:
    if _known_source(name) == "tpu":
        raise InvalidInputError(
            "--source tpu: its samples are a file in the format of tpu_cycles; pass it to train or evaluate: --samples"
        )
    if name != "host" and device != Device(None, None, None):
        raise InvalidInputError(
            f"--rpc, --target, --cache-bytes: only the source 'host' measures on a device, found --source {name}"
        )
    if name == "vela":
        from ..cost_model.sources.vela import VelaSource

        return VelaSource()
    from ..tvm_ext.measure import connect, host_source

    measurer = connect(device.rpc) if device.rpc else None
    return host_source(measurer=measurer, target=device.target, cache_bytes=device.cache_bytes)


def _load(path: Path, source: str | None) -> SampleSet:
    from ..cost_model.samples import SampleSet, provenance_path
    from ..cost_model.sources.tpu import load_tpu_samples

    wanted = None if source is None else _known_source(source)
    if wanted == "tpu" or (wanted is None and not provenance_path(path).is_file()):
        return load_tpu_samples(path)
    found = SampleSet.load(path)
    if wanted is not None and found.source != wanted:
        raise InvalidInputError(f"{path}: expected samples of the source {wanted!r}, found {found.source!r}")
    return found
