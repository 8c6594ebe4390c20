//===- mask_probe.h - The answers of the mask analysis ---------*- C++ -*-===//
//
// Runs the analysis of a mask along either axis without a schedule: emits its
// code into a function of scalars and evaluates that, tile by tile, by folding
// one operation after the other. `expectSoundAnswers` compares every answer
// with the mask itself.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_MASK_PROBE_H
#define LADON_TEST_UNIT_MASK_PROBE_H

#include "compiler/analysis/MaskVisibility.h"
#include "mask_tree.h"

#include "dialects/tile/Tile.h"

namespace ladon::test {

/// A tile of positions along the fixed axis of a world.
struct ProbeTile {
  int64_t batch, head;
  int64_t first, count; ///< Positions along the fixed axis.
};

/// What the analysis says of one tile.
struct ProbeAnswer {
  int64_t mayLow, mayHigh;   ///< Outside nothing is visible.
  int64_t mustLow, mustHigh; ///< Inside all is visible.
};

class MaskProbe {
public:
  MaskProbe(const Expr &mask, analysis::Axis solved, TileShape shape)
      : solved(solved), shape(shape) {
    std::string captured, types, args;
    for (const Capture &c : kCaptures) {
      captured += ", %" + c.first + "_";
      types += ", " + c.second;
      args += ", %" + c.first + ": " + c.second;
    }
    std::string body = maskText(mask), end = "tile.yield ";
    size_t at = body.find(end);
    std::string result = body.substr(
        at + end.size(), body.find(' ', at + end.size()) - at - end.size());
    body = body.substr(0, at) + "\"probe.end\"(" + result + ") : (i1) -> ()\n";
    std::string params;
    for (const Capture &c : kCaptures)
      params += ", %" + c.first + "_: " + c.second;
    std::string text =
        "func.func @f(%b_: index, %h_: index, %first: index, %last: index, "
        "%low: index, %high: index, %off_: i32" +
        params + R"() {
  "probe.loop"() ({
  ^bb0(%x: index, %n: index):
    "probe.end"() : () -> ()
  }) : () -> ()
  "probe.mask"(%off_)" +
        captured + ") ({\n^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %off: i32" +
        args + "):\n" + body + "}) : (i32" + types + ") -> ()\nreturn\n}\n";
    module.context.allowUnregisteredDialects();
    module.context.loadDialect<tile::TileDialect>();
    function = module.parse(text);
    EXPECT_TRUE(function) << text;
    if (function)
      analyze();
  }

  /// The answers for a tile; positions along the solved axis are
  /// [0, positions).
  ProbeAnswer ask(const World &world, const ProbeTile &tile) {
    start(world, tile);
    for (mlir::Operation &op : function.getBody().front())
      step(op);
    int64_t positions = solvedExtent();
    ProbeAnswer r{0, positions, 0, 0};
    auto [low, high] = mayRange;
    r.mayLow = number(low);
    r.mayHigh = number(may.guard) ? number(high) : r.mayLow;
    r.mustLow = number(must.low);
    r.mustHigh = number(must.high);
    if (!number(must.guard))
      r.mustHigh = r.mustLow;
    return r;
  }

  /// The class of a block, for the tile that was asked about last.
  VisitedBlock::Class askBlock(int64_t first, int64_t count) {
    mlir::Block &body = loop->getRegion(0).front();
    set(body.getArgument(0), first);
    set(body.getArgument(1), count);
    for (mlir::Operation &op : body)
      step(op);
    using Class = VisitedBlock::Class;
    return !number(block.may)   ? Class::Empty
           : number(block.must) ? Class::Full
                                : Class::Partial;
  }

  analysis::Axis solvedAxis() const { return solved; }
  int64_t solvedExtent() const {
    return solved == analysis::Axis::Key ? world->keys : world->queries;
  }
  int64_t fixedExtent(const World &w) const {
    return solved == analysis::Axis::Key ? w.queries : w.keys;
  }
  /// The mask at position `fixed` of the fixed axis, `at` of the solved one.
  bool holds(const Expr &mask, const ProbeTile &tile, int64_t fixed,
             int64_t at) const {
    bool keysAreSolved = solved == analysis::Axis::Key;
    return mask->value(*world, {int32_t(tile.batch), int32_t(tile.head),
                                int32_t(keysAreSolved ? fixed : at),
                                int32_t(keysAreSolved ? at : fixed)}) != 0;
  }

