"""A plan's files over many workers: one scheduler, whether they are processes or on a cluster.

The largest files come first. Whoever is free goes on with the recording that it has opened, else
takes the next files, else windows of what another has opened: so nothing travels while there is
enough to do, and at the end nobody waits for one long recording.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from frcrn_app.batch.cleaner import CUT_SECONDS, Cleaner, DenoiserSettings, Facts, Opened
from frcrn_app.batch.cuts import LongFile
from frcrn_app.batch.ledger import Ledger
from frcrn_app.batch.plan import FileJob, FilePlan
from frcrn_app.batch.run import FileResult, RunOptions, failed, size_of
from frcrn_app.batch.standing import Standing
from frcrn_app.batch.tasks import Clean, Enhance, Finish
from frcrn_app.errors import AudioError, UserError
from frcrn_app.version import __version__
from frcrn_app.workers import Crew, Foreman, Make, Task

ATTEMPTS = 3  # at a file whose worker dies
GROUP_BYTES = 1 << 20  # of small files that go to a worker together
GROUPS_A_WORKER = 4  # at least, as long as there are files


def spread_plan(
    plan: FilePlan,
    crew: Callable[[Make], Crew],
    settings: DenoiserSettings,
    options: RunOptions,
    *,
    ledger: Path | None = None,
    resume: bool = True,
    cut_seconds: float = CUT_SECONDS,
    progress: Callable[[Standing], None] | None = None,
) -> tuple[list[FileResult], Facts | None]:
    """Clean the plan's files with many workers; otherwise as `run_plan`, with the same samples.

    A worker that dies costs a retry of what it was at. What is short is cleaned in one piece, in a
    batch where several are equally long; on CUDA its samples may then differ by 1e-4.

    Args:
        crew: starts the workers, such as `partial(ProcessCrew, size=4)`.
        settings: of the Denoiser of each worker.
        ledger: file in which each result is kept as soon as it is there.
        resume: what the ledger has of an earlier run counts.
        cut_seconds: longer recordings are cut into windows that workers share.
        progress: called a few times a second. Raising Cancelled in it stops the run.

    Returns:
        One result a file: those already there, those refused by the plan, then the cleaned ones;
        and what the workers' networks are, None where there was nothing to clean.

    Raises:
        UserError: the workers cannot be had, or their Denoisers.
    """
    refused = [FileResult(each.source, None, "failed", each.error) for each in plan.refused]
    if not plan.jobs:
        present = [FileResult(job.source, job.target, "present") for job in plan.present]
        return present + refused, None
    with ExitStack() as stack:
        workers = stack.enter_context(crew(partial(Cleaner, settings, options, cut_seconds)))

        def open_ledger(facts: Facts) -> Ledger:
            how = {"weights": facts.sha256, "full_band": settings.full_band}
            return stack.enter_context(Ledger(ledger, how, options, resume=resume))

        spread = Spread(plan.jobs, workers, open_ledger)
        for _ in Foreman(workers).run(spread):
            if progress:
                progress(spread.standing)
        found = {job.target: spread.ledger.find(job) for job in plan.present}
    present = [
        found[job.target] or FileResult(job.source, job.target, "present") for job in plan.present
    ]
    return present + refused + [spread.results[job.target] for job in plan.jobs], spread.facts


class Spread:
    """Which file is where: what `Foreman` asks for work."""

    def __init__(self, jobs: list[FileJob], crew: Crew, open_ledger: Callable[[Facts], Ledger]):
        self.results: dict[object, FileResult] = {}
        self.facts: Facts | None = None
        self._crew, self._open_ledger = crew, open_ledger
        self._sizes = {job.target: size_of(job) for job in jobs}
        self.standing = Standing(self._sizes)
        largest_first = sorted(jobs, key=lambda job: self._sizes[job.target], reverse=True)
        self._waiting = deque(largest_first)
        self._alone: deque[FileJob] = deque()  # those whose worker died go by themselves
        self._attempts: dict[object, int] = {}
        self._long: dict[object, LongFile] = {}

    @property
    def done(self) -> bool:
        return len(self.results) == len(self._sizes)

    @property
    def batch_size(self) -> int:
        """Windows of a batch, the same for whoever opens a recording."""
        assert self.facts is not None
        return self.facts.batch_size

    def joined(self, worker: int, facts: Facts) -> None:
        if self.facts is None:
            self.facts = facts
            self.ledger = self._open_ledger(facts)
            self.standing.started = time.monotonic()
        if (facts.version, facts.sha256) != (__version__, self.facts.sha256):
            raise UserError("workers.differ")

    def left(self, worker: int) -> None:
        for long in list(self._long.values()):
            if long.host == worker:
                self.open_again(long)

    def pick(self, worker: int) -> Task | None:
        own = [long for long in self._long.values() if long.host == worker]
        for long in own:
            if long.complete:
                return Finish(self, long)
        for long in own:
            if long.waiting:
                return Enhance(self, long, long.take(by_host=True))
        if jobs := self._next_jobs():
            return Clean(self, worker, jobs)
        others = [long for long in self._long.values() if long.waiting]
        if not others:
            return None
        long = max(others, key=lambda each: len(each.waiting))
        return Enhance(self, long, long.take(by_host=False))

    def _next_jobs(self) -> list[FileJob]:
        """The largest file, or some small ones, so that equally long ones are cleaned together."""
        if self._alone:
            return [self._alone.popleft()]
        jobs, size = [], 0.0
        share = -(-len(self._waiting) // (GROUPS_A_WORKER * self._crew.size))
        while self._waiting and len(jobs) < min(self.batch_size, share):
            size += self._sizes[self._waiting[0].target]
            if jobs and size > GROUP_BYTES:
                break
            jobs.append(self._waiting.popleft())
        return jobs

    def opened(self, job: FileJob, opened: Opened, host: int) -> None:
        """A worker has opened a long recording; what is back from before counts."""
        long = self._long.get(job.target)
        if long is not None and long.batches == len(opened.batches):
            long.open(opened, host)
        else:
            self._long[job.target] = LongFile(job, opened, host)

    def advanced(self, long: LongFile) -> None:
        """A batch of a long recording is back."""
        if long.job.target in self.results:  # given up meanwhile
            self._crew.free(long.handles)
            return
        self._attempts.pop(long.job.target, None)
        self.standing.advanced(long.job.target, long.seconds, len(long.enhanced), long.batches)

    def open_again(self, long: LongFile) -> None:
        """Whoever had opened a recording has lost it."""
        self._crew.free(long.noisy)
        long.close()
        if self.may_try_again(long.job):
            self.wait_alone(long.job)

    def may_try_again(self, job: FileJob) -> bool:
        """Whether a file whose worker died is not given up: someone else tries, not for ever."""
        attempts = self._attempts[job.target] = self._attempts.get(job.target, 0) + 1
        if attempts >= ATTEMPTS:
            self.failed(job, AudioError("batch.worker_died", path=job.source, count=attempts))
        return attempts < ATTEMPTS

    def wait_alone(self, job: FileJob) -> None:
        """A file that goes to a worker by itself, soon."""
        self._alone.append(job)

    def failed(self, job: FileJob, error: Exception) -> None:
        """A file is given up."""
        self.finished(job, failed(job, error))

    def finished(self, job: FileJob, result: FileResult) -> None:
        """A file has its result."""
        if job.target in self.results:
            return
        self.results[job.target] = result
        self.ledger.add(job, result)
        self.standing.finished(job.target, result.duration)
        if long := self._long.pop(job.target, None):
            self._crew.free(long.handles)
