"""Processes that each hold something loaded: some of this machine, or of a Ray cluster.

with ProcessCrew(make, 4) as crew:
    future = crew.call(0, "clean", path)

`make(seat)` builds, in each worker, the object whose methods are called. `Foreman` gives work to
whoever is free and gives it again where a worker was lost.
"""

from frcrn_app.workers.cluster import RayCrew
from frcrn_app.workers.crew import Crew, Handle, Lost, Make, Seat, Store, WorkerDied
from frcrn_app.workers.foreman import Died, Foreman, Task, Work
from frcrn_app.workers.held import portable
from frcrn_app.workers.manners import end_with, step_back
from frcrn_app.workers.processes import ProcessCrew, Threads, cores

__all__ = [
    "Crew",
    "Died",
    "Foreman",
    "Handle",
    "Lost",
    "Make",
    "ProcessCrew",
    "RayCrew",
    "Seat",
    "Store",
    "Task",
    "Threads",
    "Work",
    "WorkerDied",
    "cores",
    "end_with",
    "portable",
    "step_back",
]
