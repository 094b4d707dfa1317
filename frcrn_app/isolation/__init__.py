"""Work on files that strangers sent: in processes that can be killed, with a deadline and a budget.

`isolated` runs one function there, `read_recording` decodes there; a `Budget` shares out the memory
that decoded audio may take in the whole server.
"""

from frcrn_app.isolation.budget import Budget, default_memory
from frcrn_app.isolation.errors import IsolationError
from frcrn_app.isolation.pool import DEADLINE_SECONDS, isolated, stop, warm_up
from frcrn_app.isolation.recordings import read_recording

__all__ = [
    "DEADLINE_SECONDS",
    "Budget",
    "IsolationError",
    "default_memory",
    "isolated",
    "read_recording",
    "stop",
    "warm_up",
]
