//===- NearValid.cpp - Specs with a mistake in them -----------------------===//

#include "test/e2e/fuzz/NearValid.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace ladon;
using namespace ladon::e2e;
using llvm::StringRef;

/// Words, numbers, spaces and single signs.
static std::vector<std::string> tokensOf(StringRef text) {
  std::vector<std::string> tokens;
  while (!text.empty()) {
    auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
    auto isSpace = [](char c) { return llvm::isSpace(c); };
    StringRef token = text.take_front(1);
    if (isWord(text.front()))
      token = text.take_while(isWord);
    else if (isSpace(text.front()))
      token = text.take_while(isSpace);
    tokens.push_back(token.str());
    text = text.drop_front(token.size());
  }
  return tokens;
}

std::string e2e::mutateSpec(Choices &choices, StringRef text) {
  static const char *const words[] = {
      "0",      "1",        "-1",         "2",
      "1e-9",   "1e39",     "2147483648", "9223372036854775808",
      "0x10",   "q",        "k",          "v",
      "s",      "i",        "j",          "h",
      "hk",     "b",        "S",          "T",
      "B",      "offset",   "causal",     "inf",
      "true",   "false",    "if",         "then",
      "else",   "and",      "or",         "not",
      "let",    "fn",       "param",      "return",
      "attend", "split",    "concat",     "window",
      "min",    "abs",      "int",        "float",
      "pow",    "exp",      "popcount",   "f16",
      "bf16",   "f32",      "f64",        "i32",
      "i64",    "bool",     "(",          ")",
      "[",      "]",        "{",          "}",
      ",",      ":",        "=",          "==",
      "//",     "%",        "@",          "<<",
      "~",      "-",        ".lse",       "#",
      "\"",     "\xc3\xa9", "mask",       "scale"};
  std::vector<std::string> tokens = tokensOf(text);
  int64_t changes = 1 + choices.below(3);
  for (int64_t change = 0; change < changes && !tokens.empty(); ++change) {
    size_t at = choices.below(tokens.size());
    std::string word = choices.pick(llvm::ArrayRef(words));
    switch (choices.below(6)) {
    case 0:
      tokens.erase(tokens.begin() + at);
      break;
    case 1:
      tokens.insert(tokens.begin() + at, word);
      break;
    case 2:
      tokens.insert(tokens.begin() + at, tokens[at]);
      break;
    case 3:
      std::swap(tokens[at], tokens[choices.below(tokens.size())]);
      break;
    case 4: // As far as the end of the line.
      while (at < tokens.size() && !StringRef(tokens[at]).contains('\n'))
        tokens.erase(tokens.begin() + at);
      break;
    default:
      tokens[at] = word;
      break;
    }
  }
  return llvm::join(tokens, "");
}

namespace {

class NearValidCase : public RandomCase {
public:
  CaseReport run(const CaseRunners &runners) const override;

  Trial trial; ///< The sizes are chosen when the spec is known.
};

} // namespace

/// What is wrong with the diagnostics of a text that was not accepted: an error
/// has a sentence and lies within the text.
static std::string faultOf(const llvm::SourceMgr &sources, unsigned buffer,
                           const DiagnosticEngine &diagnostics) {
  if (!diagnostics.hasErrors())
    return "refused without an error";
  StringRef text = sources.getMemoryBuffer(buffer)->getBuffer();
  for (const Diagnostic &diagnostic : diagnostics.all()) {
    const char *start = diagnostic.range.Start.getPointer();
    if (diagnostic.message.empty())
      return "an error without a sentence";
    if (!start || start < text.begin() || start > text.end() ||
        diagnostic.range.End.getPointer() > text.end())
      return "an error without a place: " + diagnostic.message;
  }
  return "";
}

/// Whether a trial with lengths of a few elements is within reason.
static bool isSmall(const ast::Attention &attention) {
  auto isSmallType = [](const ast::Type &type) {
    double elements = 1;
    if (type.dims)
      for (const ast::Dim &dim : *type.dims)
        elements *= dim.isStatic() ? double(dim.size) : 9;
    return elements < 3e5;
  };
  return llvm::all_of(
             attention.params,
             [&](const auto &param) { return isSmallType(param->type); }) &&
         llvm::all_of(attention.results, [&](const ast::Result &result) {
           return isSmallType(result.type);
         });
}

CaseReport NearValidCase::run(const CaseRunners &runners) const {
  CaseReport report;
  auto fail = [&](FailureStage stage, std::string what) {
    report.failure = Failure{stage, std::move(what), std::nullopt};
    return report;
  };
  Spec spec;
  unsigned buffer = spec.sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, "random.attn"), {});
  spec.checked = parseAndCheck(spec.sources, buffer, {}, spec.diagnostics);
  if (!spec.checked) {
    std::string fault = faultOf(spec.sources, buffer, spec.diagnostics);
    if (!fault.empty())
      return fail(FailureStage::FrontEnd, fault);
    ++report.passed;
    return report;
  }
  if (!isSmall(spec.attention())) {
    ++report.passed;
    return report;
  }
  auto program = runners.compiled.prepare(spec);
  if (!program)
    return fail(FailureStage::Compiler, llvm::toString(program.takeError()));
  report.hasNoCode = !*program;
  if (report.hasNoCode)
    return report;
  Trial sized = trial;
  for (const std::string &name : sizeNames(spec.attention()))
    sized.sizes[name] = name == "B" ? 2 : name == "S" ? 5 : 9;
  auto run = [&](llvm::ArrayRef<HostTensor> inputs,
                 llvm::ArrayRef<HostTensor> outputs, int threads) {
    return (*program)->run(inputs, outputs, threads);
  };
  auto result =
      runTrial(spec.attention(), run, sized, runners.compiled.arithmetic());
  std::string problem =
      result ? result->problem() : llvm::toString(result.takeError());
  if (!problem.empty()) {
    fail(FailureStage::Values, problem);
    report.failure->trial = sized;
    return report;
  }
  ++report.passed;
  return report;
}

std::unique_ptr<RandomCase> e2e::writeNearValid(Choices &choices) {
  auto result = std::make_unique<NearValidCase>();
  result->trial.seed = 1 + choices.below(1000);
  result->text = mutateSpec(choices, writeSpec(choices).text);
  return result;
}
