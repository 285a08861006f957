"""The feed-forward encoder against its equation, and the bridge to the decoder."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.model.toy import toy_config
from tracelate.model.cells import CellState
from tracelate.model.embedding import sinusoids
from tracelate.model.encoder import Encoded, FeedForwardEncoder
from tracelate.model.recurrent_decoders import LuongDecoder

B, S, E, M, L = 2, 5, 7, 10, 2
GENERATOR = torch.Generator().manual_seed(1)
EMBEDDED_BSE = torch.randn(B, S, E, dtype=torch.float64, generator=GENERATOR)
LENGTHS = (5, 3)
DEVIATION = 0.3
MASK_BS = torch.arange(S) < torch.tensor(LENGTHS).unsqueeze(1)


@torch.no_grad()
def test_the_feed_forward_encoder_follows_the_paper_word_by_word() -> None:
    torch.manual_seed(2)
    config = toy_config(encoder="feed_forward", layers=L, embedding_deviation=DEVIATION)
    encoder = FeedForwardEncoder(config).double()
    encoded = encoder(EMBEDDED_BSE, MASK_BS, None)
    places_SM = sinusoids(0, S, encoded.states_BSM)
    w_in, b_in = encoder.placed.inputs.weight, encoder.placed.inputs.bias
    for b, length in enumerate(LENGTHS):
        states = []
        for s in range(length):
            state_M = w_in @ (EMBEDDED_BSE[b, s] / DEVIATION) + b_in + places_SM[s]
            for layer in encoder.layers:
                assert isinstance(layer, nn.Linear)
                state_M = layer.weight @ state_M + layer.bias
                state_M = torch.where(state_M > 0, state_M, 0.01 * state_M)
            torch.testing.assert_close(encoded.states_BSM[b, s], state_M)
            states.append(state_M)
        for depth in range(L):
            mean_M = sum(states[1:], states[0]) / length
            torch.testing.assert_close(encoded.last.hidden_LBH[depth, b], mean_M)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@torch.no_grad()
def test_the_bridge_maps_copies_or_drops_the_last_states(cell: str) -> None:
    hidden_LBH = torch.randn(1, B, M, dtype=torch.float64, generator=GENERATOR)
    cell_LBH = torch.randn(1, B, M, dtype=torch.float64, generator=GENERATOR)
    last = CellState(hidden_LBH, cell_LBH if cell == "lstm" else cell_LBH[:0])
    encoded = Encoded(torch.randn(B, S, M, dtype=torch.float64, generator=GENERATOR), last)

    def first_cells(bridge: str) -> tuple[LuongDecoder, CellState]:
        decoder = LuongDecoder(toy_config(cell=cell, bridge=bridge)).double()
        return decoder, decoder.start(encoded, MASK_BS).state.cells

    assert first_cells("copy")[1] == last
    assert all(not part.any() for part in first_cells("zero")[1])
    decoder, cells = first_cells("dense")
    bridged = decoder.bridge
    expected_LBH = torch.tanh(hidden_LBH @ bridged.weight.T + bridged.bias)
    torch.testing.assert_close(cells.hidden_LBH, expected_LBH)
    if cell == "lstm":
        bridged = decoder.memory_bridge
        torch.testing.assert_close(cells.cell_LBH, cell_LBH @ bridged.weight.T + bridged.bias)
