"""How this process's threads of arithmetic wait for one another."""

import os

# Looks of a thread for its next piece of work before it sleeps, a tenth of a millisecond: longer
# than the network's layers let it wait. libgomp's own are 300,000.
LOOKS = "10000"


def leave_cores_to_others() -> None:
    """Lets threads that wait for the slowest of them sleep soon, so that it can be served.

    By default they look for work for milliseconds, and where another program has their cores, most
    of what this process gets is spent on looking: beside another network the network took four
    times as long. For programs to call at their start, before torch is imported; what the user's
    environment says about waiting stands. It does nothing where torch comes without libgomp.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", LOOKS)
