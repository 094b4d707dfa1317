"""Muon: steps of equal size in every direction of a weight matrix.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024: the momentum of a
matrix is replaced by the nearest orthogonal one, so that directions that the gradient seldom
shows are learnt as fast as those that dominate it. Steps are scaled to the size of AdamW's as in
Liu et al., "Muon is scalable for LLM training", 2025, so that both take the same learning rate.

torch.optim.Muon refuses kernels, which have four dimensions, iterates in bfloat16 whatever the
processor, and takes one matrix at a time. Kernels are flattened here, matrices of one shape are
one batched product, and the iteration is in float32.
"""

from collections.abc import Iterable

# Torch's own optimizers step by torch._foreach_*, which have no public names.
# pyright: reportPrivateImportUsage=false
import torch
from torch import Tensor

ITERATIONS = 5
# Of the quintic iteration: singular values in (0, 1] end between about 0.7 and 1.2.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ADAMW_STEP = 0.2  # root mean square of an AdamW step over its learning rate
SPECTRA = 3  # complex inputs that a network has at most
SMALLEST = 16  # rows and columns; below that a matrix has hardly directions to balance


def is_hidden_matrix(parameter: Tensor) -> bool:
    """Whether Muon suits a parameter: a matrix or a kernel between many channels.

    Not for biases, gains, depth-wise kernels, and layers from or to the spectrum itself.
    """
    if parameter.ndim not in (2, 4) or parameter.shape[1] <= 2 * SPECTRA:
        return False
    return min(parameter.shape[0], parameter[0].numel()) >= SMALLEST


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearest matrices with singular values near one, [N, rows, columns] float32."""
    a, b, c = COEFFICIENTS
    x = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if matrices.shape[1] > matrices.shape[2] else x


class Muon(torch.optim.Optimizer):
    """For parameters of at least two dimensions; kernels count as matrices [out, all else]."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            same_shape: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_shape.setdefault(parameter.shape, []).append(parameter)
            # Many small matrices of one shape are one batched product.
            for shape, parameters in same_shape.items():
                # All of a shape by one call: a GPU would wait for the launches of one by one.
                momenta = [self._momentum(parameter) for parameter in parameters]
                gradients = [p.grad for p in parameters if p.grad is not None]
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                updates = torch._foreach_lerp(gradients, momenta, group["momentum"])
                matrices = orthogonalised(torch.stack([u.flatten(1).float() for u in updates]))
                size = ADAMW_STEP * max(matrices.shape[1:]) ** 0.5
                steps = list(matrices.view(-1, *shape).to(parameters[0]).unbind())
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(parameters, steps, alpha=-group["lr"] * size)

    def _momentum(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]
