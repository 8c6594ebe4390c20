"""What an editor asks of `ladon lsp`, asked by a client that is not ours."""

import pytest
from lsprotocol import types

from conftest import ROOT

SPEC = """\
# How far one sees.
param reach: i32 = 64

# Bends large scores — gently.
fn softcap(x, cap) = cap * tanh(x / cap)

attention local(
    q: f32[B, 8, S, 64], k: f32[B, 2, T, 64], v: f32[B, 2, T, 64], slope: f32,
) -> (o: f32[B, S, 512], lse: f32[B, 8, S]) {
  let a = attend(q, k, v,
    score = softcap(s, 30) * slope, mask = window(reach, 0))
  return concat(a), a.lse
}
"""


async def test_a_good_spec_has_no_diagnostics(opened):
    assert (await opened(SPEC)).diagnostics == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.attn")), ids=lambda p: p.stem)
async def test_every_example_is_good_and_its_masks_are_counted(opened, client, path):
    spec = await opened(path.read_text(), path.as_uri())
    assert spec.diagnostics == []
    lenses = await client.text_document_code_lens_async(
        types.CodeLensParams(text_document=spec.document))
    assert len(lenses) <= spec.text.count("mask = ")
    assert all("pairs visible" in lens.command.title for lens in lenses)


async def test_diagnostics_come_as_the_text_changes(opened):
    spec = await opened(SPEC)
    await spec.replace("softcap(s, 30)", "softcap(s, depth)")
    [problem] = spec.diagnostics
    assert spec.covered(problem.range) == "depth"
    assert problem.code == "LDN0201" and problem.source == "ladon"
    assert problem.severity == types.DiagnosticSeverity.Error
    assert "'depth' is not defined" in problem.message
    await spec.replace("depth", "30")
    assert spec.diagnostics == []
    # All of it at once, and a text that ends anywhere.
    for end in range(0, len(SPEC), 7):
        await spec.change([types.TextDocumentContentChangeWholeDocument(text=SPEC[:end])])
    await spec.change([types.TextDocumentContentChangeWholeDocument(text=SPEC)])
    assert spec.diagnostics == []


async def test_places_are_counted_in_utf_16(opened):
    spec = await opened(SPEC.replace("# How far", "# 🙂 how far"))
    await spec.replace("param reach: i32 = 64", "param reach: i32 = 1 < 2  # ä🙂")
    [problem] = spec.diagnostics
    assert spec.covered(problem.range) == "1 < 2"
    await spec.replace("ä🙂", "ok")
    await spec.replace("1 < 2", "64")
    assert spec.diagnostics == []


async def test_notes_say_where_else(opened):
    spec = await opened(SPEC.replace("slope: f32", "q: f32"))
    [problem] = [p for p in spec.diagnostics if p.code == "LDN0202"]
    [related] = problem.related_information
    assert "first definition" in related.message
    assert spec.covered(related.location.range) == "q"


async def test_what_is_not_used_is_greyed(opened):
    spec = await opened(SPEC.replace(" * slope", ""))
    [problem] = spec.diagnostics
    assert problem.severity == types.DiagnosticSeverity.Warning
    assert list(problem.tags) == [types.DiagnosticTag.Unnecessary]
    assert spec.covered(problem.range) == "slope"


async def test_a_closed_document_has_no_diagnostics(opened, client):
    spec = await opened("attention")
    assert spec.diagnostics
    client.text_document_did_close(types.DidCloseTextDocumentParams(text_document=spec.document))
    await client.wait_for_notification("textDocument/publishDiagnostics")
    assert spec.diagnostics == []


@pytest.mark.parametrize("wrong, right, fixed", [
    ("window(reach, 0)", "window(reach, 0)", "window(reach, 0) && causal"),
])
async def test_fixes_are_actions(opened, client, wrong, right, fixed):
    spec = await opened(SPEC.replace(wrong, fixed))
    [problem] = spec.diagnostics
    actions = await client.text_document_code_action_async(types.CodeActionParams(
        text_document=spec.document, range=problem.range,
        context=types.CodeActionContext(diagnostics=[problem])))
    [action] = actions
    assert action.kind == types.CodeActionKind.QuickFix and action.is_preferred
    assert action.title == "Replace '&&' by 'and'"
    repaired = spec.applied(action.edit.changes[spec.uri])
    assert "window(reach, 0) and causal" in repaired
    nowhere = await client.text_document_code_action_async(types.CodeActionParams(
        text_document=spec.document, range=types.Range(types.Position(0, 0), types.Position(0, 0)),
        context=types.CodeActionContext(diagnostics=[])))
    assert not nowhere


