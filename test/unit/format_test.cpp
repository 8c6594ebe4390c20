//===- format_test.cpp - The canonical form of a spec ---------------------===//
//
// Every spec of the tree, taken apart into tokens and laid out anew in many
// ways, has one canonical form; comments are kept wherever they stand.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <random>
#include <utility>

using namespace ladon;

namespace {

/// The paths and texts of all specs that are there.
std::vector<std::pair<std::string, std::string>> corpus() {
  std::vector<std::pair<std::string, std::string>> specs;
  for (const char *folder : {"/examples", "/test/e2e/specs", "/test/bench",
                             "/test/e2e/onnx/specs"}) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator
             at(std::string(LADON_SOURCE_DIR) + folder, error),
         end;
         at != end && !error; at.increment(error))
      if (llvm::StringRef(at->path()).ends_with(".attn"))
        if (auto buffer = llvm::MemoryBuffer::getFile(at->path()))
          specs.emplace_back(at->path(), (*buffer)->getBuffer().str());
  }
  std::sort(specs.begin(), specs.end());
  EXPECT_GT(specs.size(), 180u);
  return specs;
}

/// A text as a buffer that diagnostics can show.
struct Source {
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics{sources};
  unsigned buffer;

  explicit Source(const std::string &text)
      : buffer(sources.AddNewSourceBuffer(
            llvm::MemoryBuffer::getMemBufferCopy(text, "spec.attn"),
            llvm::SMLoc())) {}

  std::vector<Token> tokens() {
    return lex(sources.getMemoryBuffer(buffer)->getBuffer(), diagnostics);
  }
  std::string formatted() {
    auto text = formatSpec(sources, buffer, diagnostics);
    if (text)
      return *text;
    std::string message;
    llvm::raw_string_ostream os(message);
    diagnostics.print(os);
    ADD_FAILURE() << message;
    return "";
  }
};

std::string format(const std::string &text) { return Source(text).formatted(); }

/// The texts of the tokens, without comments or with nothing else.
std::vector<std::string> words(const std::string &text, bool ofComments) {
  std::vector<std::string> result;
  Source source(text);
  for (const Token &token : source.tokens())
    if (token.kind != Tok::Eof && (token.kind == Tok::Comment) == ofComments)
      result.push_back(token.text.rtrim().str());
  return result;
}

/// The tokens of `text` with what `gap` returns in front of each. A division
/// stays on the line of its operands, where it does not look like a comment.
std::string laidOut(const std::string &text,
                    llvm::function_ref<std::string()> gap) {
  std::string result;
  bool divides = false;
  for (const std::string &word : words(text, /*ofComments=*/false)) {
    bool isNext = std::exchange(divides, word == "//");
    result += (divides || isNext ? " " : gap()) + word;
  }
  return result + "\n";
}

/// `text` without the commas before a closing bracket, which have no meaning.
std::vector<std::string> meaning(const std::string &text) {
  std::vector<std::string> result;
  for (const std::string &word : words(text, /*ofComments=*/false)) {
    bool closes = word == ")" || word == "]";
    if (closes && !result.empty() && result.back() == ",")
      result.pop_back();
    result.push_back(word);
  }
  return result;
}

TEST(Format, ASpecHasOneLayout) {
  std::mt19937 random(1);
  const char *const gaps[] = {" ", "  ", "\n", "\t", " \n  ", "\r\n"};
  for (const auto &[path, text] : corpus()) {
    SCOPED_TRACE(path);
    std::string canonical = format(laidOut(text, [] { return " "; }));
    EXPECT_EQ(format(laidOut(text, [] { return "\n"; })), canonical);
    for (int layout = 0; layout < 3; ++layout)
      EXPECT_EQ(format(laidOut(text,
                               [&]() -> std::string {
                                 return gaps[random() % std::size(gaps)];
                               })),
                canonical);
    EXPECT_EQ(format(canonical), canonical);
    EXPECT_EQ(meaning(canonical), meaning(text));
    if (testing::Test::HasFailure())
      return;
  }
}

TEST(Format, LinesAreShortAndClean) {
  for (const auto &[path, text] : corpus()) {
    SCOPED_TRACE(path);
    std::string canonical = format(laidOut(text, [] { return " "; }));
    EXPECT_TRUE(llvm::StringRef(canonical).ends_with("}\n"));
    EXPECT_FALSE(llvm::StringRef(canonical).contains("\n\n\n"));
    EXPECT_FALSE(llvm::StringRef(canonical).contains('\t'));
    llvm::SmallVector<llvm::StringRef> lines;
    llvm::StringRef(canonical).split(lines, '\n');
    for (llvm::StringRef line : lines) {
      EXPECT_EQ(line, line.rtrim());
      EXPECT_LE(line.size(), 80u) << line.str();
    }
  }
}

/// Comments on lines of their own in front of any token, and behind any.
TEST(Format, CommentsStayInTheirOrder) {
  std::mt19937 random(2);
  std::vector<std::pair<std::string, std::string>> specs = corpus();
  for (int repeat = 0; repeat < 4000; ++repeat) {
    const auto &[path, text] = specs[repeat % specs.size()];
    SCOPED_TRACE(path);
    // Between many comments and few.
    unsigned tokensPerComment = 2 + random() % 64;
    int number = 0;
    std::string commented = laidOut(text, [&]() -> std::string {
      switch (random() % tokensPerComment) {
      case 0:
        return " # behind " + std::to_string(++number) + "\n";
      case 1:
        return "\n# before " + std::to_string(++number) + "\n";
      case 2:
        return "\n\n# apart " + std::to_string(++number) + "\n\n";
      default:
        return " ";
      }
    });
    std::string once = format(commented);
    EXPECT_EQ(words(once, /*ofComments=*/true),
              words(commented, /*ofComments=*/true));
    EXPECT_EQ(meaning(once), meaning(text));
    EXPECT_EQ(format(once), once);
    if (testing::Test::HasFailure())
      return;
  }
}

/// Many blank lines become one, and none becomes one only where the canonical
/// form has it.
TEST(Format, BlankLinesAreFewAndStay) {
  for (const auto &[path, text] : corpus()) {
    SCOPED_TRACE(path);
    std::string canonical = format(text), wide;
    for (char c : canonical)
      wide += c == '\n' ? std::string("\n\n\n\n") : std::string(1, c);
    std::string again = format(wide);
    EXPECT_FALSE(llvm::StringRef(again).contains("\n\n\n"));
    EXPECT_EQ(format(again), again);
    EXPECT_EQ(words(again, /*ofComments=*/true),
              words(text, /*ofComments=*/true));
    if (testing::Test::HasFailure())
      return;
  }
}

} // namespace
