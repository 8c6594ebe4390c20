"""MultiheadAttention beside PyTorch's, with the same parameters."""

import inspect

import ladon
import pytest
import torch
from ladon.torch import MultiheadAttention

pytestmark = pytest.mark.filterwarnings("ignore")


def pair(*arguments, dtype=torch.float32, **options):
    torch.manual_seed(2)
    theirs = torch.nn.MultiheadAttention(*arguments, **options).to(dtype).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = MultiheadAttention(*arguments, **options).to(dtype).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def inputs(batch, queries, keys, *widths):
    make = torch.Generator().manual_seed(7)
    return [torch.randn(batch, n, width, generator=make)
            for n, width in zip((queries, keys, keys), widths)]


def compare(modules, arguments, error=2e-5, **options):
    theirs, ours = modules
    with torch.no_grad():
        expected, _ = theirs(*arguments, need_weights=False, **options)
        out, weights = ours(*arguments, need_weights=False, **options)
    assert weights is None and out.shape == expected.shape
    torch.testing.assert_close(out, expected, rtol=error, atol=error)
    return out


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"kdim": 24, "vdim": 40}])
def test_state_dicts_give_the_same_results(options):
    widths = 64, options.get("kdim", 64), options.get("vdim", 64)
    compare(pair(64, 4, batch_first=True, **options), inputs(2, 9, 13, *widths))
    compare(pair(64, 4, **options), [x.transpose(0, 1) for x in inputs(2, 9, 13, *widths)])
    compare(pair(64, 4, **options), [x[0] for x in inputs(1, 9, 13, *widths)])


def test_masks():
    modules = pair(64, 4, batch_first=True)
    arguments = inputs(2, 11, 11, 64, 64, 64)
    causal = torch.triu(torch.ones(11, 11, dtype=torch.bool), 1)
    padding = torch.zeros(2, 11, dtype=torch.bool)
    padding[1, 6:] = True
    each = torch.randn(8, 11, 11)
    plain = compare(modules, arguments)
    assert (compare(modules, arguments, attn_mask=causal) != plain).any()
    compare(modules, arguments, attn_mask=causal, is_causal=True)
    compare(modules, arguments, key_padding_mask=padding)
    compare(modules, arguments, key_padding_mask=padding, attn_mask=causal)
    compare(modules, arguments, attn_mask=each)
    compare(modules, arguments, attn_mask=each > 1)
    compare(modules, arguments, attn_mask=each[0], key_padding_mask=torch.randn(2, 11))


@pytest.mark.parametrize("options", [{"add_bias_kv": True}, {"add_zero_attn": True},
                                     {"add_bias_kv": True, "add_zero_attn": True, "bias": False},
                                     {"add_bias_kv": True, "kdim": 24, "vdim": 40}])
def test_keys_besides_those_of_the_call(options):
    widths = 64, options.get("kdim", 64), options.get("vdim", 64)
    modules = pair(64, 4, batch_first=True, **options)
    arguments = inputs(2, 9, 13, *widths)
    padding = torch.zeros(2, 13, dtype=torch.bool)
    padding[1, 6:] = True
    each = torch.randn(8, 9, 13)
    compare(modules, arguments)
    compare(modules, arguments, key_padding_mask=padding, attn_mask=each > 1)
    compare(modules, arguments, attn_mask=each)
    with torch.no_grad():
        for average in (True, False):
            (_, right), (_, weights) = (m(*arguments, key_padding_mask=padding, average_attn_weights=average)
                                        for m in modules)
            torch.testing.assert_close(weights, right, rtol=2e-5, atol=2e-6)
        program = torch.export.export(modules[1], tuple(arguments))
        assert (program.module()(*arguments)[1] == modules[1](*arguments)[1]).all()


def test_the_arguments_are_those_of_the_base_class():
    theirs, ours = (inspect.signature(m) for m in (torch.nn.MultiheadAttention, MultiheadAttention))
    assert theirs == ours
    theirs, ours = (inspect.signature(m.forward).parameters.values()
                    for m in (torch.nn.MultiheadAttention, MultiheadAttention))
    assert [(p.name, p.default) for p in theirs] == [(p.name, p.default) for p in ours]


@pytest.mark.parametrize("average", [True, False])
def test_weights(average):
    modules = pair(64, 4, batch_first=True)
    arguments = inputs(2, 9, 13, 64, 64, 64)
    padding = torch.zeros(2, 13, dtype=torch.bool)
    padding[1, 6:] = True
    options = {"need_weights": True, "average_attn_weights": average}
    with torch.no_grad():
        for given, more in ((arguments, {"key_padding_mask": padding}), ([x[0] for x in arguments], {})):
            (expected, right), (out, weights) = (m(*given, **more, **options) for m in modules)
            torch.testing.assert_close(out, expected, rtol=2e-5, atol=2e-5)
            torch.testing.assert_close(weights, right, rtol=2e-5, atol=2e-6)
        program = torch.export.export(modules[1], tuple(arguments), options)
        found = program.module()(*arguments, **options)
        assert (found[1] == modules[1](*arguments, **options)[1]).all()


def test_f64():
    arguments = [x.double() for x in inputs(1, 5, 6, 32, 32, 32)]
    compare(pair(32, 2, batch_first=True, dtype=torch.float64), arguments, 1e-10)


def test_it_is_exported():
    theirs, ours = pair(64, 4, batch_first=True)
    arguments = tuple(inputs(2, 9, 13, 64, 64, 64))
    with torch.no_grad():
        program = torch.export.export(ours, arguments)
        assert "ladon.multihead" in program.graph_module.code
        assert (program.module()(*arguments)[0] == ours(*arguments)[0]).all()


def test_it_is_compiled_without_a_break():
    torch._dynamo.reset()
    _, ours = pair(64, 4, batch_first=True)
    arguments = inputs(2, 9, 9, 64, 64, 64)
    hidden = torch.ones(9, 9).triu(1).bool()
    with torch.no_grad():
        compiled = torch.compile(ours, backend="aot_eager", fullgraph=True)
        for options in ({}, {"attn_mask": hidden}, {"key_padding_mask": torch.zeros(2, 9).bool()}):
            assert (compiled(*arguments, **options)[0] == ours(*arguments, **options)[0]).all()


def test_what_is_not_supported():
    _, ours = pair(64, 4, batch_first=True)
    arguments = inputs(2, 9, 13, 64, 64, 64)
    with pytest.raises(NotImplementedError, match="no backward"):
        ours(*arguments)
    with torch.no_grad():
        with pytest.raises(ValueError, match="attn_mask: expected bools or floats, found torch.int64"):
            ours(*arguments, attn_mask=torch.zeros(9, 13, dtype=torch.int64))
        with pytest.raises(ValueError, match="is_causal needs an attn_mask"):
            ours(*arguments, is_causal=True)
        with pytest.raises(ladon.CallError, match="kx: expected B = 2 on axis 0, as in x, found 1"):
            ours(arguments[0], arguments[1][:1], arguments[2][:1])
        dropping = MultiheadAttention(64, 4, dropout=0.1)
        with pytest.raises(NotImplementedError, match="dropout"):
            dropping(*arguments)
