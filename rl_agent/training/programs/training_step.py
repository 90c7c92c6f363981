"""The rest of a training step: gradients in the opposite order of the network, then the update of every weight."""

from __future__ import annotations

from .operators import POINTWISE_FLOPS
from .tape import Entry, Step, Tape, Tensor

#: Arithmetic per weight of an optimiser, by the number of its states (none, momentum, two moments).
OPTIMISER_FLOPS = {0: 2.0, 1: 4.0, 2: 12.0}
#: A training step has about this many times the steps of its network.
STEPS_RATIO = 3.3


def add_training(tape: Tape, result: Tensor) -> None:
    """Append the loss of ``result``, the gradients of all that leads to it, and an optimiser."""
    backward = _Backward(tape)
    forward = list(tape.steps)
    seed = tape.tensor(result.rows, result.width, "gradient")
    target = tape.resident(result.rows, result.width, "input", "target")
    tape.step("loss", [result, target], [seed], vector_flops=POINTWISE_FLOPS * result.elements)
    backward.gradients[result.root] = seed
    for step in reversed(forward):
        backward.add(step)
    _optimise(tape, backward.weights)


class _Backward:
    """Gradients so far, of tensors by the place that they share."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.gradients: dict[Tensor, Tensor] = {}
        self.weights: list[tuple[Tensor, Tensor]] = []

    def add(self, step: Step) -> None:
        """The gradients of what a step reads, if what it writes has one."""
        incoming = [self.gradients[t.root] for t, _ in step.writes if t.root in self.gradients]
        if not incoming or step.opcode == "reduce":
            return
        wanted = [tensor for tensor, _ in step.reads if tensor.kind not in ("input", "constant")]
        wanted = [tensor for tensor in dict.fromkeys(wanted) if not (tensor.pinned or step.opcode == "gather")]
        through = [tensor for tensor in wanted if tensor.root not in {t.root for t, _ in step.writes}]
        count = max(1, len(through))
        joint = bool(step.vector_flops) and not step.matrix_flops
        if joint and through:
            self._gradients(step, incoming, through, 2.0)
            return
        for tensor in through:
            self._gradients(step, incoming, [tensor], 2.0 / count)

    def _gradients(self, step: Step, incoming: list[Tensor], tensors: list[Tensor], share: float) -> None:
        """One step for the gradients of some tensors; a second gradient of a tensor is added to the first in place."""
        tape = self.tape
        reads: list[Entry] = [(gradient, gradient.size_bytes) for gradient in incoming]
        saved = [
            s for s in dict.fromkeys(step.saved) if len(tensors) > 1 or s is not tensors[0] or not step.matrix_flops
        ]
        reads += [(tensor, tensor.size_bytes) for tensor in saved]
        made = [tape.tensor(tensor.rows, tensor.width, "gradient") for tensor in tensors]
        tape.step(
            f"{step.opcode}-gradient",
            reads,
            made,
            matrix_flops=share / 2 * step.matrix_flops * len(tensors),
            vector_flops=share * step.vector_flops,
            trips=step.trips,
        )
        for tensor, gradient in zip(tensors, made, strict=True):
            self._keep(tensor, gradient)

    def _keep(self, tensor: Tensor, gradient: Tensor) -> None:
        before = self.gradients.get(tensor.root)
        if before is not None:
            total = self.tape.tensor(gradient.rows, gradient.width, "gradient", like=before)
            flops = float(gradient.elements)
            self.tape.step("add", [before, gradient], [total], vector_flops=flops)
            gradient = total
        self.gradients[tensor.root] = gradient
        if tensor.kind == "parameter":
            self.weights = [pair for pair in self.weights if pair[0] is not tensor]
            self.weights.append((tensor, gradient))


def _optimise(tape: Tape, weights: list[tuple[Tensor, Tensor]]) -> None:
    """Update every weight and its states in their places; now and then several weights in one step."""
    random = tape.random
    states, together = random.choice([0, 1, 2, 2]), random.choice([1, 1, 1, 4])
    if random.random() < 0.5:
        random.shuffle(weights)
    for k in range(0, len(weights), together):
        reads, writes, elements = [], [], 0
        for weight, gradient in weights[k : k + together]:
            held = [weight, *(tape.resident(weight.rows, weight.width, "parameter", "moment") for _ in range(states))]
            updated = [tape.tensor(weight.rows, weight.width, tensor.label, like=tensor) for tensor in held]
            for tensor in updated:
                tensor.kind = "output"
            reads += [gradient, *held]
            writes += updated
            elements += weight.elements
        tape.step("update", reads, writes, vector_flops=OPTIMISER_FLOPS[states] * elements)
