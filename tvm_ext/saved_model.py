"""A compiled model as a folder.

::

    model.json            what the other files do not say: accelerator, inputs, weights by name, how calls nest
    model.so              the planned program's machine code
    weights.safetensors   the weights, each once
    program.json, plan.json, summary.json, trace.json, report.html, picture.svg

Nothing in it is executed but ``model.so``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tvm.target import Target

from ..accelerator import Accelerator
from ..artifacts import DOCUMENTS, LIBRARY, PlanDocuments
from ..errors import InvalidInputError
from ..output_folder import OutputFolder
from ..schema import Document, read_json
from .call_structure import CallStructure
from .compiled_model import CompiledModel
from .cpu_schedule import host_target
from .planned_executable import PlannedExecutable, TensorSpec
from .structure_document import StructureDocument

CARD, WEIGHTS = "model.json", "weights.safetensors"
FORMAT: Final = 1


class SavedModel(Document):
    """``model.json``.

    ``processor`` is the one that the machine code is for, ``versions`` are of the packages that made it. ``weights``
    gives for each of the program's weights, in order, its name in ``weights.safetensors``: tied weights share one.
    """

    format: Literal[1]
    versions: dict[str, str]
    processor: str
    accelerator: Accelerator
    inputs: tuple[TensorSpec, ...]
    weights: dict[str, str]
    structure: StructureDocument


def save(
    folder: Path,
    documents: PlanDocuments,
    accelerator: Accelerator,
    executable: PlannedExecutable,
    structure: CallStructure,
    weights: Mapping[str, torch.Tensor],
) -> None:
    """Write a compiled model's folder, whole or not at all.

    Raises:
        InvalidInputError: the folder cannot be written to, or calls nest in something that cannot be saved.
    """
    tensors, names = _distinct(weights)
    card = SavedModel(
        format=FORMAT,
        versions=_versions(),
        processor=_processor(host_target()),
        accelerator=accelerator,
        inputs=executable.inputs,
        weights=names,
        structure=structure.to_document(),
    )
    with OutputFolder(folder, (*DOCUMENTS, LIBRARY, WEIGHTS, CARD)) as output:
        with output.writing():
            documents.stage(output)
            card.save(output.stage(CARD))
            shutil.copyfile(executable.library, output.stage(LIBRARY))
            save_file(tensors, output.stage(WEIGHTS))
        output.commit()


def load(folder: Path) -> CompiledModel:
    """Read a compiled model's folder; see :func:`memstow.load`."""
    card = _card(folder)
    if not (folder / LIBRARY).is_file():
        raise InvalidInputError(f"{folder / LIBRARY}: expected the model's machine code, found none; save it again")
    documents = PlanDocuments.load(folder)
    weights = _weights(folder / WEIGHTS, card)
    name = documents.program.name
    executable = PlannedExecutable(name, folder / LIBRARY, card.inputs, tuple(card.weights))
    return CompiledModel(documents, card.accelerator, executable, CallStructure.from_document(card.structure), weights)


def _card(folder: Path) -> SavedModel:
    path = folder / CARD
    if not path.is_file():
        raise InvalidInputError(
            f"{folder}: expected a folder that CompiledModel.save() wrote, found none with {CARD}; check the path"
        )
    data = read_json(path)
    found = data.get("format") if isinstance(data, dict) else None
    if isinstance(found, int) and found != FORMAT:
        raise InvalidInputError(f"{path}: expected format {FORMAT}, found {found}; compile and save the model again")
    card = SavedModel.parse(data, where=str(path))
    here = {"processor": _processor(host_target()), **_versions()}
    for what, made in {"processor": card.processor, **card.versions}.items():
        if here.get(what) != made:
            raise InvalidInputError(
                f"{path}: expected machine code for {what} {here.get(what)}, found it made for {made}; "
                "compile and save the model here"
            )
    return card


def _weights(path: Path, card: SavedModel) -> dict[str, torch.Tensor]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InvalidInputError(
            f"{path}: expected weights as safetensors, found: {error}; save the model again"
        ) from None
    absent = [key for key in card.weights.values() if key not in tensors]
    if absent:
        raise InvalidInputError(f"{path}: expected the weight {absent[0]!r}, found none; save the model again")
    return {name: tensors[key] for name, key in card.weights.items()}


def _distinct(weights: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Each tensor once, contiguous and with storage of its own as safetensors wants it; its name for every weight."""
    first: dict[object, str] = {}
    names = {
        name: first.setdefault((tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype), name)
        if tensor.numel()
        else name
        for name, tensor in weights.items()
    }
    kept = dict.fromkeys(names.values())
    return {name: weights[name].detach().clone(memory_format=torch.contiguous_format) for name in kept}, names


def _versions() -> dict[str, str]:
    """Of the packages on which machine code depends."""
    return {package: metadata.version(package) for package in ("memstow", "apache-tvm", "apache-tvm-ffi")}


def _processor(target: Target) -> str:
    return str(target.attrs["mcpu"])
