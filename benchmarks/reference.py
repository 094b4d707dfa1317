"""The published implementations, `clearvoice` and `modelscope`, run as they are on this machine.

Their wheels hold the network and the pipelines around it, but ask for dozens of packages that
neither needs for FRCRN. Here the wheels are unpacked into a folder of their own, without
dependencies, and what their files import beyond torch, numpy and scipy is replaced by stand-ins
while they load: empty modules for packages that FRCRN's path never calls, and ModelScope's
registries and base classes, of which FRCRN uses a constructor alone. Network, level handling,
padding, windows and conversion to integers are their own code, unchanged.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import types
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import soundfile as sf
import torch
from torch import Tensor, nn

from frcrn_app.constants import SAMPLE_RATE

PACKAGES = {"clearvoice": "0.1.2", "modelscope": "1.40.2", "six": "1.17.0"}
WINDOW, STRIDE = 16_000, 12_000  # samples, of both pipelines; 120 s and less are one piece
NETWORK = {  # ModelScope's configuration.json of damo/speech_frcrn_ans_cirm_16k
    "complex": True,
    "model_complexity": 45,
    "model_depth": 14,
    "log_amp": False,
    "padding_mode": "zeros",
    "win_len": 640,
    "win_inc": 320,
    "fft_len": 640,
    "win_type": "hann",
}


def unpadded_length(seconds: float) -> int:
    """Longest length up to `seconds` to which neither pipeline appends zeros, in samples."""
    return WINDOW + int((seconds * SAMPLE_RATE - WINDOW) // STRIDE) * STRIDE


def install(folder: str | os.PathLike | None = None) -> Path:
    """Unpack both packages into `folder`, unless they are there, and return it."""
    if folder is None:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(cache) / "frcrn_app" / "reference"
    folder = Path(folder).resolve()
    wanted = [
        f"{name}=={version}"
        for name, version in PACKAGES.items()
        if not (folder / f"{name}-{version}.dist-info").is_dir()
    ]
    if wanted:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--upgrade"),
                *("--target", str(folder), *wanted),
            ],
            check=True,
        )
    return folder


class Reference:
    """Both implementations, imported from the folder that `install` has filled."""

    def __init__(self, folder: str | os.PathLike):
        folder = Path(folder)
        with _importable(folder):
            self._clearvoice = importlib.import_module("clearvoice.networks")
            importlib.import_module("clearvoice.models.frcrn_se.frcrn")
            self._modelscope = importlib.import_module("modelscope.models.audio.ans.frcrn")
            self._ans = importlib.import_module("modelscope.pipelines.audio.ans_pipeline")
            self._loaded = {
                name: module for name, module in sys.modules.items() if _is_reference(name)
            }

    def network(self) -> nn.Module:
        """ModelScope's FRCRN module, weights at random."""
        return self._modelscope.FRCRN(**NETWORK).eval()

    def clearvoice_pipeline(self, checkpoint_folder: Path, whole_seconds: int = 120) -> "Pipeline":
        """ClearVoice's FRCRN_SE_16K with the checkpoint of a folder (float output).

        Longer recordings than `whole_seconds` are cut into pieces of a second each.
        """
        args = Namespace(
            task="speech_enhancement",
            network="FRCRN_SE_16K",
            checkpoint_dir=str(checkpoint_folder),
            use_cuda=0,
            sampling_rate=SAMPLE_RATE,
            one_time_decode_length=whole_seconds,
            decode_window=1,
            win_type="hanning",
            win_len=640,
            win_inc=320,
            fft_len=640,
        )
        with self._on_its_modules():
            speech_model = self._clearvoice.CLS_FRCRN_SE_16K(args)

        def run(path: Path) -> np.ndarray:
            return speech_model.process(str(path))[0]  # [channels, samples]

        return Pipeline(run)

    def modelscope_pipeline(self, model_folder: Path) -> "Pipeline":
        """ModelScope's ANSPipeline with the `pytorch_model.bin` of a folder (int16 output)."""
        model = self._modelscope.FRCRNDecorator(str(model_folder), **NETWORK)
        pipeline = self._ans.ANSPipeline(model=model)

        def run(path: Path) -> np.ndarray:
            output = pipeline.forward(pipeline.preprocess(path.read_bytes()))
            return np.frombuffer(output["output_pcm"], np.int16)

        return Pipeline(run)

    @contextmanager
    def _on_its_modules(self) -> Iterator[None]:
        """Let the reference's own late imports find what was loaded under stand-ins."""
        before = {name: sys.modules.get(name) for name in self._loaded}
        sys.modules.update(self._loaded)
        try:
            yield
        finally:
            _restore(before)


