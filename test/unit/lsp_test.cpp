//===- lsp_test.cpp - The index behind the language server ----------------===//

#include "compiler/driver/lsp/CallContext.h"
#include "compiler/driver/lsp/Document.h"
#include "compiler/driver/lsp/Features.h"
#include "compiler/driver/lsp/MaskView.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <set>

using namespace ladon;
using namespace ladon::lsp;
using llvm::SMLoc;
using llvm::StringRef;

namespace {

/// A document, and places in it: before the `|` in a piece of its text.
struct Opened {
  std::unique_ptr<Document> document;

  explicit Opened(StringRef text)
      : document(std::make_unique<Document>(
            llvm::cantFail(llvm::lsp::URIForFile::fromFile("/spec.attn")), 1,
            text)) {}

  SMLoc at(StringRef around) const {
    auto [before, after] = around.split('|');
    size_t found = document->text().find((before + after).str());
    EXPECT_NE(found, StringRef::npos) << around.str();
    return SMLoc::getFromPointer(document->text().begin() + found +
                                 before.size());
  }
  /// "line:column" of where a name is defined.
  std::string definition(StringRef around) const {
    const Symbol *symbol = document->index().find(at(around));
    if (!symbol)
      return "none";
    llvm::lsp::Position position = document->positions().position(
        document->positions().offset(symbol->name.range.Start));
    return std::to_string(position.line) + ":" +
           std::to_string(position.character);
  }
  std::string visible(StringRef around) const {
    std::set<std::string> names;
    for (const Symbol *symbol : document->index().visible(at(around)))
      names.insert(symbol->name.text.str());
    return llvm::join(names, " ");
  }
};

const char *const spec = R"(param n: i32 = 4
fn bend(s, cap) = {
  let y = s / cap
  return y * float(sum(n2 in 0..n, n2))
}
fn twice(x) = bend(x, 2) + bend(x, float(S))
attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], v: f32[B, 2, T, 8])
    -> (o: f32[B, 2, S, 8]) {
  let q2 = q * 2
  let w = attend(q2, k, v, score = twice(s), mask = {
    let y = i - j
    return y < n
  })
  return w
}
)";

} // namespace

TEST(Lsp, names_are_found_where_they_are_defined) {
  Opened opened(spec);
  EXPECT_EQ(opened.definition("0..|n,"), "0:6");
  EXPECT_EQ(opened.definition("y < |n"), "0:6");
  EXPECT_EQ(opened.definition("= |s / cap"), "1:8");
  EXPECT_EQ(opened.definition("twice(|s)"), "none"); // The position.
  EXPECT_EQ(opened.definition("return |y *"), "2:6");
  EXPECT_EQ(opened.definition("return |y <"), "10:8");
  EXPECT_EQ(opened.definition("n, |n2"), "3:23");
  EXPECT_EQ(opened.definition("+ |bend"), "1:3");
  EXPECT_EQ(opened.definition("float(|S"), "6:25");
  EXPECT_EQ(opened.definition("attend(q2|, k"), "8:6");
  EXPECT_EQ(opened.definition("return |w"), "9:6");
  EXPECT_EQ(opened.definition("attention |a"), "6:10");
  EXPECT_EQ(opened.definition("|attend("), "none");
  EXPECT_EQ(opened.definition("mask| ="), "none");
}

TEST(Lsp, what_is_visible_depends_on_the_place) {
  Opened opened(spec);
  EXPECT_EQ(opened.visible("s / |cap"), "B S T bend cap n s twice");
  EXPECT_EQ(opened.visible("return |y *"), "B S T bend cap n s twice y");
  EXPECT_EQ(opened.visible("n, |n2"), "B S T bend cap n n2 s twice y");
  EXPECT_EQ(opened.visible("|q * 2"), "B S T bend k n q twice v");
  EXPECT_EQ(opened.visible("return |w"), "B S T bend k n q q2 twice v w");
  EXPECT_EQ(opened.visible("return |y <"), "B S T bend k n q q2 twice v y");
}

