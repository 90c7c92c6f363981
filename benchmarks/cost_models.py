"""The trained cost models: their errors on programs kept from training, the features, their importance, table times.

``python benchmarks/cost_models.py --page docs/cost_model.md`` writes what stands between the page's markers, and the
pictures beside it. Plans by learned prices come from ``build/learned_plans.json`` where ``make bench-learned-plans``
has written it.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from accelerator_table import replace_between_markers
from zoo_machine import describe_machine

from memstow.accelerator import load_accelerator
from memstow.core import CoreProblem
from memstow.cost_model.features import FEATURES, NAMES
from memstow.cost_model.kernel import KernelFacts
from memstow.cost_model.learned import LearnedModel, Metrics
from memstow.cost_model.registry import trained_model, trained_names
from memstow.cost_model.sources.vela_shapes import zoo_operators
from memstow.program import Buffer, Instruction, Operand, Program

BEGIN = "<!-- begin: benchmarks/cost_models.py -->"
END = "<!-- end: benchmarks/cost_models.py -->"
PLANS = Path("build/learned_plans.json")
_INSTRUCTIONS, _REPEATS = 300, 7
#: Of most gain, in the picture.
_SHOWN_FEATURES = 20


def main() -> None:
    """Write the page, or print what would be on it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--page", type=Path, help="rewrite this page, and its pictures")
    page: Path | None = parser.parse_args().page
    models = [trained_model(name) for name in trained_names()]
    pictures = {model.name: f"cost_model_{model.name}.svg" for model in models}
    text = "\n".join(_page(models, pictures))
    if page is None:
        print(text)
        return
    for model in models:
        draw_importance(model, page.with_name(pictures[model.name]))
    before = page.read_text(encoding="utf-8")
    page.write_text(replace_between_markers(before, f"\n{text}\n", BEGIN, END), encoding="utf-8")


def _page(models: list[LearnedModel], pictures: dict[str, str]) -> Iterator[str]:
    machine = ", ".join(f"{key} {value}" for key, value in describe_machine().items())
    yield f"Generated on {datetime.date.today().isoformat()} on {machine}."
    for model in models:
        yield from _model(model, pictures[model.name])
    yield from ["", "### Time of a table", ""]
    yield from _table_times(models)
    if PLANS.is_file():
        yield from ["", "### Plans by learned prices", "", *_plans()]
    yield from ["", f"### Features, version {models[0].card.features_version}", ""]
    yield from _table(("feature", "unit", "meaning"), ((f"`{f.name}`", f.unit, f.meaning) for f in FEATURES))


def _model(model: LearnedModel, picture: str) -> Iterator[str]:
    card = model.card
    made_by = "; ".join(f"{key}: {value}" for key, value in card.made_by.items())
    yield from ["", f"### {card.name}: samples of `{card.source}`", ""]
    yield f"{card.rows} samples of {len(card.programs)} programs. {made_by}."
    yield ""
    yield (
        f"{card.members} × {card.rounds} trees, {dict(card.parameters)}, seed {card.seed}. Judged on "
        f"{', '.join(card.test_programs)}, which the model that is judged never saw, less kernels that other programs "
        "share; `every program in turn` is cross-validation over all families."
    )
    yield ""
    header = (
        "samples",
        "rows",
        "median error",
        "mean",
        "roofline's",
        "linear fit's",
        "tau",
        "regret",
        "of choice",
        "covered",
        "noise",
    )
    yield from _table(header, (_metrics(metrics) for metrics in card.held_out))
    yield from ["", f"![What the trees of {card.name} gain most by]({picture})"]


def _metrics(found: Metrics) -> tuple[str, ...]:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f} %"

    tau = "" if found.kendall_tau is None else f"{found.kendall_tau:.3f}"
    errors = (found.median_ape, found.mean_ape, found.roofline_median_ape, found.linear_median_ape)
    return (
        found.name,
        str(found.rows),
        *map(percent, errors),
        tau,
        percent(found.top1_regret),
        percent(found.choice_regret),
        percent(found.covered),
        percent(found.noise or None),
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(header)
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join(['---'] + ['---:'] * (len(names) - 1))} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def draw_importance(model: LearnedModel, path: Path) -> None:
    """The features by the share of the trees' gain that they bring, as a bar chart."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "memstow"
    from matplotlib import pyplot

    gains = np.zeros(len(NAMES))
    for booster in model.boosters:
        for feature, gain in booster.get_score(importance_type="total_gain").items():
            gains[int(feature.removeprefix("f"))] += gain
    order = np.argsort(gains)[-_SHOWN_FEATURES:]
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    axes.barh([NAMES[i] for i in order], 100 * gains[order] / gains.sum())
    axes.set_xlabel("share of the gain, %")
    axes.set_title(f"{model.name}: {_SHOWN_FEATURES} features of most gain")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _table_times(models: list[LearnedModel]) -> Iterator[str]:
    """Milliseconds that a table of learned prices takes beyond one of the roofline's."""
    part = load_accelerator("ethos_u65")
    program = program_of_kernels(_INSTRUCTIONS)
    rows = []
    for model in models:
        if model.card.source == "vela":
            seconds = [_seconds(model, program) for _ in range(_REPEATS)]
            entries = CoreProblem(program, part, model.prices(program, part)).num_prices
            rows.append((model.name, str(_INSTRUCTIONS), str(entries), f"{1e3 * statistics.median(seconds):.0f} ms"))
    yield "All placements of a program of distinct kernels, from the program to the core's table, median of runs:"
    yield ""
    yield from _table(("model", "instructions", "prices", "time"), rows)


def _plans() -> list[str]:
    from learned_plans_results import Results, markdown

    return markdown(Results.load(PLANS))


def _seconds(model: LearnedModel, program: Program) -> float:
    part = load_accelerator("ethos_u65")
    began = time.perf_counter()
    CoreProblem(program, part, model.prices(program, part))
    return time.perf_counter() - began


def program_of_kernels(count: int) -> Program:
    """Instructions with distinct kernels of the zoo, each with buffers of its own."""
    found: dict[KernelFacts, None] = {}
    for name in ("resnet50", "mobilenet_v2", "convnext", "unet", "vit", "bert", "moe", "vgg16", "wavenet"):
        for size in ("full", "tiny"):
            found |= dict.fromkeys(op.facts() for op in zoo_operators(name, size))
    buffers: list[Buffer] = []
    instructions = []
    for t, kernel in enumerate(list(found)[:count]):
        first = len(buffers)
        for i, tensor in enumerate((*kernel.operands, *kernel.results)):
            read = i < len(kernel.operands)
            buffers.append(
                Buffer(
                    id=first + i,
                    name=f"b{first + i}",
                    size_bytes=int(tensor.size_bytes),
                    kind="parameter" if read else "output",
                    definition_time=-1 if read else t,
                    use_times=(t,) if read else (),
                )
            )
        entries = [Operand(buffer=b.id, bytes_accessed=b.size_bytes) for b in buffers[first:]]
        instructions.append(
            Instruction(
                name=f"kernel{t}",
                compute_seconds=0.0,
                operands=tuple(entries[: len(kernel.operands)]),
                results=tuple(entries[len(kernel.operands) :]),
                cost_features=kernel.to_cost_features(),
            )
        )
    return Program(name="kernels", instructions=tuple(instructions), buffers=tuple(buffers))


if __name__ == "__main__":
    main()
