"""One file of a batch through reader, network, scores and writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from frcrn_app.audio import Audio, Note, Written, film_suffix, loudness, save_tracks, to_loudness
from frcrn_app.errors import Cancelled
from frcrn_app.isolation import write_film
from frcrn_app.web.batch.row import CLEANING, QUEUED, READING, SCORING, Row
from frcrn_app.web.denoise.downloads import FILM
from frcrn_app.web.denoise.facts import dnsmos_of_both
from frcrn_app.web.denoise.recording import read_tracks
from frcrn_app.web.denoise.work import POLL_SECONDS, Work, described
from frcrn_app.web.faults import sentence
from frcrn_app.web.guard import GuardError

if TYPE_CHECKING:
    from frcrn_app.isolation import Tracks
    from frcrn_app.web.batch.settings import Settings
    from frcrn_app.web.engine import Engine


def clean_row(
    row: Row,
    engine: Engine,
    settings: Settings,
    max_seconds: float,
    batch: str,
    cancelled: Callable[[], bool],
) -> None:
    """Clean a file; its row tells how far it is, and at the end what came of it.

    Args:
        batch: that it belongs to; batches of one visitor take turns.
        cancelled: whether nobody wants it any longer.

    Raises:
        UserError: it cannot be read, cleaned or written, or the server is busy.
        Cancelled: `cancelled` said so.
    """
    guard = engine.guard
    with guard.job("batch", name=row.name.name) as facts:
        row.state = READING
        if not guard.disk.room():
            raise GuardError("guard.disk_full")
        found = read_tracks(row.source, max_seconds, guard, cancelled)
        facts |= described(found.audio)
        row.seconds = max(track.duration for track in found.audio)
        work = Work(
            engine,
            found.audio,
            settings.strength,
            settings.weights,
            settings.band,
            abandoned=cancelled,
            work=batch,
        )
        while not work.wait(POLL_SECONDS):
            if cancelled():
                work.cancel()
            row.ahead, row.fraction = work.ahead, work.fraction
            row.state = QUEUED if work.phase == "queued" else CLEANING
        cleaned = work.results()
        facts["work"] = round(work.seconds, 4)
        row.state, row.ahead = SCORING, 0
        row.scores = _scores(found.audio[0], cleaned[0])
        if cancelled():
            raise Cancelled
        written = _written(row, found, cleaned, settings)
        row.result = written.path


def _scores(original: Audio, cleaned: Audio) -> dict:
    """DNSMOS before and after; the result is there and good, whatever becomes of its scores."""
    try:
        return dnsmos_of_both(original, cleaned)
    except Exception as error:
        return {"error": sentence(error)}


def _written(row: Row, found: Tracks, cleaned: list[Audio], settings: Settings) -> Written:
    if settings.loudness is not None:
        cleaned = [to_loudness(track, settings.loudness) for track in cleaned]
        row.loudness = loudness(cleaned[0].samples, cleaned[0].sample_rate)
    target = _target(row)
    if settings.format == FILM and found.has_picture:
        suffix = film_suffix(row.source.suffix) or ".mkv"
        written = write_film(target.with_suffix(suffix), row.source, cleaned)
    else:
        form = "same" if settings.format == FILM else settings.format
        written = save_tracks(target, cleaned, format=form)
    row.notes = (*(note for track in cleaned for note in track.notes), *written.notes)
    if len(cleaned) > 1:
        row.notes = (*row.notes, Note("batch.tracks", {"count": len(cleaned)}))
    return written


def _target(row: Row) -> Path:
    return row.folder / "out" / row.source.name
