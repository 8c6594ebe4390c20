//===- interpreter_scalars_test.cpp - Scalar operations, one by one -------===//
//
// Every operation on single integers and floats that the tile interpreter
// knows, at ordinary operands and where it wraps, saturates or has no value.
//
//===----------------------------------------------------------------------===//

#include "tile_function.h"

#include <cmath>
#include <limits>

using namespace ladon;
using namespace ladon::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double notANumber = std::nan("");
constexpr int64_t min32 = std::numeric_limits<int32_t>::min();
constexpr int64_t max32 = std::numeric_limits<int32_t>::max();
constexpr int64_t min64 = std::numeric_limits<int64_t>::min();
constexpr int64_t max64 = std::numeric_limits<int64_t>::max();

bool isFloat(const std::string &type) { return type[0] == 'f'; }

/// The text of a function that stores the result of `operation`.
std::string functionOf(const std::string &operation, const std::string &from,
                       const std::string &to) {
  std::string store =
      isFloat(to)   ? (to == "f64" ? "%w = arith.addf %r, %zero : f64\n"
                                   : "%w = arith.extf %r : " + to + " to f64\n")
      : to == "i64" ? "%w0 = arith.constant 0 : i64\n"
                      "%w = arith.addi %r, %w0 : i64\n"
      : to == "index"
          ? "%w = arith.index_cast %r : index to i64\n"
          : std::string(to == "i1" ? "%w = arith.extui" : "%w = arith.extsi") +
                " %r : " + to + " to i64\n";
  std::string memory = isFloat(to) ? "memref<1xf64>" : "memref<1xi64>";
  return "func.func @f(%x: " + from + ", %y: " + from + ", %z: " + from +
         ", %out: " + memory +
         ") {\n%c0 = arith.constant 0 : index\n"
         "%zero = arith.constant -0.0 : f64\n%r = " +
         operation + "\n" + store + "memref.store %w, %out[%c0] : " + memory +
         "\nreturn\n}\n";
}

/// What a function stored; the other member is as it was.
struct Result {
  int64_t integer = -77;
  double real = -77;
};

/// Runs `%r = operation` on %x, %y and %z of type `from`; %r has type `to`.
Result run(const std::string &operation, const std::string &from,
           const std::string &to, InterpreterArgument x, InterpreterArgument y,
           InterpreterArgument z) {
  Result result;
  TileModule module;
  mlir::func::FuncOp function = module.parse(functionOf(operation, from, to));
  if (!function) {
    ADD_FAILURE() << functionOf(operation, from, to);
    return result;
  }
  void *memory = isFloat(to) ? static_cast<void *>(&result.real)
                             : static_cast<void *>(&result.integer);
  auto error =
      interpret(function, {x, y, z, InterpreterBuffer::dense(memory, {1})});
  EXPECT_FALSE(bool(error))
      << operation << ": " << llvm::toString(std::move(error));
  return result;
}

//===--- Integers --------------------------------------------------------===//

/// `name %x, %y : type` is `expected`.
struct IntegerCase {
  const char *name, *type;
  int64_t x, y, expected;
};

TEST(InterpreterScalars, IntegerArithmeticWrapsAtTheWidth) {
  const IntegerCase cases[] = {
      {"arith.addi", "i32", 2, 3, 5},
      {"arith.addi", "i32", max32, 1, min32},
      {"arith.addi", "i64", max64, 1, min64},
      {"arith.addi", "i8", 127, 1, -128},
      {"arith.subi", "i32", 2, 3, -1},
      {"arith.subi", "i32", min32, 1, max32},
      {"arith.subi", "i64", min64, 1, max64},
      {"arith.muli", "i32", -4, 5, -20},
      {"arith.muli", "i32", 65536, 65536, 0},
      {"arith.muli", "i32", min32, -1, min32},
      {"arith.muli", "i64", max64, 2, -2},
      {"arith.andi", "i32", 12, 10, 8},
      {"arith.ori", "i32", 12, 10, 14},
      {"arith.xori", "i32", 12, 10, 6},
      {"arith.xori", "i32", 5, -1, -6},
      {"arith.andi", "i64", -1, min64, min64},
  };
  for (const IntegerCase &c : cases)
    EXPECT_EQ(run(std::string(c.name) + " %x, %y : " + c.type, c.type, c.type,
                  c.x, c.y, int64_t(0))
                  .integer,
              c.expected)
        << c.name << " " << c.x << ", " << c.y << " : " << c.type;
}

