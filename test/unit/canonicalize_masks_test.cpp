//===- canonicalize_masks_test.cpp - The normal form means the same -------===//
//
// Random masks are evaluated position by position before and after the pass,
// with run-time values at the ends of their type, where sums wrap, and with
// positions at the ends of their range.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Import.h"
#include "compiler/transforms/InitLadon.h"
#include "compiler/transforms/Passes.h"
#include "dialects/attn/Attn.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

using namespace mlir;
using ladon::attn::AttendOp;
using ladon::attn::ReadOp;

namespace {

/// What stands for the run-time values of a mask.
struct Environment {
  int64_t queries, keys;
  int32_t n, m;
};

/// Writes random masks in the spec language.
class MaskWriter {
public:
  explicit MaskWriter(unsigned seed) : random(seed) {}

  std::string condition(unsigned depth) {
    if (depth == 0 || pick(5) == 0) {
      if (pick(4) == 0)
        return pickFrom({"causal", "causal_top_left", "window(n, 3)",
                         "window(2, m)", "window(4, 0)"});
      return "(" + number(2) + " " +
             pickFrom({"<", "<=", ">", ">=", "==", "!="}) + " " + number(2) +
             ")";
    }
    switch (pick(4)) {
    case 0:
      return "not " + condition(depth - 1);
    case 1:
      return "(if " + condition(depth - 1) + " then " + condition(depth - 1) +
             " else " + condition(depth - 1) + ")";
    default:
      return "(" + condition(depth - 1) + pickFrom({" and ", " or "}) +
             condition(depth - 1) + ")";
    }
  }

private:
  unsigned pick(unsigned count) { return random() % count; }
  std::string pickFrom(std::initializer_list<const char *> texts) {
    return texts.begin()[pick(texts.size())];
  }
  std::string number(unsigned depth) {
    if (depth == 0 || pick(3) == 0)
      return pickFrom({"i", "j", "j", "h", "n", "m", "S", "T", "offset", "0",
                       "1", "3", "7", "1073741824", "doc[b, j]"});
    std::string left = number(depth - 1), right = number(depth - 1);
    switch (pick(6)) {
    case 0:
      return "abs(" + left + " - " + right + ")";
    case 1:
      return pickFrom({"min(", "max("}) + left + ", " + right + ")";
    case 2:
      return "(" + left + pickFrom({" // ", " % "}) +
             pickFrom({"n", "4", "T"}) + ")";
    case 3:
      return "(" + left + " * " + pickFrom({"2", "3", "n"}) + ")";
    default:
      return "(" + left + pickFrom({" + ", " - "}) + right + ")";
    }
  }

  std::mt19937 random;
};

/// Evaluates a mask by folding its operations one after the other.
class MaskEvaluator {
public:
  MaskEvaluator(AttendOp op, const Environment &env)
      : op(op), env(env), b(op.getContext()) {}

  bool visible(int64_t h, int64_t i, int64_t j) {
    if (!op.hasMask())
      return true;
    Block &body = op.getMask().front();
    values.clear();
    int64_t positions[] = {1, h, i, j};
    for (unsigned at = 0; at < 4; ++at)
      values[body.getArgument(at)] = b.getI32IntegerAttr(positions[at]);
    for (auto [arg, outside] :
         llvm::zip(op.getCaptureArguments(op.getMask()), op.getCaptures()))
      if (!isa<ShapedType>(arg.getType()))
        values[arg] = evaluate(outside);
    for (Operation &inner : body.without_terminator())
      step(inner);
    return cast<IntegerAttr>(evaluate(body.getTerminator()->getOperand(0)))
        .getValue()
        .isOne();
  }

private:
  Attribute evaluate(Value value) {
    if (Attribute known = values.lookup(value))
      return known;
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto function = cast<func::FuncOp>(arg.getOwner()->getParentOp());
      StringRef name =
          ladon::attn::getParam(function, arg.getArgNumber()).getName();
      return b.getI32IntegerAttr(name == "n" ? env.n : env.m);
    }
    step(*value.getDefiningOp());
    return values.lookup(value);
  }

  void step(Operation &inner) {
    if (auto dim = dyn_cast<tensor::DimOp>(&inner)) {
      auto arg = cast<BlockArgument>(dim.getSource());
      auto function = cast<func::FuncOp>(arg.getOwner()->getParentOp());
      ArrayRef<Attribute> dims =
          ladon::attn::getParam(function, arg.getArgNumber()).getDims();
      auto name = cast<StringAttr>(dims[*dim.getConstantIndex()]);
      values[dim] = b.getIndexAttr(name == "S" ? env.queries : env.keys);
      return;
    }
    SmallVector<Attribute> operands;
    if (auto read = dyn_cast<ReadOp>(&inner)) {
      // Any function of the indices.
      int64_t mix = 17;
      for (Value index : read.getIndices())
        mix = mix * 31 + cast<IntegerAttr>(evaluate(index)).getInt();
      values[read] = b.getI32IntegerAttr(mix % 2 ? INT32_MIN : mix % 5);
      return;
    }
    for (Value operand : inner.getOperands())
      operands.push_back(evaluate(operand));
    SmallVector<OpFoldResult> results;
    ASSERT_TRUE(succeeded(inner.fold(operands, results)));
    // An operation may fold to itself, a constant, or one of its operands.
    Attribute result;
    if (!results.empty())
      result = dyn_cast<Attribute>(results[0]);
    if (!result && !results.empty())
      result = evaluate(cast<Value>(results[0]));
    ASSERT_TRUE(result);
    values[inner.getResult(0)] = result;
  }

