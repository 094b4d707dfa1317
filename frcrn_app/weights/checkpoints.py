"""Which weights exist, and how a file of any known form becomes a network.

Names inside a checkpoint are brought to one form before anything is loaded: the reference's names
with every tensor once, as `FRCRN.state_dict()` has them. Loading is strict: each tensor of the file
is used, or is a known duplicate, constant or unused layer of the reference, or it is an error.
"""

import hashlib
import json
import os
import pickle
import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from frcrn_app.errors import CheckpointError
from frcrn_app.model import FRCRN, FRCRNConfig
from frcrn_app.model.context import DILATIONS
from frcrn_app.model.unet import UNUSED_LAYERS
from frcrn_app.resources import data_folder
from frcrn_app.weights import hub

EMBEDDED = "frcrn-small"  # the weights that come with the project
EMBEDDED_FOLDER = data_folder("weights")
CHECKSUMS = "SHA256SUMS"  # beside the embedded weights, as `sha256sum` writes and checks it

# What a folder is searched for, best first. ClearVoice keeps a text file that names the checkpoint.
POINTER = "last_best_checkpoint"
PREFERRED_FILES = (
    "pytorch_model.bin",
    "last_best_checkpoint.pt",
    "model.safetensors",
    "best.safetensors",
    "last.safetensors",
)
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")

# Wrappers that a training framework puts around the network.
_PREFIXES = re.compile(r"^(?:(?:module|model|_orig_mod)\.)+")
# The reference registers each layer in a list and as a numbered attribute of its own.
_ATTRIBUTE = re.compile(
    r"^(unet2?)\.(encoder|decoder|fsmn_enc|fsmn_dec|se_layer_enc|se_layer_dec)(\d+)\."
)
_LISTS = {
    "encoder": "encoders",
    "decoder": "decoders",
    "se_layer_enc": "se_layers_enc",
    "se_layer_dec": "se_layers_dec",
}
_UNUSED = tuple(f"{unet}.{layer}" for unet in ("unet", "unet2") for layer in UNUSED_LAYERS)
_COUNTER = ".num_batches_tracked"  # of batch norm; plays no part with a fixed momentum
_FIRST_KERNEL = "unet.encoders.0.conv.conv_re.weight"
_FIRST_CONTEXT = f"unet.context_enc.{min(DILATIONS)}.expand.weight"


@dataclass(frozen=True)
class WeightsEntry:
    """One set of weights that can be chosen, whether or not its file is here yet."""

    name: str
    title: str
    path: Path | None  # where the file is, or would be once it is fetched
    present: bool
    fetchable: bool
    size: int | None = None  # bytes
    sha256: str | None = None  # the known one where there is one
    licence: str = "unknown"
    source: str = ""
    config: FRCRNConfig | None = None


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """A network ready for inference (float32, on the CPU) and where it came from."""

    model: FRCRN
    entry: WeightsEntry
    config: FRCRNConfig
    sha256: str  # of the file
    checksum_known: bool  # whether the file had a known sha256 to agree with


def weights_folder() -> Path:
    """Where fetched weights are kept: FRCRN_WEIGHTS_DIR, else beside the embedded ones."""
    folder = os.environ.get("FRCRN_WEIGHTS_DIR")
    return Path(folder).expanduser() if folder else EMBEDDED_FOLDER


# Which weights exist


def list_weights() -> list[WeightsEntry]:
    """Every set of weights by name: the official ones, the embedded ones, then others found.

    Official entries are listed whether they are present or can be fetched. Others are the
    safetensors files that lie in the weights folder; one that cannot be read is left out.
    """
    entries = [_official_entry(file) for file in hub.OFFICIAL.values()]
    known = _known_checksums()
    paths = [EMBEDDED_FOLDER / f"{EMBEDDED}.safetensors"]
    for folder in dict.fromkeys((EMBEDDED_FOLDER, weights_folder())):
        paths += sorted(folder.glob("*.safetensors"))
    names = {entry.name for entry in entries}
    for path in paths:
        if path.stem in names:
            continue
        try:
            entries.append(_file_entry(path, known.get(path.name)))
        except (CheckpointError, OSError):
            continue
        names.add(path.stem)
    return entries


