"""Multi-head attention. Vaswani et al. 2017, section 3.2.2."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tracelate.model.attention.protocol import Attended, Attention, Memory, masked_softmax


class MultiHeadAttention(Attention):
    """MultiHead(h, h̄) = [head_1; …; head_K] W_O,
    head_k = softmax((h W_k^Q)(h̄ W_k^K)ᵀ / √d) h̄ W_k^V

    The weights are the mean over heads, and the weights of each head are a view. Shapes: K heads,
    D size of a head.
    """

    def __init__(self, query_size: int, memory_size: int, head_count: int) -> None:
        super().__init__()
        if memory_size % head_count:
            raise ValueError(f"{head_count} heads do not divide a memory of size {memory_size}")
        self.context_size = memory_size
        self.head_count = head_count
        self.w_query = nn.Linear(query_size, memory_size, bias=False)
        self.w_key = nn.Linear(memory_size, memory_size, bias=False)
        self.w_value = nn.Linear(memory_size, memory_size, bias=False)
        self.w_output = nn.Linear(memory_size, memory_size, bias=False)

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return Memory(self.w_value(states_BSM), self.w_key(states_BSM), mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        query_BKTD = self._split(self.w_query(query_BTQ))
        key_BKSD, value_BKSD = self._split(memory.keys_BSA), self._split(memory.states_BSM)
        scores_BKTS = query_BKTD @ key_BKSD.transpose(2, 3) / query_BKTD.shape[-1] ** 0.5
        visible_BTS = self.visible(memory, first_step, query_BTQ.shape[1])
        weights_BKTS = masked_softmax(scores_BKTS, visible_BTS.unsqueeze(1))
        heads_BKTD = weights_BKTS.to(value_BKSD.dtype) @ value_BKSD
        context_BTM = self.w_output(heads_BKTD.transpose(1, 2).flatten(2))
        heads = {f"head {number}": one for number, one in enumerate(weights_BKTS.unbind(1), 1)}
        return Attended(context_BTM, weights_BKTS.mean(dim=1), heads)

    def visible(self, memory: Memory, first_step: int, step_count: int) -> Tensor:
        """Returns visible_BTS, True where a target step may attend; T is 1 if all may alike."""
        return memory.mask_BS.unsqueeze(1)

    def _split(self, sequence_BTM: Tensor) -> Tensor:
        """Splits each vector into its heads: sequence_BKTD."""
        shape = (*sequence_BTM.shape[:2], self.head_count, -1)
        return sequence_BTM.reshape(shape).transpose(1, 2)


class CausalMultiHeadAttention(MultiHeadAttention):
    """Self-attention of a target: each step attends to itself and earlier ones, section 3.2.3."""

    def visible(self, memory: Memory, first_step: int, step_count: int) -> Tensor:
        device = memory.mask_BS.device
        position_S = torch.arange(memory.mask_BS.shape[1], device=device)
        step_T = torch.arange(step_count, device=device) + first_step
        return memory.mask_BS.unsqueeze(1) & (position_S <= step_T.unsqueeze(1))