  /// Calls `visit` for each tile of a world, after asking about it.
  void forEachTile(const World &w,
                   const std::function<void(const ProbeTile &,
                                            const ProbeAnswer &)> &visit) {
    for (int64_t batch = 0; batch < w.batches; ++batch)
      for (int64_t head = 0; head < 2; ++head)
        for (int64_t first = 0; first < fixedExtent(w); first += shape.rows) {
          ProbeTile tile{batch, head, first,
                         std::min<int64_t>(shape.rows, fixedExtent(w) - first)};
          ProbeAnswer answer = ask(w, tile);
          visit(tile, answer);
        }
  }

  /// How many of the tile's rows see position `at`.
  int64_t rowsThatSee(const Expr &mask, const ProbeTile &tile,
                      int64_t at) const {
    int64_t rows = 0;
    for (int64_t row = 0; row < tile.count; ++row)
      rows += holds(mask, tile, tile.first + row, at);
    return rows;
  }

private:
  void analyze() {
    using namespace analysis;
    mlir::Block &entry = function.getBody().front();
    auto ops = entry.begin();
    loop = &*ops++;
    mlir::Operation *mask = &*ops;
    MaskSite site;
    site.solved = solved;
    site.captures = mask->getOperands();
    site.loop = &loop->getRegion(0);
    site.step = shape.step;
    ScalarEmitter emit(loop, function.getLoc());
    MaskTile tile{entry.getArgument(0),
                  entry.getArgument(1),
                  emit.wrap(entry.getArgument(2), kPositions),
                  emit.wrap(entry.getArgument(3), kPositions),
                  emit.wrap(entry.getArgument(4), kPositions),
                  emit.wrap(entry.getArgument(5), kPositions)};
    MaskCondition condition(mask->getRegion(0).front(), site);
    MaskVisibility visibility(condition, tile, emit);
    may = visibility.visible().may;
    must = visibility.visible().must;
    isBlockwise = visibility.visible().blockwise;
    mayRange = visibility.clip(may, tile.low, tile.high);
    mlir::Block &body = loop->getRegion(0).front();
    block =
        visibility.classify(emit.wrap(body.getArgument(0), kPositions),
                            emit.wrap(body.getArgument(1), {1, shape.step}));
  }

  void start(const World &w, const ProbeTile &tile) {
    world = &w;
    values.clear();
    int64_t arguments[] = {tile.batch,
                           tile.head,
                           tile.first,
                           tile.first + tile.count - 1,
                           0,
                           solvedExtent(),
                           w.keys - w.queries,
                           w.w};
    for (auto [arg, value] :
         llvm::zip(function.getArguments(), llvm::ArrayRef(arguments)))
      set(arg, value);
  }

  void set(mlir::Value value, int64_t number) {
    values[value] = mlir::IntegerAttr::get(value.getType(), number);
  }
  int64_t number(mlir::Value value) {
    auto found = values.lookup(value);
    EXPECT_TRUE(found);
    if (!found)
      return 0;
    llvm::APInt bits = mlir::cast<mlir::IntegerAttr>(found).getValue();
    return value.getType().isInteger(1) ? bits.getZExtValue()
                                        : bits.getSExtValue();
  }
  int64_t number(const analysis::Scalar &s) {
    return s.isConstant() ? int64_t(s.range.min) : number(s.value);
  }

  void step(mlir::Operation &op) {
    if (op.getNumResults() == 0)
      return;
    if (auto range = mlir::dyn_cast<tile::ValueRangeOp>(op))
      return valueRange(range);
    llvm::SmallVector<mlir::Attribute> operands;
    for (mlir::Value operand : op.getOperands())
      operands.push_back(values.lookup(operand));
    llvm::SmallVector<mlir::OpFoldResult> results;
    ASSERT_TRUE(mlir::succeeded(op.fold(operands, results)));
    mlir::Attribute result;
    if (!results.empty())
      result = mlir::dyn_cast<mlir::Attribute>(results[0]);
    if (!result && !results.empty())
      result = values.lookup(mlir::cast<mlir::Value>(results[0]));
    ASSERT_TRUE(result) << op.getName().getStringRef().str();
    values[op.getResult(0)] = result;
  }

