"""The two recursive units of arXiv:1702.00748, computed level by level, with gradients written by hand.

Autograd is slow on deep trees: it records every small operation of each level. Here a level computes only what depends
on its children; weight gradients, and the terms of the nodes' own momenta, are computed once for all levels.

A row is a node, `q` wide. Row 0 is a zero placeholder for missing children and roots. Merged nodes are the last rows,
level by level, so that a level is a slice. A node has at most one parent, and a root has none, so a node's gradient is
read from the row of its parent and never summed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd

if TYPE_CHECKING:
    from collections.abc import Sequence

F = TypeVar("F", bound=Callable[..., Any])
aten: Any = torch.ops.aten


def in_float32(forward: F) -> F:
    """Run the forward pass of a function in float32 under autocast."""
    decorated: F = custom_fwd(forward, device_type="cuda", cast_inputs=torch.float32)
    return decorated


def as_in_forward(backward: F) -> F:
    """Run the backward pass of a function under the autocast state of its forward pass."""
    decorated: F = custom_bwd(backward, device_type="cuda")
    return decorated


class Simple(torch.autograd.Function):
    """h = relu(W [h_left, h_right, u] + b) of merged nodes, h = u of leaves (equation 1)."""

    @staticmethod
    @in_float32
    def forward(
        ctx: Any, u: Tensor, children: Tensor, sizes: Sequence[int], roots: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        """Embeddings of `roots` (r, q).

        u (rows, q): of all nodes. children (merged, 2) int64: rows of the children. sizes: number of nodes of each
        level from 1 on. roots (r,) int64: rows. weight (q, 3 q), bias (q,).
        """
        q, first = u.shape[1], len(u) - len(children)
        hidden, pairs = torch.empty_like(u), u.new_empty(len(children), 2 * q)
        hidden[:first] = u[:first]
        across = weight[:, : 2 * q].T
        hidden[first:] = torch.addmm(bias, u[first:], weight[:, 2 * q :].T)
        for index, pair, new in zip(*_levels(sizes, children, pairs, hidden[first:]), strict=True):
            torch.index_select(hidden, 0, index.flatten(), out=pair.view(-1, q))
            new.addmm_(pair, across).relu_()
        ctx.sizes = sizes
        ctx.save_for_backward(u, children, roots, weight, hidden, pairs)
        return hidden.index_select(0, roots)

    @staticmethod
    @as_in_forward
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of u, weight and bias."""
        u, children, roots, weight, hidden, pairs = ctx.saved_tensors
        q, first = u.shape[1], len(u) - len(children)
        above, parent = _above(grad, children, roots, len(u))
        before = torch.empty_like(u[first:])  # gradient of the argument of relu
        across = weight[:, : 2 * q]
        levels = _levels(ctx.sizes, parent[first:], above[: 2 * len(children)].view(-1, 2 * q), before, hidden[first:])
        for index, down, own, after in reversed(list(zip(*levels, strict=True))):
            aten.threshold_backward.grad_input(above.index_select(0, index), after, 0, grad_input=own)
            torch.mm(own, across, out=down)
        of_u = torch.empty_like(u)
        torch.index_select(above, 0, parent[:first], out=of_u[:first])
        torch.mm(before, weight[:, 2 * q :], out=of_u[first:])
        return (
            of_u,
            *(None, None, None),
            torch.cat([before.T @ pairs, before.T @ u[first:]], dim=1),
            before.sum(dim=0),
        )


