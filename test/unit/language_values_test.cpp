//===- language_values_test.cpp - What expressions are worth --------------===//
//
// Expressions of the language with their values worked out by hand from
// docs/semantics.md, against the reference and against compiled code: where the
// two agree with each other, they could still both be wrong.
//
//===----------------------------------------------------------------------===//

#include "compiled_spec.h"

#include "compiler/reference/Reference.h"

#include <cmath>

using namespace ladon;
using namespace ladon::test;
using ast::ScalarType;

namespace {

/// A score at b = 1, i = 3, j = 5 of a call with B = 2, S = 4, T = 6, so that
/// offset is 2, with s = 0.75, n = -7, x = 1.5 and m = 3000000000.
struct Case {
  const char *text;
  double value;
};

const Case integers[] = {
    {"i + j * 2", 13},
    {"i - j - 1", -3},
    {"2 - 3 - 4", -5},
    {"2 + 3 * 4", 14},
    {"-2 * -3", 6},
    {"(2 + 3) * 4", 20},
    {"0x10", 16},
    {"~j", -6},
    {"abs(n)", 7},
    {"min(i, j, n)", -7},
    {"max(i, j, n)", 5},
    {"clamp(j, 0, 4)", 4},
    {"clamp(n, -3, 4)", -3},
    {"b", 1},
    {"offset", 2},
    {"S * 10 + T", 46},
};

const Case divisions[] = {
    {"j // 2", 2},      {"-j // 2", -3},     {"j // -2", -3},
    {"-j // -2", 2},    {"j % 3", 2},        {"-j % 3", 1},
    {"j % -3", -1},     {"-j % -3", -2},     {"n // 2", -4},
    {"n % 4", 1},       {"7 // n", -1},      {"8 // n", -2},
    {"7 % n", 0},       {"8 % n", -6},       {"n // (b - 1)", 0},
    {"n % (b - 1)", 0}, {"n // (n + 6)", 7}, {"n % (n + 6)", 0},
    {"j / 2", 2.5},     {"1 / 4", 0.25},     {"-j / 2", -2.5},
};

const Case bits[] = {
    {"j << 2", 20},      {"n >> 1", -4},      {"j & 6", 4},
    {"j | 8", 13},       {"j ^ 1", 4},        {"n & 15", 9},
    {"1 << j + 27", 1},  {"j << 32 + b", 10}, {"n >> 40 + b", -1},
    {"(j >> 1) & 1", 0}, {"6 & 3 | 8", 10},   {"6 ^ 3 & 1", 7},
};

const Case widths[] = {
    // i32 wraps; an i64 operand makes the operation wide.
    {"(ints[5] + 1) // 65536", -32768},
    {"(ints[5] + 1 + m * 0) // 65536", -32768},
    {"(ints[5] + m) // 65536", 78544},
    {"abs(ints[6]) // 65536", -32768},
    {"-ints[6] // 65536", -32768},
    {"ints[6] // (n + 6) // 65536", -32768},
    {"ints[5] * 2", -2},
    {"ints[5] * (m * 0 + 2) // 65536", 65535},
    {"m // 1000000000", 3},
    {"2147483648 // 65536", 32768},
    {"i * 3000000000 // 1000000000", 9},
};

const Case reads[] = {
    {"ints[0]", 3},
    {"ints[j - 4]", -4},
    {"ints[n]", 3},                     // Clamped to the first,
    {"ints[j * 100] // 65536", -32768}, // and to the last.
    {"ints[ints[2]]", 3},
    {"table[i]", 0.125},
    {"table[j]", -2},
    {"grid[b, j]", 15},
    {"grid[i, n]", 10},
    {"int(flags[j])", 1},
    {"int(flags[j - 1])", 0},
    {"if flags[j] then 4 else 5", 4},
    {"if flags[4] then 4 else 5", 5},
};

const Case conversions[] = {
    {"int(2.9)", 2},
    {"int(-2.9)", -2},
    {"int(x)", 1},
    {"int(-x)", -1},
    {"int(x * 1e20) // 65536", 32767},
    {"int(-x * 1e20) // 65536", -32768},
    {"int((x - 1.5) / (x - 1.5))", 0}, // NaN
    {"int(j == 5)", 1},
    {"int(j < i)", 0},
    {"float(j) / 2", 2.5},
    {"float(j > i) + 1", 2},
    {"int(x) + i", 4},
};

const Case floats[] = {
    {"s", 0.75},
    {"-s", -0.75},
    {"s * 2 - 1", 0.5},
    {"s / 2", 0.375},
    {"abs(-s)", 0.75},
    {"min(s, 0.5)", 0.5},
    {"max(s, 0.5, -1)", 0.75},
    {"clamp(s, 1, 2)", 1},
    {"clamp(s, -2, 0.25)", 0.25},
    {"floor(-x)", -2},
    {"ceil(-x)", -1},
    {"round(x)", 2},
    {"round(j / 2)", 2},
    {"round(-x)", -2},
    {"relu(-x)", 0},
    {"relu(x)", 1.5},
    {"s + i", 3.75},
};

const Case functions[] = {
    {"sqrt(j + 4)", 3},    {"rsqrt(j - 1)", 0.5},      {"exp2(i)", 8},
    {"exp2(-i)", 0.125},   {"log2(1024)", 10},         {"exp(s - 0.75)", 1},
    {"log(s / 0.75)", 0},  {"pow(i, 2)", 9},           {"pow(2, -i)", 0.125},
    {"pow(-i, 3)", -27},   {"pow(i - 3, 2)", 0},       {"pow(i - 3, 0)", 1},
    {"tanh(s - 0.75)", 0}, {"sigmoid(s - 0.75)", 0.5}, {"erf(s - 0.75)", 0},
    {"sin(s - 0.75)", 0},  {"cos(s - 0.75)", 1},
};

const Case conditions[] = {
    {"if i < j then 1 else 2", 1},
    {"if i > j or b == 1 and j == 5 then 3 else 4", 3},
    {"if (i > j or b == 1) and j == 4 then 3 else 4", 4},
    {"if not i == 3 then 1 else 7", 7},
    {"if not (i == 4) then 1 else 7", 1},
    {"if s != s then 1 else 2", 2},
    {"if (s - 0.75) / (s - 0.75) == 1 then 1 else 2", 2}, // NaN
    {"if (s - 0.75) / (s - 0.75) != 1 then 1 else 2", 1},
    {"if i < j then (if j < 5 then 1 else 2) else 3", 2},
    {"if x >= 1.5 then 1 else 2", 1},
    {"if x <= s then 1 else 2", 2},
};

const Case macros[] = {
    {"twice(j)", 10},
    {"twice(twice(s))", 3},
    {"pick(i < j, twice(i), 0)", 6},
    {"apply(i - 1)", 8}, // An argument is a value, not a text.
    {"size", 12},        // A compile-time parameter.
    {"size // j", 2},
};

/// Fns that are given fns, functions and names of their own parameters.
const Case given[] = {
    {"thrice(twice, i)", 24},   // ((3 * 2) * 2) * 2
    {"thrice(apply, n)", -448}, // -7 * 64
    {"thrice(abs, n)", 7},
    {"compose(twice, abs, n)", 14},    // 2 * |-7|
    {"compose(abs, twice, j - 9)", 8}, // |2 * (5 - 9)|
    {"compose(floor, sqrt, 11)", 3},
    {"passed(compose, twice, j)", 20}, // compose(twice, twice, 5)
    {"joined(max, i, j)", 8},          // max(3, 5) + 3
    {"joined(min, i, j)", 6},          // min(3, 5) + 3
    {"along(column, grid, 2)", 24},    // grid[1, 2] * 2
    {"shadowed(twice, 4)", 12}};       // 8 + 4: i is 4 there

std::string specOf(llvm::ArrayRef<Case> cases) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string heads = std::to_string(cases.size());
  os << "param size: i32 = 12\n"
        "fn twice(a) = a * 2\n"
        "fn pick(c, a, d) = if c then a else d\n"
        "fn apply(a) = a * 4\n"
        "fn thrice(f, a) = f(f(f(a)))\n"
        "fn compose(f, g, a) = f(g(a))\n"
        "fn passed(f, g, a) = f(g, g, a)\n"
        "fn joined(f, a, c) = f(a, c) + a\n"
        "fn column(t, a) = t[b, a]\n"
        "fn along(f, t, a) = f(t, a) * 2\n"
        "fn shadowed(f, i) = f(i) + i\n"
        "attention values(q: f32[B, "
     << heads << ", S, 1], k: f32[B, " << heads << ", T, 1], v: f32[B, "
     << heads
     << ", T, 1],\n    ints: i32[7], table: f32[5], grid: i32[2, 6], "
        "flags: bool[6],\n    n: i32, x: f32, m: i64) -> f32[B, "
     << heads
     << ", S] {\n  return attend(q, k, v, scale = 0.75, score = used(ints[0], "
        "table[0], grid[0, 0], flags[0], n, x, m) + (\n";
  // Each head has a case of its own.
  for (size_t head = 0; head < cases.size(); ++head)
    os << "    " << (head ? "else " : "")
       << (head + 1 < cases.size()
               ? "if h == " + std::to_string(head) + " then "
               : std::string())
       << "0.0 + (" << cases[head].text << ")\n";
  os << "    ), mask = b == 1 and i == 3 and j == 5).lse\n}\n";
  // Every parameter is used, whatever the cases are.
  return "fn used(a, c, d, e, f, g, o) =\n  0 * (a + c + d + int(e) + f + g + "
         "int(float(o) * 0))\n" +
         text;
}