TEST(InterpreterScalars, DivisionsRoundAsTheyAreNamed) {
  const IntegerCase cases[] = {
      {"arith.divsi", "i32", 7, 2, 3},
      {"arith.divsi", "i32", -7, 2, -3},
      {"arith.divsi", "i32", 7, 0, 0},
      {"arith.divsi", "i64", min64, -1, 0},
      {"arith.remsi", "i32", 7, 3, 1},
      {"arith.remsi", "i32", -7, 3, -1},
      {"arith.remsi", "i32", 7, -3, 1},
      {"arith.remsi", "i32", 7, 0, 0},
      {"arith.floordivsi", "i32", 7, 2, 3},
      {"arith.floordivsi", "i32", -7, 2, -4},
      {"arith.floordivsi", "i32", 7, -2, -4},
      {"arith.floordivsi", "i32", -7, -2, 3},
      {"arith.floordivsi", "i32", -8, 2, -4},
      {"arith.floordivsi", "i32", 1, 0, 0},
      {"arith.ceildivsi", "i32", 7, 2, 4},
      {"arith.ceildivsi", "i32", -7, 2, -3},
      {"arith.ceildivsi", "i32", 8, 2, 4},
      {"arith.ceildivsi", "i32", 1, 0, 0},
      {"arith.divui", "i32", -1, 2, max32},
      {"arith.divui", "i32", 5, 0, 0},
      {"arith.remui", "i32", -1, 16, 15},
      {"arith.remui", "i32", 5, 0, 0},
      {"arith.ceildivui", "i32", 7, 2, 4},
      {"arith.ceildivui", "i32", -1, 2, min32},
      {"arith.ceildivui", "i32", 7, 0, 0},
  };
  for (const IntegerCase &c : cases)
    EXPECT_EQ(run(std::string(c.name) + " %x, %y : " + c.type, c.type, c.type,
                  c.x, c.y, int64_t(0))
                  .integer,
              c.expected)
        << c.name << " " << c.x << ", " << c.y << " : " << c.type;
}

TEST(InterpreterScalars, ShiftsKeepOrDropTheSign) {
  const IntegerCase cases[] = {
      {"arith.shli", "i32", 1, 4, 16},
      {"arith.shli", "i32", 1, 31, min32},
      {"arith.shli", "i32", 1, 32, 0},
      {"arith.shli", "i32", 1, -1, 0},
      {"arith.shli", "i64", 1, 40, int64_t(1) << 40},
      {"arith.shrsi", "i32", -8, 1, -4},
      {"arith.shrsi", "i32", -1, 31, -1},
      {"arith.shrsi", "i32", 8, 32, 0},
      {"arith.shrui", "i32", -1, 31, 1},
      {"arith.shrui", "i32", -8, 1, max32 - 3},
      {"arith.shrui", "i32", -8, 40, 0},
  };
  for (const IntegerCase &c : cases)
    EXPECT_EQ(run(std::string(c.name) + " %x, %y : " + c.type, c.type, c.type,
                  c.x, c.y, int64_t(0))
                  .integer,
              c.expected)
        << c.name << " " << c.x << ", " << c.y << " : " << c.type;
}

