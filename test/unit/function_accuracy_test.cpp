//===- function_accuracy_test.cpp - How far functions of floats are off ---===//
//
// Compiles a score for every function of the language and compares it with
// long double arithmetic, over a sample of all bit patterns of f32 and f64. The
// limits are read from the table of docs/semantics.md, so that what is written
// there is what holds. LADON_ACCURACY_STRIDE=1 in the environment tries every
// number of f32 (minutes); the figures of the document come from 61.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/host/HostCall.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <random>

using namespace ladon;
using ast::ScalarType;

namespace {

using Real = long double;

/// A function as the language spells it, of x[i] and y[i], and its value.
struct Function {
  const char *name, *text;
  Real (*value)(Real x, Real y);
  /// Its error is counted in units of the last place of x where x is larger.
  bool inUnitsOfArgument = false;
};

const Function functions[] = {
    {"exp", "exp(x[i])", [](Real x, Real) { return std::exp(x); }},
    {"exp2", "exp2(x[i])", [](Real x, Real) { return std::exp2(x); }},
    {"expm1", "expm1(x[i])", [](Real x, Real) { return std::expm1(x); }},
    {"log", "log(x[i])", [](Real x, Real) { return std::log(x); }},
    {"log2", "log2(x[i])", [](Real x, Real) { return std::log2(x); }},
    {"log1p", "log1p(x[i])", [](Real x, Real) { return std::log1p(x); }},
    {"sqrt", "sqrt(x[i])", [](Real x, Real) { return std::sqrt(x); }},
    {"rsqrt", "rsqrt(x[i])", [](Real x, Real) { return 1 / std::sqrt(x); }},
    {"tanh", "tanh(x[i])", [](Real x, Real) { return std::tanh(x); }},
    {"sigmoid", "sigmoid(x[i])",
     [](Real x, Real) { return 1 / (1 + std::exp(-x)); }},
    {"softplus", "softplus(x[i])",
     [](Real x, Real) { return x > 100 ? x : std::log1p(std::exp(x)); }},
    {"erf", "erf(x[i])", [](Real x, Real) { return std::erf(x); }},
    {"gelu", "gelu(x[i])",
     [](Real x, Real) {
       return x * (std::erfc(-x * std::sqrt(Real(0.5))) / 2);
     },
     /*inUnitsOfArgument=*/true},
    {"sin", "sin(x[i])", [](Real x, Real) { return std::sin(x); }},
    {"cos", "cos(x[i])", [](Real x, Real) { return std::cos(x); }},
    {"tan", "tan(x[i])", [](Real x, Real) { return std::tan(x); }},
    {"silu", "silu(x[i])", [](Real x, Real) { return x / (1 + std::exp(-x)); },
     /*inUnitsOfArgument=*/true},
    {"pow", "pow(x[i], y[i])", [](Real x, Real y) { return std::pow(x, y); }},
};

/// How a score is read off as the lse of a row that has one key: exactly, as
/// long as it is so small that the weight of the key is 1. Results come scaled
/// by powers of two, and codes stand for what is not finite.
struct Encoding {
  double large, small; ///< Results between the two are of middle size.
  int largeShift,
      smallShift; ///< What large and middle ones are scaled down by.
  double infinite, minusInfinite, notANumber;

  static Encoding of(ScalarType element) {
    if (element == ScalarType::F32)
      return {0x1p20, 0x1p-20, 140, 34, 3 * 0x1p-16, 5 * 0x1p-16, 7 * 0x1p-16};
    return {0x1p50, 0x1p-40, 1050, 92, 3 * 0x1p-45, 5 * 0x1p-45, 7 * 0x1p-45};
  }

  /// The functions that encode a score, in the language.
  std::string macros() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    auto number = [&](double value) { return llvm::format("%.17e", value); };
    os << "fn scaled(f) =\n  if abs(f) > " << number(large) << " then f * "
       << number(std::ldexp(1, -largeShift / 2)) << " * "
       << number(std::ldexp(1, -largeShift / 2)) << "\n  else if abs(f) > "
       << number(small) << " then f * " << number(std::ldexp(1, -smallShift))
       << "\n  else f\nfn code(f) =\n  if f == inf then " << number(infinite)
       << " else if f == -inf then " << number(minusInfinite)
       << "\n  else if f != f then " << number(notANumber)
       << " else scaled(f)\n";
    return text;
  }

  /// Undoes macros(), for a result that ought to be near `exact`.
  Real decode(double value, Real exact) const {
    if (std::fabs(exact) > large)
      return std::ldexp(Real(value), largeShift);
    return std::fabs(exact) > small ? std::ldexp(Real(value), smallShift)
                                    : Real(value);
  }
};