TEST(Lsp, a_broken_spec_has_the_names_that_could_be_read) {
  Opened opened("param n: i32 = 4\nfn f(x) = x * (\nattention a(q: f32[B, S"
                ") -> f32 {\n  let y = attend(q, n, ");
  EXPECT_FALSE(opened.document->spec().checked);
  EXPECT_EQ(opened.definition("attend(q, |n"), "0:6");
  EXPECT_EQ(opened.definition("attend(|q"), "2:12");
}

TEST(Lsp, parts_have_a_name_each) {
  Opened opened("attention a(x: f32[B, S, 8]) -> f32[B, S, 4] {\n"
                "  let (y, z) = split(x, parts = 2)\n  return z - y\n}\n");
  EXPECT_EQ(opened.definition("|z - y"), "1:10");
  EXPECT_EQ(opened.definition("- |y"), "1:7");
  EXPECT_EQ(opened.visible("|z - y"), "B S x y z");
}

TEST(Lsp, types_are_those_of_every_call) {
  Opened opened(spec);
  const syntax::Expr *name =
      opened.document->typedExprAt(opened.at("= |s / cap"));
  ASSERT_TRUE(name);
  EXPECT_EQ(opened.document->typeOf(name), "f32");
  const syntax::Expr *cap = opened.document->typedExprAt(opened.at("s / |cap"));
  ASSERT_TRUE(cap);
  EXPECT_EQ(opened.document->typeOf(cap), "i32 or f32");
}

TEST(Lsp, places_are_counted_in_utf_16) {
  const std::string text = "# ä🙂b\nlet\n\n# x";
  TextPositions positions(text);
  auto place = [&](size_t offset) {
    llvm::lsp::Position position = positions.position(offset);
    EXPECT_EQ(positions.offset(position), offset);
    return std::to_string(position.line) + ":" +
           std::to_string(position.character);
  };
  EXPECT_EQ(place(0), "0:0");
  EXPECT_EQ(place(text.find("🙂")), "0:3");
  EXPECT_EQ(place(text.find("b")), "0:5");
  EXPECT_EQ(place(text.find("let") + 3), "1:3");
  EXPECT_EQ(place(text.size()), "3:3");
  // What a text does not have is the next place before it.
  EXPECT_EQ(positions.offset(llvm::lsp::Position(0, 4)), text.find("🙂"));
  EXPECT_EQ(positions.offset(llvm::lsp::Position(1, 99)), text.find("let") + 3);
  EXPECT_EQ(positions.offset(llvm::lsp::Position(99, 0)), text.size());
  EXPECT_EQ(positions.offset(llvm::lsp::Position(-1, -1)), 0u);
  EXPECT_EQ(positions.offset(llvm::lsp::Position(1, -1)), text.find("let"));
}

TEST(Lsp, any_text_can_be_asked_about) {
  auto ask = [](const std::string &text, size_t offset) {
    Opened opened(text);
    llvm::lsp::Position place = opened.document->positions().position(offset);
    hover(*opened.document, place);
    complete(*opened.document, place);
    signatureHelp(*opened.document, place);
    outline(*opened.document);
    format(*opened.document);
    definition(*opened.document, place);
    llvm::consumeError(rename(*opened.document, place, "another").takeError());
  };
  const std::string text = spec;
  for (size_t end = 0; end <= text.size(); ++end)
    ask(text.substr(0, end), end);
  Opened whole(text);
  for (const Token &token : whole.document->spec().tokens) {
    size_t begin = token.text.begin() - whole.document->text().begin();
    ask(text.substr(0, begin) + text.substr(begin + token.text.size()), begin);
    ask(text.substr(0, begin) + token.text.str() + " " + text.substr(begin),
        begin);
  }
}

