"""Collecting samples program by program, so that what is interrupted goes on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InvalidInputError, UnknownNameError
from ..schema import read_json
from .samples import Provenance, Sample, SampleSet, SampleSource, provenance_path

#: Told the program, how many of its kernels are done, and how many it has.
OnKernel = Callable[[str, int, int], None]
#: What a resumed run need not agree on with the one before.
_CHANGING = frozenset({"date"})


def collect(
    source: SampleSource,
    programs: Sequence[str] | None,
    target: Path,
    on_kernel: OnKernel,
    *,
    accelerators: Sequence[str] | None = None,
) -> SampleSet:
    """Samples of programs, written to ``target`` once all are there.

    Every finished program is kept in the folder ``target.parts`` until then; a run that was interrupted is repeated
    with the same arguments and begins with the first program that is not there.

    Args:
        source: prices the kernels.
        programs: names; left out, all that the source has.
        target: ``NAME.csv`` or ``NAME.csv.gz``.
        on_kernel: progress.
        accelerators: names, or the beginnings of such, whose samples are kept; left out, all.

    Raises:
        UnknownNameError: a program or an accelerator that the source does not have.
        InvalidInputError: the parts that are there come from another source, version or machine.
    """
    known = source.programs()
    chosen = known if programs is None else list(programs)
    for name in chosen:
        if name not in known:
            raise UnknownNameError(f"program of the source {source.name!r}:", name, known)
    folder = parts_folder(target)
    provenance = _resumed(source, folder)
    kept = _kept(provenance, accelerators)
    samples: list[Sample] = []
    for name in chosen:
        samples += [s for s in _program(source, provenance, folder, name, on_kernel) if s.accelerator in kept]
    if not samples:
        raise InvalidInputError(
            f"{target}: expected samples, found none for {', '.join(chosen)}; choose other programs"
        )
    found = SampleSet(_of_accelerators(provenance, kept), tuple(samples))
    found.save(target)
    shutil.rmtree(folder)
    return found


def parts_folder(target: Path) -> Path:
    """Where finished programs wait for the others."""
    return target.with_name(f"{target.name}.parts")


def _program(
    source: SampleSource, provenance: Provenance, folder: Path, name: str, on_kernel: OnKernel
) -> tuple[Sample, ...]:
    path = folder / f"{name}.csv.gz"
    if path.is_file():
        part = SampleSet.load(path).samples
    else:
        part = tuple(source.collect(name, lambda done, count: on_kernel(name, done, count)))
        if part:
            SampleSet(provenance, part).save(path)
    on_kernel(name, 1, 1)
    return part


def _resumed(source: SampleSource, folder: Path) -> Provenance:
    """The provenance of the run that left parts behind, or a new one: all samples of a file have one calibration."""
    provenance = source.provenance()
    parts = sorted(folder.glob("*.csv.gz")) if folder.is_dir() else []
    if not parts:
        folder.mkdir(parents=True, exist_ok=True)
        return provenance
    path = provenance_path(parts[0])
    before = Provenance.parse(read_json(path), where=str(path))
    for key in sorted((provenance.made_by.keys() | before.made_by.keys()) - _CHANGING):
        ours, theirs = provenance.made_by.get(key), before.made_by.get(key)
        if ours != theirs or before.source != provenance.source:
            raise InvalidInputError(
                f"{folder}: expected parts of {provenance.source} with {key} = {ours!r}, found those of "
                f"{before.source} with {theirs!r}; remove the folder, or name another file"
            )
    return before


def _kept(provenance: Provenance, accelerators: Sequence[str] | None) -> frozenset[str]:
    known = list(provenance.accelerators)
    if accelerators is None:
        return frozenset(known)
    kept: set[str] = set()
    for wanted in accelerators:
        found = [name for name in known if name.startswith((wanted, wanted.replace("_", "-")))]
        if not found:
            raise UnknownNameError(f"accelerator of the source {provenance.source!r}:", wanted, known)
        kept.update(found)
    return frozenset(kept)


def _of_accelerators(provenance: Provenance, kept: frozenset[str]) -> Provenance:
    accelerators = {name: part for name, part in provenance.accelerators.items() if name in kept}
    return provenance.model_copy(update={"accelerators": accelerators})
