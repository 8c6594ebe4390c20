//===- Expressions.cpp - Integers, masks and what they read ---------------===//

#include "test/e2e/fuzz/Expressions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace ladon::e2e;
using llvm::StringRef;

//===--- Declarations ----------------------------------------------------===//

std::string Declarations::capture(const std::string &type) {
  std::string name = "c" + std::to_string(captured.size());
  return captured.try_emplace(type, name).first->second;
}

std::string Declarations::computed(const std::string &type) {
  std::string source = capture(type), name = "m" + source;
  std::string let = "let " + name + " = " + source + " * 0.5 + 0.25";
  if (!llvm::is_contained(lets, let))
    lets.push_back(let);
  return name;
}

std::string Declarations::param(const std::string &type,
                                const std::string &value) {
  std::string name = "p" + std::to_string(params.size());
  params.push_back("param " + name + ": " + type + " = " + value);
  return name;
}

//===--- Numbers ---------------------------------------------------------===//

std::string ExpressionWriter::number(int64_t low, int64_t high) {
  int64_t value = choices.integer(low, high);
  if (value > 0 && choices.chance(5))
    return "0x" + llvm::utohexstr(value);
  return std::to_string(value);
}

/// A positive float.
std::string ExpressionWriter::decimal() {
  std::string digits = std::to_string(choices.integer(1, 99));
  switch (choices.below(4)) {
  case 1:
    return digits + "e-2";
  case 2:
    return std::to_string(choices.integer(1, 9)) + ".5";
  case 3:
    if (!inFn)
      return declarations.param(scope.isF64 ? "f64" : "f32", "0." + digits);
    [[fallthrough]];
  default:
    return "0." + digits;
  }
}

/// Whether the front end can tell the value of an integer. Only what it cannot
/// may stand where some values are errors.
bool ExpressionWriter::isConstant(StringRef text) const {
  auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  while (!text.empty()) {
    StringRef word = text.take_while(isWord);
    text = text.drop_front(std::max<size_t>(word.size(), 1));
    bool isPosition = llvm::is_contained(
        llvm::ArrayRef<StringRef>{"i", "j", "h", "hk", "b", "offset"}, word);
    bool isSize = !word.empty() && llvm::isUpper(word.front());
    bool isCaptured =
        word.consume_front("c") && llvm::all_of(word, llvm::isDigit);
    bool isLocal = llvm::is_contained(locals, word) && !constants.count(word);
    if (isPosition || isSize || isCaptured || isLocal)
      return false;
  }
  return true;
}

//===--- Captured tensors ------------------------------------------------===//

/// An index of any value, which is clamped; a constant is within the extent.
std::string ExpressionWriter::freeIndex(StringRef extent) {
  std::string index = integer(1);
  int64_t most;
  if (!isConstant(index))
    return index;
  return number(0, extent.getAsInteger(10, most) ? 0 : most - 1);
}

/// The element type of a captured tensor of floats.
std::string ExpressionWriter::floatElement() {
  if (!scope.isMixed)
    return scope.isF64 ? "f64" : "f32";
  // A score in f64 reads floats of all types.
  return choices.pick<const char *>(
      {"f32", "f16", "bf16", scope.isF64 ? "f64" : "f32"});
}

/// An element of a captured tensor of any rank.
std::string ExpressionWriter::indexed(const std::string &element) {
  struct Axis {
    std::string extent, position;
    bool isOfKeys = false; ///< As long as the keys, about.
  };
  std::vector<Axis> axes;
  if (scope.dependsOnKeys)
    axes.push_back({scope.keys, "j", true});
  axes.push_back({scope.queries, "i"});
  axes.push_back({std::to_string(scope.heads), "h"});
  axes.push_back({scope.batch, "b"});
  axes.push_back({std::to_string(scope.keyHeads), "hk"});
  if (scope.hasComputedSizes && scope.dependsOnKeys) {
    axes.push_back({"(" + scope.keys + " + 7) // 8", "j // 8", true});
    axes.push_back(
        {scope.queries + " + " + scope.keys, "i - j + " + scope.keys, true});
  }
  if (usesAllPositions()) {
    axes.push_back({"33", ""});
    axes.push_back({"7", ""});
  }
  std::string type = element + "[", index;
  int64_t rank = 1 + choices.below(4);
  for (int64_t at = 0; at < rank; ++at) {
    size_t which = choices.below(axes.size());
    const Axis axis = axes[which];
    bool isFree =
        axis.position.empty() || (usesAllPositions() && choices.chance(15));
    type += (at ? ", " : "") + axis.extent;
    index +=
        (at ? ", " : "") + (isFree ? freeIndex(axis.extent) : axis.position);
    // Each length once, or the tensor is too large.
    if (axis.isOfKeys)
      llvm::erase_if(axes, [](const Axis &other) { return other.isOfKeys; });
    else if (!axis.position.empty())
      axes.erase(axes.begin() + which);
    if (axes.empty())
      break;
  }
  bool isComputed = StringRef(element).contains('f') && choices.chance(12);
  return (isComputed ? declarations.computed(type + "]")
                     : declarations.capture(type + "]")) +
         "[" + index + "]";
}

