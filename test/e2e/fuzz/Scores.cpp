//===- Scores.cpp - Floats, and the fns of a spec -------------------------===//

#include "test/e2e/fuzz/Expressions.h"

#include <utility>

using namespace ladon::e2e;

/// What a score is made of.
std::string ExpressionWriter::term() {
  std::string type = scope.isF64 ? "f64" : "f32";
  switch (choices.below(inFn ? 4 : 10)) {
  case 1:
    return decimal();
  case 2:
    return "float(" + integer(1) + ") / " + number(1, 50);
  case 3:
    return "0.01 * (" + integer(1) + ")";
  case 4:
    return declarations.capture(type);
  case 5:
    return "float(" + indexed("bool") + ")";
  case 6:
  case 7:
  case 8:
    return indexed(floatElement());
  default:
    return inFn ? "x" : "s";
  }
}

/// A function of floats, of an argument for which its value is moderate.
std::string ExpressionWriter::function(const std::string &x) {
  static const char *const plain[] = {"tanh", "sigmoid", "softplus", "relu",
                                      "silu", "sign",    "erf",      "gelu",
                                      "sin",  "cos"};
  static const char *const bounded[] = {"exp", "exp2", "expm1"};
  static const char *const ofPositive[] = {"log", "log2", "log1p", "sqrt",
                                           "rsqrt"};
  static const char *const whole[] = {"floor", "ceil", "round"};
  switch (choices.below(7)) {
  case 0:
  case 1:
    return choices.pick<const char *>(plain) + ("(" + x + ")");
  case 2:
    if (choices.chance(25))
      return "tan(clamp(" + x + ", -1, 1))";
    return choices.pick<const char *>(bounded) + ("(min(" + x + ", 3))");
  case 3:
  case 4:
    return choices.pick<const char *>(ofPositive) + ("(abs(" + x + ") + ") +
           choices.pick<const char *>({"0.5", "1", "1e-3"}) + ")";
  case 5:
    if (choices.chance(30))
      return "(" + x + choices.pick<const char *>({") // ", ") % "}) +
             choices.pick<const char *>({"2", "0.75", "(-3.5)"});
    return choices.pick<const char *>(whole) + ("(" + x + " * 3) / 3");
  default:
    return "pow(abs(" + x + ") + 0.5, " +
           choices.pick<const char *>({"2", "0.5", "1.25", "-1", "-0.75"}) +
           ")";
  }
}

std::string ExpressionWriter::score(int depth) {
  Choices::Mark span(choices, SpanKind::Score);
  int64_t form = choices.below(depth == 0 ? 1 : 20);
  if (form == 0)
    return depth == 0 ? term() : inFn ? "x" : "s";
  std::string x = score(depth - 1);
  switch (form) {
  case 1:
  case 2:
  case 3:
    return "(" + x + " + " + term() + ")";
  case 4:
  case 5:
    return "(" + x + " - " + term() + ")";
  case 6:
    return "(" + x + " * " + term() + ")";
  case 7:
    return "(" + x + " / (1 + abs(" + term() + ")))";
  case 8:
    return number(1, 30) + " * tanh(" + x + " / " + number(1, 30) + ")";
  case 9:
    return "clamp(" + x + ", -" + number(1, 20) + ", " + number(1, 20) + ")";
  case 10:
    return "(if " + comparison() + " then " + x + " else " + term() + ")";
  case 11:
    return "max(" + x + ", " + term() + ")";
  case 12:
    return "min(" + x + ", " + term() + ", " + number(2, 40) + ")";
  case 13:
    return "(-" + x + ")";
  case 14:
    return "float(int(clamp(" + x + ", -20, 20)))";
  case 15:
    if (!inFn)
      return callFn(/*isMask=*/false, x);
    [[fallthrough]];
  case 19:
    return "(" + x + " + " +
           reduction(choices.pick<const char *>({"sum", "max", "min"}),
                     [&] { return "0.02 * (" + integer(1) + ")"; }) +
           ")";
  case 18:
    return block([&] { return x + " + 0.01 * (" + integer(0) + ")"; });
  default:
    return "(" + function(x) + ")";
  }
}

/// A new fn of one parameter. It sees positions and that, and captures nothing.
std::string ExpressionWriter::declareFn(bool isMask) {
  std::string name = "f" + std::to_string(declarations.fns.size());
  size_t index = declarations.fns.size();
  declarations.fns.push_back("");
  inFn = true;
  std::vector<std::string> outer = std::exchange(locals, {});
  std::string body = isMask ? "(" + mask(1) + ") and x != " + number(-3, 20)
                            : score(1 + choices.below(2)) + " + 0.5 * x";
  inFn = false;
  locals = std::move(outer);
  declarations.fns[index] = "fn " + name + "(x) = " + body;
  return name;
}

/// A call of a new fn, or of another one to which it or a function is given.
std::string ExpressionWriter::callFn(bool isMask, const std::string &argument) {
  bool isGiven = choices.chance(40);
  std::string fn = isGiven && !isMask && choices.chance(40)
                       ? choices.pick<const char *>({"tanh", "abs", "silu"})
                       : declareFn(isMask);
  if (!isGiven)
    return fn + "(" + argument + ")";
  std::string caller = "f" + std::to_string(declarations.fns.size());
  declarations.fns.push_back(
      "fn " + caller + "(f, x) = " +
      (isMask ? choices.pick<const char *>(
                    {"f(x) and f(x + 3)", "not f(-x)", "f(0) or f(x)"})
              : choices.pick<const char *>({"f(f(x) * 0.25)", "f(x) - 0.5 * x",
                                            "0.5 * f(x) + 0.25 * f(-x)"})));
  return caller + "(" + fn + ", " + argument + ")";
}
