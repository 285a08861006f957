"""Looking several times. Sukhbaatar et al. 2015, section 2.2."""

from __future__ import annotations

from torch import Tensor, nn

from tracelate.model.attention.protocol import Attended, Attention, Memory


class HoppingAttention(Attention):
    """Attends K times to the same memory; what one hop found refines the next one's query:

        u¹ = h_t;   o^k = attention(u^k);   u^{k+1} = H u^k + o^k;   c_t = o^K

    The weights are the last hop's, and each hop's are a view. One hop is the plain attention. The
    sizes of query and context must be equal.
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
        attended: Attended = self.attention(query_BTQ, memory, first_step)
        views = _of_hop(1, attended)
        for number in range(2, self.hop_count + 1):
            query_BTQ = self.h(query_BTQ) + attended.context_BTC
            attended = self.attention(query_BTQ, memory, first_step)
            views |= _of_hop(number, attended)
        return attended._replace(views=views)


def _of_hop(number: int, attended: Attended) -> dict[str, Tensor]:
    """A hop's weights, and what it has to show beside them."""
    name = f"hop {number}"
    shown = {f"{name}, {view}": weights for view, weights in attended.views.items()}
    return {name: attended.weights_BTS, **shown}