def load_weights(weights: str | os.PathLike = "auto") -> LoadedWeights:
    """The network with the weights of a name, a file or a folder that holds one checkpoint.

    Args:
        weights: "auto" (official weights where they are present, else the embedded ones), a name
            from `list_weights`, or a path.

    Raises:
        CheckpointError: nothing there, or the file is damaged, unsafe, or of another architecture.
    """
    entry = _find(weights)
    if not entry.present:
        raise CheckpointError(_missing_sentence(entry))
    digest = _checked_digest(entry)
    tensors, metadata = _read(entry.path)
    model = _build(tensors, metadata, entry.path)
    checksum_known = entry.sha256 is not None
    entry = replace(entry, sha256=digest, config=model.config)
    for official in hub.OFFICIAL.values():
        if digest == official.sha256:  # wherever the file lies
            entry = replace(
                entry, title=official.title, licence=official.licence, source=official.page
            )
    return LoadedWeights(model, entry, model.config, digest, checksum_known)


def fetch_weights(name: str, progress: Callable[[int, int], None] | None = None) -> WeightsEntry:
    """Fetch official weights from their hub, unless they are here already.

    Args:
        name: "frcrn-16k" or "frcrn-se-16k".
        progress: called with the bytes done and the bytes in all; raising from it cancels.

    Raises:
        CheckpointError: no such name, no connection, no room, or a file with a wrong checksum.
    """
    if name not in hub.OFFICIAL:
        known = ", ".join(hub.OFFICIAL)
        raise CheckpointError(f'No weights to fetch are called "{name}"; there are: {known}.')
    official = hub.OFFICIAL[name]
    hub.fetch(official, weights_folder(), progress)
    return _official_entry(official)


def _official_entry(official: hub.OfficialFile) -> WeightsEntry:
    path = official.path_in(weights_folder())
    return WeightsEntry(
        name=official.name,
        title=official.title,
        path=path,
        present=path.is_file(),
        fetchable=True,
        size=official.size,
        sha256=official.sha256,
        licence=official.licence,
        source=official.page,
        config=FRCRNConfig(),
    )


def _file_entry(path: Path, sha256: str | None = None) -> WeightsEntry:
    """Entry of a checkpoint file by its path; a safetensors file tells about itself."""
    metadata = _safetensors_metadata(path) if _is_safetensors(path) else {}
    return WeightsEntry(
        name=path.stem,
        title=metadata.get("title", path.name),
        path=path,
        present=True,
        fetchable=False,
        size=path.stat().st_size,
        sha256=sha256,
        licence=metadata.get("licence", "unknown"),
        source=metadata.get("source", ""),
        config=_stored_config(metadata, path),
    )


def _find(weights: str | os.PathLike) -> WeightsEntry:
    entries = list_weights()
    if weights == "auto":
        chosen = next((entry for entry in entries if entry.present), None)
        if chosen is None:
            raise CheckpointError(
                f"The embedded weights are missing from {EMBEDDED_FOLDER}: restore "
                f"{EMBEDDED}.safetensors from the project, or choose weights by name or path."
            )
        return chosen
    for entry in entries:
        if entry.name == weights:
            return entry
    try:
        path = Path(weights).expanduser()
        if not str(weights) or not path.exists():
            names = ", ".join(entry.name for entry in entries)
            raise CheckpointError(
                f'No weights are called "{weights}" and no file or folder is at that path; '
                f"known names: auto, {names}."
            )
        path = _checkpoint_in(path) if path.is_dir() else path
        if not path.is_file():
            raise CheckpointError(f"{path} is not a file: name a checkpoint or its folder.")
        for entry in entries:
            if entry.present and entry.path is not None and entry.path.samefile(path):
                return entry
        return _file_entry(path)
    except OSError as error:
        raise CheckpointError(f"Cannot read {weights}: {error.strerror}.") from error


def _checkpoint_in(folder: Path) -> Path:
    """The one checkpoint that a folder holds."""
    pointer = folder / POINTER
    if pointer.is_file():
        words = pointer.read_text(errors="replace")[:4096].split()
        if words and (folder / Path(words[0]).name).is_file():
            return folder / Path(words[0]).name
    for name in PREFERRED_FILES:
        if (folder / name).is_file():
            return folder / name
    found = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file())
    if len(found) == 1:
        return found[0]
    if not found:
        raise CheckpointError(
            f"The folder {folder} holds no checkpoint (looked for {', '.join(SUFFIXES)})."
        )
    raise CheckpointError(
        f"The folder {folder} holds several checkpoints: name one of "
        f"{_shortened(path.name for path in found)}."
    )


