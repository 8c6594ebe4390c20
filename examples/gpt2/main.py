"""A decoder of GPT-2's shape with a cache, on random weights: a prompt in one call, then
one token after the other. Every step is compared with computation from scratch.

Each layer is one kernel of Ladon; embeddings, the last norm and the choice of the next
token are NumPy. Exit code 1 when a step differs.
"""

import argparse
import pathlib
import sys
import time

import numpy as np

import ladon

HERE = pathlib.Path(__file__).parent
#: Of the largest logit: what two orders of summation may differ by. A kernel's bound is
#: a few units of the last place per layer; a mistake in the cache is of the order of 1.
TOLERANCE = 1e-4


class Decoder:
    """Seeded random weights, of the size that GPT-2 starts its training with."""

    def __init__(self, layers, model, heads, vocabulary, positions, seed):
        random = np.random.default_rng(seed)
        normal = lambda *shape: random.standard_normal(shape, np.float32) * np.float32(0.02)
        ones, zeros = lambda n: np.ones(n, np.float32), lambda n: np.zeros(n, np.float32)
        inner = 4 * model
        self.tokens, self.positions = normal(vocabulary, model), normal(positions, model)
        self.layers = [[ones(model), zeros(model), *(array for _ in range(4) for array in (normal(model, model), normal(model))),
                        ones(model), zeros(model), normal(model, inner), normal(inner), normal(inner, model), normal(model)]
                       for _ in range(layers)]
        self.heads, self.features = heads, model // heads
        self.kernel = ladon.compile(HERE / "layer.attn", model=model, heads=heads, inner=inner)

    def run(self, tokens, cache, threads):
        """What the last layer says of new tokens [B, S], [B, S, model], which join the cache."""
        x = self.tokens[tokens] + self.positions[cache.length : cache.length + tokens.shape[1]]
        for weights, keys, values in zip(self.layers, cache.keys, cache.values):
            x = self.kernel(x, keys, values, cache.length, *weights, threads=threads)
        cache.length += tokens.shape[1]
        return x

    def logits(self, x):
        centred = x - x.mean(-1, keepdims=True)
        x = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(1e-5))
        return x @ self.tokens.T


class Cache:
    """For each layer keys and values of at most `capacity` tokens, of which there is none."""

    def __init__(self, decoder, batch, capacity):
        shape = (len(decoder.layers), batch, decoder.heads, capacity, decoder.features)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.length = 0


def generate(decoder, prompt, steps, threads):
    """All tokens, the logits after the prompt and after each step, and the seconds of both."""
    cache = Cache(decoder, len(prompt), prompt.shape[1] + steps)
    begin = time.perf_counter()
    x = decoder.run(prompt, cache, threads)
    logits = [decoder.logits(x[:, -1])]
    prefill, tokens = time.perf_counter() - begin, prompt
    begin = time.perf_counter()
    for _ in range(steps):
        chosen = logits[-1].argmax(-1)[:, None]
        tokens = np.concatenate([tokens, chosen], 1)
        x = decoder.run(chosen, cache, threads)
        logits.append(decoder.logits(x[:, -1]))
    return tokens, logits, prefill, time.perf_counter() - begin


def largest_difference(decoder, tokens, logits, threads, every):
    """Of each step from one pass over all tokens, in which no position sees a later one;
    and of every `every`th step from a pass over its tokens alone. Relative to the largest logit."""
    first = tokens.shape[1] - len(logits) + 1
    scratch = lambda some: decoder.run(some, Cache(decoder, *some.shape), threads)
    x = scratch(tokens)
    worst = 0.0
    for step, found in enumerate(logits):
        passes = [x[:, first + step - 1]]
        if step % every == 0:
            passes.append(scratch(tokens[:, : first + step])[:, -1])
        for wanted in map(decoder.logits, passes):
            worst = max(worst, float(np.abs(found - wanted).max() / np.abs(wanted).max()))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("layers", 12), ("model", 768), ("heads", 12), ("vocabulary", 50257), ("batch", 1),
                          ("prompt", 64), ("steps", 256), ("every", 32), ("threads", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    decoder = Decoder(options.layers, options.model, options.heads, options.vocabulary,
                      options.prompt + options.steps, options.seed)
    prompt = np.random.default_rng(options.seed).integers(options.vocabulary, size=(options.batch, options.prompt))
    tokens, logits, prefill, decode = generate(decoder, prompt, options.steps, options.threads)
    print(f"{options.layers} layers of {options.model}, {options.heads} heads: {options.prompt} tokens at once in "
          f"{1e3 * prefill:.0f} ms, then {options.steps} steps of {1e3 * decode / options.steps:.1f} ms")
    worst = largest_difference(decoder, tokens, logits, options.threads, options.every)
    print(f"largest difference from computation from scratch: {worst:.2g} of the largest logit, "
          f"{TOLERANCE:.0e} allowed")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
