"""Local attention: each target step looks into a window of the source. Luong et al. 2015, 3.2.

Around a place p_t the window takes in 2D + 1 source places. Inside it, the weights are those of
"general"; D is `model.window`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracelate.model.attention.protocol import Attended, Memory, attend, masked_softmax
from tracelate.model.attention.scores import GeneralAttention
from tracelate.model.precision import at_least_float32

WINDOW = "window"
"""The view that says which source places a target step could look at."""


class LocalMonotonicAttention(GeneralAttention):
    """local-m: p_t = t, as if source and target went in step.

    The paper leaves open what a target longer than its source looks at: here, p_t stays at the
    last source word.
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

    v_p is kept √Q times as large as it acts. Adam moves each of its Q numbers alike, and together
    they would drive the sigmoid to one end, where p_t learns nothing more, before there is
    anything to look at.
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
        """p_t, a real number from 0 to the source's length: centre_BT."""
        hidden_BTQ = self.w_p(query_BTQ).tanh()
        share_BT = (self.v_p(hidden_BTQ) / hidden_BTQ.shape[-1] ** 0.5).squeeze(-1).sigmoid()
        length_B1 = mask_BS.sum(dim=1, keepdim=True)
        return at_least_float32(share_BT) * length_B1


def distance_from(centre_BT: Tensor, mask_BS: Tensor) -> Tensor:
    """How far each source place is from the centre, with its sign: distance_BTS."""
    place_S = torch.arange(mask_BS.shape[1], device=mask_BS.device)
    return place_S - centre_BT.unsqueeze(-1)


def in_window(centre_BT: Tensor, mask_BS: Tensor, window: int) -> Tensor:
    """True at real source places at most `window` from the centre: window_BTS."""
    near_BTS = distance_from(centre_BT, mask_BS).abs() <= window
    return near_BTS & mask_BS.unsqueeze(1)