def _missing_sentence(entry: WeightsEntry) -> str:
    if entry.name in hub.OFFICIAL:
        return (
            f'The weights "{entry.name}" are not here yet: run `python -m frcrn_app weights fetch '
            f"{entry.name}`, or put the file at {entry.path} yourself "
            f"(from {entry.source}; sha256 {entry.sha256})."
        )
    return f'The weights "{entry.name}" are missing: {entry.path} is not there.'


# Files


def file_sha256(path: str | os.PathLike) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known_checksums() -> dict[str, str]:
    """File name to SHA-256 of the embedded weights."""
    try:
        lines = (EMBEDDED_FOLDER / CHECKSUMS).read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {name.lstrip("*"): digest for digest, name in pairs}


def _checked_digest(entry: WeightsEntry) -> str:
    try:
        digest = file_sha256(entry.path)
    except OSError as error:
        raise CheckpointError(f"Cannot read {entry.path}: {error.strerror}.") from error
    if entry.sha256 is not None and digest != entry.sha256:
        advice = (
            f"remove it and run `python -m frcrn_app weights fetch {entry.name}`"
            if entry.fetchable
            else "restore it from the project, or give weights of your own another name"
        )
        raise CheckpointError(
            f'The file {entry.path} is not the known "{entry.name}": its sha256 is {digest} '
            f"instead of {entry.sha256}; {advice}."
        )
    return digest


def _is_safetensors(path: Path) -> bool:
    """By name or by content: the length of a JSON header, then the header."""
    if path.suffix == ".safetensors":
        return True
    with open(path, "rb") as file:
        return file.read(9)[8:] == b"{"


def _safetensors_metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(_damaged(path, error)) from error


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name as the file has them, and the metadata of a safetensors file."""
    if _is_safetensors(path):
        metadata = _safetensors_metadata(path)
        try:
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(_damaged(path, error)) from error
    content = _unpickled(path)
    return _state_dict(content, path), _pickled_metadata(content)


def _unpickled(path: Path):
    """Content of a torch file, read without running any code that it may hold."""
    if path.stat().st_size == 0:
        raise CheckpointError(f"The file {path} is empty: copy or fetch it again.")
    if zipfile.is_zipfile(path):
        _check_archive(path)
    # Counters and losses beside the weights are often numpy scalars; these build plain numbers.
    numpy_scalars = [
        np.dtype,
        np.dtypes.Float64DType,
        np.dtypes.Float32DType,
        np.dtypes.Int64DType,
        np.dtypes.BoolDType,
        (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),
        (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),
    ]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(numpy_scalars):
            warnings.simplefilter("ignore")  # of old storage classes; nothing a user can act on
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        code = re.search(r"GLOBAL ([\w.]+)|reduce for unrecognized function (\S+)", str(error))
        if code:
            raise CheckpointError(
                f"The file {path} holds Python code ({code[1] or code[2]}) beside weights, and "
                "opening it would run that code: it is refused; ask for the plain state dict or a "
                "safetensors file."
            ) from error
        raise CheckpointError(_damaged(path, "torch cannot read it")) from error
    except Exception as error:  # torch raises many types for a broken file
        raise CheckpointError(_damaged(path, "torch cannot read it")) from error


def _check_archive(path: Path) -> None:
    """Refuse a zip that torch.save did not write, and one whose checksums are wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if any(Path(member.filename).name == "constants.pkl" for member in members):
                raise CheckpointError(
                    f"The file {path} is a TorchScript program, which holds code: it is refused; "
                    "ask for the plain state dict or a safetensors file."
                )
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise CheckpointError(
                    f"The file {path} is a compressed archive, not a checkpoint: unpack it first."
                )
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
        raise CheckpointError(_damaged(path, error)) from error
    if broken is not None:
        raise CheckpointError(_damaged(path, f"{broken} has a wrong checksum"))


def _damaged(path: Path, reason: object) -> str:
    reason = str(reason).split("\n")[0].rstrip(".") or type(reason).__name__
    return f"The file {path} is damaged or not a checkpoint ({reason}): copy or fetch it again."


