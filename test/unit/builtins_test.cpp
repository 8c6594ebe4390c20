//===- builtins_test.cpp - Every function has all of its meanings ---------===//
//
// Walks the table of functions: the front end's folding, the operations that
// the importer emits, run by the interpreter's arithmetic, and the oracle's own
// arithmetic must agree on each of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Import.h"
#include "compiler/reference/InterpreterState.h"
#include "compiler/reference/ScalarMath.h"
#include "compiler/transforms/InitLadon.h"
#include "dialects/attn/Attn.h"

#include "llvm/ADT/StringSet.h"

#include <gtest/gtest.h>

using namespace ladon;
using ast::Builtin;
using ast::ScalarType;

namespace {

class EveryBuiltin : public testing::TestWithParam<BuiltinInfo> {
protected:
  /// Arguments for `first`, as many as the function needs.
  template <typename T> std::vector<T> arguments(T first) const {
    std::vector<T> x = {first};
    while (x.size() < GetParam().minArgs)
      x.push_back(x.back() + T(2));
    return x;
  }

  /// What the oracle computes.
  Value oracle(ScalarType type, llvm::ArrayRef<Value> args) const {
    ScalarMath math;
    math.floatType = ScalarType::F64;
    return math.call(GetParam().builtin, type, args, type);
  }

  /// What the importer's operations compute for a score of
  /// `name(x, x + 2, ...)`, where x is s if `ofScore`, else j - 100.
  double imported(bool ofScore, double s, int64_t j) const {
    std::string call = GetParam().name.str() + "(";
    for (unsigned arg = 0; arg < GetParam().minArgs; ++arg)
      call += (arg ? ", " : "") + std::string(ofScore ? "s" : "j - 100") +
              " + " + std::to_string(2 * arg);
    call += ")";
    std::string text =
        "attention t(q: f64[B, 1, S, 4], k: f64[B, 1, S, 4], v: f64[B, 1, S, "
        "4]) -> f64[B, 1, S, 4] {\n  return attend(q, k, v, score = " +
        call + " + 0 * s)\n}\n";
    llvm::SourceMgr sources;
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text), llvm::SMLoc());
    DiagnosticEngine diagnostics(sources);
    std::unique_ptr<CheckedSpec> checked =
        parseAndCheck(sources, buffer, {}, diagnostics);
    EXPECT_TRUE(checked) << text;
    if (!checked)
      return 0;
    mlir::DialectRegistry registry;
    registerDialects(registry);
    mlir::MLIRContext context(registry);
    auto module = importAttention(context, *checked, sources);
    std::optional<double> result;
    module->walk([&](attn::AttendOp attend) {
      result = evaluate(attend.getScore(), s, j);
    });
    EXPECT_TRUE(result) << "no arithmetic for an operation of " << call;
    return result.value_or(0);
  }

private:
  /// Arguments of a score: s, b, h, i, j.
  static std::optional<double> evaluate(mlir::Region &region, double s,
                                        int64_t j) {
    llvm::DenseMap<mlir::Value, interpreter::RuntimeValue> values;
    mlir::Block &block = region.front();
    values[block.getArgument(0)].real = s;
    values[block.getArgument(4)].integer = j;
    for (mlir::Operation &op : block.without_terminator()) {
      llvm::SmallVector<interpreter::RuntimeValue> operands;
      for (mlir::Value operand : op.getOperands())
        operands.push_back(values[operand]);
      auto result = interpreter::evaluateScalar(&op, operands);
      if (!result)
        return std::nullopt;
      values[op.getResult(0)] = *result;
    }
    return values[block.getTerminator()->getOperand(0)].real;
  }
};

std::string nameOf(const testing::TestParamInfo<BuiltinInfo> &info) {
  return info.param.name.str();
}

} // namespace

using OfFloats = EveryBuiltin;

TEST_P(OfFloats, agrees) {
  for (double first : {0.125, 0.7, 1.5, 2.5, 3.0, 9.75}) {
    std::vector<double> x = arguments(first);
    ast::ASTContext nodes;
    ast::Expr *call = nodes.create(ast::Expr::Kind::Call, {});
    call->builtin = GetParam().builtin;
    call->type.element = ScalarType::F64;
    std::vector<Value> values;
    for (double number : x) {
      call->args.push_back(nodes.create(ast::Expr::Kind::FloatLit, {}));
      call->args.back()->type.element = ScalarType::F64;
      call->args.back()->floatValue = number;
      values.emplace_back().f = number;
    }
    std::optional<double> folded = foldFloat(call);
    ASSERT_TRUE(folded);
    double near = 1e-14 * (1 + std::fabs(*folded));
    if (GetParam().operands == Operands::Anything) {
      Value converted = oracle(ScalarType::F64, values);
      EXPECT_EQ(converted.f, first);
      continue;
    }
    EXPECT_NEAR(oracle(ScalarType::F64, values).f, *folded, near) << first;
    EXPECT_NEAR(imported(/*ofScore=*/true, first, 0), *folded, near) << first;
  }
}

using OfIntegers = EveryBuiltin;

TEST_P(OfIntegers, agrees) {
  for (int64_t first : {-100, -7, -1, 0, 1, 2, 6, 255, 1 << 20}) {
    std::vector<int64_t> x = arguments(first);
    std::optional<int64_t> folded = foldInteger(GetParam().builtin, x, 32);
    ASSERT_TRUE(folded) << first;
    std::vector<Value> values;
    for (int64_t number : x)
      values.emplace_back().i = number;
    EXPECT_EQ(oracle(ScalarType::I32, values).i, *folded) << first;
    EXPECT_EQ(imported(/*ofScore=*/false, 1, first + 100), double(*folded))
        << first;
  }
}

/// The functions that take one of these as they are.
static std::vector<BuiltinInfo> taking(std::initializer_list<Operands> kinds) {
  std::vector<BuiltinInfo> chosen;
  for (const BuiltinInfo &info : builtinTable())
    if (llvm::is_contained(kinds, info.operands))
      chosen.push_back(info);
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(Builtins, OfFloats,
                         testing::ValuesIn(taking({Operands::Floats,
                                                   Operands::Numbers,
                                                   Operands::Anything})),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(
    Builtins, OfIntegers,
    testing::ValuesIn(taking({Operands::Numbers, Operands::Integers})), nameOf);

TEST(Builtins, a_name_stands_for_one_function) {
  llvm::StringSet<> names;
  for (const BuiltinInfo &info : builtinTable()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name.str();
    EXPECT_EQ(findBuiltin(info.name)->builtin, info.builtin);
    EXPECT_EQ(reservedMeaning(info.name), "a function");
    EXPECT_LE(info.minArgs, info.maxArgs);
    EXPECT_FALSE(info.meaning.empty());
  }
}
