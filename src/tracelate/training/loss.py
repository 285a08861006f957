"""The training objective."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from tracelate.model.precision import at_least_float32


def token_loss(
    logits_BTV: Tensor, target_BT: Tensor, padding_id: int, *, label_smoothing: float = 0.0
) -> Tensor:
    """Returns the cross entropy, summed over all target tokens but padding, in nats:

        L = - Σ_t Σ_v q_t(v) log p_t(v),   q_t(v) = (1 - ε) [v = y_t] + ε / V

    with p_t = softmax(logits) and the label smoothing ε (Szegedy et al. 2016, section 7). Divided
    by the number of these tokens, it is the loss in nats a token. The sum is returned because the
    tokens to divide by may be those of several processes or batches.

    Shapes: B batch, T target, V vocabulary.
    """
    return F.cross_entropy(
        at_least_float32(logits_BTV).flatten(0, 1),
        target_BT.flatten(),
        ignore_index=padding_id,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