/// A compiled score of x: [S] and y: [S].
class CompiledScore {
public:
  CompiledScore(const std::string &score, ScalarType element)
      : element(element) {
    std::string type = element == ScalarType::F32 ? "f32" : "f64";
    std::string text = Encoding::of(element).macros();
    text += "attention scan(q: " + type + "[1, 1, S, 1], k: " + type +
            "[1, 1, 1, 1], x: " + type + "[S], y: " + type + "[S]) -> " + type +
            "[1, 1, S] {\n  return attend(q, k, k, score = s + code(" + score +
            ") + 0 * y[i]).lse\n}\n";
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "scan.attn"), {});
    DiagnosticEngine diagnostics(sources);
    auto checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked) {
      diagnostics.print(llvm::errs());
      return;
    }
    auto target = llvm::cantFail(findBackend("cpu")->createTarget("native"));
    auto program = compileAndLoad(*checked, sources, *target);
    if (!program)
      ADD_FAILURE() << llvm::toString(program.takeError());
    else
      loaded = std::move(*program);
  }

  std::vector<double> operator()(llvm::ArrayRef<double> x,
                                 llvm::ArrayRef<double> y) const {
    int64_t count = x.size();
    HostTensor q = HostTensor::zeros(element, {1, 1, count, 1});
    HostTensor k = HostTensor::zeros(element, {1, 1, 1, 1});
    HostTensor first = HostTensor::zeros(element, {count});
    HostTensor second = HostTensor::zeros(element, {count});
    HostTensor lse = HostTensor::zeros(element, {1, 1, count});
    for (int64_t at = 0; at < count; ++at) {
      first.setFloat({at}, x[at]);
      second.setFloat({at}, y[at]);
    }
    const HostTensor inputs[] = {q, k, first, second};
    llvm::cantFail(callOnHost(*loaded, inputs, lse, /*threads=*/1));
    std::vector<double> result(count);
    for (int64_t at = 0; at < count; ++at)
      result[at] = lse.getFloat({0, 0, at});
    return result;
  }

  explicit operator bool() const { return loaded != nullptr; }

private:
  ScalarType element;
  llvm::SourceMgr sources;
  std::unique_ptr<LoadedAttention> loaded;
};

/// The distance of `value` from `exact` in units of the last place of `scale`.
double ulps(Real value, Real exact, Real scale, ScalarType element) {
  bool single = element == ScalarType::F32;
  int digits = single ? 24 : 53, lowest = single ? -125 : -1021, exponent;
  std::frexp(scale, &exponent);
  Real unit = std::ldexp(Real(1), std::max(exponent, lowest) - digits);
  return double(std::fabs(value - exact) / unit);
}

/// How far an encoded result is off, in units of the last place of `exact`, or
/// of `least` if that is larger.
double error(double value, Real exact, Real least, ScalarType element) {
  Encoding encoding = Encoding::of(element);
  bool single = element == ScalarType::F32;
  // Half a unit beyond the largest number and what lies further is infinite.
  // Within two units of it either is taken.
  Real unit = std::ldexp(Real(1), single ? 104 : 971);
  Real limit = std::ldexp(Real(1), single ? 128 : 1024) - unit / 2;
  double code = exact > 0 ? encoding.infinite : encoding.minusInfinite;
  if (std::isnan(exact))
    return value == encoding.notANumber ? 0 : HUGE_VAL;
  if (std::fabs(exact) >= limit - 2 * unit && value == code)
    return 0;
  if (std::fabs(exact) >= limit + 2 * unit || !std::isfinite(value))
    return HUGE_VAL;
  // A wrong result may be encoded as numbers beyond a border are.
  Real scale = std::max(std::fabs(exact), std::fabs(least));
  double off = HUGE_VAL;
  for (Real side : {exact / 2, exact, 2 * exact})
    off = std::min(off,
                   ulps(encoding.decode(value, side), exact, scale, element));
  return off;
}

/// Every stride-th number of f32, as bit patterns.
uint64_t stride() {
  const char *text = std::getenv("LADON_ACCURACY_STRIDE");
  return text ? std::strtoull(text, nullptr, 10) : 16381;
}