  /// Scans the captured tensor.
  void valueRange(tile::ValueRangeOp op) {
    unsigned n = mlir::cast<mlir::BlockArgument>(op.getSource()).getArgNumber();
    llvm::StringRef name = kCaptures[n - 7].first;
    int64_t positions = world->positions();
    std::vector<int64_t> sizes =
        name == "doc"     ? std::vector<int64_t>{world->batches, positions}
        : name == "table" ? std::vector<int64_t>{7}
        : name == "len"   ? std::vector<int64_t>{world->batches}
                          : std::vector<int64_t>{world->queries, world->keys};
    auto element = [&](int64_t at) -> int64_t {
      return name == "doc"     ? world->doc[at]
             : name == "table" ? world->table[at]
             : name == "len"   ? world->len[at]
                               : world->flags[at];
    };
    std::vector<std::pair<int64_t, int64_t>> box;
    int64_t least = 0, most = 0;
    uint64_t signature = 1;
    bool isEmpty = false;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      int64_t low = number(op.getLower()[axis]),
              high = number(op.getUpper()[axis]);
      isEmpty |= sizes[axis] == 0 || low > high;
      if (!isEmpty)
        box.push_back(
            {clampIndex(low, sizes[axis]), clampIndex(high, sizes[axis])});
    }
    if (!isEmpty) {
      least = std::numeric_limits<int64_t>::max();
      most = std::numeric_limits<int64_t>::min();
      signature = 0;
      bool isFlat = sizes.size() == 1;
      for (int64_t row = isFlat ? 0 : box[0].first;
           row <= (isFlat ? 0 : box[0].second); ++row)
        for (int64_t n = box.back().first; n <= box.back().second; ++n) {
          int64_t v = element(row * sizes.back() + n);
          least = std::min(least, v);
          most = std::max(most, v);
          signature |= uint64_t(1) << (v & 63);
        }
    }
    set(op.getMin(), least);
    set(op.getMax(), most);
    set(op.getSignature(), static_cast<int64_t>(signature));
  }

  TileModule module;
  mlir::func::FuncOp function;
  mlir::Operation *loop = nullptr;
  analysis::Axis solved;
  TileShape shape;
  analysis::PositionSet may, must;
  std::pair<analysis::Scalar, analysis::Scalar> mayRange;
  analysis::BlockClass block;
  const World *world = nullptr;
  llvm::DenseMap<mlir::Value, mlir::Attribute> values;

public:
  bool isBlockwise = false;
};

/// No answer about any tile or block is wrong.
inline void expectSoundAnswers(const Expr &mask, MaskProbe &probe,
                               const World &world, TileShape shape) {
  probe.forEachTile(world, [&](const ProbeTile &tile,
                               const ProbeAnswer &answer) {
    int64_t positions = probe.solvedExtent();
    for (int64_t at = 0; at < positions; ++at) {
      int64_t rows = probe.rowsThatSee(mask, tile, at);
      if (at < answer.mayLow || at >= answer.mayHigh)
        EXPECT_EQ(rows, 0) << "tile " << tile.first << " position " << at;
      if (at >= answer.mustLow && at < answer.mustHigh)
        EXPECT_EQ(rows, tile.count)
            << "tile " << tile.first << " position " << at;
    }
    for (int64_t first = 0; first < positions; first += shape.step) {
      int64_t count = std::min<int64_t>(shape.step, positions - first);
      VisitedBlock::Class kind = probe.askBlock(first, count);
      int64_t some = 0, all = 0;
      for (int64_t n = 0; n < count; ++n) {
        int64_t rows = probe.rowsThatSee(mask, tile, first + n);
        some += rows > 0;
        all += rows == tile.count;
      }
      if (kind == VisitedBlock::Class::Empty)
        EXPECT_EQ(some, 0) << "tile " << tile.first << " block " << first;
      if (kind == VisitedBlock::Class::Full)
        EXPECT_EQ(all, count) << "tile " << tile.first << " block " << first;
    }
  });
}

} // namespace ladon::test

#endif // LADON_TEST_UNIT_MASK_PROBE_H
