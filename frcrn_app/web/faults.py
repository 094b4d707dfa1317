"""How failures reach a visitor: one sentence for theirs, a short reference for ours."""

import functools
import html
import inspect
import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from frcrn_app.errors import Cancelled, UserError
from frcrn_app.i18n.chinese import sentences_in

logger = logging.getLogger(__name__)

LANGUAGE_COOKIE = "frcrn-language"  # page.js keeps the language of the page in it

# The folders of an absolute path, up to its last name; addresses of other hosts are none.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/\"']+/)+")


def sentence(
    error: BaseException, language: str | None = None, *, keep_folders: bool = False
) -> str:
    """The sentence to show for an error; an unknown one is logged under the reference it names.

    Args:
        error: whatever was raised.
        language: "zh", "zh-CN" and so on for Chinese, anything else for English; None for the
            page, or browser, whose request is at hand.
        keep_folders: leave paths as they are. Otherwise they lose their folders: visitors need not
            know where the server keeps its files.
    """
    if isinstance(error, gr.Error):
        return str(error.message)
    if isinstance(error, UserError):
        # Before it is translated: between Chinese characters a path would not be found.
        words = str(error) if keep_folders else _FOLDERS.sub("", str(error))
    else:
        reference = secrets.token_hex(3)
        logger.error("fault %s", reference, exc_info=error)
        words = (
            f"Something went wrong in the demo itself (reference {reference}). "
            "Try again; if it stays, tell whoever runs this page the reference."
        )
    language = _language_of_request() if language is None else language
    return sentences_in(language)(words)


def _language_of_request() -> str:
    """The language of the page that asks, else the browser's first one; "" for programs.

    Gradio keeps the request at hand in every thread that runs a handler, or the next step of one.
    """
    request = LocalContext.request.get(None)
    if request is None:
        return ""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen or request.headers.get("accept-language", "").strip()


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
                raise _as_gradio_error(error) from None

        return guarded_generator

    @functools.wraps(fn)
    def guarded_function(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except Cancelled:
            return gr.skip()
        except Exception as error:
            raise _as_gradio_error(error) from None

    return guarded_function


def _as_gradio_error(error: Exception) -> gr.Error:
    # Gradio renders the message as HTML, and a sentence may quote a file's name.
    message = html.escape(sentence(error), quote=False)
    return gr.Error(message, print_exception=False)
