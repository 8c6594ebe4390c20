//===- Header.cpp - <name>.h ----------------------------------------------===//
//
// The generated header: what the library is (spec and shapes), the common
// declarations of ladon.h, and two prototypes.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"
#include "compiler/support/ReservedNames.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace ladon::artifact;

//===--- Names ------------------------------------------------------------===//

/// Parameter names are free in C; only a clash with a word needs a change.
static std::string parameterName(StringRef name) {
  return ladon::isReservedInC(name) ? (name + "_").str() : name.str();
}

std::vector<StringRef> ladon::artifact::axisWords(const ParamSpec &param) {
  std::vector<StringRef> words;
  bool given = false;
  for (const DimSpec &dim : param.dims) {
    words.push_back(dim.axis);
    given |= !dim.axis.empty();
  }
  static const StringSet<> attended = {"q", "k", "v", "query", "key", "value"};
  if (!given && words.size() == 4 && attended.contains(param.name))
    words = {"sequences", "heads", "positions", "features"};
  return words;
}

//===--- Comments ---------------------------------------------------------===//

/// `text` without what would end, nest or disguise a comment.
static std::string commentSafe(StringRef text) {
  std::string fixed = json::fixUTF8(text);
  std::string result;
  for (size_t i = 0; i < fixed.size(); ++i) {
    unsigned char c = fixed[i];
    char previous = result.empty() ? '\0' : result.back();
    if ((c == '/' && previous == '*') || (c == '*' && previous == '/'))
      result += ' ';
    // Marks that reorder what an editor shows: U+202A to U+202E and U+2066 to
    // U+2069, which all begin with the same byte.
    StringRef rest = StringRef(fixed).substr(i, 3);
    if (rest.size() == 3 &&
        ((rest >= "\xe2\x80\xaa" && rest <= "\xe2\x80\xae") ||
         (rest >= "\xe2\x81\xa6" && rest <= "\xe2\x81\xa9"))) {
      result += '?';
      i += 2;
      continue;
    }
    if (c == '\t')
      result += "    ";
    else if ((c < 0x20 && c != '\n') || c == 0x7f)
      result += c == '\r' ? "" : "?";
    else
      result += char(c);
  }
  return result;
}

std::string ladon::artifact::typeText(const ProgramSpec &spec,
                                      const ParamSpec &param) {
  std::string text = ladon::spelling(param.element).str();
  if (param.kind == ParamKind::Scalar)
    return text;
  text += "[";
  for (auto [index, dim] : enumerate(param.dims)) {
    if (index)
      text += ", ";
    text += dim.size >= 0 ? std::to_string(dim.size) : spec.symbols[dim.symbol];
  }
  return text + "]";
}

/// One line of the comment, which may be empty.
static void line(std::string &out, StringRef text) {
  text = text.rtrim();
  out += text.empty() ? std::string(" *\n") : (" * " + text + "\n").str();
}

/// "in ", "out", or "inout" where there is one, as wide as all of them.
static std::string kindColumn(const ProgramSpec &spec, const ParamSpec &param) {
  bool isWide = any_of(spec.params, [](const ParamSpec &other) {
    return other.kind == ParamKind::InOut;
  });
  std::string kind = param.kind == ParamKind::Input    ? "in"
                     : param.kind == ParamKind::Output ? "out"
                     : param.kind == ParamKind::InOut  ? "inout"
                                                       : "";
  kind.resize(isWide ? 5 : 3, ' ');
  return kind;
}

static std::string docComment(const ProgramSpec &spec) {
  std::string out = "/**\n";
  line(out, spec.name + ": a fused attention, compiled by Ladon for " +
                commentSafe(spec.target) + ".");
  line(out, "");
  size_t width = 0;
  for (const ParamSpec &param : spec.params)
    width = std::max(width, param.name.size());
  for (const ParamSpec &param : spec.params) {
    std::string text = "  " + kindColumn(spec, param) + " " + param.name +
                       std::string(width - param.name.size() + 2, ' ') +
                       typeText(spec, param);
    for (const BoundSpec &bound : spec.bounds)
      if (&spec.params[bound.param] == &param)
        text += "  0 to " + bound.most;
    if (!param.doc.empty())
      text += "  " + commentSafe(param.doc);
    line(out, text);
  }
  line(out, "");
  if (!spec.symbols.empty())
    line(out, "Run-time sizes: " + join(spec.symbols, ", ") +
                  "; a name stands for one size in all tensors.");
  line(out, "Any strides, in elements; null strides mean row-major. An output");
  line(out, "shares no memory with any other tensor. `opts` may be null.");
  if (any_of(spec.params, [](const ParamSpec &param) {
        return param.kind == ParamKind::InOut;
      })) {
    line(out,
         "Nor does an inout, a cache: the call writes new positions to it,");
    line(out, "and nothing unless all of them fit.");
  }
  line(out, "Returns LADON_OK, or another ladon_status that " + spec.name +
                "_last_error()");
  line(out, "explains; safe to call from several threads at the same time.");
  line(out, "");
  if (spec.source.empty()) {
    line(out, "There is no text of a spec: compiled from a module of MLIR.");
    return out + " */\n";
  }
  line(out, "The spec:");
  line(out, "");
  SmallVector<StringRef> lines;
  std::string source = commentSafe(spec.source);
  StringRef(source).rtrim().split(lines, '\n');
  for (StringRef text : lines)
    line(out, ("    " + text).str());
  return out + " */\n";
}

//===--- The header -------------------------------------------------------===//

std::string ladon::artifact::emitPrototype(const ProgramSpec &spec) {
  std::string text = "int32_t " + spec.name + "(";
  for (const ParamSpec &param : spec.params) {
    if (param.kind == ParamKind::Scalar)
      text += ladon::infoOf(param.element).inC.str() + " ";
    else
      text +=
          param.kind == ParamKind::Input ? "const DLTensor *" : "DLTensor *";
    text += parameterName(param.name) + ", ";
  }
  return text + "const ladon_options *opts)";
}

std::string ladon::artifact::emitHeader(const ProgramSpec &spec) {
  std::string guard = "LADON_GENERATED_" + spec.name + "_H";
  std::string out = "/* " + spec.name + ".h: how to call lib" + spec.library +
                    ".so. Generated by Ladon; not meant to be edited. */\n\n";
  out += "#ifndef " + guard + "\n#define " + guard + "\n\n";
  out += publicHeader();
  out += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  out += docComment(spec);
  out += emitPrototype(spec) + ";\n\n";
  out += "/** The sentence for this thread's last call of " + spec.name +
         ": \"k: expected 8 heads on\n *  axis 1, found 6\". Empty after a "
         "success; valid until the next call. */\n";
  out += "const char *" + spec.name + "_last_error(void);\n\n";
  out += "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " + guard + " */\n";
  return out;
}
