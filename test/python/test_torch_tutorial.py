"""docs/tutorial.md, block by block, as a reader runs it."""

import pathlib
import re

import pytest

pytest.importorskip("torch")

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/tutorial.md"


def test_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    kinds = []
    for kind, block in re.findall(r"^```(attn|python)\n(.*?)^```$", PAGE.read_text(),
                                  re.MULTILINE | re.DOTALL):
        kinds.append(kind)
        if kind == "attn":
            name = re.match(r"# (\w+\.attn):", block)[1]
            pathlib.Path(name).write_text(block)
        else:
            exec(compile(block, f"{PAGE.name}, block {len(kinds)}", "exec"), names)
    assert kinds == ["attn", "python", "python", "attn", "python", "python"]
    # What the last block made: the mods of FlexAttention, as plain attention.
    torch, q, k, v, i, j = (names[name] for name in ("torch", "q", "k", "v", "i", "j"))
    scores = 30 * torch.tanh(q @ k.transpose(-1, -2) / 8 / 30)
    hidden = ~((j <= i) & (i - j < 128))
    expected = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
    torch.testing.assert_close(names["out"], expected)