TEST(InterpreterScalars, MinimumAndMaximumFollowTheSignedness) {
  const IntegerCase cases[] = {
      {"arith.minsi", "i32", -1, 1, -1}, {"arith.maxsi", "i32", -1, 1, 1},
      {"arith.minui", "i32", -1, 1, 1},  {"arith.maxui", "i32", -1, 1, -1},
      {"arith.minsi", "i64", 3, 3, 3},   {"arith.maxui", "i64", 4, 3, 4},
      {"arith.minui", "i64", 4, 3, 3},
  };
  for (const IntegerCase &c : cases)
    EXPECT_EQ(run(std::string(c.name) + " %x, %y : " + c.type, c.type, c.type,
                  c.x, c.y, int64_t(0))
                  .integer,
              c.expected)
        << c.name << " " << c.x << ", " << c.y << " : " << c.type;
}

TEST(InterpreterScalars, EveryIntegerComparison) {
  struct {
    const char *predicate;
    bool less, equal, greater, wrapped; ///< 1 ? 2, 2 ? 2, 2 ? 1, -1 ? 1.
  } cases[] = {
      {"eq", false, true, false, false},  {"ne", true, false, true, true},
      {"slt", true, false, false, true},  {"sle", true, true, false, true},
      {"sgt", false, false, true, false}, {"sge", false, true, true, false},
      {"ult", true, false, false, false}, {"ule", true, true, false, false},
      {"ugt", false, false, true, true},  {"uge", false, true, true, true},
  };
  for (const auto &c : cases)
    for (const char *type : {"i8", "i32", "i64", "index"}) {
      auto holds = [&](int64_t x, int64_t y) {
        return run(std::string("arith.cmpi ") + c.predicate +
                       ", %x, %y : " + type,
                   type, "i1", x, y, int64_t(0))
                   .integer == 1;
      };
      EXPECT_EQ(holds(1, 2), c.less) << c.predicate << " " << type;
      EXPECT_EQ(holds(2, 2), c.equal) << c.predicate << " " << type;
      EXPECT_EQ(holds(2, 1), c.greater) << c.predicate << " " << type;
      EXPECT_EQ(holds(-1, 1), c.wrapped) << c.predicate << " " << type;
    }
  // As a number of one bit, true is -1.
  auto holds = [&](const char *predicate) {
    return run(std::string("arith.cmpi ") + predicate + ", %x, %y : i1", "i1",
               "i1", int64_t(1), int64_t(0), int64_t(0))
               .integer == 1;
  };
  EXPECT_TRUE(holds("slt"));
  EXPECT_TRUE(holds("ugt"));
}

TEST(InterpreterScalars, ConversionsOfIntegers) {
  struct {
    const char *name, *from, *to;
    int64_t x, expected;
  } cases[] = {
      {"arith.extsi", "i8", "i32", -1, -1},
      {"arith.extsi", "i32", "i64", min32, min32},
      {"arith.extsi", "i1", "i32", 1, -1},
      {"arith.extui", "i8", "i32", -1, 255},
      {"arith.extui", "i1", "i32", 1, 1},
      {"arith.extui", "i32", "i64", -1, 4294967295},
      {"arith.trunci", "i64", "i32", int64_t(1) << 32 | 7, 7},
      {"arith.trunci", "i32", "i8", 200, -56},
      {"arith.index_cast", "i32", "index", -3, -3},
      {"arith.index_cast", "index", "i32", int64_t(5) << 32 | 9, 9},
      {"arith.index_castui", "i32", "index", -1, 4294967295},
  };
  for (const auto &c : cases)
    EXPECT_EQ(run(std::string(c.name) + " %x : " + c.from + " to " + c.to,
                  c.from, c.to, c.x, c.x, c.x)
                  .integer,
              c.expected)
        << c.name << " " << c.x << " : " << c.from << " to " << c.to;
  auto absolute = [&](int64_t x) {
    return run("math.absi %x : i32", "i32", "i32", x, x, x).integer;
  };
  EXPECT_EQ(absolute(-5), 5);
  EXPECT_EQ(absolute(5), 5);
  EXPECT_EQ(absolute(min32), min32);
}

TEST(InterpreterScalars, SelectTakesOneSide) {
  std::string select = "arith.select %y, %x, %z : i1";
  for (int64_t condition : {0, 1})
    EXPECT_EQ(
        run(select, "i1", "i1", int64_t(1), condition, int64_t(0)).integer,
        condition);
}

