//===- RowProducts.cpp - Products of tiles of few rows --------------------===//
//
// The two products of RowTiles. Those with K have features in the lanes: as
// many of them are kept as a register has lanes, which are then summed across
// together, with two shuffles and an addition per sum. Those with V have
// features in the lanes of the accumulators. Up to four rows share what is read
// of K and V.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace ladon;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// Groups of rows
//===----------------------------------------------------------------------===//

/// How many rows share a pass over keys or values: more than four would leave
/// too few registers for keys or features.
static int64_t rowGroup(int64_t rows) {
  return rows % 4 == 0 ? 4 : rows % 2 == 0 ? 2 : 1;
}

/// A number that divides `x`.
static int64_t divisorOf(Value x) {
  if (std::optional<int64_t> constant = getConstantIntValue(x))
    return *constant;
  if (auto product = x.getDefiningOp<arith::MulIOp>())
    return divisorOf(product.getLhs()) * divisorOf(product.getRhs());
  return 1;
}

/// Accumulators of an inner loop that leave room for its operands: AVX-512 has
/// twice as many registers.
static int64_t accumulatorRegisters(VectorEmitter &e) {
  return e.lanes * e.element.getWidth() >= 512 ? 24 : 10;
}

void RowTiles::inGroups(Value tile, Value rows, int64_t most,
                        llvm::function_ref<void(const Groups &)> body) {
  Value count = countRows(tile, rows);
  int64_t group = std::min(rowGroup(extent(tile, 0)), most);
  int64_t least = divisorOf(count);
  // One or two rows by themselves are what most calls have.
  if (getConstantIntValue(count) || least > 2 || least >= group)
    return body({count, group});
  Value isLeast =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, count, e.index(least));
  auto branch = scf::IfOp::create(b, isLeast, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body({e.index(least), least});
  b.setInsertionPointToStart(branch.elseBlock());
  body({count, group});
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// The products of `rows` rows of the query from `first` on with some keys, row
/// by row, not yet summed across. Each has as many sums as are needed for no
/// multiply-add to wait for the one before.
static SmallVector<Value> emitDots(VectorEmitter &e, Value query, Value first,
                                   int64_t rows, Value key,
                                   ArrayRef<Value> keyRows, bool compact) {
  auto keys = static_cast<int64_t>(keyRows.size());
  int64_t dots = rows * keys, features = extent(query, 1);
  int64_t chains = compact ? 1 : std::clamp<int64_t>(8 / dots, 1, 4);
  // Unrolled further, the query's registers would be loaded before the loop
  // over keys, and spilled.
  int64_t unroll = compact ? 1 : std::max<int64_t>(2, chains);
  SmallVector<Value> sums(dots * chains, e.splat(0));
  auto step = [&](Value d, int64_t number, int64_t count) {
    // A line at a time: as many at once as a group has would wait in a queue.
    if (!compact && number % unroll * e.lanes % lineElements(key) == 0)
      for (Value keyRow : keyRows)
        prefetch(e, key, e.addIndex(keyRow, rowsAhead(key)), d);
    SmallVector<Value> right;
    for (Value keyRow : keyRows)
      right.push_back(loadSome(e, key, {keyRow, d}, count));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = loadSome(e, query, {e.addIndex(first, r), d}, count);
      for (int64_t k = 0; k < keys; ++k) {
        Value &sum = sums[number % chains * dots + r * keys + k];
        sum = vector::FMAOp::create(e.b, left, right[k], sum);
      }
    }
  };
  int64_t width = unroll * e.lanes, looped = features - features % width;
  sums =
      llvm::to_vector(e.loop(e.index(0), e.index(looped), width, sums,
                             [&](Value d, ValueRange carried) {
                               sums.assign(carried.begin(), carried.end());
                               for (int64_t n = 0; n < unroll; ++n)
                                 step(e.addIndex(d, n * e.lanes), n, e.lanes);
                               return sums;
                             }));
  for (int64_t d = looped; d < features; d += e.lanes)
    step(e.index(d), d / e.lanes, std::min(e.lanes, features - d));
  for (int64_t chain = 1; chain < chains; ++chain)
    for (int64_t n = 0; n < dots; ++n)
      sums[n] = e.add(sums[n], sums[chain * dots + n]);
  sums.truncate(dots);
  return sums;
}