class Gated(torch.autograd.Function):
    """The gated unit (appendix A): reset gates, then a softmax mixture of candidate, children and own momentum.

    [r_left, r_right, r_own] = sigmoid(W_r [h_left, h_right, u] + b_r), c = relu(W_h (r * [h_left, h_right, u]) + b_h),
    [z_c, z_left, z_right, z_own] = softmax(W_z [c, h_left, h_right, u] + b_z) over the four, component by component,
    h = z_c c + z_left h_left + z_right h_right + z_own u; h = u of leaves.
    """

    @staticmethod
    @in_float32
    def forward(
        ctx: Any,
        u: Tensor,
        children: Tensor,
        sizes: Sequence[int],
        roots: Tensor,
        weights: Tensor,
        bias: Tensor,
        reset_weights: Tensor,
        reset_bias: Tensor,
        gate_weights: Tensor,
        gate_bias: Tensor,
    ) -> Tensor:
        """Embeddings of `roots` (r, q).

        As in `Simple`, with weights (q, 3 q) of the candidate, (3 q, 3 q) of the resets, (4 q, 4 q) of the gates.
        """
        q, first = u.shape[1], len(u) - len(children)
        hidden = torch.empty_like(u)
        hidden[:first] = u[:first]
        parts = u.new_empty(len(children), 4, q)  # candidate, left, right, own
        parts[:, 3] = u[first:]
        resets, gates = u.new_empty(len(children), 3 * q), u.new_empty(len(children), 4, q)
        levels = _levels(sizes, children, parts, resets, gates, hidden[first:])
        for index, part, reset, gate, new in zip(*levels, strict=True):
            part[:, 1:3] = hidden.index_select(0, index.flatten()).view(-1, 2, q)
            inner, whole = part.flatten(1)[:, q:], part.flatten(1)
            torch.addmm(reset_bias, inner, reset_weights.T, out=reset).sigmoid_()
            part[:, 0] = torch.addmm(bias, reset * inner, weights.T).relu_()
            torch.softmax(torch.addmm(gate_bias, whole, gate_weights.T).view(-1, 4, q), dim=1, out=gate)
            torch.sum(gate * part, dim=1, out=new)
        ctx.sizes = sizes
        ctx.save_for_backward(children, roots, weights, reset_weights, gate_weights, hidden, parts, resets, gates)
        return hidden.index_select(0, roots)

    @staticmethod
    @as_in_forward
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of u and of the weights."""
        children, roots, weights, reset_weights, gate_weights, hidden, parts, resets, gates = ctx.saved_tensors
        q, first = hidden.shape[1], len(hidden) - len(children)
        above, parent = _above(grad, children, roots, len(hidden))
        # gradients of the arguments of relu, sigmoid and softmax, and of u
        candidates, of_u = torch.empty_like(hidden[first:]), torch.empty_like(hidden)
        of_resets, of_gates = torch.empty_like(resets), torch.empty_like(gates)
        downs = above[: 2 * len(children)].view(-1, 2 * q)
        levels = _levels(
            ctx.sizes,
            *(parent[first:], downs, of_u[first:], candidates, of_resets, of_gates),
            *(hidden[first:], parts, resets, gates),
        )
        for index, down, own, candidate, of_reset, of_gate, new, part, reset, gate in reversed(
            list(zip(*levels, strict=True))
        ):
            passed = gate * above.index_select(0, index).unsqueeze(1)
            # gradient of a softmax: each of the four minus their weighted mean, `new`
            torch.mul(passed, part - new.unsqueeze(1), out=of_gate)
            total = torch.addmm(passed.flatten(1), of_gate.flatten(1), gate_weights)
            aten.threshold_backward.grad_input(total[:, :q], part[:, 0], 0, grad_input=candidate)
            through = candidate @ weights
            aten.sigmoid_backward.grad_input(through * part.flatten(1)[:, q:], reset, grad_input=of_reset)
            inner = total[:, q:].addcmul_(through, reset).addmm_(of_reset, reset_weights)
            down.copy_(inner[:, : 2 * q])
            own.copy_(inner[:, 2 * q :])
        torch.index_select(above, 0, parent[:first], out=of_u[:first])
        inner, of_gates = parts.flatten(1)[:, q:], of_gates.flatten(1)
        return (
            of_u,
            *(None, None, None),
            *(candidates.T @ (resets * inner), candidates.sum(dim=0)),
            *(of_resets.T @ inner, of_resets.sum(dim=0)),
            *(of_gates.T @ parts.flatten(1), of_gates.sum(dim=0)),
        )


def _levels(sizes: Sequence[int], *tables: Tensor) -> list[tuple[Tensor, ...]]:
    """Each table as one slice per level."""
    return [torch.split(table, list(sizes)) for table in tables]


def _above(grad: Tensor, children: Tensor, roots: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """The gradients of nodes, to be filled level by level, and the row of each node among them.

    Rows (2 merged + roots + 1, q): those of the children of each merged node, not filled yet, those of the roots, and a
    row of zeros for row 0 and for nodes whose embedding is not used. `fill_` works on the device: an assignment copies
    from the host, which a CUDA graph cannot record.
    """
    merged = children.numel()
    above = grad.new_empty(merged + len(roots) + 1, grad.shape[1])
    above[merged:-1] = grad
    above[-1].zero_()
    parent = torch.full((rows,), len(above) - 1, device=grad.device)
    parent[children.flatten()] = torch.arange(merged, device=grad.device)
    parent[roots] = torch.arange(merged, merged + len(roots), device=grad.device)
    parent[:1].fill_(len(above) - 1)
    return above, parent
