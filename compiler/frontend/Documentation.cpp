//===- Documentation.cpp - What words of the language mean ----------------===//

#include "compiler/frontend/Documentation.h"

#include "compiler/frontend/Builtins.h"

#include "llvm/ADT/STLExtras.h"

#include <climits>

using namespace ladon;
using llvm::StringRef;

namespace {

struct Word {
  StringRef name, signature, text;
};
const Word words[] = {
#define DOCUMENT(name, signature, text) {name, signature, text},
#include "compiler/frontend/Documentation.def"
};

struct Argument {
  StringRef call, name, text;
};
const Argument arguments[] = {
#define DOCUMENT_ARGUMENT(call, name, text) {call, name, text},
#include "compiler/frontend/Documentation.def"
};

const DocumentedWord results[] = {
#define DOCUMENT_RESULT(name, shape, text) {name, shape, text},
#include "compiler/frontend/Documentation.def"
};

const DocumentedWord normalizing[] = {
#define DOCUMENT_WORD(name, text) {name, "", text},
#include "compiler/frontend/Documentation.def"
};

} // namespace

llvm::ArrayRef<DocumentedWord> ladon::resultsOfAttend() { return results; }
llvm::ArrayRef<DocumentedWord> ladon::normalizers() { return normalizing; }

static const Word *findWord(StringRef name) {
  auto *found =
      llvm::find_if(words, [&](const Word &word) { return word.name == name; });
  return found == std::end(words) ? nullptr : found;
}

std::string ladon::documentationOf(StringRef name) {
  if (const BuiltinInfo *builtin = findBuiltin(name))
    return builtin->meaning.str();
  if (const Word *word = findWord(name))
    return word->text.str();
  if (findScalarType(name))
    return (isStorageOnly(*findScalarType(name))
                ? "a type of tensors, computed in " +
                      spelling(computedType(*findScalarType(name))).str()
                : "a type");
  return reservedMeaning(name).str();
}

StringRef ladon::documentationOf(StringRef call, StringRef argument) {
  for (const Argument &entry : arguments)
    if (entry.call == call && entry.name == argument)
      return entry.text;
  return "";
}

//===--- Signatures -------------------------------------------------------===//

CallSignature
ladon::makeSignature(StringRef name,
                     std::vector<CallSignature::Parameter> parameters,
                     StringRef documentation) {
  CallSignature result;
  result.text = name.str() + "(";
  for (const CallSignature::Parameter &parameter : parameters)
    result.text +=
        (&parameter == &parameters.front() ? "" : ", ") + parameter.text;
  result.text += ")";
  result.documentation = documentation.str();
  result.parameters = std::move(parameters);
  return result;
}

static std::vector<CallSignature::Parameter>
parametersOf(const BuiltinInfo &builtin) {
  static const char *const names[] = {"x", "y", "z"};
  std::vector<CallSignature::Parameter> result;
  for (unsigned at = 0; at < std::min(builtin.minArgs, 3u); ++at)
    result.push_back({names[at], names[at], ""});
  if (builtin.maxArgs == UINT_MAX)
    result.push_back({"...", "", ""});
  return result;
}

CallSignature ladon::signatureOf(StringRef name) {
  std::vector<CallSignature::Parameter> parameters;
  if (const Word *word = findWord(name); word && !word->signature.empty()) {
    llvm::SmallVector<StringRef> texts;
    StringRef inner = word->signature.split('(').second.drop_back();
    inner.split(texts, ", ");
    for (StringRef text : texts)
      parameters.push_back({text.str(), text.str(), ""});
    return makeSignature(name, std::move(parameters), documentationOf(name));
  }
  if (const BuiltinInfo *builtin = findBuiltin(name))
    return makeSignature(name, parametersOf(*builtin), builtin->meaning);
  for (const ArgumentInfo &argument : argumentsOf(name)) {
    bool isNamed = argument.use == ArgumentInfo::Named ||
                   argument.use == ArgumentInfo::Required;
    parameters.push_back({argument.name.str() + (isNamed ? " = ..." : ""),
                          argument.name.str(),
                          documentationOf(name, argument.name).str()});
  }
  if (parameters.empty())
    return {};
  return makeSignature(name, std::move(parameters), documentationOf(name));
}
