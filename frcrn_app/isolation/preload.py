"""What the processes that read files have imported before they are forked; imported only there."""

import os
from multiprocessing import spawn

# Else each process would run the main module of the program that asks: a script, once more.
_not_again = ("_fixup_main_from_path", "_fixup_main_from_name")
spawn.__dict__.update(dict.fromkeys(_not_again, lambda _: None))

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    # Arithmetic threads would reserve memory in processes that do little arithmetic.
    os.environ[_variable] = "1"

import av  # noqa: E402, F401
import numpy  # noqa: E402, F401
import soundfile  # noqa: E402, F401

import frcrn_app.audio  # noqa: E402
import frcrn_app.isolation.recordings  # noqa: E402, F401
