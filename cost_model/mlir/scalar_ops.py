"""What one scalar operation costs, by its name in any dialect, and what the body of a region computes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .syntax import Operation, Reference, Region

_BY_FIELD = {
    "elementwise": """
        abs add and ceil clamp clz compare complex copysign count_leading_zeros ctlz cttz ctpop floor fma imag is_finite
        is_inf is_neg_inf is_pos_inf isfinite isinf isnan max maximum min minimum mul multiply neg negate negf not or
        popcnt real reduce_precision round round_nearest_afz round_nearest_even roundeven select shift_left
        shift_right_arithmetic shift_right_logical sign square sub subtract trunc xor max_signed max_unsigned min_signed
        min_unsigned absf absi addf addi addui_extended andi ori xori cmpf cmpi maximumf maxnumf maxsi maxui minimumf
        minnumf minsi minui mulf muli mului_extended mulsi_extended shli shrsi shrui subf subi conj next_after mulhi
        """,
    "transcendental": """
        acos acosh asin asinh atan atan2 atanh bessel_i1e cbrt cos cosh cosine digamma erf erf_inv erfc erfinv exp exp2
        exponential exponential_minus_one expm1 fpowi ipowi lgamma log log10 log1p log2 log_plus_one logistic polygamma
        power powf rsqrt sin sincos sine sinh sqrt tan tanh zeta
        """,
    "divide": """
        ceildivsi ceildivui div div_unsigned divf divide divsi divui floordivsi reciprocal remainder remf remsi remui
        """,
    "convert": """
        convert extf extsi extui fptosi fptoui index_cast index_castui sitofp stochastic_convert truncf trunci uitofp
        uniform_dequantize uniform_quantize bitcast convertf
        """,
}
#: Field of ``KernelFacts`` by operation.
FIELD_OF = {name: field for field, names in _BY_FIELD.items() for name in names.split()}
#: Operations of a body that compute nothing: constants, loop indices and the end of the block.
_FREE = frozenset({"assert", "constant", "index", "yield", "return", "extract", "reshape", "broadcast_in_dim"})
MULTIPLICATIONS = frozenset({"mul", "mulf", "muli", "multiply"})
_COMPARISONS = frozenset({
    "clamp", "compare", "max", "maximum", "min", "minimum", "select", "max_signed", "max_unsigned", "min_signed",
    "min_unsigned", "cmpf", "cmpi", "maximumf", "maxnumf", "maxsi", "maxui", "minimumf", "minnumf", "minsi", "minui",
})  # fmt: skip


def scalar_name(operation: Operation) -> str:
    """The operation's name in :data:`FIELD_OF`, which has CHLO's broadcasting forms under their plain names."""
    return operation.short_name.removeprefix("broadcast_") if operation.dialect == "chlo" else operation.short_name


def scalar_work(operation: Operation) -> Counter[str]:
    """What the operation computes for one element, by field.

    Raises:
        InvalidInputError: the operation is not known.
    """
    name = scalar_name(operation)
    if name in _FREE or "index" in operation.types + operation.result_types:
        return Counter()
    if name not in FIELD_OF:
        raise operation.error(
            "expected a scalar operation inside of a region, found one of unknown cost; lower it first"
        )
    return work_of(name)


def work_of(name: str) -> Counter[str]:
    """What the operation of a name in :data:`FIELD_OF` computes for one element, by field."""
    count = 2 if name in ("clamp", "fma") else 1
    work = Counter({FIELD_OF[name]: count})
    if name in MULTIPLICATIONS or name in ("fma", "square"):
        work["multiplied"] = 1
    if name in _COMPARISONS:
        work["compared"] = count
    return work


@dataclass(frozen=True)
class Body:
    """What one pass through a region computes.

    Args:
        work: by field, what does not depend on the accumulators.
        accumulation: by field, what does.
        factors: positions of the two arguments whose product is accumulated, if there is one.
        reads: positions of the arguments that anything uses.
        gathers: tensors that elements are extracted from.
        indexed: whether it uses the loops' own indices.
    """

    work: Counter[str]
    accumulation: Counter[str]
    factors: tuple[int, int] | None
    reads: frozenset[int]
    gathers: tuple[str, ...]
    indexed: bool


def analyse_body(region: Region, accumulators: frozenset[int]) -> Body:
    """Follow the block's arguments through its operations.

    Args:
        region: of one block.
        accumulators: positions of the arguments that hold what the previous pass has yielded.
    """
    sources = {name: frozenset({i}) for i, (name, _) in enumerate(region.arguments)}
    work: Counter[str] = Counter()
    accumulation: Counter[str] = Counter()
    factors: tuple[int, int] | None = None
    gathers: list[str] = []
    indexed = False
    live = _live(region.operations)
    for operation in live:
        reached = frozenset().union(*(sources.get(name, frozenset()) for name in operation.inputs))
        sources.update((result, reached) for result in operation.results)
        cost = scalar_work(operation)
        (accumulation if reached & accumulators else work).update(cost)
        indexed |= operation.name == "linalg.index"
        if operation.name == "tensor.extract":
            gathers.append(operation.operands[0])
        if scalar_name(operation) in MULTIPLICATIONS and len(operation.operands) == 2 and factors is None:
            factors = _pair(sources, operation.operands, accumulators)
    used = frozenset(
        i
        for operation in live
        for name in (*operation.inputs, *_indices(operation))
        for i in sources.get(name, ())
        if i < len(region.arguments)
    )
    return Body(work, accumulation, factors, used, tuple(gathers), indexed)


def _live(operations: list[Operation]) -> list[Operation]:
    """Those that the last one, which yields, depends on."""
    needed: set[str] = set()
    kept: list[Operation] = []
    for operation in reversed(operations):
        if not kept or needed & set(operation.results):
            kept.append(operation)
            needed.update(operation.inputs)
            needed.update(_indices(operation))
    return kept[::-1]


def _indices(operation: Operation) -> list[str]:
    """SSA values in lists, such as the indices of an extracted element."""
    lists = [word for word in operation.words if isinstance(word, tuple)]
    return [item.name for word in lists for item in word if isinstance(item, Reference)]


def _pair(sources: dict[str, frozenset[int]], names: list[str], accumulators: frozenset[int]) -> tuple[int, int] | None:
    """The two inputs that a product comes from, each from one."""
    left, right = (sources.get(name, frozenset()) for name in names)
    if len(left) != 1 or len(right) != 1 or left == right or (left | right) & accumulators:
        return None
    return min(left), min(right)
