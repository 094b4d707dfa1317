"""torchaudio's Python functions, also where its compiled extension cannot load.

torchaudio 2.11.0 is the last release, and its wheel links CUDA libraries: beside a CPU-only torch,
`import torchaudio` raises OSError. Resampling needs no compiled operation, so the extension module
is replaced by a stand-in that says "not available" before a second attempt. The version is frozen,
and so is what the stand-in has to offer.
"""

import importlib
import importlib.util
import sys
import threading
import types

_LOCK = threading.Lock()


def _extension_stand_in() -> types.ModuleType:
    def fail_if_no_align(function):
        def refuse(*_args, **_kwargs):
            raise RuntimeError("torchaudio's forced alignment is not available on this machine.")

        return refuse

    extension = types.ModuleType("torchaudio._extension")
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension._load_lib = lambda _name: False
    extension.fail_if_no_align = fail_if_no_align
    return extension


def import_torchaudio() -> types.ModuleType:
    """Return the torchaudio package, with its stand-in extension only where it needs one."""
    with _LOCK:
        try:
            return importlib.import_module("torchaudio")
        except (ImportError, OSError):
            if importlib.util.find_spec("torchaudio") is None:
                raise
        # The failed attempt leaves half-imported submodules behind.
        for name in [n for n in sys.modules if n == "torchaudio" or n.startswith("torchaudio.")]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _extension_stand_in()
        return importlib.import_module("torchaudio")
