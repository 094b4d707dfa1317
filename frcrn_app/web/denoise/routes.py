"""Addresses under which a result's files are served: whoever has the ticket has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from frcrn_app.errors import UserError
from frcrn_app.web.denoise.downloads import check_format, check_strength, check_track
from frcrn_app.web.denoise.views import FILES
from frcrn_app.web.faults import LANGUAGE_COOKIE, sentence
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from starlette.requests import Request

    from frcrn_app.web.denoise.results import Results


def result_routes(results: Results) -> list[Route]:
    """GET of what is played and shown, and of downloads, which are made as they are asked for."""

    # Both run in threads of their own, as plain functions do: they read and write files.
    def file(request: Request) -> Response:
        wanted = request.path_params
        try:
            path = results.find(wanted["ticket"]).file(wanted["track"], wanted["name"])
        except UserError as error:
            return _refused(request, error, 404)
        if wanted["name"] not in FILES or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})

    def download(request: Request) -> Response:
        try:
            cleaning = results.find(request.path_params["ticket"])
        except UserError as error:
            return _refused(request, error, 404)
        try:
            strength = check_strength(_number(request.query_params.get("strength", "1")))
            output_format = check_format(request.query_params.get("format", "same"))
            track = check_track(_number(request.query_params.get("track", "0")))
            path = cleaning.download(strength, output_format, track)
        except Exception as error:
            return _refused(request, error, 400)
        return FileResponse(path, filename=path.name)

    address = f"/{PREFIX}/result/{{ticket:str}}"
    return [
        Route(f"{address}/download", download),
        Route(f"{address}/{{track:int}}/{{name:str}}", file),
    ]


def _refused(request: Request, error: Exception, status: int) -> Response:
    language = request.cookies.get(LANGUAGE_COOKIE) or request.headers.get("accept-language", "")
    return PlainTextResponse(sentence(error, language), status)


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return float("nan")
