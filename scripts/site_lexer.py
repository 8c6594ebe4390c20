"""Colours of specs on the site: a hook of mkdocs that tells Pygments about the language,
out of the grammar that `ladon syntax textmate` prints."""

import json
import pathlib
import re
import sys
import types

import pygments.lexers
from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Number, Operator, Text, Whitespace

GRAMMAR = pathlib.Path(__file__).resolve().parent.parent / "editors/vscode/syntaxes/attn.tmLanguage.json"

# By the beginning of a scope; the first that fits.
TOKENS = [("comment", Comment), ("keyword.operator.logical", Operator.Word),
          ("keyword.operator", Operator), ("keyword.declaration", Keyword.Declaration),
          ("keyword", Keyword), ("constant.numeric", Number), ("constant", Keyword.Constant),
          ("storage.type", Keyword.Type), ("support.constant", Name.Builtin),
          ("support", Name.Builtin), ("entity.name.function", Name.Function),
          ("variable.parameter", Name.Attribute), ("variable.language", Name.Builtin.Pseudo),
          ("variable", Name)]


def token(scope):
    return next(token for start, token in TOKENS if scope.startswith(start))


def rules():
    for pattern in json.loads(GRAMMAR.read_text())["patterns"]:
        if "name" in pattern:
            yield pattern["match"], token(pattern["name"])
        else:
            # A keyword, space, and the name that it defines.
            captures = pattern["captures"]
            yield (pattern["match"].replace(r"\s+", r"(\s+)", 1),
                   bygroups(token(captures["1"]["name"]), Whitespace, token(captures["2"]["name"])))
    yield r"\s+", Whitespace
    yield r".", Text


class AttnLexer(RegexLexer):
    name = "Ladon"
    aliases = ["attn"]
    filenames = ["*.attn"]
    flags = re.MULTILINE
    tokens = {"root": list(rules())}


# Pygments imports the module that its table names.
module = types.ModuleType("ladon_site_lexer")
module.AttnLexer = AttnLexer
module.__all__ = ["AttnLexer"]
sys.modules[module.__name__] = module
pygments.lexers.LEXERS["AttnLexer"] = (module.__name__, AttnLexer.name, tuple(AttnLexer.aliases),
                                       tuple(AttnLexer.filenames), ())
