"""Attention nodes of ONNX: the tests of the standard, models, what has no spec."""

import importlib
import subprocess
import sys

import numpy
import onnx
import pytest
from onnx import TensorProto, helper

import ladon.onnx
from ladon.onnx import Unsupported, run_node


def node_tests():
    """The node tests of the operator that the package onnx ships, made by the code
    that makes their files."""
    module = importlib.import_module("onnx.backend.test.case.node.attention")
    cases = []

    def keep(node, inputs, outputs, name, **options):
        cases.append(pytest.param(node, inputs, outputs, id=name.removeprefix("test_attention_")))

    kept, module.expect = module.expect, keep
    try:
        for name in sorted(dir(module.Attention)):
            if name.startswith("export"):
                getattr(module.Attention, name)()
    finally:
        module.expect = kept
    return cases


CASES = node_tests()


def test_there_are_node_tests():
    assert len(CASES) >= 90


@pytest.mark.parametrize("node, inputs, outputs", CASES)
def test_node_tests_of_onnx(node, inputs, outputs):
    given, rest = [], iter(inputs)
    for name in node.input:
        given.append(next(rest) if name else None)
    found = [x for x in run_node(node, given) if x is not None]
    assert len(found) == len(outputs)
    for array, expected in zip(found, outputs):
        assert array.shape == expected.shape and array.dtype == expected.dtype
        # Some roundings: the standard's code rounds between steps, a kernel does not.
        error = {"float16": 2e-3, "bfloat16": 1.6e-2}.get(expected.dtype.name, 1e-5)
        numpy.testing.assert_allclose(array.astype(float), expected.astype(float), rtol=error, atol=error)


def attention(inputs=("q", "k", "v"), outputs=("y",), name="layer.0/attn", **attributes):
    return helper.make_node("Attention", list(inputs), list(outputs), name=name, **attributes)


def model(*nodes, batch="batch", heads=4):
    shapes = {"q": [batch, heads, "s", 32], "k": [batch, 2, "t", 32], "v": [batch, 2, "t", 16]}
    return helper.make_model(helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]),
        opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)])


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "ladon", "import", *map(str, arguments)],
                          capture_output=True, text=True)


def test_models_become_specs(tmp_path):
    file = tmp_path / "model.onnx"
    onnx.save(model(attention(is_causal=1, softcap=30.0),
                    helper.make_node("GroupQueryAttention", ["q", "k", "v"], ["z"], name="gqa",
                                     domain="com.microsoft")), file)
    done = command(file, "-o", tmp_path / "specs")
    assert done.returncode == 0, done.stderr
    assert "| softcap | `score = 30.0 * tanh(s / 30.0)` |" in done.stdout
    assert "'gqa': no spec: num_heads: expected a positive number, found None" in done.stdout
    assert done.stdout.endswith("1 of 2 attention nodes have a spec\n")
    kernel = ladon.compile(tmp_path / "specs" / "layer_0_attn.attn")
    q, k, v = (numpy.random.default_rng(0).standard_normal(shape).astype(numpy.float32)
               for shape in ((1, 4, 5, 32), (1, 2, 5, 32), (1, 2, 5, 16)))
    assert (kernel(q, k, v) == run_node(attention(is_causal=1, softcap=30.0), [q, k, v])[0]).all()


def test_nodes_are_told_apart_and_found_in_subgraphs(tmp_path):
    inner = helper.make_graph([attention(name="")], "then", [], [])
    inner.value_info.extend(model().graph.input)
    outer = model(attention(name="a"), attention(name="a"))
    branch = helper.make_node("If", ["c"], ["w"], then_branch=inner, else_branch=inner)
    outer.graph.node.append(branch)
    onnx.save(outer, tmp_path / "m.onnx")
    found = ladon.onnx.read_model(tmp_path / "m.onnx")
    assert [f.name for f in found] == ["node_a", "node_a_2", "node_2", "node_3"]
    assert all(f.conversion for f in found), [f.reason for f in found]


@pytest.mark.parametrize("content, message", [
    (b"", "not an ONNX model"), (b"\xff" * 100, "not an ONNX model"), (None, "No such file")])
def test_broken_models(tmp_path, content, message):
    file = tmp_path / "m.onnx"
    if content is not None:
        file.write_bytes(content)
    done = command(file, "-o", tmp_path / "out")
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_has_no_spec(tmp_path):
    q = numpy.zeros((1, 4, 5, 32), numpy.float32)
    for node, inputs, message in [
            (attention(), [q, q, q.astype(numpy.int8)], "V: no spec has elements of type INT8"),
            (attention(), [q, q[:, :3], q[:, :3]], "4 heads of queries are no multiple of 3"),
            (attention(), [q[0, 0], q, q], "Q: expected 3 or 4 axes, found 2"),
            (attention(), [q[0]] * 3, "the numbers of heads are not known"),
            (attention(scale=-1.0), [q] * 3, "scale: expected a positive number, found -1.0"),
            (attention(), [q, q, q, None, q], "past_key and past_value: expected both or neither"),
            (helper.make_node("Softmax", ["q"], ["y"]), [q], "no spec is known for ai.onnx.Softmax")]:
        with pytest.raises(Unsupported, match=message):
            run_node(node, inputs)
    onnx.save(model(attention(), heads="h"), tmp_path / "m.onnx")
    assert ladon.onnx.read_model(tmp_path / "m.onnx")[0].reason == "the numbers of heads are not known"


def test_inputs_by_name():
    q = numpy.random.default_rng(0).standard_normal((1, 2, 5, 8)).astype(numpy.float32)
    by_name = run_node(attention(outputs=("y", "", "")), {"q": q, "k": q, "v": q})
    assert by_name[1:] == [None, None]
    assert (by_name[0] == run_node(attention(), [q, q, q])[0]).all()