//===--- Integers --------------------------------------------------------===//

std::string ExpressionWriter::integerLeaf() {
  std::vector<std::string> leaves;
  if (scope.usesKeys && scope.dependsOnKeys)
    leaves.push_back("j");
  if (scope.usesQueries)
    leaves.push_back("i");
  if (scope.usesQueries && scope.usesKeys && scope.dependsOnKeys)
    for (const char *leaf : {"i - j", "j - i", "i + offset", "i + j"})
      leaves.push_back(leaf);
  if (scope.usesHeads)
    leaves.insert(leaves.end(), {"h", "hk"});
  if (scope.usesBatch)
    leaves.push_back("b");
  if (scope.usesKeys && scope.dependsOnKeys && usesAllPositions())
    leaves.insert(leaves.end(), {scope.keys, scope.queries, scope.batch});
  // Names of blocks come first, or hardly any would be used.
  if (!locals.empty() && choices.chance(50))
    return choices.pick(llvm::ArrayRef(locals));
  size_t at = choices.below(leaves.size() + 4);
  if (at < leaves.size())
    return leaves[at];
  switch (inFn ? 0 : at - leaves.size()) {
  case 1:
    return declarations.capture("i32");
  case 2:
    return declarations.capture("i64");
  case 3:
    return declarations.param(choices.pick<const char *>({"i32", "i64"}),
                              number(-9, 40));
  default:
    return number(-9, 40);
  }
}

std::string ExpressionWriter::integer(int depth) {
  Choices::Mark mark(choices, SpanKind::Integer);
  int64_t form = choices.below(depth == 0 ? 1 : 20);
  if (form == 0)
    return integerLeaf();
  std::string inner = "(" + integer(depth - 1) + ")";
  switch (form) {
  case 1:
    return inner + " // " + number(1, 70);
  case 2:
    return inner + " % " + number(1, 70);
  case 3:
    return "abs" + inner;
  case 4:
    return "min(" + inner + ", " + integer(0) + ")";
  case 5:
    return "max(" + inner + ", " + integer(0) + ", " + number(-5, 9) + ")";
  case 6:
    return inner + " * " + number(-3, 5);
  case 7:
    return inner + " >> " + number(0, 6);
  case 8:
    return inner + choices.pick<const char *>({" & ", " ^ ", " | "}) +
           number(0, 63);
  case 9:
    return inner + " << " + number(0, 4);
  case 10:
    return "-" + inner;
  case 11:
    return "~" + inner;
  case 12:
    return "popcount" + inner;
  case 13:
    return "clamp(" + inner + ", " + number(-9, 5) + ", " + number(6, 90) + ")";
  case 14:
    return "(if " + comparison() + " then " + inner + " else " + integer(0) +
           ")";
  case 15:
    return choices.pick<const char *>({"int(", "i64("}) + comparison() + ")";
  case 16: {
    std::string divisor = integer(0);
    if (isConstant(divisor))
      divisor = number(1, 9);
    return inner + choices.pick<const char *>({" // ", " % "}) + "(" + divisor +
           ")";
  }
  case 17:
    return inner + choices.pick<const char *>({" << ", " >> "}) + "(" +
           integer(0) + " & 3)";
  case 18:
    if (!inFn)
      return indexed(
          choices.pick<const char *>({"i32", "i64", "i8", "u8", "i16"}));
    [[fallthrough]];
  default:
    return "(" + inner + choices.pick<const char *>({" + ", " - "}) + "(" +
           integer(0) + "))";
  }
}

static const char *relation(Choices &choices) {
  return choices.pick<const char *>(
      {" < ", " <= ", " > ", " >= ", " == ", " != "});
}

std::string ExpressionWriter::comparison() {
  std::string left = "(" + integer(choices.below(3)) + ")";
  std::string with = relation(choices);
  return left + with +
         (choices.chance(50) ? "(" + integer(1) + ")" : number(-2, 70));
}

/// A comparison of floats that a mask decides exactly: its operands are made
/// of the operations that IEEE 754 rounds.
std::string ExpressionWriter::floatComparison() {
  std::string x = "float(" + integer(1) + ")";
  switch (choices.below(inFn ? 4 : 6)) {
  case 3:
    x = "(" + x + choices.pick<const char *>({") % ", ") // "}) +
        choices.pick<const char *>({"2.5", "(-0.75)", "7"});
    break;
  case 1:
    x = choices.chance(25) ? "float(isnan(sqrt(" + x + ")))"
                           : "sqrt(abs(" + x + ") + 0.25)";
    break;
  case 2:
    x = "floor(" + x + " / " + number(1, 9) + ")";
    break;
  case 4:
    x = indexed(floatElement()) + " * " + x;
    break;
  case 5:
    x = "abs(" + indexed(floatElement()) + ") - 0.01 * " + x;
    break;
  default:
    break;
  }
  return x + relation(choices) + number(-4, 9);
}