@pytest.mark.parametrize("around, expected", [
    ("param re|ach", ["param reach: i32 = 64", "How far one sees."]),
    ("window(rea|ch", ["param reach: i32 = 64"]),
    ("fn soft|cap", ["fn softcap(x, cap)", "Bends large scores — gently."]),
    ("tanh(x| /", ["x: f32"]),
    ("= |cap * tanh", ["cap: i32"]),
    ("ta|nh(", ["tanh(x)", "the hyperbolic tangent", "tanh(x / cap): f32"]),
    ("soft|cap(s, 30)", ["fn softcap(x, cap)"]),
    ("softcap(|s", ["the scaled score", "s: f32"]),
    ("let |a =", ["let a: f32[B, 8, S, 64]"]),
    ("concat(|a)", ["let a: f32[B, 8, S, 64]"]),
    ("con|cat(a)", ["f32[B, S, 512]"]),
    ("a.l|se", [".lse: [B, H, S]", "logarithm"]),
    ("|attend(", ["attend(q, k, v, scale = ...", "attention of queries"]),
    ("    sc|ore =", ["score = ...", "a number for each (b, h, i, j)"]),
    ("wind|ow(", ["window(left, right)", "<= j <="]),
    ("score = softcap(s, 30) |* slope", ["softcap(s, 30) * slope: f32"]),
    ("k: f32[B, 2, |T", ["T: i32", "a size"]),
    ("slope: |f32", ["f32", "a type"]),
    ("|let a", ["a name for a value"]),
    ("lo|cal(", ["attention local"]),
])
async def test_hover(opened, client, around, expected):
    spec = await opened(SPEC)
    answer = await client.text_document_hover_async(types.HoverParams(**spec.place(around)))
    for text in expected:
        assert text in answer.contents.value, answer.contents.value


async def test_hover_on_a_mask_counts_and_draws_it(opened, client):
    spec = await opened(SPEC.replace("window(reach, 0)", "causal_top_left"))
    answer = await client.text_document_hover_async(types.HoverParams(**spec.place("ma|sk =")))
    assert "50.1 % of 2097152 pairs visible (B=1 S=512 T=512)" in answer.contents.value
    lines = answer.contents.value.split("```text\n")[1].split("\n")
    assert lines[0] == "▒▒" + "·" * 30
    assert lines[15] == "█" * 30 + "▒▒"


@pytest.mark.parametrize("around", ["# How| far", "attention local(|\n"])
async def test_hover_on_nothing(opened, client, around):
    spec = await opened(SPEC)
    answer = await client.text_document_hover_async(types.HoverParams(**spec.place(around)))
    assert answer is None


async def labels(client, spec, around):
    answer = await client.text_document_completion_async(
        types.CompletionParams(**spec.place(around)))
    return {item.label: item for item in answer.items}


@pytest.mark.parametrize("old, new, around, some, none", [
    ("slope, mask", "slope, m, mask", "slope, m|,", ["sinks", "mask", "q", "dropout"], ["score"]),
    ("softcap(s, 30)", "so", "score = so|", ["softcap", "tanh", "slope", "reach", "s", "if", "S"],
     ["a", "cap", "let", "fn", "f32"]),
    ("a.lse", "a.", "a.|\n", ["out", "lse", "mean_weights"], ["softcap", "let"]),
    ("slope: f32", "slope: ", "slope: |,", ["f32", "bf16", "i32"], ["softcap"]),
    ("  return", "  re\n  return", "  re|\n", ["return", "let"], ["tanh", "fn"]),
    ("attention local", "a\nattention local", "a|\nattention", ["attention", "fn"], ["let"]),
    ("mask = window(reach, 0)", "normalize = ", "normalize = |)", ["softmax", "relu2"], ["tanh"]),
    ("tanh(x / cap)", "tanh(x / c", "x / c|\n", ["cap", "x"], ["q", "slope"]),
    ("fn softcap", "fn so\nfn softcap", "fn so|\n", [], ["softcap"]),
])
async def test_completion(opened, client, old, new, around, some, none):
    spec = await opened(SPEC)
    await spec.replace(old, new)
    found = await labels(client, spec, around)
    assert not set(some) - set(found)
    assert not set(none) & set(found)