  AttendOp op;
  const Environment &env;
  Builder b;
  llvm::DenseMap<Value, Attribute> values;
};

AttendOp findAttend(ModuleOp module) {
  AttendOp found;
  module.walk([&](AttendOp op) { found = op; });
  return found;
}

TEST(CanonicalizeMasks, normal_form_means_the_same_for_all_values) {
  DialectRegistry registry;
  ladon::registerDialects(registry);
  MLIRContext context(registry);
  constexpr int32_t least = INT32_MIN, most = INT32_MAX;
  constexpr int64_t limit = (int64_t(1) << 30) - 1;
  const Environment environments[] = {
      {4, 6, 2, 1},        {6, 4, 0, -1},     {1, 1, least, most},
      {5, 5, most, least}, {limit, 3, -7, 5}, {3, limit, 1 << 30, 3}};
  unsigned compared = 0;
  // The ends of the domain, then anything.
  std::vector<std::string> masks = {
      "j < T", "j < T - 1", "j <= T - 2", "j + 1 <= T", "j > T - 2",
      "T > j + 1", "j < S", "j <= S - 1", "j >= 1", "abs(i - j) <= n",
      // Equal to a bound beside another position, and different from it.
      "j == i - 1", "j == i + 1", "j != i - 1", "j != i + 1", "i == j + 2",
      "i - j != 2", "j == T - 1", "j != T - 2", "j + 1 == n", "j - 1 != m",
      "2 * i == j + 1", "i == 2 * j - 1",
      // Comparisons that are several conditions, or one of no single bound.
      "abs(i - j) == 1", "abs(i - j) != 2", "abs(j - n) > 1", "min(j, n) < i",
      "max(j, n) <= 3", "min(i, j) == max(n, 1)", "min(j, i) > 0 and j < 4",
      "max(j - n, i) < 3 or j == 4", "abs(i - j) < 2 and min(j, m) < 3",
      "(j + n) // 2 == i", "(j - i) % 3 == 1", "j % 4 <= i % 4",
      "(i - j) // 2 >= 0"};
  for (unsigned seed = 1; seed <= 400; ++seed)
    masks.push_back(MaskWriter(seed).condition(3));
  for (const std::string &mask : masks) {
    std::string text =
        "attention a(q: f32[B, 2, S, 8], k: f32[B, 2, T, 8], "
        "v: f32[B, 2, T, 8], doc: i32[B, T], n: i32, m: i32)"
        " -> f32[B, 2, S, 8] {\n  return attend(q, k, v, mask = " +
        mask + ")\n}\n";
    llvm::SourceMgr sources;
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(text, "mask.attn"), llvm::SMLoc());
    ladon::DiagnosticEngine diagnostics(sources);
    auto spec = ladon::parseAndCheck(sources, buffer, {}, diagnostics);
    if (!spec) // Constant masks and overflow are errors.
      continue;
    auto before = ladon::importAttention(context, *spec, sources);
    OwningOpRef<ModuleOp> after = before->clone();
    PassManager pm(&context);
    pm.addNestedPass<func::FuncOp>(ladon::createCanonicalizeMasks());
    ASSERT_TRUE(succeeded(pm.run(*after))) << mask;
    for (const Environment &env : environments) {
      MaskEvaluator one(findAttend(*before), env), two(findAttend(*after), env);
      // All positions of small calls.
      auto places = [](int64_t extent) -> std::vector<int64_t> {
        if (extent > 8)
          return {0, extent / 2, extent - 1};
        std::vector<int64_t> all(extent);
        std::iota(all.begin(), all.end(), 0);
        return all;
      };
      for (int64_t i : places(env.queries))
        for (int64_t j : places(env.keys)) {
          ASSERT_EQ(one.visible(j % 2, i, j), two.visible(j % 2, i, j))
              << "mask = " << mask << "\nwith i = " << i << ", j = " << j
              << ", S = " << env.queries << ", T = " << env.keys
              << ", n = " << env.n << ", m = " << env.m;
          ++compared;
        }
    }
  }
  // Most random masks are specs.
  EXPECT_GT(compared, 10000u);
}

} // namespace
