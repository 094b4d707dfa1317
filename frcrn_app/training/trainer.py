"""The training loop: resumable to the bit, one process or several, best weights by validation."""

import copy
import csv
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from frcrn_app import metrics
from frcrn_app.errors import CheckpointError, MetricError, UserError
from frcrn_app.model import FRCRN, SAMPLE_RATE, FRCRNConfig
from frcrn_app.model.complex_layers import ComplexBatchNorm2d
from frcrn_app.model.frcrn import apply_mask
from frcrn_app.model.level import prepared
from frcrn_app.training.growth import grow
from frcrn_app.training.losses import LossWeights, enhancement_loss, mask_loss
from frcrn_app.training.muon import Muon, is_hidden_matrix
from frcrn_app.training.perceptual import PerceptualLoss
from frcrn_app.weights import load_weights, save_weights

STATE_FILE = "state.pt"  # everything that resuming needs
BEST_FILE = "best.safetensors"  # best by validation, half precision
LAST_FILE = "last.safetensors"
LOG_FILE = "log.csv"
CURVE_FILE = "curve.png"
NORM_BATCHES = 40  # that fixed normalisation statistics are averaged over
SCORES = (metrics.pesq_score, metrics.stoi_score, metrics.si_sdr)
MAX_SKIPPED = 100  # consecutive steps without a finite gradient end the run

Batch = tuple[Tensor, Tensor]  # noisy, clean, each float32 [B, samples]


@dataclass
class TrainConfig:
    """One run. Times are steps of `batch_size` examples a process, accumulation included."""

    out: Path
    channels: int = 32
    unets: int = 1
    inputs: int = 3  # see FRCRNConfig; the released network has 1
    context: int = 0  # see FRCRNConfig; the released network has none
    init: str | None = None  # weights to start from; smaller ones grow
    teacher: str | None = None  # weights of a larger network to learn from as well
    teacher_share: float = 0.5  # of the loss, where there is a teacher
    steps: int = 10_000
    hours: float | None = None  # of wall time, in place of steps: measured, then fixed as steps
    batch_size: int = 4
    accumulate: int = 1  # batches a step
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay_share: float = 0.3  # the rate is constant, then falls to zero by a half cosine
    optimizer: str = "muon"  # for hidden matrices, AdamW for all else | adamw
    weight_decay: float = 0.01
    # Of the gradient: about its median norm with the default loss. Much less, and every example
    # would count alike, however much there is to learn from it.
    clip_norm: float = 60.0
    ema_decay: float = 0.998  # of the averaged weights, which are the ones validated and kept
    # Step from which batch norm uses fixed statistics, re-estimated once. A small batch's own
    # statistics differ from the running ones that inference uses; trained to the end with the
    # former, the network loses a quarter of a PESQ point to the difference.
    freeze_norm_at: int | None = None  # None: at once with `init`, else after a third of the steps
    loss: LossWeights = field(default_factory=LossWeights)
    precision: str = "auto"  # float32 | bfloat16 | auto (bfloat16 where the hardware has it)
    device: str = "auto"
    compile: bool = False
    threads: int | None = None  # of the processor, a process
    seed: int = 0
    checkpoint_seconds: float = 180.0
    validate_every: int = 500  # steps