async def test_completions_say_what_they_are(opened, client):
    spec = await opened(SPEC)
    found = await labels(client, spec, "mask = |window")
    assert found["softcap"].detail == "fn softcap(x, cap)"
    assert "gently" in found["softcap"].documentation.value
    assert found["clamp"].detail == "clamp(x, low, high)"
    assert found["slope"].detail.startswith("slope: f32")
    assert found["causal"].documentation.value.startswith("j <= i + offset")
    found = await labels(client, spec, "v,|\n    score")
    assert found["mask"].insert_text == "mask = "
    # What belongs here comes first.
    assert found["mask"].sort_text < found["slope"].sort_text < found["tanh"].sort_text


@pytest.mark.parametrize("around, label, active", [
    ("softcap(s, |30", "softcap(x, cap)", "cap"),
    ("softcap(s|, 30", "softcap(x, cap)", "x"),
    ("slope, mask = |w", "attend(q, k, v, scale = ...", "mask = ..."),
    ("attend(q, |k", "attend(q, k, v, scale = ...", "k"),
    ("window(reach, |0", "window(left, right)", "right"),
    ("concat(|a)", "concat(tensor, second, axis = ...)", "tensor"),
])
async def test_signatures(opened, client, around, label, active):
    spec = await opened(SPEC)
    answer = await client.text_document_signature_help_async(
        types.SignatureHelpParams(**spec.place(around)))
    [signature] = answer.signatures
    assert signature.label.startswith(label)
    begin, end = signature.parameters[answer.active_parameter].label
    assert signature.label[begin:end] == active


@pytest.mark.parametrize("around", ["attention local(\n    |q:", "fn softcap(|x", "let |a"])
async def test_no_signature_outside_of_calls(opened, client, around):
    spec = await opened(SPEC)
    assert await client.text_document_signature_help_async(
        types.SignatureHelpParams(**spec.place(around))) is None


@pytest.mark.parametrize("around, defined, uses", [
    ("soft|cap(s", "fn |softcap", 1),
    ("tanh(|x", "fn softcap(|x", 1),
    ("concat(|a", "let |a", 2),
    ("attend(|q", "    |q: f32", 1),
    ("lse: f32[B, 8, |S", "q: f32[B, 8, |S", 2),
    ("window(|reach", "param |reach", 1),
])
async def test_definition_and_references(opened, client, around, defined, uses):
    spec = await opened(SPEC)
    place = await client.text_document_definition_async(types.DefinitionParams(**spec.place(around)))
    assert place.range.start == spec.at(defined)
    found = await client.text_document_references_async(types.ReferenceParams(
        **spec.place(around), context=types.ReferenceContext(include_declaration=False)))
    assert len(found) == uses
    found = await client.text_document_references_async(types.ReferenceParams(
        **spec.place(around), context=types.ReferenceContext(include_declaration=True)))
    assert len(found) == uses + 1


async def test_what_the_language_has_is_defined_nowhere(opened, client):
    spec = await opened(SPEC)
    assert await client.text_document_definition_async(
        types.DefinitionParams(**spec.place("ta|nh"))) is None


async def rename(client, spec, around, name):
    edit = await client.text_document_rename_async(
        types.RenameParams(**spec.place(around), new_name=name))
    return spec.applied(edit.changes[spec.uri])


@pytest.mark.parametrize("around, old, name", [
    ("window(re|ach", "reach", "span"), ("let |a", "a", "seen"), ("fn soft|cap", "softcap", "bend"),
    ("tanh(x / |cap", "cap", "most"), ("attend(q, k, |v", "v", "values"), ("lo|cal(", "local", "near"),
    ("v: f32[B, 2, |T", "T", "Keys"),
])
async def test_rename(opened, client, around, old, name):
    import re
    spec = await opened(SPEC)
    placeholder = await client.text_document_prepare_rename_async(
        types.PrepareRenameParams(**spec.place(around)))
    assert spec.covered(placeholder) == old
    renamed = await rename(client, spec, around, name)
    # Comments have other words, and no other symbol has one of these names.
    assert renamed == re.sub(rf"\b{old}\b", name, SPEC)
    await spec.change([types.TextDocumentContentChangeWholeDocument(text=renamed)])
    assert spec.diagnostics == []


