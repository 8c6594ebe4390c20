//===- frontend_test.cpp - The front end as a library ---------------------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <random>

using namespace ladon;
using ast::Expr;

namespace {

/// A text, its diagnostics and, if it checks, its tree.
struct Parsed {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  std::unique_ptr<CheckedSpec> spec;
  unsigned buffer;

  explicit Parsed(llvm::StringRef text, const ParamOverrides &overrides = {})
      : buffer(sources.AddNewSourceBuffer(
            llvm::MemoryBuffer::getMemBufferCopy(text, "spec.attn"),
            llvm::SMLoc())) {
    spec = parseAndCheck(sources, buffer, overrides, diagnostics);
  }

  std::string messages() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    diagnostics.print(os);
    return os.str();
  }
  std::string tree() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    if (spec)
      dumpAST(*spec->attention, os);
    return os.str();
  }
};

const char *const expansion = R"(
param reach: i32 = 4
fn twice(x) = x + x
fn four(x) = twice(twice(x))
attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], v: f32[B, 2, T, 8])
    -> f32[B, 2, S, 8] {
  return attend(q, k, v, score = four(s), mask = j - i < reach)
}
)";

} // namespace

TEST(Frontend, nodes_of_a_macro_have_the_range_of_the_call_in_the_attention) {
  Parsed parsed(expansion);
  ASSERT_TRUE(parsed.spec) << parsed.messages();
  const Expr *attend = parsed.spec->attention->results[0].value;
  ASSERT_EQ(attend->kind, Expr::Kind::Attend);
  const Expr *sum = attend->attend->score;
  EXPECT_EQ(textOf(sum->range), "four(s)");
  EXPECT_EQ(textOf(sum->args[0]->range), "four(s)");
  EXPECT_EQ(textOf(sum->args[0]->args[0]->range), "s");
  EXPECT_EQ(textOf(attend->attend->mask->range), "j - i < reach");
}

TEST(Frontend, values_of_params_are_kept_for_manifests) {
  Parsed parsed(expansion, {{"reach", "-7"}});
  ASSERT_TRUE(parsed.spec) << parsed.messages();
  ASSERT_EQ(parsed.spec->params.size(), 1u);
  EXPECT_EQ(parsed.spec->params[0].name, "reach");
  EXPECT_EQ(parsed.spec->params[0].value, "-7");
  EXPECT_EQ(parsed.spec->attention->source, expansion);
}

TEST(Frontend, default_scale_is_one_over_root_of_the_feature_size) {
  Parsed parsed(expansion);
  ASSERT_TRUE(parsed.spec);
  const Expr *attend = parsed.spec->attention->results[0].value;
  EXPECT_EQ(attend->attend->scale, nullptr);
  EXPECT_DOUBLE_EQ(attend->attend->scaleValue, 0.35355339059327379);
}

TEST(Frontend, equal_reports_are_kept_once_and_many_are_cut) {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics(sources);
  diagnostics.report(DiagId::NoAttention, {});
  diagnostics.report(DiagId::NoAttention, {}).note({}, "dropped");
  EXPECT_EQ(diagnostics.all().size(), 1u);
  for (unsigned count = 0; count < 2 * DiagnosticEngine::maxErrors; ++count)
    diagnostics.report(DiagId::UnknownOverride, {}, count);
  EXPECT_EQ(diagnostics.all().size(), DiagnosticEngine::maxErrors);
  std::string text;
  llvm::raw_string_ostream os(text);
  diagnostics.print(os);
  EXPECT_NE(text.find("51 further errors are not shown"), std::string::npos);
}

TEST(Frontend, slashes_divide_and_a_hash_comments) {
  /// One letter per token: d for `//`, c for a comment; then `!` for an error.
  auto kinds = [](llvm::StringRef line) {
    llvm::SourceMgr sources;
    DiagnosticEngine diagnostics(sources);
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(line), llvm::SMLoc());
    std::string found;
    for (const Token &token :
         lex(sources.getMemoryBuffer(buffer)->getBuffer(), diagnostics))
      found += token.kind == Tok::SlashSlash ? 'd'
               : token.kind == Tok::Comment  ? 'c'
                                             : '.';
    return found + (diagnostics.hasErrors() ? "!" : "");
  };
  EXPECT_EQ(kinds("i // 4"), ".d..");
  EXPECT_EQ(kinds("i//4"), ".d..");
  EXPECT_EQ(kinds("i  // 4"), ".d..");
  EXPECT_EQ(kinds("i // 4 == j // 4  # same block"), ".d...d.c.");
  EXPECT_EQ(kinds("i // 4 # // the same block"), ".d.c.");
  EXPECT_EQ(kinds("(i // (-w + 1)) and x"), "..d..........");
  EXPECT_EQ(kinds("a // if b then c else d"), ".d.......");
  EXPECT_EQ(kinds("i // n[b, i] and not f(n)"), ".d.............");
  EXPECT_EQ(kinds("a, # b\n#c"), "..cc.");
  EXPECT_EQ(kinds("i #4"), ".c.");
  // However long the line is.
  std::string sum = "i // n" + std::string(1000, ' ') + "+ 1";
  EXPECT_EQ(kinds(sum), ".d....");
  // What can be no division.
  EXPECT_EQ(kinds("// first"), "c.!");
  EXPECT_EQ(kinds("a\n  // 4"), ".c.!");
  EXPECT_EQ(kinds("i // the query"), ".c.!");
  EXPECT_EQ(kinds("i // 4 // same block"), ".d.c.!");
  EXPECT_EQ(kinds("i // don't"), ".c.!");
  EXPECT_EQ(kinds("i // what?\nj"), ".c..!");
}