//===--- Reals -----------------------------------------------------------===//

struct RealCase {
  const char *name;
  double x, y, expected;
};

void expectReal(double actual, double expected, const char *name, double x,
                double y) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(actual)) << name << " " << x << ", " << y;
  else
    EXPECT_DOUBLE_EQ(actual, expected) << name << " " << x << ", " << y;
  EXPECT_EQ(std::signbit(actual) && !std::isnan(actual),
            std::signbit(expected) && !std::isnan(expected))
      << name << " " << x << ", " << y;
}

TEST(InterpreterScalars, RealArithmetic) {
  const RealCase cases[] = {
      {"arith.addf", 1.5, 2.25, 3.75},
      {"arith.addf", inf, -inf, notANumber},
      {"arith.subf", 1.5, 2.25, -0.75},
      {"arith.mulf", 1.5, -2, -3},
      {"arith.mulf", 0, inf, notANumber},
      {"arith.divf", 3, 2, 1.5},
      {"arith.divf", 1, 0.0, inf},
      {"arith.divf", 1, -0.0, -inf},
      {"arith.divf", 0, 0.0, notANumber},
      {"arith.remf", 7.5, 2, 1.5},
      {"arith.remf", -7.5, 2, -1.5},
      {"arith.maximumf", 1, 2, 2},
      {"arith.maximumf", 1, notANumber, notANumber},
      {"arith.minimumf", 1, 2, 1},
      {"arith.minimumf", notANumber, 2, notANumber},
      {"arith.maxnumf", 1, notANumber, 1},
      {"arith.maxnumf", notANumber, 2, 2},
      {"arith.minnumf", 1, notANumber, 1},
      {"arith.minnumf", -3, 2, -3},
      {"math.powf", 2, 10, 1024},
      {"math.powf", -8, 3, -512},
      {"math.powf", -8, 0.5, notANumber},
      {"math.atan2", 0, 1, 0},
      {"math.copysign", 3, -0.0, -3},
  };
  for (const RealCase &c : cases)
    expectReal(
        run(std::string(c.name) + " %x, %y : f64", "f64", "f64", c.x, c.y, 0.0)
            .real,
        c.expected, c.name, c.x, c.y);
  expectReal(run("math.fma %x, %y, %z : f64", "f64", "f64", 0x1p53 + 2.0,
                 1 + 0x1p-52, -0x1p53)
                 .real,
             std::fma(0x1p53 + 2.0, 1 + 0x1p-52, -0x1p53), "math.fma", 0, 0);
}

TEST(InterpreterScalars, FunctionsOfReals) {
  const RealCase cases[] = {
      {"arith.negf", 0.0, 0, -0.0},    {"arith.negf", -2, 0, 2},
      {"math.absf", -2.5, 0, 2.5},     {"math.exp", 1, 0, 2.718281828459045},
      {"math.exp", -inf, 0, 0},        {"math.exp2", 10, 0, 1024},
      {"math.expm1", 1e-20, 0, 1e-20}, {"math.log", 1, 0, 0},
      {"math.log", 0, 0, -inf},        {"math.log", -1, 0, notANumber},
      {"math.log2", 1024, 0, 10},      {"math.log1p", 1e-20, 0, 1e-20},
      {"math.sqrt", 9, 0, 3},          {"math.sqrt", -1, 0, notANumber},
      {"math.rsqrt", 4, 0, 0.5},       {"math.tanh", inf, 0, 1},
      {"math.tanh", -0.0, 0, -0.0},    {"math.erf", -inf, 0, -1},
      {"math.sin", 0, 0, 0},           {"math.cos", 0, 0, 1},
      {"math.floor", -1.5, 0, -2},     {"math.ceil", -1.5, 0, -1},
      {"math.trunc", -1.5, 0, -1},     {"math.round", 2.5, 0, 3},
      {"math.round", -2.5, 0, -3},     {"math.roundeven", 2.5, 0, 2},
      {"math.roundeven", 3.5, 0, 4},
  };
  for (const RealCase &c : cases)
    expectReal(
        run(std::string(c.name) + " %x : f64", "f64", "f64", c.x, c.y, 0.0)
            .real,
        c.expected, c.name, c.x, c.y);
}

