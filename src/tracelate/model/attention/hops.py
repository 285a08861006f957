"""Several hops of attention. Sukhbaatar et al. 2015, section 2.2."""

from __future__ import annotations

from torch import Tensor, nn

from tracelate.model.attention.protocol import Attended, Attention, Memory


class HoppingAttention(Attention):
    """Attends K times to the same memory. The result of a hop is added to the query of the next
    hop, and the query after the last hop is the context:

        u¹ = h_t;   o^k = attention(u^k);   u^{k+1} = H u^k + o^k;   c_t = u^{K+1}

    As in the paper, the word is predicted from u^{K+1}; H is the map of its layer-wise weight
    tying. The weights are those of the last hop, and the weights of each hop are a view. The sizes
    of query and context must be equal.
    """

    def __init__(self, attention: Attention, query_size: int, hop_count: int) -> None:
        super().__init__()
        if query_size != attention.context_size:
            raise ValueError(f"hops need equal sizes: {query_size}, {attention.context_size}")
        self.attention = attention
        self.context_size = attention.context_size
        self.hop_count = hop_count
        self.h = nn.Linear(query_size, query_size, bias=False)

    def memory(self, states_BSM: Tensor, mask_BS: Tensor) -> Memory:
        return self.attention.memory(states_BSM, mask_BS)

    def forward(self, query_BTQ: Tensor, memory: Memory, first_step: int = 0) -> Attended:
        views: dict[str, Tensor] = {}
        for number in range(1, self.hop_count + 1):
            attended: Attended = self.attention(query_BTQ, memory, first_step)
            views |= _of_hop(number, attended)
            query_BTQ = self.h(query_BTQ) + attended.context_BTC
        return Attended(query_BTQ, attended.weights_BTS, views)


def _of_hop(number: int, attended: Attended) -> dict[str, Tensor]:
    """Returns the views of one hop: its weights, and the views of its attention."""
    name = f"hop {number}"
    shown = {f"{name}, {view}": weights for view, weights in attended.views.items()}
    return {name: attended.weights_BTS, **shown}
