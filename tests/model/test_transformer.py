"""The transformer's layers against torch's own, and its positions against the paper's formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.model.toy import toy_config
from tracelate.model.attention.multi_head import MultiHeadAttention
from tracelate.model.embedding import sinusoids
from tracelate.model.transformer import DecoderLayer, EncoderLayer, FeedForward

B, S, T, M, HEADS, RATIO = 2, 5, 4, 6, 3, 2
CONFIG = toy_config(
    architecture="transformer",
    hidden_size=M,
    heads=HEADS,
    embedding_size=M,
    feed_forward_ratio=RATIO,
)
MASK_BS = torch.arange(S) < torch.tensor([[5], [3]])
GENERATOR = torch.Generator().manual_seed(1)
SOURCE_BSM = torch.randn(B, S, M, dtype=torch.float64, generator=GENERATOR)
TARGET_BTM = torch.randn(B, T, M, dtype=torch.float64, generator=GENERATOR)
THEIRS = {"dim_feedforward": RATIO * M, "dropout": 0.0, "norm_first": True, "batch_first": True}


def copy_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    """Copies weights only; torch's biases are initialised with zeros."""
    weights = [ours.w_query.weight, ours.w_key.weight, ours.w_value.weight]
    theirs.in_proj_weight.copy_(torch.cat(weights))
    theirs.out_proj.weight.copy_(ours.w_output.weight)


def copy_feed_forward(ours: FeedForward, inner: nn.Linear, outer: nn.Linear) -> None:
    inner.load_state_dict(ours.inner.state_dict())
    outer.load_state_dict(ours.outer.state_dict())


def randomised(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.normal_(parameter, generator=GENERATOR)


@torch.no_grad()
def test_an_encoder_layer_agrees_with_torch() -> None:
    ours = EncoderLayer(CONFIG).double()
    randomised(ours)
    theirs = nn.TransformerEncoderLayer(M, HEADS, **THEIRS).double()  # type: ignore[arg-type]
    copy_attention(ours.attention, theirs.self_attn)
    copy_feed_forward(ours.feed_forward, theirs.linear1, theirs.linear2)
    theirs.norm1.load_state_dict(ours.attention_norm.state_dict())
    theirs.norm2.load_state_dict(ours.feed_forward_norm.state_dict())
    expected_BSM = theirs(SOURCE_BSM, src_key_padding_mask=~MASK_BS)
    got_BSM = ours(SOURCE_BSM, MASK_BS, None)
    torch.testing.assert_close(got_BSM[MASK_BS], expected_BSM[MASK_BS])


@torch.no_grad()
def test_a_decoder_layer_agrees_with_torch() -> None:
    ours = DecoderLayer(CONFIG).double()
    randomised(ours)
    theirs = nn.TransformerDecoderLayer(M, HEADS, **THEIRS).double()  # type: ignore[arg-type]
    copy_attention(ours.past_attention, theirs.self_attn)
    copy_attention(ours.source_attention, theirs.multihead_attn)
    copy_feed_forward(ours.feed_forward, theirs.linear1, theirs.linear2)
    for mine, other in (
        (ours.past_norm, theirs.norm1),
        (ours.source_norm, theirs.norm2),
        (ours.feed_forward_norm, theirs.norm3),
    ):
        other.load_state_dict(mine.state_dict())
    expected_BTM = theirs(
        TARGET_BTM,
        SOURCE_BSM,
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64),
        memory_key_padding_mask=~MASK_BS,
    )
    source = ours.source_attention.memory(SOURCE_BSM, MASK_BS)
    nothing = ours.past_attention.memory(TARGET_BTM[:, :0], MASK_BS[:, :0])
    output = ours(TARGET_BTM, nothing, source, None)
    torch.testing.assert_close(output.states_BTM, expected_BTM)


def test_positions_are_sines_and_cosines_of_rising_wavelengths() -> None:
    size, first = 8, 3
    places_SM = sinusoids(first, 5, torch.zeros(size, dtype=torch.float64))
    for row, place_M in enumerate(places_SM.tolist(), start=first):
        angles = [row / 10_000 ** (2 * i / size) for i in range(size // 2)]
        waves = [math.sin(angle) for angle in angles] + [math.cos(angle) for angle in angles]
        assert place_M == pytest.approx(waves, abs=1e-5)