class Pipeline:
    """A published pipeline: a 16 kHz mono wav file in, its samples out as it gives them."""

    def __init__(self, run):
        self._run = run

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Output of one channel [samples]; they are stored as 16-bit wav on the way in."""
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
            path = Path(folder, "noisy.wav")
            sf.write(path, samples, SAMPLE_RATE, "PCM_16")
            with redirect_stdout(nowhere), torch.no_grad():
                return self._run(path)


# Official layouts


def save_clearvoice(state_dict: dict[str, Tensor], folder: Path) -> Path:
    """Store weights as Hugging Face has them: in "model", beside what the optimizer left."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "last_best_checkpoint.pt"
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
    content = {
        "model": state_dict,
        "optimizer": optimizer.state_dict(),
        "epoch": 1,
        "step": 1,
    }
    torch.save(content, path)
    (folder / "last_best_checkpoint").write_text(f"{path.name}\n")
    return path


def save_modelscope(state_dict: dict[str, Tensor], folder: Path) -> Path:
    """Store weights as ModelScope has them: a bare state dict."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pytorch_model.bin"
    torch.save(state_dict, path)
    return path


# Imports


class _StandIn(types.ModuleType):
    """A module whose every attribute is an object that does nothing."""

    __path__: list[str] = []  # noqa: RUF012 - a package to the import system

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {"__init__": lambda self, *args, **kwargs: None})
        setattr(self, name, value)
        return value


class _Registry:
    """ModelScope's registries: here a decorator that leaves the class as it is."""

    @staticmethod
    def register_module(*args: object, **kwargs: object):
        return lambda registered: registered


class _TorchModel(nn.Module):
    """ModelScope's model base: FRCRN needs it to accept the model folder."""

    def __init__(self, model_dir: str, *args: object, **kwargs: object):
        super().__init__()


class _ModelScopePipeline:
    """ModelScope's pipeline base: FRCRN needs it to keep model and device."""

    def __init__(self, model: nn.Module, **kwargs: object):
        self.model = model
        self.device = torch.device("cpu")


def _modelscope_modules(folder: Path) -> dict[str, types.ModuleType]:
    def module(name: str, **attributes: object) -> types.ModuleType:
        made = _StandIn(name)
        for key, value in attributes.items():
            setattr(made, key, value)
        return made

    task = Namespace(acoustic_noise_suppression="acoustic-noise-suppression")
    modules = [
        module("modelscope.metainfo"),
        module("modelscope.models", TorchModel=_TorchModel),
        module("modelscope.models.base", Tensor=Tensor),
        module("modelscope.models.builder", MODELS=_Registry),
        module(
            "modelscope.utils.constant",
            ModelFile=Namespace(TORCH_MODEL_BIN_FILE="pytorch_model.bin"),
            Tasks=task,
        ),
        module("modelscope.fileio"),
        module("modelscope.fileio.file"),
        module("modelscope.utils.file_utils"),
        module("modelscope.utils.hub"),
        module("modelscope.utils.logger"),
        module("modelscope.outputs", OutputKeys=Namespace(OUTPUT_PCM="output_pcm")),
        module("modelscope.pipelines.base", Input=object, Pipeline=_ModelScopePipeline),
        module("modelscope.pipelines.builder", PIPELINES=_Registry),
    ]
    named = {made.__name__: made for made in modules}
    metainfo = named["modelscope.metainfo"]
    for kind in ("Models", "Pipelines"):
        setattr(metainfo, kind, _StandIn(kind))
    # Packages whose own __init__ would pull in all of ModelScope; their files are real.
    for name in (
        "modelscope",
        "modelscope.models.audio",
        "modelscope.models.audio.ans",
        "modelscope.models.audio.ans.layers",
        "modelscope.pipelines",
        "modelscope.pipelines.audio",
        "modelscope.utils",
        "modelscope.utils.audio",
    ):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")))]
        named[name] = package
    named["modelscope.models"].__path__ = [str(folder / "modelscope" / "models")]
    return named


def _clearvoice_modules(folder: Path) -> dict[str, types.ModuleType]:
    named = {}
    for name in (
        "clearvoice",
        "clearvoice.models",
        "clearvoice.models.frcrn_se",
        "clearvoice.utils",
        "clearvoice.dataloader",
    ):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")))]
        named[name] = package
    return named


# Packages that the reference's files import and FRCRN's path never calls at 16 kHz.
_UNCALLED = (
    "librosa",
    "librosa.util",
    "librosa.filters",
    "torchaudio",
    "torchaudio.compliance",
    "torchaudio.compliance.kaldi",
    "joblib",
)


def _is_reference(name: str) -> bool:
    return name.split(".")[0] in ("clearvoice", "modelscope")


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Stand-ins and folder for the time of the import; afterwards everything is as before."""
    stand_ins = {name: _StandIn(name) for name in _UNCALLED}
    stand_ins |= _modelscope_modules(folder) | _clearvoice_modules(folder)
    before = {name: sys.modules.get(name) for name in stand_ins}
    path = list(sys.path)
    sys.modules.update(stand_ins)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        before |= {name: None for name in sys.modules if _is_reference(name) and name not in before}
        _restore(before)


def _restore(before: dict[str, types.ModuleType | None]) -> None:
    for name, module in before.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module