class Trainer:
    """Trains FRCRN on batches that are a function of the step.

    Args:
        config: the run; its `out` folder holds state, weights, log and curve.
        batches: called as batches(first_step, rank, world_size, count); yields (noisy, clean)
            float32 `[B, samples]`. Equal arguments must give equal batches.
        validation: fixed (noisy, clean) pairs, float32 numpy `[samples]` at 16 kHz.

    A run under torchrun is distributed: gradients are averaged over the processes, the first of
    which validates and writes.
    """

    def __init__(
        self,
        config: TrainConfig,
        batches: Callable[[int, int, int], Iterator[Batch]],
        validation: list[tuple[np.ndarray, np.ndarray]] = (),
    ):
        self.config = config
        self.batches = batches
        self.validation = validation
        self.rank = int(os.environ.get("RANK", 0))
        self.world_size = int(os.environ.get("WORLD_SIZE", 1))
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = self._pick_device()
        self.autocast = self._autocast_dtype()
        torch.manual_seed(config.seed)
        self.model = self._start_network().to(self.device, memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizers = self._start_optimizers()
        self.teacher = None
        if config.teacher:
            self.teacher = load_weights(config.teacher).model.to(self.device).requires_grad_(False)
        self.perceptual = PerceptualLoss().to(self.device) if config.loss.perceptual else None
        self.step = 0
        self.skipped = 0
        self.seconds_heard = 0.0
        self.training_seconds = 0.0
        self.norm_frozen = False
        self.best_score = -math.inf
        config.out.mkdir(parents=True, exist_ok=True)

    # -- starting -----------------------------------------------------------------------------

    def _pick_device(self) -> torch.device:
        name = self.config.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda"):
            if not torch.cuda.is_available():
                raise UserError("CUDA was asked for, but this machine has none: use --device cpu.")
            index = int(os.environ.get("LOCAL_RANK", 0)) if ":" not in name else None
            device = torch.device(name if index is None else f"cuda:{index}")
            torch.cuda.set_device(device)
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.allow_tf32 = True
            return device
        return torch.device(name)

    def _autocast_dtype(self) -> torch.dtype | None:
        precision = self.config.precision
        if precision == "auto":
            fast = self.device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
            precision = "bfloat16" if fast else "float32"
        choices = {"float32": None, "bfloat16": torch.bfloat16}
        if precision not in choices:
            raise UserError(f"Precision {precision} cannot train: choose float32 or bfloat16.")
        return choices[precision]

    def _start_network(self) -> FRCRN:
        model = FRCRN(
            FRCRNConfig(
                self.config.channels, self.config.unets, self.config.inputs, self.config.context
            )
        )
        if self.config.init:
            model = grow(load_weights(self.config.init).model, model)
        return model

    def _start_optimizers(self) -> list[torch.optim.Optimizer]:
        config = self.config
        if config.optimizer not in ("muon", "adamw"):
            raise UserError(f"The optimizer is muon or adamw, not {config.optimizer}.")
        shared = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
        matrices, others = [], []
        for parameter in self.trainable:
            of_muon = config.optimizer == "muon" and is_hidden_matrix(parameter)
            (matrices if of_muon else others).append(parameter)
        optimizers: list[torch.optim.Optimizer] = []
        if others:
            optimizers.append(torch.optim.AdamW(others, betas=(0.9, 0.99), fused=True, **shared))
        if matrices:
            optimizers.append(Muon(matrices, **shared))
        return optimizers

    @property
    def freeze_norm_at(self) -> int:
        if self.config.freeze_norm_at is not None:
            return self.config.freeze_norm_at
        return 0 if self.config.init else self.config.steps // 3

    # -- state --------------------------------------------------------------------------------

    def save_state(self) -> None:
        """Writes all that resuming needs, atomically."""
        state = {
            "model": self.model.state_dict(),
            "ema": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "config": self.model.config.to_dict(),
            "training": json.dumps(asdict(self.config), default=str),
            "counters": {
                "step": self.step,
                "steps": self.config.steps,
                "skipped": self.skipped,
                "seconds_heard": self.seconds_heard,
                "training_seconds": self.training_seconds,
                "norm_frozen": self.norm_frozen,
                "best_score": self.best_score,
            },
        }
        path = self.config.out / STATE_FILE
        part = path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, path)

    def resume(self) -> int:
        """Goes on from the state in the out folder; returns the step, 0 where there is none.

        The schedule follows the present configuration, so a longer or shorter run may be asked
        for; a run whose length was measured from `hours` keeps its steps.

        Raises:
            CheckpointError: the state is of a network of another size, or of another optimizer.
        """
        path = self.config.out / STATE_FILE
        if not path.exists():
            return 0
        state = torch.load(path, map_location="cpu", weights_only=True)
        if FRCRNConfig.from_dict(state["config"]) != self.model.config:
            raise CheckpointError(
                f"{path.name} in the out folder holds a network of {state['config']}, not the one "
                "asked for: give another --out, or the same --channels, --unets and --inputs."
            )
        if len(state["optimizers"]) != len(self.optimizers):
            raise CheckpointError(
                f"{path.name} in the out folder was made with another optimizer: give another "
                "--out, or the same --optimizer."
            )
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["ema"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        counters = state["counters"]
        if self.config.hours:
            self.config.steps = counters["steps"]
        self.step = counters["step"]
        self.skipped = counters["skipped"]
        self.seconds_heard = counters["seconds_heard"]
        self.training_seconds = counters["training_seconds"]
        self.norm_frozen = counters["norm_frozen"]
        self.best_score = counters["best_score"]
        return self.step

    # -- one step -----------------------------------------------------------------------------

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, constant, half cosine to zero over the last `decay_share`."""
        config = self.config
        rate = config.learning_rate * min(1.0, (step + 1) / max(1, config.warmup_steps))
        begin = config.steps * (1 - config.decay_share)
        if step >= begin:
            progress = min(1.0, (step - begin) / max(1.0, config.steps - begin))
            rate *= 0.5 * (1 + math.cos(math.pi * progress))
        return rate

    def batch_loss(self, network: Callable[[Tensor], Tensor], noisy: Tensor, clean: Tensor):
        """Mean loss of a batch [B, samples]; `network` maps a spectrum to a mask."""
        noisy, gain = prepared(noisy, self.model.config.inputs)
        clean = clean * gain
        spectrum = self.model.stft(noisy)
        with torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        ):
            mask = network(spectrum)
        mask = mask.float()
        enhanced = self.model.istft(apply_mask(spectrum, mask))
        loss = enhancement_loss(enhanced, clean, self.config.loss, self.perceptual)
        if self.config.loss.mask:
            target = self.model.stft(clean)
            loss = loss + self.config.loss.mask * mask_loss(mask, spectrum, target)
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher(noisy)
            share = self.config.teacher_share
            distance = enhancement_loss(enhanced, taught, self.config.loss, self.perceptual)
            loss = (1 - share) * loss + share * distance
        return loss.mean()

    def _optimise(self, network: nn.Module, stream: Iterator[Batch]) -> tuple[float, float]:
        """One step; returns loss and gradient norm, the latter not finite if it was skipped."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(self.config.accumulate):
            noisy, clean = next(stream)
            noisy, clean = _whole_frames(noisy, self.model), _whole_frames(clean, self.model)
            noisy, clean = noisy.to(self.device), clean.to(self.device)
            loss = self.batch_loss(network, noisy, clean) / self.config.accumulate
            loss.backward()
            total += float(loss.detach())
            self.seconds_heard += noisy.numel() / SAMPLE_RATE * self.world_size
        norm = float(nn.utils.clip_grad_norm_(self.trainable, self.config.clip_norm))
        if math.isfinite(norm):
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = self.learning_rate(self.step)
                optimizer.step()
            self._average()
        else:
            self.skipped += 1
        self.step += 1
        return total, norm

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of the weights; early on a plain one, so that it soon means much."""
        decay = min(self.config.ema_decay, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(
            list(self.averaged.parameters()), list(self.model.parameters()), 1 - decay
        )
        for mine, theirs in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)

    # -- normalisation ------------------------------------------------------------------------

    def _norms(self) -> list[ComplexBatchNorm2d]:
        return [m for m in self.model.modules() if isinstance(m, ComplexBatchNorm2d)]

    @torch.no_grad()
    def freeze_norms(self) -> None:
        """Fixes the statistics from here on: those at hand, or new ones if they serve better.

        New ones are the mean over NORM_BATCHES batches. Weights that were trained with moving
        statistics gain by them; weights that were trained with fixed ones are made for just these.
        """
        self.norm_frozen = True
        old = [buffer.clone() for buffer in self.model.buffers()]
        loss = self._inference_loss() if self.config.init else math.inf
        self._estimate_norms()
        if self._inference_loss() > loss:
            for buffer, kept in zip(self.model.buffers(), old, strict=True):
                buffer.copy_(kept)
        for mine, theirs in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def _inference_loss(self) -> float:
        """Mean loss over a few batches with the running statistics, the same in all processes."""
        self.model.eval()
        stream = self.batches(NORM_BATCHES, self.rank, self.world_size)
        total = torch.zeros((), device=self.device)
        for _ in range(NORM_BATCHES // 4):
            noisy, clean = (_whole_frames(x, self.model).to(self.device) for x in next(stream))
            total += self.batch_loss(self.model.mask, noisy, clean)
        if self.world_size > 1:
            torch.distributed.all_reduce(total)
        return float(total)

    @torch.no_grad()
    def _estimate_norms(self) -> None:
        self.model.train()
        stream = self.batches(0, self.rank, self.world_size)
        for number in range(NORM_BATCHES):
            for norm in self._norms():
                norm.momentum = 1 / (number + 1)  # the plain mean over all batches so far
            noisy, _ = next(stream)
            noisy = _whole_frames(noisy, self.model).to(self.device)
            self.model(prepared(noisy, self.model.config.inputs)[0])
        for norm in self._norms():
            norm.momentum = ComplexBatchNorm2d.momentum
        if self.world_size > 1:
            for buffer in self.model.buffers():
                torch.distributed.all_reduce(buffer)
                buffer /= self.world_size

    def set_mode(self) -> None:
        """Training mode, but for normalisation that is fixed."""
        self.model.train()
        if self.norm_frozen:
            for norm in self._norms():
                norm.eval()

    # -- the loop -----------------------------------------------------------------------------

    def run(self, report: Callable[[dict], None] | None = None) -> dict:
        """Trains to the last step; returns the last report.

        Args:
            report: called with every step's numbers: step, steps, loss, gradient_norm, rate,
                audio_per_second, skipped, hours; at validations also pesq, stoi, si_sdr, score.

        Raises:
            UserError: no finite gradient for MAX_SKIPPED steps on end.
        """
        if self.world_size > 1 and not torch.distributed.is_initialized():
            backend = "nccl" if self.device.type == "cuda" else "gloo"
            torch.distributed.init_process_group(backend)
        config = self.config
        if not self.norm_frozen and self.step >= self.freeze_norm_at:
            self.freeze_norms()
        self.set_mode()
        network = self._network()
        stream = self._stream()
        last: dict = {}
        saved = measured = time.monotonic()
        heard = self.seconds_heard
        first_step, in_a_row = self.step, 0
        while self.step < config.steps:
            began = time.monotonic()
            loss, norm = self._optimise(network, stream)
            self.training_seconds += time.monotonic() - began
            in_a_row = 0 if math.isfinite(norm) else in_a_row + 1
            if in_a_row >= MAX_SKIPPED:
                raise UserError(
                    f"{MAX_SKIPPED} steps on end had no finite gradient: lower --learning-rate, "
                    "or train with --precision float32."
                )
            if config.hours and self.step == first_step + 20 and first_step == 0:
                config.steps = self._agreed(
                    int(20 * config.hours * 3600 / max(1e-3, self.training_seconds))
                )
            if not self.norm_frozen and self.step >= self.freeze_norm_at:
                self.freeze_norms()
                self.set_mode()
            now = time.monotonic()
            last = {
                "step": self.step,
                "steps": config.steps,
                "loss": loss,
                "gradient_norm": norm,
                "rate": self.learning_rate(self.step - 1),
                "audio_per_second": (self.seconds_heard - heard) / max(1e-9, now - measured),
                "hours_heard": self.seconds_heard / 3600,
                "hours": self.training_seconds / 3600,
                "skipped": self.skipped,
            }
            done = self.step >= config.steps
            if done or self.step % config.validate_every == 0:
                last |= self._validate_and_keep(last)
                measured, heard = time.monotonic(), self.seconds_heard
            if report and self.rank == 0:
                report(last)
            if self.rank == 0 and (done or now - saved > config.checkpoint_seconds):
                self.save_state()
                saved = time.monotonic()
        return last

    def _network(self) -> Callable[[Tensor], Tensor]:
        network = _MaskNetwork(self.model)
        if self.world_size > 1:
            ids = [self.device.index] if self.device.type == "cuda" else None
            # Buffers change only where every process computes the same, in freeze_norms.
            network = nn.parallel.DistributedDataParallel(
                network, device_ids=ids, forward_sync_buffers=not self.norm_frozen
            )
        return torch.compile(network) if self.config.compile else network

    def _stream(self) -> Iterator[Batch]:
        first = self.step * self.config.accumulate
        return iter(self.batches(first, self.rank, self.world_size))

    def _agreed(self, steps: int) -> int:
        """The first process's number, on all of them."""
        if self.world_size == 1:
            return max(1, steps)
        value = torch.tensor([steps], device=self.device)
        torch.distributed.broadcast(value, 0)
        return max(1, int(value))

    # -- validation ---------------------------------------------------------------------------

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean PESQ-WB, STOI and SI-SDR of the averaged weights, and the score that ranks them.

        The score is PESQ + SI-SDR / 20: a decibel counts for a twentieth of a PESQ point, about
        their exchange rate between published enhancers.
        """
        rows = []
        for noisy, clean in self.validation:
            waveform = torch.from_numpy(noisy)[None].to(self.device)
            waveform, gain = prepared(waveform, self.averaged.config.inputs)
            enhanced = (self.averaged(waveform) / gain)[0].cpu().numpy()
            try:
                row = [score(clean, enhanced) for score in SCORES]
            except MetricError:  # a network that is still silent somewhere has no score there
                row = [np.nan] * len(SCORES)
            rows.append(row)
        if np.isnan(rows).all():
            return {}
        pesq, stoi, si_sdr = np.nanmean(rows, axis=0).tolist()
        return {"pesq": pesq, "stoi": stoi, "si_sdr": si_sdr, "score": pesq + si_sdr / 20}

    def _validate_and_keep(self, numbers: dict) -> dict:
        """Validates, writes the log and the curve, keeps the weights if they are the best yet."""
        scores: dict[str, float] = {}
        if self.rank == 0:
            if self.validation:
                scores = self.validate()
            self._log(numbers | scores)
            facts = {
                name: f"{value:.4f}"
                for name, value in (numbers | scores).items()
                if name in ("pesq", "stoi", "si_sdr", "hours", "hours_heard")
            }
            facts["step"] = str(self.step)
            save_weights(self.config.out / LAST_FILE, self.averaged, metadata=facts)
            score = scores.get("score", -numbers["loss"])
            if score > self.best_score:
                self.best_score = score
                save_weights(self.config.out / BEST_FILE, self.averaged, metadata=facts)
        if self.world_size > 1:
            torch.distributed.barrier()
        return scores

    def _log(self, numbers: dict) -> None:
        names = ["step", "loss", "gradient_norm", "rate", "audio_per_second", "hours_heard"]
        names += ["hours", "skipped", "pesq", "stoi", "si_sdr", "score"]
        path = self.config.out / LOG_FILE
        rows = []
        if path.exists():
            with path.open(newline="") as file:
                # A run killed after this step and resumed before it logs the step again.
                rows = [r for r in csv.DictReader(file) if int(r["step"]) < numbers["step"]]
        rows.append({name: _short(numbers.get(name, "")) for name in names})
        part = path.with_suffix(".part")
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        os.replace(part, path)
        draw_curve(path, self.config.out / CURVE_FILE)


class _MaskNetwork(nn.Module):
    """The part of FRCRN that learns, as a module of its own for compiling and distributing."""

    def __init__(self, model: FRCRN):
        super().__init__()
        self.model = model

    def forward(self, spectrum: Tensor) -> Tensor:
        return self.model.mask(spectrum)


def _whole_frames(waveform: Tensor, model: FRCRN) -> Tensor:
    """[B, samples] cut to a length that frames cover without padding."""
    hop = model.config.hop_length
    return waveform[:, : waveform.shape[1] // hop * hop]


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


def draw_curve(log: Path, picture: Path) -> None:
    """Draws the log's loss and validation scores over the hours of audio heard, as a PNG."""
    from matplotlib.figure import Figure

    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, 2).flat
    for ax, (name, title) in zip(
        axes,
        (
            ("loss", "Loss"),
            ("pesq", "PESQ-WB (validation)"),
            ("stoi", "STOI (validation)"),
            ("si_sdr", "SI-SDR, dB (validation)"),
        ),
        strict=True,
    ):
        points = [(float(r["hours_heard"]), float(r[name])) for r in rows if r[name]]
        if points:
            ax.plot(*zip(*points, strict=True), marker=".", color="#2f6f73")
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("hours of audio heard", fontsize=9)
        ax.grid(alpha=0.3)
    part = picture.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    os.replace(part, picture)