/// Numbers at which functions go wrong.
std::vector<double> specials(ScalarType element) {
  bool single = element == ScalarType::F32;
  double tiny = single ? 0x1p-149 : 0x1p-1074;
  double small = single ? 0x1p-126 : 0x1p-1022;
  double large = single ? 0x1.fffffep127 : 0x1.fffffffffffffp1023;
  double inf = std::numeric_limits<double>::infinity();
  std::vector<double> all = {0.0, std::nan("")};
  for (double x :
       {tiny,  3 * tiny,   small - tiny, small,   1e-30,     1e-8,
        0.5,   0.70710678, 0.99999994,   1.0,     1.0000001, 1.4142135,
        2.0,   9.0,        16.0,         88.7228, 103.97,    104.5,
        120.0, 126.0,      127.99999,    128.0,   149.0,     150.0,
        1e4,   1e10,       large,        inf}) {
    all.push_back(single ? float(x) : x);
    all.push_back(single ? -float(x) : -x);
  }
  return all;
}

/// The greatest error of a function, and where it is.
struct Worst {
  double ulps = 0, x = 0, y = 0, value = 0;
};

void compare(const Function &function, const CompiledScore &score,
             llvm::ArrayRef<double> x, llvm::ArrayRef<double> y,
             ScalarType element, Worst &worst) {
  std::vector<double> values = score(x, y);
  for (size_t at = 0; at < x.size(); ++at) {
    Real exact = function.value(x[at], y[at]);
    Real least = function.inUnitsOfArgument ? Real(x[at]) : 0;
    double off = error(values[at], exact, least, element);
    if (off > worst.ulps)
      worst = {off, x[at], y[at], values[at]};
  }
}

