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

from ..errors import Cancelled, UserError

logger = logging.getLogger(__name__)

# The folders of an absolute path, up to its last name; addresses of other hosts are none.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/\"']+/)+")


def sentence(error: BaseException) -> str:
    """The sentence to show for an error; an unknown one is logged under the reference it names.

    Paths lose their folders: visitors need not know where the server keeps its files.
    """
    if isinstance(error, UserError):
        return _FOLDERS.sub("", str(error))
    if isinstance(error, gr.Error):
        return str(error.message)
    reference = secrets.token_hex(3)
    logger.error("fault %s", reference, exc_info=error)
    return (
        f"Something went wrong in the demo itself (reference {reference}). "
        "Try again; if it stays, tell whoever runs this page the reference."
    )


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
