"""Addresses of listening tests.

    listen/INVITATION                      the page of listeners, who send and get what is below it
    listening/OWNER                        the page of who made the test, with all results

Neither leads to the other. What listeners get names no system and no file, and no header of a sound
tells one from another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from frcrn_app.errors import PairError, UserError
from frcrn_app.evaluation import summarise
from frcrn_app.i18n import language_of
from frcrn_app.listening import ListeningTest, listened, read_vote, votes_csv
from frcrn_app.report import html_text, listening_part
from frcrn_app.web.faults import LANGUAGE_COOKIE, sentence
from frcrn_app.web.guard import visitor_of
from frcrn_app.web.listen.page import page_html
from frcrn_app.web.listen.shelf import KEEP_DAYS, Shelf
from frcrn_app.web.static_files import PREFIX

if TYPE_CHECKING:
    from starlette.requests import Request

_PRIVATE = {"Cache-Control": "no-store"}
_STATUS = {"listening.bad_vote": 400, "listening.full": 409, "listening.not_shared": 403}


def listening_routes(shelf: Shelf) -> list[Route]:
    """Of both pages."""
    return [*_listener_routes(shelf), *_owner_routes(shelf)]


def _listener_routes(shelf: Shelf) -> list[Route]:
    def invited(request: Request) -> ListeningTest:
        host = request.client.host if request.client else None
        return shelf.invited(request.path_params["invitation"], visitor_of(host))

    def page(request: Request) -> Response:
        test = invited(request)
        facts = {"method": test.design.method, "trials": len(test.design.trials)}
        return HTMLResponse(page_html("listener", _language(request), facts), headers=_PRIVATE)

    def join(request: Request) -> Response:
        return JSONResponse({"listener": invited(request).join()}, 201)

    def ballot(request: Request) -> Response:
        test, listener = invited(request), request.path_params["listener"]
        done = test.votes(listener)
        trials = [
            {
                "token": one.token,
                "seconds": test.head.seconds[test.design.trials[one.trial].file],
                "reference": one.reference.token if one.reference else None,
                "stimuli": [seat.token for seat in one.seats],
                "done": one.trial in done,
            }
            for one in test.ballots(listener)
        ]
        return JSONResponse({"method": test.design.method, "trials": trials}, headers=_PRIVATE)

    def sound(request: Request) -> Response:
        parts = request.path_params
        content = invited(request).sound(parts["listener"], parts["stimulus"])
        return Response(content, media_type="audio/wav", headers=_PRIVATE)

    async def vote(request: Request) -> Response:
        try:
            said = await request.json()
        except ValueError as error:
            raise PairError("listening.bad_vote") from error
        return await run_in_threadpool(keep, request, said)

    def keep(request: Request, said: Any) -> Response:
        test, listener = invited(request), request.path_params["listener"]
        for one in test.ballots(listener):
            if one.token == request.path_params["trial"]:
                test.vote(listener, read_vote(test.design.method, one, said))
                return Response(status_code=204)
        raise PairError("listening.gone")

    start = f"/{PREFIX}/listen/{{invitation:str}}"
    return [
        Route(start, _answered(page)),
        Route(f"{start}/listeners", _answered(join), methods=["POST"]),
        Route(f"{start}/{{listener:str}}", _answered(ballot)),
        Route(f"{start}/{{listener:str}}/{{stimulus:str}}.wav", _answered(sound)),
        Route(f"{start}/{{listener:str}}/{{trial:str}}", _awaited(vote), methods=["POST"]),
    ]


def _owner_routes(shelf: Shelf) -> list[Route]:
    def owner(request: Request) -> str:
        return request.path_params["owner"]

    def page(request: Request) -> Response:
        shelf.owned(owner(request))
        return HTMLResponse(page_html("owner", _language(request), {}), headers=_PRIVATE)

    def state(request: Request) -> Response:
        test = shelf.owned(owner(request))
        done = [len(test.votes(listener)) for listener in test.listeners()]
        facts = {
            "invitation": f"{PREFIX}/listen/{test.head.invitation}",
            "method": test.design.method,
            "files": len(test.design.files),
            "trials": len(test.design.trials),
            "systems": test.design.systems,
            "listeners": done,
            "shared": test.head.shared,
            "days": None if shelf.is_study(owner(request)) else KEEP_DAYS,
        }
        return JSONResponse(facts, headers=_PRIVATE)

    def results(request: Request) -> Response:
        test, evaluation = shelf.owned(owner(request)), shelf.evaluation(owner(request))
        part = listening_part(listened(test, evaluation), evaluation, _language(request))
        return HTMLResponse(part, headers=_PRIVATE)

    def report(request: Request) -> Response:
        test, evaluation = shelf.owned(owner(request)), shelf.evaluation(owner(request))
        found = listened(test, evaluation)
        text = html_text(evaluation, summarise(evaluation), _language(request), listened=found)
        return _download(text, "text/html", "evaluation-with-listening.html")

    def votes(request: Request) -> Response:
        test = shelf.owned(owner(request))
        name = "mushra.csv" if test.design.method == "mushra" else "paired_comparison.csv"
        return _download(votes_csv(test), "text/csv", name)

    def delete(request: Request) -> Response:
        shelf.delete(owner(request))
        return Response(status_code=204)

    start = f"/{PREFIX}/listening/{{owner:str}}"
    return [
        Route(start, _answered(page)),
        Route(f"{start}/state", _answered(state)),
        Route(f"{start}/results", _answered(results)),
        Route(f"{start}/report.html", _answered(report)),
        Route(f"{start}/votes.csv", _answered(votes)),
        Route(f"{start}/delete", _answered(delete), methods=["POST"]),
    ]


def _answered(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The handler, in a thread as plain functions run, with failures as sentences."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except Exception as error:
            return _refused(request, error)

    return answer


def _awaited(handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:
            return _refused(request, error)

    return answer


def _refused(request: Request, error: Exception) -> Response:
    """A sentence: on a page for people who open an address, as JSON for a page that asks."""
    language = _language(request)
    words = sentence(error, language)
    code = error.code if isinstance(error, UserError) else "fault"
    status = 500 if code == "fault" else _STATUS.get(code, 404)
    if request.headers.get("accept", "").startswith("text/html"):
        page = page_html("failed", language, {"message": words})
        return HTMLResponse(page, status, headers=_PRIVATE)
    return JSONResponse({"detail": words, "code": code}, status, headers=_PRIVATE)


def _language(request: Request) -> str:
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return language_of(chosen or request.headers.get("accept-language", ""))


def _download(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **_PRIVATE}
    return Response(text, media_type=media_type, headers=headers)
