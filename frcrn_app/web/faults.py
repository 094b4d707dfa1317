"""How failures reach a visitor: one sentence for theirs, a short reference for ours."""

import functools
import html
import inspect
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from frcrn_app.errors import Cancelled, UserError
from frcrn_app.faults import fault_reference, of_a_full_disk
from frcrn_app.i18n import language_of, text

logger = logging.getLogger(__name__)

LANGUAGE_COOKIE = "frcrn-language"  # page.js keeps the language of the page in it


def sentence(
    error: BaseException, language: str | None = None, *, keep_folders: bool = False
) -> str:
    """The sentence to show for an error; an unknown one is logged under the reference it names.

    Args:
        error: whatever was raised.
        language: "zh", "zh-CN" and so on for Chinese, anything else for English; None for the
            page, or browser, whose request is at hand.
        keep_folders: leave paths as they are. Otherwise only their names are said: visitors need
            not know where the server keeps its files.
    """
    if isinstance(error, gr.Error):
        return str(error.message)
    language = request_language() if language is None else language_of(language)
    if of_a_full_disk(error):
        return text("guard.disk_full", language)
    if isinstance(error, UserError):
        return error.sentence(language, None if keep_folders else lambda path: path.name)
    return text("fault.web", language, reference=fault_reference(error, logger))


def request_language() -> str:
    """The language of the page that asks, else the browser's first one; "en" for programs.

    Gradio keeps the request at hand in every thread that runs a handler, or the next step of one.
    """
    request = LocalContext.request.get(None)
    if request is None:
        return "en"
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return language_of(chosen or request.headers.get("accept-language", ""))


def guarded(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A Gradio handler whose failures become `gr.Error` with one sentence.

    User faults show their own sentence. Anything else shows a reference, and its trace is in the
    log under that reference. A cancelled handler leaves the page as it is. Functions and generator
    functions keep their kind and their signature, which Gradio reads.
    """
    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        def guarded_generator(*args, **kwargs):
            try:
                yield from fn(*args, **kwargs)
            except Cancelled:
                return
            except Exception as error:
                raise as_gradio_error(error) from None

        return guarded_generator

    @functools.wraps(fn)
    def guarded_function(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except Cancelled:
            return gr.skip()
        except Exception as error:
            raise as_gradio_error(error) from None

    return guarded_function


def as_gradio_error(error: Exception) -> gr.Error:
    """What Gradio shows for a failure: its sentence, without a trace in the log."""
    # Gradio renders the message as HTML, and a sentence may quote a file's name.
    message = html.escape(sentence(error), quote=False)
    return gr.Error(message, print_exception=False)