def _state_dict(content: object, path: Path) -> dict[str, Tensor]:
    """The tensors in what a torch file held.

    Forms: a bare state dict; {"state_dict"} (ModelScope); {"model"} (ClearVoice); the training
    checkpoints of this project, {"model", "ema"}, whose averaged weights are the better ones.
    """
    if isinstance(content, Mapping):
        for key in ("ema", "state_dict", "model"):
            if isinstance(content.get(key), Mapping) and content[key]:
                content = content[key]
                break
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(
            f"The file {path} holds no weights: expected a state dict, alone or under "
            f'"state_dict", "model" or "ema", found {_description(content)}.'
        )
    return dict(content)


def _pickled_metadata(content: object) -> dict[str, str]:
    config = content.get("config") if isinstance(content, Mapping) else None
    if isinstance(config, Mapping) and {"channels", "unets"} <= set(config):
        keys = [key for key in ("channels", "unets", "inputs", "context") if key in config]
        return {"config": json.dumps({key: config[key] for key in keys})}
    return {}


def _description(content: object) -> str:
    if isinstance(content, Mapping):
        return f"a dict with {_shortened(content)}" if content else "an empty dict"
    return f"a {type(content).__name__}"


# Names and shapes


def _build(stored: dict[str, Tensor], metadata: dict[str, str], path: Path) -> FRCRN:
    """The network in evaluation form with exactly these tensors."""
    tensors = _canonical(stored, path)
    _check_constants(tensors, path)
    config = _config_of(tensors, path)
    written = _stored_config(metadata, path)
    if written is not None and written != config:
        raise CheckpointError(
            f"The file {path} contradicts itself: it says {written}, its tensors are of {config}."
        )
    tensors = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith(_COUNTER) and not name.startswith((*_UNUSED, "stft.", "istft."))
    }
    model = FRCRN(config)
    expected = model.state_dict()
    _check_names_and_shapes(tensors, expected, config, path)
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise CheckpointError(
                f"The file {path} has {name} as {tensor.dtype}: quantised weights cannot be "
                "loaded, use the floating-point checkpoint."
            )
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"The file {path} has NaN or infinite numbers in {name}: the training that made it "
                "has diverged or the file is damaged; use an earlier checkpoint."
            )
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return model.eval().requires_grad_(False)