/// A block that names an integer or two for what `value` writes.
std::string ExpressionWriter::block(llvm::function_ref<std::string()> value) {
  size_t before = locals.size();
  std::string text = "{ ";
  for (int64_t count = 1 + choices.below(2); count; --count) {
    std::string of = integer(1);
    bool isKnown = isConstant(of);
    locals.push_back("n" + std::to_string(namedLocals++));
    if (isKnown)
      constants.insert(locals.back());
    text += "let " + locals.back() + " = " + of + " ";
  }
  text += "return " + value() + " }";
  locals.resize(before);
  return text;
}

/// A reduction over a few terms that `term` writes, some as a loop.
std::string
ExpressionWriter::reduction(const char *name,
                            llvm::function_ref<std::string()> term) {
  std::string variable = "n" + std::to_string(namedLocals++);
  std::string range = number(-2, 1) + "..";
  bool isGiven = !inFn && choices.chance(40);
  if (isGiven)
    range += "min(" +
             (scope.usesBatch && choices.chance(50)
                  ? declarations.capture("i32[" + scope.batch + "]") + "[b]"
                  : declarations.capture("i32")) +
             ", 5)";
  else
    range += number(2, 5);
  locals.push_back(variable);
  if (!isGiven)
    constants.insert(variable); // Each of its values is one.
  std::string text = name + ("(" + variable) + " in " + range + ", " + term();
  locals.pop_back();
  return text + ")";
}

//===--- Masks -----------------------------------------------------------===//

/// A side of a window: an i32 without i and j.
std::string ExpressionWriter::side() {
  switch (choices.below(inFn ? 1 : 4)) {
  case 1:
    return declarations.param("i32", number(-5, 90));
  case 2:
    return declarations.capture("i32");
  case 3:
    return scope.usesBatch
               ? declarations.capture("i32[" + scope.batch + "]") + "[b]"
               : number(0, 90);
  default:
    return number(-5, 90);
  }
}

std::string ExpressionWriter::window() {
  std::string left = side();
  return "window(" + left + ", " + side() + ")";
}

/// What a mask is made of.
std::string ExpressionWriter::test() {
  bool usesBoth = scope.usesQueries && scope.usesKeys && scope.dependsOnKeys;
  int64_t form = choices.below(14);
  if (!usesBoth && form < 5)
    form = 8;
  if (inFn && form >= 5 && form != 12)
    form = 13;
  switch (form) {
  case 0:
  case 1:
    return "causal";
  case 2:
    return "causal_top_left";
  case 3:
  case 4:
    return window();
  case 5:
    if (scope.usesKeys && scope.dependsOnKeys)
      return "j < " + declarations.capture("i32[" + scope.batch + "]") + "[b]";
    [[fallthrough]];
  case 6:
    if (scope.dependsOnKeys) {
      std::string element =
          choices.pick<const char *>({"i32", "i64", "u8", "i8", "i16"});
      std::string ofQueries = declarations.capture(element + "[" + scope.batch +
                                                   ", " + scope.queries + "]"),
                  ofKeys = declarations.capture(element + "[" + scope.batch +
                                                ", " + scope.keys + "]");
      return ofQueries + "[b, i] == " + ofKeys + "[b, j]";
    }
    [[fallthrough]];
  case 7:
    return indexed("bool") + " == " + indexed("bool");
  case 8:
  case 9:
    return indexed("bool");
  case 10:
    return declarations.capture("bool");
  case 11:
    return declarations.param("bool",
                              choices.pick<const char *>({"true", "false"}));
  case 12:
    return floatComparison();
  default:
    return comparison();
  }
}

std::string ExpressionWriter::mask(int depth) {
  Choices::Mark span(choices, SpanKind::Mask);
  int64_t form = choices.below(depth == 0 ? 1 : 11);
  if (form == 0)
    return test();
  if (form == 10)
    return reduction(choices.pick<const char *>({"any", "all"}),
                     [&] { return comparison(); });
  if (form == 9)
    return block([&] { return mask(depth - 1); });
  std::string first = mask(depth - 1);
  switch (form) {
  case 1:
  case 2:
  case 3:
    return "(" + first + " and " + mask(depth - 1) + ")";
  case 4:
  case 5:
    return "(" + first + " or " + mask(depth - 1) + ")";
  case 6:
    return "not (" + first + ")";
  case 7:
    if (!inFn)
      return "(" + first + " or " + callFn(/*isMask=*/true, integer(0)) + ")";
    [[fallthrough]];
  default:
    return "(if " + mask(0) + " then " + first + " else " + mask(depth - 1) +
           ")";
  }
}
