"""Work on files that strangers sent: in processes that can be killed, with a deadline and a budget.

`isolated` runs one function there, `read_recording` and `read_tracks` decode there, `write_film`
copies a picture there; a `Budget` shares out the memory that decoded audio may take in the whole
server.
"""

from frcrn_app.isolation.budget import Budget, default_memory
from frcrn_app.isolation.errors import IsolationError
from frcrn_app.isolation.films import write_film
from frcrn_app.isolation.pool import DEADLINE_SECONDS, isolated, stop, warm_up
from frcrn_app.isolation.recordings import Tracks, read_recording, read_tracks

__all__ = [
    "DEADLINE_SECONDS",
    "Budget",
    "IsolationError",
    "Tracks",
    "default_memory",
    "isolated",
    "read_recording",
    "read_tracks",
    "stop",
    "warm_up",
    "write_film",
]