TEST(InterpreterScalars, F32ResultsAreRounded) {
  // 1 + 2^-30 is 1 in f32.
  EXPECT_EQ(
      run("arith.addf %x, %y : f32", "f32", "f32", 1.0, 0x1p-30, 0.0).real, 1);
  EXPECT_EQ(
      run("arith.truncf %x : f64 to f32", "f64", "f32", 0.1, 0.0, 0.0).real,
      double(0.1f));
  EXPECT_EQ(
      run("arith.extf %x : f32 to f64", "f32", "f64", 0.25, 0.0, 0.0).real,
      0.25);
  // What is too large for f32 is infinite.
  EXPECT_EQ(run("arith.mulf %x, %y : f32", "f32", "f32", 1e30, 1e30, 0.0).real,
            inf);
}

TEST(InterpreterScalars, EveryRealComparison) {
  struct {
    const char *predicate;
    bool less, equal, greater, unordered;
  } cases[] = {
      {"false", false, false, false, false}, {"oeq", false, true, false, false},
      {"ogt", false, false, true, false},    {"oge", false, true, true, false},
      {"olt", true, false, false, false},    {"ole", true, true, false, false},
      {"one", true, false, true, false},     {"ord", true, true, true, false},
      {"ueq", false, true, false, true},     {"ugt", false, false, true, true},
      {"uge", false, true, true, true},      {"ult", true, false, false, true},
      {"ule", true, true, false, true},      {"une", true, false, true, true},
      {"uno", false, false, false, true},    {"true", true, true, true, true},
  };
  for (const auto &c : cases) {
    auto holds = [&](double x, double y) {
      return run(std::string("arith.cmpf ") + c.predicate + ", %x, %y : f64",
                 "f64", "i1", x, y, 0.0)
                 .integer == 1;
    };
    EXPECT_EQ(holds(1, 2), c.less) << c.predicate;
    EXPECT_EQ(holds(2, 2), c.equal) << c.predicate;
    EXPECT_EQ(holds(2, 1), c.greater) << c.predicate;
    EXPECT_EQ(holds(notANumber, 1), c.unordered) << c.predicate;
    EXPECT_EQ(holds(1, notANumber), c.unordered) << c.predicate;
  }
}

TEST(InterpreterScalars, ConversionsBetweenIntegersAndReals) {
  auto toReal = [&](const char *name, const char *from, int64_t x) {
    return run(std::string(name) + " %x : " + from + " to f64", from, "f64", x,
               x, x)
        .real;
  };
  EXPECT_EQ(toReal("arith.sitofp", "i32", -3), -3);
  EXPECT_EQ(toReal("arith.uitofp", "i32", -1), 4294967295.0);
  EXPECT_EQ(toReal("arith.sitofp", "i1", 1), -1);
  EXPECT_EQ(toReal("arith.uitofp", "i1", 1), 1);
  auto toInteger = [&](double x) {
    return run("arith.fptosi %x : f64 to i64", "f64", "i64", x, x, x).integer;
  };
  EXPECT_EQ(toInteger(2.9), 2);
  EXPECT_EQ(toInteger(-2.9), -2);
  // Without a value: zero here.
  EXPECT_EQ(toInteger(notANumber), 0);
  EXPECT_EQ(toInteger(1e300), 0);
}

TEST(InterpreterScalars, AnUnknownOperationIsNamed) {
  TileModule module;
  mlir::func::FuncOp function =
      module.parse("func.func @f(%x: f32) {\n"
                   "%r = math.acos %x : f32\nreturn\n}\n");
  ASSERT_TRUE(function);
  std::string message = llvm::toString(interpret(function, {1.0}));
  EXPECT_NE(message.find("math.acos: the interpreter does not know"),
            std::string::npos)
      << message;
}

} // namespace
