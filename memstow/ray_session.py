"""Ray (the extra ``ray``), brought up quietly: on this machine, or on a cluster that runs already."""

from __future__ import annotations

from typing import Any

from .errors import InvalidInputError
from .extras import require


def import_ray(purpose: str) -> Any:
    """The module, for something to be done in processes of their own.

    Raises:
        MissingPackageError: Ray is not installed.
    """
    return require("ray", f"{purpose} in processes of their own", "ray")


def start_ray(ray: Any, count: int | None, address: str | None, *, object_store_bytes: int | None = None) -> None:
    """Connect to Ray.

    Args:
        ray: the module.
        count: of processors to use on this machine; all unless given.
        address: of a cluster whose machines have memstow installed; this machine unless given.
        object_store_bytes: of shared memory, on this machine; Ray's choice unless given.

    Raises:
        InvalidInputError: there is no cluster at the address.
    """
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        ray.init(num_cpus=count, include_dashboard=False, object_store_memory=object_store_bytes, **quiet)
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InvalidInputError(
            f"cluster {address}: cannot be reached ({str(error).splitlines()[0]}); start it with `ray start --head`"
        ) from error
