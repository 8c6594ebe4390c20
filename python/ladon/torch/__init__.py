"""Ladon for PyTorch, on the CPU: FlexAttention's interface, and a module.

    from ladon.torch import flex_attention
    out = flex_attention(q, k, v, score_mod=my_score, block_mask=my_block_mask)
"""

from ._flex import flex_attention
from ._module import MultiheadAttention
from ._trace import TraceError

__all__ = ["MultiheadAttention", "TraceError", "flex_attention"]
