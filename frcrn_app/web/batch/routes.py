"""Addresses under which a batch gives its files back: whoever has the ticket has them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from frcrn_app.audio import Audio
from frcrn_app.errors import AudioError, UserError
from frcrn_app.isolation import read_tracks
from frcrn_app.web.batch.export import ENCODING, SCORES, named_results, scores_csv, write_archive
from frcrn_app.web.denoise.views import FILES, View
from frcrn_app.web.faults import LANGUAGE_COOKIE, sentence
from frcrn_app.web.guard import visitor_of
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from frcrn_app.web.batch.batch import Batch
    from frcrn_app.web.batch.batches import Batches
    from frcrn_app.web.batch.row import Row
    from frcrn_app.web.engine import Engine

ADDRESS = f"{PREFIX}/batch"
_KEPT_OPEN = 4  # files whose two versions are kept as they are played


def batch_routes(batches: Batches, engine: Engine, max_seconds: float) -> list[Route]:
    """GET of the archive, the scores, single results, and of what is played."""

    def batch_of(request: Request) -> Batch:
        return batches.find(request.path_params["ticket"])

    def row_of(request: Request) -> Row:
        return batch_of(request).row(request.path_params["number"])

    def archive(request: Request) -> Response:
        path = write_archive(batch_of(request), engine.guard)
        return FileResponse(path, filename=path.name)

    def scores(request: Request) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{SCORES}"'}
        content = scores_csv(batch_of(request)).encode(ENCODING)
        return Response(content, headers=headers, media_type="text/csv; charset=utf-8")

    def result(request: Request) -> Response:
        row = row_of(request)
        if row.result is None:
            raise AudioError("web.result_gone")
        return FileResponse(row.result, filename=named_results(batch_of(request))[row].name)

    def opened(request: Request) -> Response:
        batch, row = batch_of(request), row_of(request)
        visitor = visitor_of(request.client.host if request.client else None)
        with batch.opening:
            return JSONResponse(_view(batch, row, engine, max_seconds, visitor))

    def played(request: Request) -> Response:
        path = row_of(request).folder / "played" / request.path_params["name"]
        if path.name not in FILES or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})

    address = f"/{ADDRESS}/{{ticket:str}}"
    routes = {
        "cleaned.zip": archive,
        "scores.csv": scores,
        "{number:int}/result": result,
        "{number:int}/player": opened,
        "{number:int}/{name:str}": played,
    }
    return [Route(f"{address}/{end}", _worded(answer)) for end, answer in routes.items()]


def _view(batch: Batch, row: Row, engine: Engine, max_seconds: float, visitor: str) -> dict:
    """What the player needs of a file; both versions are decoded when someone wants to hear them.

    Raises:
        UserError: there is no result, or the server is busy.
    """
    if row.result is None:
        raise AudioError("web.result_gone")

    def first_track(path: Path) -> Audio:
        tracks = read_tracks(
            path, max_seconds=max_seconds + 1, budget=engine.guard.budget, visitor=visitor
        )
        return tracks.audio[0]

    folder = row.folder / "played"
    if not folder.is_dir():
        others = [other.folder / "played" for other in batch.rows if other is not row]
        opened = sorted(filter(Path.is_dir, others), key=lambda one: one.stat().st_mtime)
        for old in opened[: max(0, len(opened) - _KEPT_OPEN + 1)]:
            shutil.rmtree(old, ignore_errors=True)
    original, cleaned = first_track(row.source), first_track(row.result)
    length = min(original.samples.shape[1], cleaned.samples.shape[1])  # codecs may add a little
    original, cleaned = (
        audio.with_samples(audio.samples[:, :length]) for audio in (original, cleaned)
    )
    address = f"{ADDRESS}/{batch.ticket}/{row.number}"
    shown = View(original, cleaned, folder, address).shown()
    return shown | {"name": row.name.as_posix(), "download": f"{address}/result"}


def _worded(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """What goes wrong as one sentence in the reader's language.

    The answers run in threads, as plain functions do: they read and write files.
    """

    def worded(request: Request) -> Response:
        try:
            return answer(request)
        except UserError as error:
            status = 404 if error.code == "web.result_gone" else 400
            wish = request.cookies.get(LANGUAGE_COOKIE)
            wish = wish or request.headers.get("accept-language", "")
            return PlainTextResponse(sentence(error, wish), status)

    return worded
