"""All that stands between strangers and the page, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from frcrn_app.errors import Cancelled, UserError
from frcrn_app.isolation import Budget, Tracks, default_memory, read_tracks
from frcrn_app.web.guard import gradio_queue, logs
from frcrn_app.web.guard.bodies import Disk, LimitBodies
from frcrn_app.web.guard.failures import CatchFailures
from frcrn_app.web.guard.headers import SecurityHeaders
from frcrn_app.web.guard.health import Health, routes
from frcrn_app.web.guard.limits import Allowances, LimitRequests
from frcrn_app.web.guard.login import LogIn
from frcrn_app.web.guard.metrics import CountRequests, Metrics
from frcrn_app.web.guard.options import GuardOptions
from frcrn_app.web.guard.root_path import RootPath

if TYPE_CHECKING:
    import gradio as gr
    from starlette.routing import BaseRoute

# Audio of rare formats; and what has an ending, such as scripts, for Gradio sends less of it by
# Brotli, but leaves out the page.
NOT_GZIPPED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/octet-stream",
    "text/css",
    "text/javascript",
    "application/javascript",
)


class Guard:
    """What one server does about strangers; its methods are for handlers of the page.

    Args:
        options: limits and permissions.
        folder: where visitors' files are kept; by default where Gradio keeps them.
    """

    def __init__(self, options: GuardOptions, folder: Path | None = None):
        self.options = options
        self.budget = Budget(options.memory_bytes or default_memory())
        self.disk = Disk(folder or Path(get_upload_folder()), options.disk_bytes)
        self.metrics = Metrics()
        self._allowances = Allowances(options)
        self._listeners = gradio_queue.Listeners()
        self._blocks: gr.Blocks | None = None
        self.metrics.watch(
            "frcrn_audio_memory_bytes", "Set aside for decoded audio.", lambda: self.budget.held
        )
        self.metrics.watch("frcrn_disk_bytes", "Of visitors' files.", self.disk.used)
        self.metrics.watch("frcrn_waiting_jobs", "In the queue.", lambda: self._jobs()[0])
        self.metrics.watch("frcrn_running_jobs", "Under way.", lambda: self._jobs()[1])

    def app_kwargs(
        self,
        works: Callable[[], bool],
        *,
        log_in: bool,
        further_routes: Sequence[BaseRoute] = (),
        open_folders: Sequence[str] = (),
    ) -> dict[str, Any]:
        """For Gradio's `launch(app_kwargs=...)`: the layers in front of the page, and its health.

        Args:
            works: whether a tiny job passes the network in time; see `Health`.
            log_in: whether the page asks for one.
            further_routes: that the page's server has beside Gradio's.
            open_folders: addresses below which everything is shown before a log-in.
        """
        return {
            "openapi_url": None,
            "routes": [*routes(Health(works), self.metrics), *further_routes],
            "middleware": [
                Middleware(
                    GZipMiddleware,
                    minimum_size=1024,
                    compresslevel=5,
                    exclude_content_types=NOT_GZIPPED,
                ),
                Middleware(RootPath, root_path=self.options.root_path),
                Middleware(CountRequests, metrics=self.metrics),
                Middleware(SecurityHeaders, options=self.options),
                Middleware(CatchFailures),
                Middleware(
                    LimitRequests,
                    allowances=self._allowances,
                    jobs_of=self._jobs_of,
                    crowd=self._crowd,
                    options=self.options,
                ),
                Middleware(LogIn, required=log_in, open_folders=tuple(open_folders)),
                Middleware(
                    LimitBodies,
                    allowances=self._allowances,
                    disk=self.disk,
                    options=self.options,
                ),
                Middleware(self._listeners.middleware),  # pyright: ignore[reportArgumentType]
            ],
        }

    def attach(self, blocks: gr.Blocks) -> None:
        """Let the page's queue take visitors in turn; before it is launched."""
        self._blocks = blocks
        gradio_queue.make_fair(blocks)

    # ---- for handlers --------------------------------------------------------------------------

    def visitor(self) -> str:
        """Whose request the calling thread handles, "" outside of one."""
        return gradio_queue.current_visitor()

    def abandoned(self) -> Callable[[], bool]:
        """Tells, from any thread, whether the visitor of the event at hand has gone."""
        return gradio_queue.watcher(self._listeners)

    def read_tracks(
        self,
        path: str | Path,
        max_seconds: float,
        cancelled: Callable[[], bool] | None = None,
        track: int | None = None,
    ) -> Tracks:
        """The audio tracks that the visitor at hand sent; see `isolation.read_tracks`.

        Their memory is set aside, and their minutes are counted.

        Raises:
            UserError: as `isolation.read_tracks` does, or GuardError `guard.too_much_audio`.
            Cancelled: `cancelled` said so.
        """
        visitor = self.visitor()
        tracks = read_tracks(
            path,
            max_seconds=max_seconds,
            budget=self.budget,
            visitor=visitor,
            cancelled=cancelled,
            track=track,
        )
        self._allowances.audio(visitor, sum(audio.duration for audio in tracks.audio))
        return tracks

    def count_audio(self, visitor: str, seconds: float) -> None:
        """Count audio that no file brings; raises GuardError `guard.too_much_audio`."""
        self._allowances.audio(visitor, seconds)

    @contextmanager
    def job(self, door: str, **facts: object) -> Iterator[dict[str, object]]:
        """Logs and counts a job, whatever becomes of it.

        Args:
            door: "page", "program", "evaluation", "listening" or "live".
            facts: what is known at the start.

        Yields:
            Further facts for the log line, to be filled in; `seconds` of audio and the `work` that
            it took (s) also go into the metrics.
        """
        began = time.monotonic()
        known: dict[str, object] = dict(facts)
        outcome = "done"
        try:
            yield known
        except (Cancelled, GeneratorExit):
            outcome = "cancelled"
            raise
        except UserError as error:
            outcome = error.code
            raise
        except BaseException:
            outcome = "fault"
            raise
        finally:
            if not self.options.log_names:
                known.pop("name", None)
            elapsed = round(time.monotonic() - began, 3)
            logs.log_job(door=door, outcome=outcome, elapsed=elapsed, **known)
            self.metrics.jobs.labels(door, outcome).inc()
            seconds, work = known.get("seconds"), known.get("work")
            if outcome == "done" and isinstance(seconds, int | float) and seconds:
                self.metrics.audio.inc(seconds)
                if isinstance(work, int | float):
                    self.metrics.speed.observe(work / seconds)

    def _jobs_of(self, visitor: str) -> int:
        return gradio_queue.jobs_of(self._blocks, visitor) if self._blocks else 0

    def _crowd(self) -> int:
        return gradio_queue.crowd(self._blocks) if self._blocks else 0

    def _jobs(self) -> tuple[int, int]:
        return gradio_queue.jobs(self._blocks) if self._blocks else (0, 0)
