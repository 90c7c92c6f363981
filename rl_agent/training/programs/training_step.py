"""The rest of a training step: gradients in the opposite order of the network, then the update of every weight."""

from __future__ import annotations

from .operators import POINTWISE_FLOPS
from .tape import Entry, Step, Tape, Tensor

#: Arithmetic per weight of an optimiser, by the number of its states (none, momentum, two moments).
OPTIMISER_FLOPS = {0: 2.0, 1: 4.0, 2: 12.0}
#: A training step has about this many times the steps of its network.
STEPS_RATIO = 3.3
#: A product has two; what saves more is several operators in one.
MOST_FACTORS = 2


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
    _optimise(tape, list(backward.weights.items()))


class _Backward:
    """Gradients so far, of tensors by the place that they share; the last one of every weight."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.gradients: dict[Tensor, Tensor] = {}
        self.weights: dict[Tensor, Tensor] = {}

    def add(self, step: Step) -> None:
        """The gradients of what a step reads, if what it writes has one."""
        written = {tensor.root: count for tensor, count in step.writes}
        known = [(self.gradients[root], count) for root, count in written.items() if root in self.gradients]
        incoming = [(gradient, min(gradient.size_bytes, count)) for gradient, count in known]
        read = [
            t for t in dict.fromkeys(tensor for tensor, _ in step.reads) if _has_gradient(t) and t.root not in written
        ]
        if not incoming or not read or step.opcode in ("reduce", "gather"):
            return
        if step.opcode == "slice":
            self._add_slice(step, incoming, read[0])
        elif step.matrix_flops:
            self._add_products(step, incoming, read)
        else:
            made = self._made(read)
            saved = [(tensor, tensor.size_bytes) for tensor in dict.fromkeys(step.saved)]
            flops = 2.0 * step.vector_flops
            self.tape.step(f"{step.opcode}-gradient", [*incoming, *saved], made, vector_flops=flops, trips=step.trips)
            self._keep(read, made)

    def _add_slice(self, step: Step, incoming: list[Entry], source: Tensor) -> None:
        """The slice's part of its source's gradient, in the place of the others."""
        before = self.gradients.get(source.root)
        made = self.tape.tensor(source.rows, source.width, "gradient", like=before)
        reads = [*incoming, *([(before, 0)] if before else [])]
        self.tape.step("slice-gradient", reads, [(made, step.reads[0][1])])
        self.gradients[source.root] = made

    def _add_products(self, step: Step, incoming: list[Entry], read: list[Tensor]) -> None:
        """A product for each large factor, which takes the other factors; sums for biases."""
        for tensor in read:
            made = self._made([tensor])
            if tensor in step.saved:
                reads = [*incoming, *((t, t.size_bytes) for t in dict.fromkeys(step.saved) if t is not tensor)]
                flops = step.matrix_flops if len(step.saved) <= MOST_FACTORS else step.matrix_flops / 2.0
                self.tape.step(f"{step.opcode}-gradient", reads, made, matrix_flops=flops, trips=step.trips)
            else:
                flops = float(sum(gradient.elements for gradient, _ in incoming))
                self.tape.step("sum-gradient", incoming, made, vector_flops=flops, trips=step.trips)
            self._keep([tensor], made)

    def _made(self, tensors: list[Tensor]) -> list[Tensor]:
        return [self.tape.tensor(tensor.rows, tensor.width, "gradient") for tensor in tensors]

    def _keep(self, tensors: list[Tensor], made: list[Tensor]) -> None:
        """A second gradient of a tensor is added to the first in its place."""
        for tensor, gradient in zip(tensors, made, strict=True):
            before = self.gradients.get(tensor.root)
            total = gradient
            if before is not None:
                total = self.tape.tensor(gradient.rows, gradient.width, "gradient", like=before)
                self.tape.step("add", [before, gradient], [total], vector_flops=float(gradient.elements))
            self.gradients[tensor.root] = total
            if tensor.kind == "parameter":
                self.weights[tensor] = total


def _has_gradient(tensor: Tensor) -> bool:
    return tensor.kind not in ("input", "constant") and not tensor.pinned and tensor.label != "statistics"


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
