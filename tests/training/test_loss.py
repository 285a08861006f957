"""The loss against its equation."""

from __future__ import annotations

import pytest
import torch

from tracelate.training.loss import token_loss

B, T, V, PADDING = 2, 3, 5, 0
LOGITS_BTV = torch.randn(B, T, V, generator=torch.Generator().manual_seed(1))
TARGET_BT = torch.tensor([[3, 1, 2], [4, 2, PADDING]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_with_smoothed_labels_over_real_tokens(
    smoothing: float,
) -> None:
    expected = 0.0
    for b in range(B):
        for t in range(T):
            right = int(TARGET_BT[b, t])
            if right == PADDING:
                continue
            log_p_V = LOGITS_BTV[b, t].double().log_softmax(dim=-1)
            label_V = torch.full((V,), smoothing / V, dtype=torch.float64)
            label_V[right] += 1 - smoothing
            expected -= float(label_V @ log_p_V)
    loss = token_loss(LOGITS_BTV, TARGET_BT, PADDING, label_smoothing=smoothing)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_equal_logits_is_the_logarithm_of_the_vocabulary_for_each_token() -> None:
    loss = token_loss(torch.zeros(B, T, V), TARGET_BT, PADDING)
    assert float(loss) == pytest.approx(5 * torch.tensor(float(V)).log().item())


def test_logits_of_16_bits_are_summed_in_float32() -> None:
    loss = token_loss(LOGITS_BTV.bfloat16(), TARGET_BT, PADDING)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, token_loss(LOGITS_BTV.bfloat16().float(), TARGET_BT, PADDING))