TEST(Lsp, the_call_is_the_innermost_that_is_open) {
  Opened opened("attention a(q: f32[B]) -> f32 {\n  let x = attend(q, k[0, 1], "
                "mask = min(i, (j + 1)) < 3, sco # score(");
  auto context = [&](StringRef around) {
    PlaceContext found =
        contextAt(opened.document->spec().tokens, opened.at(around));
    return (found.callee + " " + llvm::Twine(found.argument) + " " +
            found.argumentName + (found.startsArgument ? " start" : ""))
        .str();
  };
  EXPECT_EQ(context("attend(|q"), "attend 0  start");
  EXPECT_EQ(context("k[0, |1"), "attend 1 ");
  EXPECT_EQ(context("mask |="), "attend 2 ");
  EXPECT_EQ(context("mask = |min"), "attend 2 mask");
  EXPECT_EQ(context("min(|i"), "min 0  start");
  EXPECT_EQ(context("(j |+ 1)"), "min 1 ");
  EXPECT_EQ(context(")) |< 3"), "attend 2 mask");
  EXPECT_EQ(context("< 3, sco|"), "attend 3  start");
  EXPECT_EQ(context("a(q: |f32"), " 0 ");
  EXPECT_TRUE(contextAt(opened.document->spec().tokens, opened.at("# sco|re"))
                  .inComment);
}

TEST(Lsp, a_mask_is_counted_and_drawn) {
  Opened opened(spec);
  ASSERT_TRUE(opened.document->spec().checked);
  const CheckedSpec &checked = *opened.document->spec().checked;
  ASSERT_EQ(checked.masks.size(), 1u);
  std::optional<MaskView> view = viewMask(checked, checked.masks[0]);
  ASSERT_TRUE(view);
  // j > i - 4: half of the pairs, the diagonal and three below it.
  EXPECT_EQ(view->share, "50.7 % of 524288 pairs visible");
  EXPECT_EQ(view->sizes, "B=1 S=512 T=512");
  EXPECT_TRUE(StringRef(view->picture).starts_with("▒▒█"));
  EXPECT_EQ(StringRef(view->picture).count('\n'), 16u);
}

TEST(Lsp, a_mask_that_would_take_long_is_not_waited_for) {
  std::string conditions = "j != 0";
  for (int at = 1; at < 200; ++at)
    conditions += " and j != " + std::to_string(at);
  auto view = [&](const std::string &sizes, bool wantPicture) {
    Opened opened("attention a(q: f32[B, 64, " + sizes +
                  ", 8], k: f32[B, 64, " + sizes + ", 8], v: f32[B, 64, " +
                  sizes + ", 8]) -> f32[B, 64, " + sizes +
                  ", 8] { return attend(q, k, v, mask = " + conditions + ") }");
    EXPECT_TRUE(opened.document->spec().checked);
    const CheckedSpec &checked = *opened.document->spec().checked;
    return viewMask(checked, checked.masks[0], wantPicture);
  };
  ASSERT_TRUE(view("S", true));
  EXPECT_EQ(view("S", true)->share, "60.9 % of 16777216 pairs visible");
  EXPECT_EQ(view("S", true)->picture, ""); // More work than the count.
  EXPECT_EQ(view("64", true)->share, "0.0 % of 262144 pairs visible");
  EXPECT_NE(view("64", true)->picture, "");
  EXPECT_EQ(view("64", false)->picture, "");
  EXPECT_FALSE(view("4096", true));
}

TEST(Lsp, a_text_of_many_names_is_read_in_a_moment) {
  // Quadratic work on these takes minutes, the whole suite a second.
  std::string lets, fns;
  for (int at = 0; at < 20000; ++at) {
    std::string number = std::to_string(at);
    lets += "let a" + number + " = s + " + number + "\n";
    fns += "fn f" + number + "(x) = x + " + number + "\n";
  }
  Opened opened(fns +
                "attention a(q: f32[B, 2, S, 8]) -> f32[B, 2, S, 8] {\n"
                "return attend(q, q, q, score = {\n" +
                lets + "return a0 })\n}\n");
  EXPECT_EQ(opened.document->index().all().size(), 60004u);
  EXPECT_EQ(opened.definition("return |a0"), "20002:4");
  complete(*opened.document,
           opened.document->positions().position(
               opened.document->text().find("return a0") + 7));
}
