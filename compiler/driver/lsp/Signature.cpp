//===- Signature.cpp - The call that is being typed -----------------------===//

#include "compiler/driver/lsp/CallContext.h"
#include "compiler/driver/lsp/Features.h"
#include "compiler/frontend/Documentation.h"

using namespace ladon;
using namespace ladon::lsp;

/// Of a `fn` of the spec, or of what the language has.
static CallSignature findSignature(const Document &document,
                                   llvm::StringRef callee) {
  for (const Symbol &symbol : document.index().all()) {
    if (symbol.kind != Symbol::Function || symbol.name.text != callee)
      continue;
    std::vector<CallSignature::Parameter> parameters;
    for (const syntax::Name &param : symbol.fn->params)
      parameters.push_back({param.text.str(), param.text.str(), ""});
    return makeSignature(callee, std::move(parameters),
                         commentOf(document, symbol));
  }
  return signatureOf(callee);
}

llvm::lsp::SignatureHelp ladon::lsp::signatureHelp(const Document &document,
                                                   Position position) {
  llvm::lsp::SignatureHelp result;
  PlaceContext context =
      contextAt(document.spec().tokens, document.at(position));
  if (context.callee.empty() || context.inComment)
    return result;
  CallSignature call = findSignature(document, context.callee);
  if (call.text.empty())
    return result;
  llvm::lsp::SignatureInformation signature;
  signature.label = call.text;
  signature.documentation = call.documentation;
  unsigned start = call.text.find('(') + 1;
  for (const CallSignature::Parameter &parameter : call.parameters) {
    llvm::lsp::ParameterInformation information;
    information.labelString = parameter.text;
    information.labelOffsets = {start, unsigned(start + parameter.text.size())};
    information.documentation = parameter.documentation;
    start += parameter.text.size() + 2;
    signature.parameters.push_back(std::move(information));
  }
  // One past the last: none is active, which is right for one too many.
  size_t active = context.argument;
  if (!call.parameters.empty() && call.parameters.back().text == "...")
    active = std::min(active, call.parameters.size() - 1);
  for (size_t at = 0; at < call.parameters.size(); ++at)
    if (!context.argumentName.empty() &&
        call.parameters[at].name == context.argumentName)
      active = at;
  result.activeParameter = int(active);
  result.signatures.push_back(std::move(signature));
  return result;
}
