"""The page as Gradio holds it, with what its handlers work with."""

from __future__ import annotations

import errno
import inspect
import logging
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.context import LocalContext

from frcrn_app.errors import AudioError
from frcrn_app.web.faults import as_gradio_error

if TYPE_CHECKING:
    from gradio.block_function import BlockFunction

    from frcrn_app.web.batch import Batches
    from frcrn_app.web.denoise import Results
    from frcrn_app.web.engine import Engine
    from frcrn_app.web.listen import Shelf
    from frcrn_app.web.live import Live


logger = logging.getLogger(__name__)


class Page(gr.Blocks):
    """`gr.Blocks` and what outlives every request: networks, results, live sessions."""

    engine: Engine
    results: Results
    batches: Batches
    listening: Shelf
    live: Live | None  # None: there are no weights for it

    async def process_api(
        self, block_fn: Any, inputs: Any, state: Any = None, request: Any = None, *args, **settings
    ) -> dict[str, Any]:
        """As Gradio does it, with the request at hand from the first moment: it has a language."""
        given = LocalContext.request.set(request)
        try:
            return await super().process_api(block_fn, inputs, state, request, *args, **settings)
        finally:
            LocalContext.request.reset(given)

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *args, **settings
    ) -> list[Any]:
        """As Gradio does it; what programs leave out at the end has the endpoint's defaults.

        Raises:
            gr.Error: the values do not fit, in one sentence.
        """
        if block_fn.api_visibility == "public":
            inputs = [*inputs, *_defaults(block_fn)[len(inputs) :]]
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **settings)
        except gr.Error as error:
            error.print_exception = False
            raise
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.ENAMETOOLONG:
                raise as_gradio_error(error) from None
            # Not its text, in which the values stand.
            kind = type(error).__name__
            logger.warning("%s got values that do not fit: %s", block_fn.api_name, kind)
            raise as_gradio_error(AudioError("web.bad_values")) from None
        except Exception as error:
            raise as_gradio_error(error) from None


def _defaults(block_fn: BlockFunction) -> list[Any]:
    """Of each input of an endpoint; None where it has to be given, as its function will say."""
    if block_fn.fn is None:
        return []
    parameters = list(inspect.signature(block_fn.fn).parameters.values())[: len(block_fn.inputs)]
    return [None if one.default is one.empty else one.default for one in parameters]
