"""A shelf of listening tests and its addresses, without a browser."""

from collections.abc import Callable, Iterator

import pytest

from frcrn_app.evaluation import Evaluation
from listenings import oracle_evaluation


@pytest.fixture(scope="session")
def evaluation(example_pairs) -> Evaluation:
    return oracle_evaluation(example_pairs[:2])


@pytest.fixture
def open_shelf(tmp_path) -> Iterator[Callable]:
    """A function that opens the shelf in the test's folder, as a server does when it starts."""
    from frcrn_app.web.guard import Guard, GuardOptions
    from frcrn_app.web.listen import Shelf

    opened = []

    def open_shelf(*, shared: bool = True, **options) -> Shelf:
        opened.append(Shelf(Guard(GuardOptions(**options), tmp_path), shared=shared))
        return opened[-1]

    yield open_shelf
    for shelf in opened:
        shelf.close()
