"""Steps that are recorded on a GPU, as far as a processor can say: when, and what else happens."""

import pytest
import torch

from frcrn_app.training.trainer.replay import Replayed


@pytest.fixture
def recorded(monkeypatch):
    """Shapes of what was recorded, in place of a GPU's graphs, which give ten times the output."""
    shapes = []

    def record(module, samples, allow_unused_input):
        shapes.append([tuple(x.shape) for x in samples])
        return lambda *inputs: 10 * module(*inputs)

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", record)
    return shapes


def test_one_shape_is_recorded_and_all_else_goes_the_ordinary_way(recorded):
    module = torch.nn.Linear(3, 2)
    replayed = Replayed(module)
    x = torch.ones(4, 3)
    with torch.no_grad():  # as statistics are estimated, before the first step
        assert torch.equal(replayed(x), module(x))
    assert recorded == []
    for _ in range(2):
        assert torch.equal(replayed(x), 10 * module(x))
    assert torch.equal(replayed(x[:2]), module(x[:2]))
    with torch.no_grad():
        assert torch.equal(replayed(x), module(x))
    assert recorded == [[(4, 3)]]


def test_what_cannot_be_recorded_is_computed_all_the_same(monkeypatch, caplog):
    def fails(*_, **__):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", fails)
    module = torch.nn.Linear(3, 2)
    replayed = Replayed(module)
    for _ in range(2):
        assert torch.equal(replayed(torch.ones(4, 3)), module(torch.ones(4, 3)))
    assert caplog.messages == [
        "training cannot be recorded as a CUDA graph: "
        "operation not permitted when stream is capturing"
    ]
