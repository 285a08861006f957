"""Cells against their equations, and layers against torch's own."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from tests.model.toy import toy_config
from tracelate.config import CellName
from tracelate.model.cells import CELLS, CellStack, CellState
from tracelate.model.encoder import RecurrentEncoder

B, T, X, H, L = 3, 5, 4, 7, 2
INPUTS_BTX = torch.randn(B, T, X, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def first_state(cell: CellName) -> CellState:
    generator = torch.Generator().manual_seed(2)
    hidden_LBH = torch.randn(L, B, H, dtype=torch.float64, generator=generator)
    cell_LBH = torch.randn(L, B, H, dtype=torch.float64, generator=generator)
    return CellState(hidden_LBH, cell_LBH if cell == "lstm" else cell_LBH[:0])


def step_by_equations(
    cell: CellName, layer: nn.RNNBase, x: Tensor, h: Tensor, c: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """One step: Elman 1990; Cho et al. 2014 with torch's place for the reset gate's bias;
    Hochreiter and Schmidhuber 1997 with a forget gate (Gers et al. 2000)."""
    w, u, b_w, b_u = (value.detach() for value in layer.parameters())
    from_x, from_h = x @ w.T + b_w, h @ u.T + b_u
    if cell == "rnn":
        return torch.tanh(from_x + from_h), None
    if cell == "gru":
        (r_x, z_x, n_x), (r_h, z_h, n_h) = from_x.chunk(3, -1), from_h.chunk(3, -1)
        reset, keep = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        return (1 - keep) * torch.tanh(n_x + reset * n_h) + keep * h, None
    i, f, g, o = (from_x + from_h).chunk(4, -1)
    assert c is not None
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@pytest.mark.parametrize("cell", get_args(CellName))
def test_layers_of_cells_follow_the_equations(cell: CellName) -> None:
    torch.manual_seed(3)
    stack = CellStack(cell, X, H, L, dropout=0.5).double()
    state = first_state(cell)
    outputs_BTH, last = stack(INPUTS_BTX, state, None)
    sequence = list(INPUTS_BTX.unbind(1))
    for depth, layer in enumerate(stack.layers):
        assert isinstance(layer, nn.RNNBase)
        h = state.hidden_LBH[depth]
        c = state.cell_LBH[depth] if cell == "lstm" else None
        for t, x in enumerate(sequence):
            h, c = step_by_equations(cell, layer, x, h, c)
            sequence[t] = h
        torch.testing.assert_close(last.hidden_LBH[depth], h)
        if c is not None:
            torch.testing.assert_close(last.cell_LBH[depth], c)
    torch.testing.assert_close(outputs_BTH, torch.stack(sequence, dim=1))


@pytest.mark.parametrize("directions", ["both", "forward"])
@pytest.mark.parametrize("cell", get_args(CellName))
def test_the_encoder_agrees_with_torch(cell: CellName, directions: str) -> None:
    torch.manual_seed(4)
    count = 2 if directions == "both" else 1
    config = toy_config(
        cell=cell, embedding_size=X, hidden_size=2 * H, layers=L, directions=directions
    )
    encoder = RecurrentEncoder(config).double()
    whole = CELLS[cell](
        X, 2 * H // count, num_layers=L, bidirectional=count == 2, batch_first=True
    ).double()
    theirs = dict(whole.named_parameters())
    with torch.no_grad():
        for depth, layer in enumerate(encoder.layers):
            for name, value in layer.named_parameters():
                theirs[name.replace("_l0", f"_l{depth}")].copy_(value)
    encoded = encoder(INPUTS_BTX, torch.ones(B, T, dtype=torch.bool), None)
    outputs_BTM, last = whole(INPUTS_BTX)
    torch.testing.assert_close(encoded.states_BSM, outputs_BTM)
    hidden = last[0] if cell == "lstm" else last
    joined_LBM = torch.cat([hidden[first::count] for first in range(count)], dim=-1)
    torch.testing.assert_close(encoded.last.hidden_LBH, joined_LBM)
    if cell == "lstm":
        joined_LBM = torch.cat([last[1][first::count] for first in range(count)], dim=-1)
        torch.testing.assert_close(encoded.last.cell_LBH, joined_LBM)
