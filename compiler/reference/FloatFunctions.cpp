//===- FloatFunctions.cpp - Functions of floats, and their errors ---------===//

#include "compiler/reference/Reference.h"
#include "compiler/reference/ScalarMath.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::ast;

/// 1 / (1 + exp(-x)). The exponential of a positive number would overflow where
/// the value is still a subnormal number.
static double logistic(double x) {
  double power = std::exp(-std::fabs(x));
  return x < 0 ? power / (1 + power) : 1 / (1 + power);
}

/// Whether the arguments may lie on either side of where a function has a pole
/// or has no value any more.
bool ScalarMath::isNearPole(Builtin builtin, llvm::ArrayRef<Value> args) const {
  Value x = args[0];
  switch (builtin) {
  case Builtin::Log:
  case Builtin::Log2:
  case Builtin::Rsqrt:
    return close(x, Value());
  case Builtin::Sqrt: // Of a sum of squares, which is 0 or more however
                      // rounded.
    return x.f < 0 && close(x, Value());
  case Builtin::Log1p:
    return close(x, {0, -1, 0});
  case Builtin::Pow: {
    double whole = std::nearbyint(args[1].f);
    if (x.f < 0 && close(args[1], {0, whole, 0}))
      return true;
    return close(x, Value()) && !(args[1].f == whole && whole >= 0);
  }
  default:
    return false;
  }
}

/// Functions of floats. A library function is taken to be within two units of
/// the last place, hence the 2 |f| beside each propagated error.
Value ScalarMath::callFloat(Builtin builtin, ScalarType type,
                            llvm::ArrayRef<Value> args) {
  double x = args[0].f, err = args[0].err;
  auto done = [&](double f, double slope) {
    double own = err == 0 ? 0 : std::fabs(slope) * err;
    return finish(f, own + 2 * std::fabs(f), type);
  };
  // A slope says how far a result moves while it hardly changes over the error
  // of x. Beyond that, of a function that only rises, the ends say it, and of
  // one whose slope is below 1.2 everywhere that does.
  double roundoff = unitRoundoff(floatType), reach = safety * roundoff * err;
  bool isFar = reach > 0x1p-10;
  auto rising = [&](auto function, double slope) {
    double f = function(x);
    if (!isFar)
      return done(f, slope);
    double moved = std::max(std::fabs(function(x + reach) - f),
                            std::fabs(function(x - reach) - f));
    if (std::isnan(moved))
      moved = std::numeric_limits<double>::infinity();
    return finish(f, moved / (errorFactor * roundoff) + 2 * std::fabs(f), type);
  };
  auto gentle = [&](double slope) { return isFar ? 1.2 : slope; };
  double root = std::sqrt(x);
  ambiguous |= isNearPole(builtin, args);
  switch (builtin) {
  case Builtin::Exp:
    return rising([](double y) { return std::exp(y); }, std::exp(x));
  case Builtin::Exp2:
    return rising([](double y) { return std::exp2(y); }, std::exp2(x) * M_LN2);
  case Builtin::Expm1:
    return rising([](double y) { return std::expm1(y); }, std::exp(x));
  case Builtin::Log:
    return done(std::log(x), 1 / x);
  case Builtin::Log2:
    return done(std::log2(x), 1 / (x * M_LN2));
  case Builtin::Log1p:
    return done(std::log1p(x), 1 / (1 + x));
  case Builtin::Sqrt: {
    // sqrt(x + e) - sqrt(x) is below both e / sqrt(x) and sqrt(e).
    double u = unitRoundoff(floatType);
    double moved = err == 0 ? 0 : std::min(err / root, std::sqrt(err / u));
    return finish(root, moved + rounding(root), type);
  }
  case Builtin::Rsqrt:
    return done(1 / root, 1 / (2 * x * root));
  case Builtin::Tanh:
    return rising([](double y) { return std::tanh(y); },
                  1 - std::tanh(x) * std::tanh(x));
  case Builtin::Sigmoid:
    return rising(logistic, logistic(x) * (1 - logistic(x)));
  case Builtin::Silu: {
    double share = logistic(x);
    return done(x * share, gentle(share + x * share * (1 - share)));
  }
  case Builtin::Softplus:
    return rising(
        [](double y) {
          return y > 30 ? y + std::exp(-y) : std::log1p(std::exp(y));
        },
        logistic(x));
  case Builtin::Relu:
    return larger(args[0], Value());
  case Builtin::Erf:
    return rising([](double y) { return std::erf(y); },
                  M_2_SQRTPI * std::exp(-x * x));
  case Builtin::Gelu: {
    // Near -4 the sum 1 + erf cancels: its rounding counts beside x.
    double share = 0.5 * std::erfc(-x * M_SQRT1_2);
    double slope =
        share + x * std::exp(-x * x / 2) * M_2_SQRTPI * M_SQRT1_2 / 2;
    double own = err == 0 ? 0 : std::fabs(gentle(slope)) * err;
    return finish(x * share, own + 3 * std::fabs(x), type);
  }
  case Builtin::Sin:
    return done(std::sin(x), 1);
  case Builtin::Cos:
    return done(std::cos(x), 1);
  case Builtin::Tan:
    return done(std::tan(x), 1 + std::tan(x) * std::tan(x));
  case Builtin::Pow: {
    double y = args[1].f, f = std::pow(x, y), log = std::log(std::fabs(x));
    // Zero to a positive power has no logarithm, and needs none.
    double growth = f == 0 ? 0 : std::fabs(f * log);
    double own = args[1].err == 0 ? 0 : growth * args[1].err;
    if (y != 0)
      own += std::fabs(y) * growth;
    if (y != 0 && err != 0)
      own += std::fabs(y * std::pow(x, y - 1)) * err;
    return finish(f, own + 2 * std::fabs(f), type);
  }
  case Builtin::Floor:
    return step(std::floor(x), args[0], false, type);
  case Builtin::Ceil:
    return step(std::ceil(x), args[0], false, type);
  case Builtin::Round:
    return step(std::nearbyint(x), args[0], true, type);
  case Builtin::Min:
  case Builtin::Max:
  case Builtin::Clamp:
  case Builtin::Abs:
  case Builtin::Sign:
  case Builtin::Popcount:
  case Builtin::IsNan:
  case Builtin::Float:
  case Builtin::Int:
  case Builtin::ToI64:
    break;
  }
  llvm_unreachable("no function of floats");
}
