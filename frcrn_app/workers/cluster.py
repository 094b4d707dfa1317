"""A crew of Ray actors on the machines of a cluster, one for each GPU or share of the cores.

Actors rather than Ray Data: a long recording's windows go to whoever is free while what they belong
to stays in one worker, and a run that was killed goes on by file. Data's pools choose the worker
themselves and join pieces by a shuffle, and need pyarrow besides.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from frcrn_app.errors import UserError
from frcrn_app.workers.crew import Handle, Lost, Make, Seat, WorkerDied
from frcrn_app.workers.held import Held

CONNECT_SECONDS = 10.0  # that a cluster may take to answer
CORES_A_WORKER = 4  # where nobody says how many workers there are to be


class ObjectStore:
    """Arrays in Ray's store; those that a worker puts there are gone with it."""

    def put(self, array: np.ndarray) -> Handle:
        import ray

        return ray.put(array)

    def get(self, handle: Handle) -> np.ndarray:
        import ray
        from ray.exceptions import RayError

        try:
            return ray.get(handle)
        except RayError:
            raise Lost from None


class _Actor(Held):
    """A worker as Ray runs it."""


class RayCrew:
    """See `Crew`.

    Args:
        make: builds what a worker holds; the package must be installed on every machine.
        address: of a running cluster, or "auto" for this machine's; "local" starts one here.
        size: workers; None: one for each GPU if `gpus`, else for each `CORES_A_WORKER` cores.
        threads: of arithmetic of each; None: an equal share of the cores.
        gpus: whether workers are to have a GPU, where the cluster has some.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """

    def __init__(
        self,
        make: Make,
        address: str = "local",
        size: int | None = None,
        *,
        threads: int | None = None,
        gpus: bool = True,
    ):
        # Ray reports to its makers unless told otherwise.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UserError("workers.no_ray") from None
        self._connected = not ray.is_initialized()
        if self._connected:
            _connect(address)
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        total_gpus = sum(machine.get("GPU", 0) for machine in machines) if gpus else 0
        machine_cores = [int(machine.get("CPU", 0)) for machine in machines]
        self._gpus = 0.0
        if total_gpus:
            self.size = size or int(total_gpus)
            self._gpus = min(1.0, total_gpus / self.size)
        else:
            usual = max(1, min(CORES_A_WORKER, max(machine_cores, default=1)))
            self.size = size or max(1, _fitting(machine_cores, usual))
        self._threads = threads or _share(machine_cores, self.size)
        self._make = make
        self._actors = [self._started(number) for number in range(self.size)]

    def call(self, worker: int, method: str, *args: Any) -> Future[Any]:
        return _settled(self._actors[worker].call.remote(method, args))

    def call_keeping(self, worker: int, method: str, *args: Any) -> tuple[Future[Any], Handle]:
        call = self._actors[worker].call.options(num_returns=2)
        facts, array = call.remote(method, args)
        return _settled(facts), array

    def replace(self, worker: int) -> None:
        import ray

        if not any(node["Alive"] for node in ray.nodes()):  # Ray would wait for machines for ever
            raise UserError("workers.no_machine")
        ray.kill(self._actors[worker])
        self._actors[worker] = self._started(worker)

    def free(self, handles: Sequence[Handle]) -> None:
        """Ray counts references: what nobody holds is freed."""

    def close(self) -> None:
        import ray

        for actor in self._actors:
            ray.kill(actor)
        if self._connected:
            ray.shutdown()

    def __enter__(self) -> RayCrew:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _started(self, number: int) -> Any:
        import ray

        actor = ray.remote(_Actor).options(
            num_cpus=self._threads, num_gpus=self._gpus, scheduling_strategy="SPREAD"
        )
        return actor.remote(self._make, Seat(number, self._threads, ObjectStore()))


def _connect(address: str) -> None:
    """Start Ray here, or join a cluster. Raises UserError."""
    import ray

    if address not in ("local", "auto"):
        _require_answer(address)
    path = os.environ.get("PYTHONPATH")
    if address == "local":  # its workers find the package where this process did
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    try:
        ray.init(address=address, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError("workers.no_cluster", address=address, reason=str(error)) from error
    finally:
        if path is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = path


def _require_answer(address: str) -> None:
    """Raise UserError where nothing listens: Ray itself would try for minutes."""
    try:
        where = urlsplit(address if "://" in address else f"//{address}")
        with socket.create_connection((where.hostname, where.port), CONNECT_SECONDS):
            pass
    except (OSError, ValueError) as error:
        raise UserError("workers.no_cluster", address=address, reason=error) from error


def _fitting(machine_cores: Sequence[int], threads: int) -> int:
    """Workers of so many threads that fit the machines."""
    return sum(cores // threads for cores in machine_cores)


def _share(machine_cores: Sequence[int], size: int) -> int:
    """Threads of each of `size` workers; one where these do not fit yet, and wait for machines."""
    for threads in range(max(machine_cores, default=0), 0, -1):
        if _fitting(machine_cores, threads) >= size:
            return threads
    return 1


def _settled(reference: Any) -> Future[Any]:
    """What a call returns, raises, or WorkerDied."""
    from ray.exceptions import RayError, RayTaskError

    outcome: Future[Any] = Future()
    outcome.set_running_or_notify_cancel()

    def settle(future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            outcome.set_result(future.result())
        elif isinstance(error, RayTaskError):
            outcome.set_exception(error.cause)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            outcome.set_exception(WorkerDied() if isinstance(error, RayError) else error)

    reference.future().add_done_callback(settle)
    return outcome
