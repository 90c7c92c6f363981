"""Measurers that run kernels in this process, or in a process that TVM's RPC reaches.

Both time with the core's ``memstow.measure.time_kernel``: a server must have loaded the core, as one does that finds
memstow installed (``import tvm`` loads it) or is started with ``--load-library libmemstow_core.so``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from numpy.typing import NDArray
from tvm.rpc import RPCSession

from ...cost_model.measurer import BuiltKernel, KernelArgument, Runs, Timing, check_placements, timings
from ...errors import InvalidInputError
from ...native import core_function

TIMER = "memstow.measure.time_kernel"


class _TvmMeasurer:
    """Keeps the library that was used last."""

    def __init__(self, timer: Callable[..., bytes], device: Any, load: Callable[[Path], Any]) -> None:
        self._timer = timer
        self._device = device
        self._load = load
        self._loaded: tuple[Path, Any] | None = None

    def measure(self, kernel: BuiltKernel, placements: Sequence[tuple[bool, ...]], runs: Runs) -> list[Timing]:
        """See :class:`~memstow.cost_model.measurer.Measurer`."""
        check_placements(kernel, placements)
        if self._loaded is None or self._loaded[0] != kernel.library:
            self._loaded = None
            self._loaded = kernel.library, self._load(kernel.library)
        digits = ",".join("".join(str(int(fast)) for fast in placement) for placement in placements)
        tensors = [tvm.runtime.tensor(_values(k, a), self._device) for k, a in enumerate(kernel.arguments)]
        found = self._timer(
            self._loaded[1], kernel.function, digits, runs.minimum, runs.maximum, runs.seconds, *tensors
        )
        return timings(np.frombuffer(bytes(found), dtype=np.float64).reshape(-1, len(placements)))


class LocalMeasurer(_TvmMeasurer):
    """Runs kernels in this process."""

    def __init__(self) -> None:
        super().__init__(core_function(TIMER), tvm.cpu(), lambda path: tvm.runtime.load_module(str(path)))


class RpcMeasurer(_TvmMeasurer):
    """Runs kernels at the other end of an RPC session; libraries are uploaded.

    Raises:
        InvalidInputError: the server has not loaded memstow's core.
    """

    def __init__(self, session: RPCSession) -> None:
        try:
            timer = session.get_function(TIMER)
        except Exception as error:  # TVM raises several kinds
            raise InvalidInputError(
                f"RPC server: expected the function {TIMER!r}, found none; start it where memstow is installed, "
                "or with --load-library libmemstow_core.so"
            ) from error

        def load(path: Path) -> Any:
            session.upload(str(path))
            return session.load_module(path.name)

        super().__init__(timer, session.cpu(), load)


def connect(address: str) -> RpcMeasurer:
    """A measurer at ``HOST:PORT``.

    Raises:
        InvalidInputError: the address is none, nobody answers, or the server has not loaded memstow's core.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidInputError(f"RPC server {address!r}: expected HOST:PORT")
    try:
        session = tvm.rpc.connect(host, int(port))
    except Exception as error:  # TVM raises several kinds
        reason = str(error).strip().splitlines()[-1]
        raise InvalidInputError(
            f"RPC server {address}: cannot be reached ({reason}); start one there: python -m tvm.exec.rpc_server"
        ) from error
    return RpcMeasurer(session)


def _values(seed: int, argument: KernelArgument) -> NDArray[np.generic]:
    """Reals between 0.5 and 1.5: no operation on them is slow, as one on denormal numbers is."""
    generator = np.random.default_rng(seed)
    count = int(np.prod(argument.shape, dtype=np.int64))
    drawn = min(count, 1 << 20)
    dtype = np.dtype(argument.dtype)
    if dtype.kind == "f":
        values = generator.uniform(0.5, 1.5, drawn).astype(dtype)
    else:
        bound = min(argument.integer_bound, 2 if dtype.kind == "b" else int(np.iinfo(dtype).max))
        values = generator.integers(0, max(1, bound), drawn).astype(dtype)
    return np.resize(values, argument.shape)