def _canonical(stored: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Tensors by the names of `FRCRN.state_dict()`; duplicates must be equal."""
    tensors: dict[str, Tensor] = {}
    first_names: dict[str, str] = {}
    for name, tensor in stored.items():
        if not isinstance(name, str):
            raise CheckpointError(
                f"The file {path} is not a state dict: it has the key {name!r}, not a name."
            )
        if not isinstance(tensor, Tensor):
            if name in ("n_averaged", "_metadata"):
                continue
            raise CheckpointError(
                f"The file {path} is not a state dict: {name} is a {type(tensor).__name__}, "
                "not a tensor."
            )
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
            raise CheckpointError(
                f"The file {path} has {name} as a sparse, quantised or empty tensor: use the plain "
                "floating-point checkpoint."
            )
        if name == "n_averaged":  # of torch's AveragedModel
            continue
        canonical = _canonical_name(name)
        if canonical not in tensors:
            tensors[canonical] = tensor
            first_names[canonical] = name
        elif not _same(tensors[canonical], tensor):
            raise CheckpointError(
                f"The file {path} has two different tensors for one layer, "
                f"{first_names[canonical]} and {name}: it was not saved from a working network."
            )
    return tensors


def _canonical_name(name: str) -> str:
    name = _PREFIXES.sub("", name)

    def listed(match: re.Match) -> str:
        unet, kind, index = match.groups()
        return f"{unet}.{_LISTS.get(kind, kind)}.{index}."

    return _ATTRIBUTE.sub(listed, name)


def _same(a: Tensor, b: Tensor) -> bool:
    # Bit for bit, so that equal NaN count as equal here and are named as NaN later.
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(_bits(a), _bits(b))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().flatten().view(torch.uint8)


def _config_of(tensors: dict[str, Tensor], path: Path) -> FRCRNConfig:
    kernel = tensors.get(_FIRST_KERNEL)
    if kernel is None or kernel.ndim != 4:
        raise CheckpointError(
            f"The file {path} is not an FRCRN checkpoint: it has no {_FIRST_KERNEL} of the right "
            f"shape; its tensors are {_shortened(tensors)}."
        )
    unets = 2 if any(name.startswith("unet2.") for name in tensors) else 1
    expansion = tensors.get(_FIRST_CONTEXT)
    context = 0 if expansion is None else len(expansion)
    try:
        return FRCRNConfig(kernel.shape[0], unets, kernel.shape[1], context)
    except ValueError as error:
        raise CheckpointError(f"The file {path} is of another architecture: {error}.") from error


def _stored_config(metadata: dict[str, str], path: Path) -> FRCRNConfig | None:
    if "config" not in metadata:
        return None
    try:
        return FRCRNConfig.from_dict(json.loads(metadata["config"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"The file {path} has a configuration that cannot be used ({error}): "
            "save it again, or use weights made for this network."
        ) from error


def _check_constants(tensors: dict[str, Tensor], path: Path) -> None:
    """The transforms' kernels are constants; others mean a network for other frames."""
    found = {name: t for name, t in tensors.items() if name.startswith(("stft.", "istft."))}
    if not found:
        return
    constants = _transform_constants()
    for name, tensor in found.items():
        constant = constants.get(name)
        if constant is None:
            continue  # named as an extra tensor later
        if tensor.shape != constant.shape or not torch.allclose(
            tensor.float(), constant, rtol=0, atol=2e-3 * float(constant.abs().max())
        ):
            raise CheckpointError(
                f"The file {path} was made for another short-time Fourier transform: {name} is not "
                "that of 640-sample square-root Hann windows."
            )
    for name in constants:
        tensors.pop(name, None)


def _transform_constants() -> dict[str, Tensor]:
    """The reference's transform weights, which it stores with its checkpoints."""
    config = FRCRNConfig()
    n = config.win_length
    window = torch.hann_window(n, dtype=torch.float64).sqrt()
    spectrum = torch.fft.rfft(torch.eye(n, dtype=torch.float64))  # [n, n // 2 + 1]
    analysis = torch.cat((spectrum.real, spectrum.imag), 1).T  # [n + 2, n]
    # The pseudo-inverse of the analysis is the inverse transform: each bin but 0 Hz and Nyquist
    # stands for two.
    share = torch.full((n // 2 + 1, 1), 2 / n, dtype=torch.float64)
    share[[0, -1]] = 1 / n
    synthesis = analysis * share.repeat(2, 1)
    synthesis[[n // 2 + 1, -1]] = 0  # the imaginary parts of 0 Hz and Nyquist are rounding errors
    return {
        "stft.weight": (analysis * window)[:, None, :].float(),
        "istft.weight": (synthesis * window)[:, None, :].float(),
        "istft.window": window[None, :, None].float(),
        "istft.enframe": torch.eye(n)[:, None, :],
    }


def _check_names_and_shapes(
    tensors: dict[str, Tensor], expected: dict[str, Tensor], config: FRCRNConfig, path: Path
) -> None:
    problems = []
    if missing := [name for name in expected if name not in tensors]:
        problems.append(f"{len(missing)} missing: {_shortened(missing)}")
    if extra := [name for name in tensors if name not in expected]:
        problems.append(f"{len(extra)} unknown: {_shortened(extra)}")
    misshaped = [
        f"{name} is {list(tensors[name].shape)} instead of {list(expected[name].shape)}"
        for name in expected
        if name in tensors and tensors[name].shape != expected[name].shape
    ]
    if misshaped:
        problems.append(f"{len(misshaped)} of another shape: {_shortened(misshaped)}")
    if problems:
        raise CheckpointError(
            f"The file {path} does not fit FRCRN with {config.channels} channels and "
            f"{config.unets} U-Net(s); tensors {'; '.join(problems)}."
        )


def _shortened(names: Iterable[object], limit: int = 4) -> str:
    names = [str(name)[:120] for name in names]
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


# Saving


def save_weights(
    path: str | os.PathLike,
    model: FRCRN,
    *,
    half: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a network's weights as safetensors, with its configuration in the metadata.

    Args:
        path: where; an existing file is replaced at once when the new one is complete.
        model: the network in its training form.
        half: store float16, except batch norm's running statistics and whatever would overflow:
            a variance of 29,000 is usual, and half precision ends at 65,504.
        metadata: further texts, such as title, licence and source.
    """
    path = Path(path)
    tensors = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(_COUNTER):
            continue
        tensor = tensor.detach().cpu().float()
        if half and ".running_" not in name and tensor.half().isfinite().all():
            tensor = tensor.half()
        tensors[name] = tensor.contiguous()
    texts = {**(metadata or {}), "config": json.dumps(model.config.to_dict())}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata=texts)
        os.chmod(temporary, 0o644)  # mkstemp's file is for its owner alone
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
