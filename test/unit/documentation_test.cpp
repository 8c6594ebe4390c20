//===- documentation_test.cpp - What words of the language mean -----------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Documentation.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Lexer.h"

#include <gtest/gtest.h>

using namespace ladon;
using llvm::StringRef;

TEST(Documentation, every_word_of_the_language_has_a_line) {
  std::vector<StringRef> words = reservedNames();
  for (StringRef word : keywords())
    words.push_back(word);
  for (StringRef word : words)
    EXPECT_FALSE(documentationOf(word).empty()) << word.str();
  EXPECT_EQ(documentationOf("nothing"), "");
}

TEST(Documentation, every_argument_has_a_line) {
  for (StringRef call : reservedNames())
    for (const ArgumentInfo &argument : argumentsOf(call))
      EXPECT_FALSE(documentationOf(call, argument.name).empty())
          << call.str() << ", " << argument.name.str();
}

TEST(Documentation, what_is_called_has_a_signature_of_as_many_arguments) {
  for (const BuiltinInfo &builtin : builtinTable()) {
    CallSignature call = signatureOf(builtin.name);
    size_t expected = builtin.minArgs + (builtin.maxArgs != builtin.minArgs);
    EXPECT_EQ(call.parameters.size(), expected) << builtin.name.str();
  }
  EXPECT_EQ(signatureOf("max").text, "max(x, y, ...)");
  EXPECT_EQ(signatureOf("window").text, "window(left, right)");
  EXPECT_EQ(signatureOf("append").text,
            "append(cache, tensor, at = ..., axis = ..., pages = ...)");
  EXPECT_EQ(signatureOf("causal").text, "");
}

/// Whether a spec with `result` of an attend checks.
static bool checks(const std::string &result) {
  std::string text = "attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], "
                     "v: f32[B, 2, T, 8]) -> " +
                     result;
  llvm::SourceMgr sources;
  DiagnosticEngine diagnostics(sources);
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text), llvm::SMLoc());
  return parseAndCheck(sources, buffer, {}, diagnostics) != nullptr;
}

TEST(Documentation, words_with_one_place_are_accepted_there) {
  for (const DocumentedWord &result : resultsOfAttend()) {
    std::string shape = result.shape.str();
    for (auto [name, size] : {std::pair("H", "2"), std::pair("Dv", "8")})
      if (size_t at = shape.find(name); at != std::string::npos)
        shape.replace(at, StringRef(name).size(), size);
    EXPECT_TRUE(checks("f32" + shape + " { return attend(q, k, v)." +
                       result.name.str() + " }"))
        << result.name.str();
  }
  for (const DocumentedWord &word : normalizers())
    EXPECT_TRUE(checks("f32[B, 2, S, 8] { return attend(q, k, v, normalize = " +
                       word.name.str() + ") }"))
        << word.name.str();
}