void expectValues(llvm::ArrayRef<Case> cases) {
  int64_t heads = cases.size();
  std::string text = specOf(cases);
  CompiledSpec spec(text);
  ASSERT_TRUE(spec);
  auto ones = [&](int64_t length) {
    return makeTensor(ScalarType::F32, {2, heads, length, 1},
                      std::vector<double>(2 * heads * length, 1));
  };
  auto scalar = [](ScalarType type, int64_t value) {
    HostTensor tensor = HostTensor::zeros(type, {});
    tensor.setInteger({}, value);
    return tensor;
  };
  HostTensor x = HostTensor::zeros(ScalarType::F32, {});
  x.setFloat({}, 1.5);
  const HostTensor inputs[] = {
      ones(4),
      ones(6),
      ones(6),
      makeTensor(ScalarType::I32, {7},
                 {3, -4, 0, 100, -100, 2147483647, -2147483648.0}),
      makeTensor(ScalarType::F32, {5}, {1, 2, 4, 0.125, -2}),
      makeTensor(ScalarType::I32, {2, 6},
                 {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}),
      makeTensor(ScalarType::Bool, {6}, {1, 0, 1, 0, 0, 1}),
      scalar(ScalarType::I32, -7),
      x,
      scalar(ScalarType::I64, 3000000000)};
  std::vector<HostTensor> compiled = spec(inputs);
  auto reference = spec.reference(inputs);
  for (int64_t head = 0; head < heads; ++head) {
    const Case &c = cases[head];
    double tolerance = 1e-5 * std::max(1.0, std::fabs(c.value));
    EXPECT_NEAR(compiled[0].getFloat({1, head, 3}), c.value, tolerance)
        << c.text;
    EXPECT_NEAR(reference[0].value[(heads + head) * 4 + 3], c.value, tolerance)
        << c.text << ", by the reference";
    // Rows that the mask hides are empty.
    EXPECT_EQ(compiled[0].getFloat({0, head, 3}), -HUGE_VAL);
  }
}

TEST(LanguageValues, Integers) { expectValues(integers); }
TEST(LanguageValues, Divisions) { expectValues(divisions); }
TEST(LanguageValues, Bits) { expectValues(bits); }
TEST(LanguageValues, Widths) { expectValues(widths); }
TEST(LanguageValues, Reads) { expectValues(reads); }
TEST(LanguageValues, Conversions) { expectValues(conversions); }
TEST(LanguageValues, Floats) { expectValues(floats); }
TEST(LanguageValues, Functions) { expectValues(functions); }
TEST(LanguageValues, Conditions) { expectValues(conditions); }
TEST(LanguageValues, Macros) { expectValues(macros); }
TEST(LanguageValues, FnsAsArguments) { expectValues(given); }

} // namespace
