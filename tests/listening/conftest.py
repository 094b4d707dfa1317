"""The example pairs with a system that is perfect, and tests of them."""

from collections.abc import Callable

import pytest

from frcrn_app.evaluation import Evaluation
from frcrn_app.listening import ListeningTest
from listenings import oracle_evaluation, written_test


@pytest.fixture(scope="session")
def evaluation(example_pairs) -> Evaluation:
    return oracle_evaluation(example_pairs)


@pytest.fixture
def make_test(evaluation, tmp_path) -> Callable[..., ListeningTest]:
    """A function that makes a test on disk, without sounds."""
    return lambda method, **settings: written_test(
        tmp_path / "test", evaluation, method, sounds=False, **settings
    )
