"""A run: step after step, with validations, states and weights in between."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
import torch
from torch import nn

from frcrn_app.constants import SAMPLE_RATE
from frcrn_app.errors import UserError
from frcrn_app.model import FRCRN
from frcrn_app.training.growth import grow
from frcrn_app.training.scoring import enhance, mean_scores, rank
from frcrn_app.training.trainer.config import TrainConfig
from frcrn_app.training.trainer.files import (
    BEST_FILE,
    CURVE_FILE,
    LAST_FILE,
    LOG_FILE,
    SNAPSHOT_FILE,
    STATE_FILE,
)
from frcrn_app.training.trainer.log import add_row, draw_curve
from frcrn_app.training.trainer.machine import autocast_dtype, training_device
from frcrn_app.training.trainer.mask_network import MaskFunction, mask_network
from frcrn_app.training.trainer.norms import Batch, Batches, fix_statistics, set_mode
from frcrn_app.training.trainer.objective import Objective
from frcrn_app.training.trainer.optimizers import (
    averaged_copy,
    build_optimizers,
    build_schedules,
    rate_factor,
)
from frcrn_app.training.trainer.pace import Pace
from frcrn_app.training.trainer.processes import Processes
from frcrn_app.training.trainer.state import Counters, load_state, save_state
from frcrn_app.weights import load_weights, save_weights

MAX_SKIPPED = 100  # consecutive steps without a finite gradient end the run
MEASURED_STEPS = 20  # that a run of so many hours is measured by


class Trainer:
    """Trains FRCRN on batches that are a function of the step.

    Args:
        config: the run; its `out` folder holds state, weights, log and curve.
        batches: called as batches(first_step, rank, world_size); yields (noisy, clean), each
            float32 `[B, samples]`. Equal arguments must give equal batches.
        validation: fixed (noisy, clean) pairs, float32 numpy `[samples]` at 16 kHz, of one length.
        network: to train, in place of the one that `config` describes; parameters that need no
            gradient stay as they are.

    A run under torchrun is distributed: gradients are averaged over the processes, the first of
    which validates and writes.
    """

    def __init__(
        self,
        config: TrainConfig,
        batches: Batches,
        validation: Sequence[tuple[np.ndarray, np.ndarray]] = (),
        network: FRCRN | None = None,
    ):
        self.config = config
        self.batches = batches
        self.validation = validation
        self.processes = Processes()
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = training_device(config.device, self.processes)
        torch.manual_seed(config.seed)
        model, self._trained_channels = _network(config, network)
        model = model.to(self.device)
        if self.device.type == "cpu":  # on an H200 a step took 12 % longer with this
            # The option is documented, but not among torch's types.
            model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.model = model
        self.averaged = averaged_copy(self.model, config.ema_decay)
        self.trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizers = build_optimizers(self.trainable, config)
        teacher = None
        if config.teacher:
            teacher = load_weights(config.teacher).model.to(self.device)
        # Network and loss are called once a step, in the same form each time.
        self._can_replay = (
            self.device.type == "cuda"
            and self.processes.count == 1
            and config.accumulate == 1
            and teacher is None
            and not config.compile
        )
        self.objective = Objective(
            self.model,
            config.loss,
            autocast_dtype(config.precision, self.device),
            teacher,
            config.teacher_share,
        )
        self.counters = Counters(steps=config.steps, norm_frozen=config.keep_norms)
        self._durations: list[float] = []  # of the first steps here, seconds
        config.out.mkdir(parents=True, exist_ok=True)

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.counters.step

    @property
    def averaged_network(self) -> FRCRN:
        """The network with averaged weights, which is the one that is validated and kept."""
        return cast(FRCRN, self.averaged.module)

    def save_state(self) -> None:
        """Writes all that resuming needs, atomically."""
        self.counters.steps = self.config.steps
        save_state(
            self.config.out / STATE_FILE,
            self.model,
            self.averaged,
            self.optimizers,
            self.counters,
            self.config,
        )

    def resume(self) -> int:
        """Goes on from the state in the out folder; returns the step, 0 where there is none.

        Schedule, loss and averages follow the present configuration, so a longer run or another
        loss may be asked for; of a run as many `hours` long as before the steps stay, too.

        Raises:
            CheckpointError: the state is of a network of another size, or of another optimizer.
        """
        path = self.config.out / STATE_FILE
        if not path.exists():
            return 0
        self.counters = load_state(path, self.model, self.averaged, self.optimizers)
        if self.config.hours and self.config.hours == self.counters.measured_hours:
            self.config.steps = self.counters.steps
        return self.step

    def freeze_norms(self) -> None:
        """Fixes the statistics of normalisation: those at hand, or new ones that serve better."""
        fix_statistics(
            self.model,
            self.objective,
            self.batches,
            self.processes,
            trained=self._trained_channels,
        )
        for mine, theirs in zip(self.averaged.module.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)
        self.counters.norm_frozen = True

    def run(self, report: Callable[[dict], None] | None = None) -> dict:
        """Trains to the last step; returns the last report.

        Args:
            report: called with every step's numbers: step, steps, loss, gradient_norm, rate,
                audio_per_second, hours_heard, hours, skipped; at validations also pesq, stoi,
                si_sdr, score.

        Raises:
            UserError: no finite gradient for MAX_SKIPPED steps on end.
        """
        config, counters = self.config, self.counters
        self.processes.connect(self.device)
        self._fix_norms_when_due()
        set_mode(self.model, fixed=counters.norm_frozen)
        replayed = self._can_replay and counters.norm_frozen
        network = mask_network(
            self.model,
            self.processes,
            self.device,
            fixed=counters.norm_frozen,
            compiled=config.compile,
            replayed=replayed,
        )
        if replayed:
            self.objective.replay()
            self._record(network)
        stream = self._stream()
        schedules = build_schedules(self.optimizers, config, self.step)
        last: dict = {}
        saved = time.monotonic()
        pace, in_a_row = Pace(counters), 0
        self._reckon_steps_when_due()
        while self.step < config.steps:
            began = time.monotonic()
            rate = config.learning_rate * rate_factor(self.step, config)
            loss, norm = self._optimise(network, stream)
            duration = time.monotonic() - began
            counters.training_seconds += duration
            if len(self._durations) < MEASURED_STEPS:
                self._durations.append(duration)
            in_a_row = 0 if math.isfinite(norm) else in_a_row + 1
            if in_a_row >= MAX_SKIPPED:
                raise UserError("training.no_finite_gradient", count=MAX_SKIPPED)
            self._reckon_steps_when_due()
            for schedule in schedules:
                schedule.step()
            if self._fix_norms_when_due():
                set_mode(self.model, fixed=True)
            last = {"loss": loss, "gradient_norm": norm, "rate": rate} | self._standing(pace)
            done = self.step >= config.steps
            if done or self.step % config.validate_every == 0:
                last |= self._validate_and_keep(last)
                pace = Pace(counters)
            if self.processes.is_first:
                if config.snapshot_every and self.step % config.snapshot_every == 0:
                    self._write(SNAPSHOT_FILE.format(step=self.step), last)
                if report:
                    report(last)
                if done or time.monotonic() - saved > config.checkpoint_seconds:
                    self.save_state()
                    saved = time.monotonic()
        return last

    def _record(self, network: MaskFunction) -> None:
        """Records a step on a batch whose loader has ended: its thread may not pin memory then."""
        stream = self._stream()
        noisy, clean = next(stream)
        del stream
        self.objective(network, noisy, clean).backward()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

    def _standing(self, pace: Pace) -> dict:
        """How far the run is, and how fast."""
        counters = self.counters
        return {
            "step": self.step,
            "steps": self.config.steps,
            "audio_per_second": pace.audio_per_second,
            "hours_heard": counters.seconds_heard / 3600,
            "hours": counters.training_seconds / 3600,
            "skipped": counters.skipped,
        }

    def _optimise(self, network: MaskFunction, stream: Iterator[Batch]) -> tuple[float, float]:
        """One step; returns loss and gradient norm, the latter not finite if it was skipped."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        losses = []
        for _ in range(self.config.accumulate):
            noisy, clean = next(stream)
            loss = self.objective(network, noisy, clean) / self.config.accumulate
            loss.backward()
            losses.append(loss.detach())
            self.counters.seconds_heard += noisy.numel() / SAMPLE_RATE * self.processes.count
        norm = float(nn.utils.clip_grad_norm_(self.trainable, self.config.clip_norm))
        total = float(torch.stack(losses).sum())
        if math.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
            self.averaged.update_parameters(self.model)
        else:
            self.counters.skipped += 1
        self.counters.step += 1
        return total, norm

    def _fix_norms_when_due(self) -> bool:
        if self.counters.norm_frozen or self.step < self.config.norm_frozen_from:
            return False
        self.freeze_norms()
        return True

    def _stream(self) -> Iterator[Batch]:
        first = self.step * self.config.accumulate
        return iter(self.batches(first, self.processes.rank, self.processes.count))

    def _reckon_steps_when_due(self) -> None:
        """How many steps fit into `hours`, by the time of those so far; the same in all processes.

        Once; and once more where a run that goes on is to be of another length.
        """
        hours, counters = self.config.hours, self.counters
        if not hours or hours == counters.measured_hours or self.step < MEASURED_STEPS:
            return
        seconds = counters.training_seconds
        # In its first steps a GPU looks for its fastest kernels: the mean would say too few steps.
        pace = statistics.median(self._durations) if self._durations else seconds / self.step
        more = int((hours * 3600 - seconds) / max(pace, 1e-6))
        self.config.steps = self.processes.agreed(max(1, self.step + more), self.device)
        counters.measured_hours = hours

    def validate(self) -> dict[str, float]:
        """Mean PESQ-WB, STOI and SI-SDR of the averaged weights, and the score that ranks them."""
        if not self.validation:
            return {}
        noisy, clean = zip(*self.validation, strict=True)
        scores = mean_scores(clean, enhance(self.averaged_network, noisy))
        if math.isnan(rank(scores)):  # a network that is still silent has no scores
            return {}
        return scores | {"score": rank(scores)}

    def _validate_and_keep(self, numbers: dict) -> dict[str, float]:
        """Validates, writes the log and the curve, keeps the weights if they are the best yet."""
        scores: dict[str, float] = {}
        if self.processes.is_first:
            scores = self.validate()
            log = self.config.out / LOG_FILE
            add_row(log, numbers | scores | {"loss_weights": self.config.loss.as_text()})
            draw_curve(log, self.config.out / CURVE_FILE)
            self._write(LAST_FILE, numbers | scores)
            score = scores["score"] if scores else -numbers["loss"]
            if score > self.counters.best_score:
                self.counters.best_score = score
                self._write(BEST_FILE, numbers | scores)
        self.processes.wait()
        return scores

    def _write(self, name: str, numbers: dict) -> None:
        """Writes the averaged weights into the out folder, with their numbers in the metadata."""
        facts = {
            key: f"{numbers[key]:.4f}"
            for key in ("pesq", "stoi", "si_sdr", "hours", "hours_heard")
            if key in numbers
        }
        facts |= {"step": str(self.step), "loss_weights": self.config.loss.as_text()}
        save_weights(self.config.out / name, self.averaged_network, metadata=facts)


def _network(config: TrainConfig, network: FRCRN | None) -> tuple[FRCRN, int]:
    """The given network or a new one, and how many of its channels were trained before."""
    if network is None and config.init:
        start = load_weights(config.init).model
        return grow(start, FRCRN(config.network)), start.config.channels
    return network or FRCRN(config.network), config.network.channels if config.init else 0
