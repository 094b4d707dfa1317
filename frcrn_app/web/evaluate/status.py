"""What the card above the result says: nothing yet, at work, done, failed; as HTML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from frcrn_app.i18n import text
from frcrn_app.report import Words

if TYPE_CHECKING:
    from jinja2 import Environment

    from frcrn_app.web.evaluate.job import EvaluationJob, Result


def empty(language: str) -> str:
    return _render("empty", language)


def failed(message: str, language: str) -> str:
    return _render("failed", language, message=message)


def working(job: EvaluationJob, language: str) -> str:
    """How far a job is, and how long it will take."""
    stopping = job.is_cancelled
    seconds = job.seconds_left if job.phase == "running" and not stopping else None
    return _render(
        "working",
        language,
        phase="stopping" if stopping else job.phase,
        percent=f"{100 * job.done / job.total if job.total else 0:.0f}",
        left=None if seconds is None else duration(seconds, language),
    )


def done(result: Result, language: str) -> str:
    evaluation, words = result.evaluation, Words(language)
    return _render(
        "done",
        language,
        count=len(evaluation.rows),
        systems=words("list").join(map(words.system, evaluation.systems)),
        took=duration(evaluation.elapsed, language),
    )


def duration(seconds: float, language: str) -> str:
    """A time of work, at least a second."""
    whole = max(1, round(seconds))
    if whole < 60:
        return text("evaluate.seconds", language, s=whole)
    return text("evaluate.minutes", language, m=whole // 60, s=whole % 60)


def _render(name: str, language: str, **values: object) -> str:
    def say(key: str, **fields: object) -> str:
        return text(f"evaluate.{key}", language, **fields)

    return _environment().get_template(f"{name}.html.j2").render(t=say, **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("frcrn_app.web.evaluate"), autoescape=True, undefined=StrictUndefined
    )
