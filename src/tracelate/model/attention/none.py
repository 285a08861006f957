"""No attention: the plain encoder-decoder of Cho et al. 2014 and Sutskever et al. 2014."""

from __future__ import annotations

from torch import Tensor

from tracelate.model.attention.protocol import Attended, Attention, Memory


class NoAttention(Attention):
    """An empty context and zero weights: the decoder knows the source by the encoder's last state
    alone.
    """

    context_size = 0

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return Memory(states_BSM, states_BSM[..., :0], mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        batch_size, step_count = query_BTQ.shape[:2]
        weights_BTS = query_BTQ.new_zeros(batch_size, step_count, memory.mask_BS.shape[1])
        return Attended(query_BTQ[..., :0], weights_BTS)
