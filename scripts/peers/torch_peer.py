"""PyTorch: scaled_dot_product_attention, and FlexAttention."""

import numpy as np
from cases import CAP, bias, mask, slopes


class Torch:
    def __init__(self, threads, options):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch, self.sdpa = (
            torch,
            torch.nn.functional.scaled_dot_product_attention,
        )

    def keep(self, call):
        box = []

        def run():
            box[:] = [call()]

        return lambda: (run, lambda: box[0].float().numpy())

    def tensors(self, c, a):
        t = {n: self.torch.from_numpy(x) for n, x in a.items()}
        if c.type == "bf16":
            t |= {n: t[n].to(self.torch.bfloat16) for n in ("q", "k", "v")}
        return t

    def variants(self, c, a):
        torch, keep, t = self.torch, self.keep, self.tensors(c, a)
        if c.rule == "module":
            m = torch.nn.MultiheadAttention(512, 8, batch_first=True).eval()
            w = torch.cat([t["wq"], t["wk"], t["wv"]], 1)
            m.load_state_dict(
                {
                    "in_proj_weight": w.T,
                    "in_proj_bias": 0 * w[0],
                    "out_proj.weight": t["wo"].T,
                    "out_proj.bias": t["bo"],
                }
            )

            def composed():
                q, k, v = (
                    (t["x"] @ w).view(c.B, c.S, 3, 8, 64).permute(2, 0, 3, 1, 4)
                )
                return (
                    self.sdpa(q, k, v).transpose(1, 2).reshape(c.B, c.S, 512)
                    @ t["wo"]
                    + t["bo"]
                )

            return {
                "nn.MHA": keep(
                    lambda: m(t["x"], t["x"], t["x"], need_weights=False)[0]
                ),
                "composed": keep(composed),
            }
        q, k, v, m = t["q"], t["k"], t["v"], mask(c, a)
        attend = lambda **more: keep(
            lambda: self.sdpa(q, k, v, enable_gqa=c.H != c.Hk, **more)
        )
        if c.rule == "softcap":
            return {
                "composed": keep(
                    lambda: torch.softmax(
                        CAP * torch.tanh(q @ k.mT * (c.D**-0.5 / CAP)), -1
                    )
                    @ v
                )
            }
        if m is None:  # one query: the heads of a group may stand as positions
            fold = keep(
                lambda: self.sdpa(q.view(c.B, c.Hk, -1, c.D), k, v).view(
                    q.shape
                )
            )
            return {"sdpa": attend()} | (
                {"sdpa.fold": fold} if c.H != c.Hk else {}
            )
        if c.rule == "causal" and c.S == c.T:
            return {"sdpa": attend(is_causal=True)}
        both = (
            {}
            if c.rule == "alibi"
            else {
                "sdpa.bool": attend(attn_mask=torch.from_numpy(m)[None, None])
            }
        )
        return both | {
            "sdpa.bias": attend(attn_mask=torch.from_numpy(bias(c, a)))
        }


class Flex(Torch):
    def variants(self, c, a):
        from torch.nn.attention.flex_attention import (
            create_block_mask,
            flex_attention,
        )

        torch, offset = self.torch, c.T - c.S
        if c.rule == "module":
            return {}
        t = self.tensors(c, a)
        slope, doc, seen = (
            torch.from_numpy(slopes(c).astype(np.float32)),
            t.get("doc", torch.zeros(1, 1))[0],
            t.get("visible"),
        )
        rules = {
            "causal": lambda b, h, i, j: j <= i + offset,
            "window": lambda b, h, i, j: (j <= i) & (j >= i - c.S // 16),
            "documents": lambda b, h, i, j: doc[i] == doc[j],
            "visible": lambda b, h, i, j: seen[i, j],
        }
        score = {
            "alibi": lambda s, b, h, i, j: s + slope[h] * (j - i),
            "softcap": lambda s, b, h, i, j: CAP * torch.tanh(s / CAP),
        }.get(c.rule)
        rule = (
            None
            if mask(c, a) is None
            else rules["causal" if c.rule == "alibi" else c.rule]
        )

        def make():
            torch.compiler.reset()
            block = (
                create_block_mask(rule, None, None, c.S, c.T, device="cpu")
                if rule
                else None
            )
            flex = torch.compile(flex_attention, dynamic=False, fullgraph=True)
            return self.keep(
                lambda: flex(
                    t["q"],
                    t["k"],
                    t["v"],
                    score_mod=score,
                    block_mask=block,
                    enable_gqa=c.H != c.Hk,
                )
            )()

        return {"flex": make}