/// As many keys at a time as give, with the rows that share them, a register of
/// sums, which is summed across once. They are read a few at a time, in order:
/// as many as leave room for their sums. A last group of fewer keys repeats the
/// last one, as in LaneTiles.
void RowTiles::contractGroups(tile::ContractOp op, const Groups &groups) {
  Value key = op.getRight(), keys = op.getColumns(), scores = op.getOuts()[0];
  int64_t keysAtOnce = e.lanes / groups.size;
  int64_t most = groups.size == 1 ? 1 : accumulatorRegisters(e) >= 16 ? 4 : 2;
  int64_t together = std::min(keysAtOnce, most);
  Value last = arith::SubIOp::create(b, keys, e.index(1));
  auto dots = [&](Value row, Value firstKey) {
    SmallVector<Value> keyRows;
    for (int64_t k = 0; k < together; ++k)
      keyRows.push_back(e.minIndex(e.addIndex(firstKey, k), last));
    return emitDots(e, op.getLeft(), row, groups.size, key, keyRows,
                    op.getCompact());
  };
  Value products;
  if (together < keysAtOnce)
    products = scratch(e, e.lanes, e.lanes);

  forEach(e, e.index(0), keys, keysAtOnce, [&](Value first) {
    forEach(e, e.index(0), groups.count, groups.size, [&](Value row) {
      SmallVector<Value> vectors;
      if (!products) {
        vectors = dots(row, first);
      } else {
        forEach(e, e.index(0), e.index(keysAtOnce), together, [&](Value k) {
          Value firstKey = arith::AddIOp::create(b, first, k);
          for (auto [n, x] : llvm::enumerate(dots(row, firstKey))) {
            int64_t before = n / together * keysAtOnce + n % together;
            e.store(x, products, {e.addIndex(k, before), e.index(0)});
          }
        });
        for (int64_t n = 0; n < e.lanes; ++n)
          vectors.push_back(e.load(products, {e.index(n), e.index(0)}));
      }
      Value sums = e.sumAcross(vectors);
      for (int64_t r = 0; r < groups.size; ++r) {
        auto ofRow =
            llvm::to_vector(llvm::seq(r * keysAtOnce, (r + 1) * keysAtOnce));
        Value part = vector::ShuffleOp::create(b, sums, sums, ofRow);
        vector::StoreOp::create(b, part, scores,
                                ValueRange{e.addIndex(row, r), first});
      }
    });
  });
}

