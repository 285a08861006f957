"""Local attention to a window of the source. Luong et al. 2015, section 3.2.

The window of a target step has 2D + 1 source positions around p_t; D is the setting `model.window`.
Scores inside it are those of "general".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracelate.model.attention.protocol import Attended, Memory, attend, masked_softmax
from tracelate.model.attention.scores import GeneralAttention
from tracelate.model.precision import at_least_float32

WINDOW = "window"
"""Name of the view that is 1 at the source positions inside the window."""


class LocalMonotonicAttention(GeneralAttention):
    """local-m: p_t = t, which supposes that source and target have the same order and length.

    The paper does not define p_t after the end of the source; here it stays at the last source
    word.
    """

    def __init__(self, query_size: int, memory_size: int, window: int) -> None:
        super().__init__(query_size, memory_size)
        self.window = window

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        step_T = torch.arange(query_BTQ.shape[1], device=query_BTQ.device) + first_step
        last_B1 = memory.mask_BS.sum(dim=1, keepdim=True) - 1
        centre_BT = torch.minimum(step_T.unsqueeze(0), last_B1)
        window_BTS = in_window(centre_BT, memory.mask_BS, self.window)
        scores_BTS = self.score(query_BTQ, memory.keys_BSA)
        return attend(masked_softmax(scores_BTS, window_BTS), memory, {WINDOW: window_BTS})


class LocalPredictiveAttention(GeneralAttention):
    """local-p: p_t = S · sigmoid(v_pᵀ tanh(W_p h_t)), with S the source's length (eq. 9), and

        α_ts = align(h_t, h̄_s) exp(-(s - p_t)² / (2σ²)),   σ = D / 2   (eq. 10)

    As in the paper, the weights are not normalised again, so they sum to one at most.

    The product with v_p is divided by √Q, which the paper does not do. Adam changes all Q numbers
    of v_p by similar amounts; without the division, their sum saturates the sigmoid in the first
    steps, and p_t has no gradient after that.
    """

    def __init__(self, query_size: int, memory_size: int, window: int) -> None:
        super().__init__(query_size, memory_size)
        self.window = window
        self.w_p = nn.Linear(query_size, query_size, bias=False)
        self.v_p = nn.Linear(query_size, 1, bias=False)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        centre_BT = self.centre(query_BTQ, memory.mask_BS)
        window_BTS = in_window(centre_BT, memory.mask_BS, self.window)
        scores_BTS = self.score(query_BTQ, memory.keys_BSA)
        aligned_BTS = masked_softmax(scores_BTS, window_BTS)
        distance_BTS = distance_from(centre_BT, memory.mask_BS)
        gaussian_BTS = (-(distance_BTS**2) / (2 * (self.window / 2) ** 2)).exp()
        return attend(aligned_BTS * gaussian_BTS, memory, {WINDOW: window_BTS})

    def centre(self, query_BTQ: Tensor, mask_BS: Tensor) -> Tensor:
        """Returns centre_BT, the positions p_t: real numbers from 0 to the source's length."""
        hidden_BTQ = self.w_p(query_BTQ).tanh()
        share_BT = (self.v_p(hidden_BTQ) / hidden_BTQ.shape[-1] ** 0.5).squeeze(-1).sigmoid()
        length_B1 = mask_BS.sum(dim=1, keepdim=True)
        return at_least_float32(share_BT) * length_B1


def distance_from(centre_BT: Tensor, mask_BS: Tensor) -> Tensor:
    """Returns distance_BTS, each source position minus the centre."""
    position_S = torch.arange(mask_BS.shape[1], device=mask_BS.device)
    return position_S - centre_BT.unsqueeze(-1)


def in_window(centre_BT: Tensor, mask_BS: Tensor, window: int) -> Tensor:
    """Returns window_BTS, True at real source positions at most `window` from the centre."""
    near_BTS = distance_from(centre_BT, mask_BS).abs() <= window
    return near_BTS & mask_BS.unsqueeze(1)
