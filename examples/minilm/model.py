"""all-MiniLM-L6-v2: sentences to tokens, the layers, and embeddings."""

import json
import math

import numpy as np

#: The parameters of block.attn and feed_forward.attn after x and len, by the end of
#: their name in the file of weights.
BLOCK = ("attention.self.query.weight", "attention.self.query.bias",
         "attention.self.key.weight", "attention.self.key.bias",
         "attention.self.value.weight", "attention.self.value.bias",
         "attention.output.dense.weight", "attention.output.dense.bias",
         "attention.output.LayerNorm.weight", "attention.output.LayerNorm.bias")
FEED_FORWARD = ("intermediate.dense.weight", "intermediate.dense.bias",
                "output.dense.weight", "output.dense.bias",
                "output.LayerNorm.weight", "output.LayerNorm.bias")


class Model:
    """The weights, and everything of the model but its layers."""

    def __init__(self, directory):
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self.config = json.loads((directory / "config.json").read_text())
        self.weights = load_file(directory / "model.safetensors")
        limit = json.loads((directory / "sentence_bert_config.json").read_text())["max_seq_length"]
        self.tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.enable_truncation(limit)
        self.tokenizer.enable_padding()
        self.heads = self.config["num_attention_heads"]

    def layers(self):
        """For each layer the weights of its block and of its feed-forward part."""
        for number in range(self.config["num_hidden_layers"]):
            begin = f"encoder.layer.{number}."
            yield ([self.weights[begin + end] for end in BLOCK],
                   [self.weights[begin + end] for end in FEED_FORWARD])

    def tokenize(self, sentences):
        """[B, S] token numbers, padded to the longest, and how many there are of each."""
        found = self.tokenizer.encode_batch(list(sentences))
        lengths = np.array([sum(one.attention_mask) for one in found], np.int32)
        return np.array([one.ids for one in found]), lengths

    def embed_tokens(self, tokens, dtype=np.float32):
        """What the first layer reads, [B, S, 384]."""
        names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
        words, positions, types = (
            self.weights[f"embeddings.{name}.weight"].astype(dtype) for name in names)
        x = words[tokens] + positions[: tokens.shape[1]] + types[0]
        norm = (self.weights[f"embeddings.LayerNorm.{name}"].astype(dtype) for name in ("weight", "bias"))
        return layer_norm(x, *norm)

    def embed(self, sentences, block, feed_forward, dtype=np.float32):
        """[B, 384] embeddings of norm 1. `block(x, lengths, *weights)` and
        `feed_forward(x, *weights)` are the two parts of a layer."""
        tokens, lengths = self.tokenize(sentences)
        x = self.embed_tokens(tokens, dtype)
        for of_block, of_rest in self.layers():
            x = feed_forward(block(x, lengths, *of_block), *of_rest)
        return pool(x, lengths)


def layer_norm(x, gain, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * gain + shift


def pool(x, lengths):
    """The mean over the tokens of a sentence, with norm 1."""
    exists = (np.arange(x.shape[1]) < lengths[:, None])[:, :, None]
    mean = (x * exists).sum(1) / lengths[:, None]
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def reference(heads):
    """A layer's two parts in NumPy, in the type of x."""
    erf = np.frompyfunc(math.erf, 1, 1)

    def apart(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    def block(x, lengths, wq, bq, wk, bk, wv, bv, wo, bo, gain, shift):
        q, k, v = (apart(x @ w.T.astype(x.dtype) + b) for w, b in ((wq, bq), (wk, bk), (wv, bv)))
        scores = q @ k.swapaxes(2, 3) / math.sqrt(q.shape[-1])
        scores[np.broadcast_to(np.arange(x.shape[1]) >= lengths[:, None, None, None], scores.shape)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        o = (weights / weights.sum(-1, keepdims=True)) @ v
        return layer_norm(x + o.swapaxes(1, 2).reshape(x.shape) @ wo.T + bo, gain, shift)

    def feed_forward(x, w1, b1, w2, b2, gain, shift):
        inner = x @ w1.T + b1
        inner *= (1 + erf(inner / math.sqrt(2)).astype(x.dtype)) / 2
        return layer_norm(x + inner @ w2.T + b2, gain, shift)

    return block, feed_forward