void RowTiles::contract(tile::ContractOp op) {
  inGroups(op.getLeft(), op.getRows(), e.lanes,
           [&](const Groups &groups) { contractGroups(op, groups); });
  if (op.getOuts().size() > 1)
    maxima(op.getOuts()[0], op.getRows(), op.getColumns(), op.getOuts()[1]);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Asks for the values of the keys from `next` on, a part of them at each of
/// `slots` * `keys` times: in the order in which they lie in memory, whatever
/// the order in which those before are used.
static void prefetchInOrder(VectorEmitter &e, Value value, Value next,
                            int64_t keys, Value slot, int64_t slots, Value j) {
  ImplicitLocOpBuilder &b = e.b;
  int64_t rowLines = llvm::divideCeil(extent(value, 1), lineElements(value));
  int64_t linesAtOnce = llvm::divideCeil(rowLines, slots);
  Value before = arith::MulIOp::create(b, slot, e.index(keys));
  Value time = arith::AddIOp::create(b, before, j);
  Value first = arith::MulIOp::create(b, time, e.index(linesAtOnce));
  for (int64_t n = 0; n < linesAtOnce; ++n) {
    Value line = e.addIndex(first, n), perRow = e.index(rowLines);
    Value row =
        arith::AddIOp::create(b, next, arith::DivUIOp::create(b, line, perRow));
    Value d = arith::MulIOp::create(b, arith::RemUIOp::create(b, line, perRow),
                                    e.index(lineElements(value)));
    prefetch(e, value, row, d);
  }
}

/// Accumulators of some rows and some registers of features at a time, over
/// few enough keys for their values, and those asked for meanwhile, to stay in
/// the first cache until all rows and features have used them.
void RowTiles::accumulateGroups(tile::AccumulateOp op, const Groups &groups) {
  Value weights = op.getWeights(), value = op.getValue(), acc = op.getAcc();
  int64_t features = extent(acc, 1), group = groups.size;
  constexpr int64_t keysAtOnce = 8;
  // Registers of features in passes of equal width, and a last one for a rest.
  int64_t total = llvm::divideCeil(features, e.lanes);
  int64_t passes = llvm::divideCeil(total, accumulatorRegisters(e) / group);
  int64_t width = llvm::divideCeil(total, passes) * e.lanes;
  int64_t whole = features - features % width;
  // All groups ask for lines, or each for its part where their number is known.
  std::optional<int64_t> count = getConstantIntValue(groups.count);
  auto pass = [&](Value begin, Value keys, Value first, Value d,
                  ArrayRef<int64_t> counts) {
    auto at = [&](size_t n) { return e.addIndex(d, n * e.lanes); };
    auto key = [&](Value j) -> Value {
      return arith::AddIOp::create(b, begin, j);
    };
    Value slot = arith::DivUIOp::create(b, d, e.index(width));
    int64_t slots = passes;
    if (count) {
      Value before = arith::MulIOp::create(
          b, arith::DivUIOp::create(b, first, e.index(group)), e.index(passes));
      slot = arith::AddIOp::create(b, before, slot);
      slots *= llvm::divideCeil(*count, group);
    }
    SmallVector<Value> zeros(group * counts.size(), e.splat(0));
    auto sums = e.matmul(
        group, counts.size(), keys, /*unroll=*/2, zeros,
        [&](int64_t r, Value j) -> Value {
          return memref::LoadOp::create(
              b, weights, ValueRange{e.addIndex(first, r), key(j)});
        },
        [&](Value j, int64_t n) {
          if (n == 0)
            prefetchInOrder(e, value, e.addIndex(begin, rowsAhead(value)),
                            keysAtOnce, slot, slots, j);
          return loadSome(e, value, {key(j), at(n)}, counts[n]);
        });
    for (int64_t r = 0; r < group; ++r)
      for (auto [n, lanes] : llvm::enumerate(counts)) {
        SmallVector<Value> place = {e.addIndex(first, r), at(n)};
        Value old = loadSome(e, acc, place, lanes);
        storeSome(e, e.add(old, sums[r * counts.size() + n]), acc, place,
                  lanes);
      }
  };
  SmallVector<int64_t> full(width / e.lanes, e.lanes), rest;
  for (int64_t d = whole; d < features; d += e.lanes)
    rest.push_back(std::min(e.lanes, features - d));
  forEach(e, e.index(0), op.getKeys(), keysAtOnce, [&](Value begin) {
    Value keys = e.minIndex(e.index(keysAtOnce),
                            arith::SubIOp::create(b, op.getKeys(), begin));
    forEach(e, e.index(0), groups.count, groups.size, [&](Value first) {
      forEach(e, e.index(0), e.index(whole), width,
              [&](Value d) { pass(begin, keys, first, d, full); });
      if (!rest.empty())
        pass(begin, keys, first, e.index(whole), rest);
    });
  });
}

void RowTiles::accumulate(tile::AccumulateOp op) {
  Value acc = op.getAcc();
  if (op.getRescale())
    forRows(acc, op.getRows(), [&](Value row) {
      Value factor =
          e.broadcast(memref::LoadOp::create(b, op.getRescale(), row));
      forFeatures(extent(acc, 1), [&](Load load, Store store) {
        store(arith::MulFOp::create(b, load(acc, row), factor), acc, row);
      });
    });
  if (op.getGuard())
    return accumulateGuarded(op);
  inGroups(acc, op.getRows(), /*most=*/4,
           [&](const Groups &groups) { accumulateGroups(op, groups); });
}