//===--- Mutations --------------------------------------------------------===//

namespace {

/// Every spec of the examples.
std::vector<std::string> corpus() {
  std::vector<std::string> texts = {expansion};
  std::error_code error;
  for (llvm::sys::fs::directory_iterator
           at(LADON_SOURCE_DIR "/examples", error),
       end;
       at != end && !error; at.increment(error))
    if (llvm::StringRef(at->path()).ends_with(".attn"))
      if (auto buffer = llvm::MemoryBuffer::getFile(at->path()))
        texts.push_back((*buffer)->getBuffer().str());
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<std::string> pieces(llvm::StringRef text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
    size_t length = text.take_while(isWord).size();
    length = std::max<size_t>(length, text.starts_with("//") ? 2 : 1);
    result.push_back(text.take_front(length).str());
    text = text.drop_front(length);
  }
  return result;
}

class Mutator {
public:
  explicit Mutator(unsigned seed) : random(seed) {
    for (const std::string &text : corpus())
      specs.push_back(pieces(text));
  }

  std::string next() {
    std::vector<std::string> spec = specs[below(specs.size())];
    for (unsigned count = 1 + below(4); count; --count) {
      size_t at = below(spec.size());
      const auto &other = specs[below(specs.size())];
      const std::string &piece = other[below(other.size())];
      switch (below(6)) {
      case 0:
        spec.erase(spec.begin() + at);
        break;
      case 1:
        spec.insert(spec.begin() + at, piece);
        break;
      case 2:
        spec[at] = piece;
        break;
      case 3:
        std::swap(spec[at], spec[below(spec.size())]);
        break;
      case 4:
        spec.insert(spec.begin() + at, extra[below(std::size(extra))]);
        break;
      case 5: {
        std::vector<std::string> part(
            spec.begin() + at,
            spec.begin() + std::min(spec.size(), at + 1 + below(20)));
        for (unsigned repeat = below(3); repeat; --repeat)
          spec.insert(spec.begin() + at, part.begin(), part.end());
        break;
      }
      }
      if (spec.empty())
        spec = {"fn"};
    }
    std::string text;
    for (const std::string &piece : spec)
      text += piece;
    return text;
  }

private:
  size_t below(size_t bound) { return random() % bound; }

  static constexpr const char *extra[] = {"\n",        "\n\n\n", "  # a note\n",
                                          " # b\n",    "//",     " if ",
                                          " then ",    " else ", "[",
                                          "]",         "(",      ")",
                                          " and not ", "-",      "~",
                                          "0",         "-1",     "2147483648",
                                          "1e30",      "inf",    "\x01",
                                          "\xff",      "\xc3",   "window(j, 0)",
                                          "b",         "s",      " = ",
                                          ",",         "}",      "let x = 1\n"};
  std::mt19937 random;
  std::vector<std::vector<std::string>> specs;
};

} // namespace

TEST(Frontend, mutants_of_the_examples_are_checked_and_formatted) {
  constexpr unsigned seed = 20240607;
  Mutator mutator(seed);
  unsigned checked = 0, formatted = 0;
  for (unsigned count = 0; count < 30000; ++count) {
    std::string text = mutator.next();
    SCOPED_TRACE("seed " + std::to_string(seed) + ", mutant " +
                 std::to_string(count) + "\n" + text);
    Parsed parsed(text);
    ASSERT_EQ(parsed.spec == nullptr, parsed.diagnostics.hasErrors());
    parsed.messages();
    checked += parsed.spec != nullptr;
    DiagnosticEngine own(parsed.sources);
    auto once = formatSpec(parsed.sources, parsed.buffer, own);
    ASSERT_TRUE(once || !parsed.spec);
    if (!once)
      continue;
    ++formatted;
    Parsed again(*once);
    ASSERT_EQ(parsed.tree(), again.tree());
    DiagnosticEngine second(again.sources);
    auto twice = formatSpec(again.sources, again.buffer, second);
    ASSERT_TRUE(twice) << *once;
    ASSERT_EQ(*once, *twice);
  }
  // The mutations are mild enough to reach every phase.
  EXPECT_GT(checked, 1500u);
  EXPECT_GT(formatted, checked);
}