@pytest.mark.parametrize("around, name, reason", [
    ("let |a", "k", "already defined"), ("let |a", "tanh", "meaning"), ("let |a", "a b", "not a name"),
    ("let |a", "", "not a name"), ("fn softcap(|x", "cap", "already defined"),
    ("fn softcap(x, |cap", "reach", "already defined"), ("q: f32[B, 8, |S", "s", "only in a score or a mask"),
    ("ta|nh", "t", "no name of the spec"), ("let |a", "let", "not a name"),
])
async def test_a_name_that_is_taken_is_refused(opened, client, around, name, reason):
    spec = await opened(SPEC)
    with pytest.raises(Exception, match=reason):
        await rename(client, spec, around, name)


async def test_a_rename_that_changes_what_another_name_means_is_refused(opened, client):
    text = SPEC.replace("cap * tanh(x / cap)", "cap * tanh(x / cap) + float(j)")
    spec = await opened(text)
    with pytest.raises(Exception, match="something else"):
        await rename(client, spec, "fn softcap(|x", "j")


async def test_formatting(opened, client):
    spec = await opened(SPEC)
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)

    async def edits():
        return list(await client.text_document_formatting_async(
            types.DocumentFormattingParams(text_document=spec.document, options=options)))

    for edit in await edits():
        spec.text = spec.applied([edit])
    await spec.change([types.TextDocumentContentChangeWholeDocument(text=spec.text)])
    assert await edits() == []
    canonical = spec.text
    await spec.replace("return concat(a), a.lse", "return   concat( a ),a.lse")
    [edit] = await edits()
    assert spec.applied([edit]) == canonical
    assert edit.new_text == "  return concat(a), a.lse\n"
    await spec.replace("return", "retur")
    assert await edits() == []


async def test_outline(opened, client):
    spec = await opened(SPEC)
    symbols = await client.text_document_document_symbol_async(
        types.DocumentSymbolParams(text_document=spec.document))
    assert [s.name for s in symbols] == ["reach", "softcap", "local", "q", "k", "v", "slope", "o",
                                         "lse", "a"]
    assert symbols[-1].detail == "let a: f32[B, 8, S, 64]"


async def test_code_lens_counts_the_mask(opened, client):
    spec = await opened(SPEC)
    [lens] = await client.text_document_code_lens_async(
        types.CodeLensParams(text_document=spec.document))
    assert spec.covered(lens.range) == "window(reach, 0)"
    assert lens.command.title == "mask: 11.9 % of 2097152 pairs visible (B=1 S=512 T=512)"


async def test_a_document_that_is_not_open(client):
    with pytest.raises(Exception, match="not open"):
        await client.text_document_hover_async(types.HoverParams(
            text_document=types.TextDocumentIdentifier("file:///other.attn"),
            position=types.Position(0, 0)))


async def test_places_outside_of_the_text(opened, client):
    spec = await opened(SPEC)
    for place in [types.Position(1000, 0), types.Position(0, 1000), types.Position(3, 2**31 - 1)]:
        await client.text_document_hover_async(
            types.HoverParams(text_document=spec.document, position=place))
        await client.text_document_completion_async(
            types.CompletionParams(text_document=spec.document, position=place))


async def test_every_question_at_every_place(opened, client):
    """Of a text that is being typed: nothing crashes."""
    for text in [SPEC, SPEC.replace("mask = window(reach, 0))", "mask = ("),
                 SPEC.replace("= cap * tanh", "= {let y = cap\n").replace(") -> (", "")]:
        spec = await opened(text)
        for offset in range(0, len(text), 3):
            place = {"text_document": spec.document, "position": spec.position(offset)}
            await client.text_document_hover_async(types.HoverParams(**place))
            await client.text_document_completion_async(types.CompletionParams(**place))
            await client.text_document_signature_help_async(types.SignatureHelpParams(**place))
            await client.text_document_definition_async(types.DefinitionParams(**place))