/// A number whose bit pattern is random; most are far from 1.
double randomBits(std::mt19937_64 &random, ScalarType element) {
  uint64_t bits = random();
  if (element == ScalarType::F32) {
    uint32_t low = uint32_t(bits);
    float value;
    std::memcpy(&value, &low, sizeof value);
    return value;
  }
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

Worst scan(const Function &function, ScalarType element) {
  Worst worst;
  CompiledScore score(function.text, element);
  if (!score) {
    worst.ulps = HUGE_VAL;
    return worst;
  }
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> near(-110, 110);
  bool single = element == ScalarType::F32;
  std::vector<double> x, y;
  auto flush = [&] {
    compare(function, score, x, y, element, worst);
    x.clear();
    y.clear();
  };
  bool two = function.name == llvm::StringRef("pow");
  auto add = [&](double at) {
    double other = !two                ? 1
                   : random() % 4 == 0 ? std::round(near(random))
                                       : near(random) / 8;
    if (two && random() % 2)
      at = std::fabs(at);
    x.push_back(at);
    y.push_back(single ? double(float(other)) : other);
    if (x.size() == 1 << 18)
      flush();
  };
  for (double at : specials(element))
    add(at);
  uint64_t count = single ? (uint64_t(1) << 32) / stride() : 1 << 17;
  for (uint64_t n = 0; n < count; ++n) {
    uint32_t bits = uint32_t(n * stride());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    add(single ? double(value) : randomBits(random, element));
  }
  // Where exponentials are neither 0 nor infinite.
  for (uint64_t n = 0; n < count / 4; ++n) {
    double at = near(random);
    add(single ? double(float(at)) : 7 * at);
  }
  flush();
  return worst;
}

/// A line `| name | f32 | f64 |` of the table in docs/semantics.md.
struct Documented {
  double f32 = 0, f64 = 0;
};

std::map<std::string, Documented> documentedLimits() {
  std::map<std::string, Documented> limits;
  auto page =
      llvm::MemoryBuffer::getFile(LADON_SOURCE_DIR "/docs/semantics.md");
  EXPECT_TRUE(page);
  if (!page)
    return limits;
  llvm::SmallVector<llvm::StringRef> lines, cells;
  (*page)->getBuffer().split(lines, '\n');
  for (llvm::StringRef line : lines) {
    cells.clear();
    line.trim().split(cells, '|');
    Documented limit;
    if (cells.size() != 5 || cells[2].trim().getAsDouble(limit.f32) ||
        cells[3].trim().getAsDouble(limit.f64))
      continue;
    limits[cells[1].trim().trim('`').str()] = limit;
  }
  return limits;
}

void expectWithinLimits(ScalarType element) {
  bool single = element == ScalarType::F32;
  std::map<std::string, Documented> limits = documentedLimits();
  EXPECT_EQ(limits.size(), std::size(functions));
  for (const Function &function : functions) {
    ASSERT_TRUE(limits.count(function.name))
        << function.name << " is not in the table of docs/semantics.md";
    double limit =
        single ? limits[function.name].f32 : limits[function.name].f64;
    Worst worst = scan(function, element);
    if (std::getenv("LADON_ACCURACY_STRIDE"))
      llvm::outs() << llvm::format("%s: %.3f\n", function.name, worst.ulps);
    EXPECT_LE(worst.ulps, limit)
        << function.text << " at x = " << worst.x << ", y = " << worst.y
        << ", encoded result " << worst.value;
    // A limit that nothing comes near says less than it could.
    EXPECT_GE(worst.ulps, limit / 2) << function.name;
  }
}

TEST(FunctionAccuracy, F32IsWithinTheDocumentedLimits) {
  expectWithinLimits(ScalarType::F32);
}

TEST(FunctionAccuracy, F64IsWithinTheDocumentedLimits) {
  expectWithinLimits(ScalarType::F64);
}

TEST(FunctionAccuracy, OddFunctionsKeepTheSignOfZero) {
  for (ScalarType element : {ScalarType::F32, ScalarType::F64})
    for (const char *function : {"tanh(x[i])", "erf(x[i])", "sin(x[i])",
                                 "sqrt(x[i])", "pow(x[i], 3)"}) {
      // The one exception, which the document names.
      if (function == llvm::StringRef("erf(x[i])") &&
          element == ScalarType::F32)
        continue;
      // One divided by a zero shows its sign.
      CompiledScore score(std::string("1 / ") + function, element);
      ASSERT_TRUE(score);
      Encoding encoding = Encoding::of(element);
      const double zeros[] = {0.0, -0.0}, ones[] = {1, 1};
      std::vector<double> signs = score(zeros, ones);
      EXPECT_EQ(signs[0], encoding.infinite) << function;
      EXPECT_EQ(signs[1], encoding.minusInfinite) << function;
    }
}

/// A single value of a function, decoded.
double at(const char *text, ScalarType element, double x, double y) {
  // Compiled once for several arguments.
  static std::map<std::pair<std::string, ScalarType>,
                  std::unique_ptr<CompiledScore>>
      compiled;
  auto &score = compiled[{text, element}];
  if (!score)
    score = std::make_unique<CompiledScore>(text, element);
  if (!*score)
    return HUGE_VAL;
  std::vector<double> result = (*score)(x, y);
  Encoding encoding = Encoding::of(element);
  return result[0] == encoding.infinite        ? HUGE_VAL
         : result[0] == encoding.minusInfinite ? -HUGE_VAL
         : result[0] == encoding.notANumber    ? std::nan("")
                                               : result[0];
}

TEST(FunctionAccuracy, EndsOfTheDomains) {
  double inf = HUGE_VAL;
  // Of f64 these come from the C library.
  ScalarType element = ScalarType::F32;
  EXPECT_EQ(at("exp(x[i])", element, -inf, 0), 0);
  EXPECT_EQ(at("exp(x[i])", element, inf, 0), inf);
  EXPECT_EQ(at("exp2(x[i])", element, -inf, 0), 0);
  EXPECT_EQ(at("exp2(x[i])", element, inf, 0), inf);
  EXPECT_EQ(at("log(x[i])", element, 0, 0), -inf);
  EXPECT_EQ(at("log(x[i])", element, -0.0, 0), -inf);
  EXPECT_EQ(at("log(x[i])", element, inf, 0), inf);
  EXPECT_TRUE(std::isnan(at("log(x[i])", element, -1, 0)));
  EXPECT_TRUE(std::isnan(at("log(x[i])", element, -inf, 0)));
  EXPECT_EQ(at("log2(x[i])", element, 0, 0), -inf);
  EXPECT_TRUE(std::isnan(at("log2(x[i])", element, -1, 0)));
  EXPECT_TRUE(std::isnan(at("sqrt(x[i])", element, -1, 0)));
  EXPECT_EQ(at("rsqrt(x[i])", element, 0, 0), inf);
  EXPECT_EQ(at("rsqrt(x[i])", element, inf, 0), 0);
  EXPECT_EQ(at("sigmoid(x[i])", element, -inf, 0), 0);
  EXPECT_TRUE(std::isnan(at("sin(x[i])", element, inf, 0)));
  EXPECT_TRUE(std::isnan(at("pow(x[i], y[i])", element, -1, 0.5)));
  EXPECT_EQ(at("pow(x[i], y[i])", element, 0, -1), inf);
  // The smallest numbers there are.
  EXPECT_EQ(at("exp2(x[i])", ScalarType::F32, -149, 0), 0x1p-149);
  EXPECT_EQ(at("exp2(x[i])", ScalarType::F32, -150, 0), 0);
  EXPECT_EQ(at("exp2(x[i])", ScalarType::F64, -1074, 0), 0x1p-1074);
}

} // namespace
