//===- mask_tree.h - Masks that print and evaluate themselves --*- C++ -*-===//
//
// A mask is a tree that prints itself as the region of a tile.mask and that
// evaluates itself, in 32-bit arithmetic, by code that shares nothing with the
// compiler. `trace` tells what a schedule did with each key of each tile.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_UNIT_MASK_TREE_H
#define LADON_TEST_UNIT_MASK_TREE_H

#include "tile_function.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <random>

namespace ladon::test {

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// The inputs of a mask beside the position.
struct World {
  int64_t batches = 2, queries = 0, keys = 0;
  int32_t w = 0;
  std::vector<int32_t> doc;   ///< [batches, max(S, T)]
  std::vector<int32_t> table; ///< [7]
  std::vector<int64_t> len;   ///< [batches]
  std::vector<int8_t> flags;  ///< [S, T]

  int64_t positions() const { return std::max(queries, keys); }
};

struct Position {
  int32_t b, h, i, j;
};

inline const std::vector<Capture> kCaptures = {
    {"w", "i32"},
    {"doc", "memref<?x?xi32, strided<[?, ?], offset: ?>>"},
    {"table", "memref<?xi32>"},
    {"len", "memref<?xi64>"},
    {"flags", "memref<?x?xi8>"}};

/// An integer or boolean expression: `print` appends its operations to the
/// text and gives the name of its value.
struct Node {
  std::function<std::string(std::string &, int &)> print;
  std::function<int32_t(const World &, const Position &)> value;
};
using Expr = std::shared_ptr<Node>;

inline Expr make(decltype(Node::print) print, decltype(Node::value) value) {
  return std::make_shared<Node>(Node{std::move(print), std::move(value)});
}

inline std::string emit(std::string &text, int &next, const std::string &op) {
  std::string name = "%x" + std::to_string(next++);
  text += name + " = " + op + "\n";
  return name;
}

inline Expr
argument(const std::string &name,
         std::function<int32_t(const World &, const Position &)> value) {
  return make([=](std::string &, int &) { return "%" + name; }, value);
}

inline Expr i() {
  return argument("i", [](auto &, auto &p) { return p.i; });
}
inline Expr j() {
  return argument("j", [](auto &, auto &p) { return p.j; });
}
inline Expr b() {
  return argument("b", [](auto &, auto &p) { return p.b; });
}
inline Expr h() {
  return argument("h", [](auto &, auto &p) { return p.h; });
}
inline Expr w() {
  return argument("w", [](auto &w, auto &) { return w.w; });
}
inline Expr offset() {
  return argument("off", [](auto &w, auto &) {
    return static_cast<int32_t>(w.keys - w.queries);
  });
}

inline Expr number(int32_t c) {
  return make(
      [=](std::string &t, int &n) {
        return emit(t, n, "arith.constant " + std::to_string(c) + " : i32");
      },
      [=](auto &, auto &) { return c; });
}

inline Expr binary(const std::string &op, const std::string &type, Expr a,
                   Expr c, std::function<int32_t(int32_t, int32_t)> value) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n), y = c->print(t, n);
        return emit(t, n, op + " " + x + ", " + y + " : " + type);
      },
      [=](auto &w, auto &p) { return value(a->value(w, p), c->value(w, p)); });
}

inline int32_t wrap(int64_t v) { return static_cast<int32_t>(v); }
inline int64_t floorDivide(int64_t a, int64_t c) {
  return a / c - (a % c != 0 && (a < 0) != (c < 0));
}

inline Expr add(Expr a, Expr c) {
  return binary("arith.addi", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x + y); });
}
inline Expr sub(Expr a, Expr c) {
  return binary("arith.subi", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x - y); });
}
inline Expr mul(Expr a, Expr c) {
  return binary("arith.muli", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x * y); });
}
inline Expr minimum(Expr a, Expr c) {
  return binary("arith.minsi", "i32", a, c,
                [](int32_t x, int32_t y) { return std::min(x, y); });
}
inline Expr maximum(Expr a, Expr c) {
  return binary("arith.maxsi", "i32", a, c,
                [](int32_t x, int32_t y) { return std::max(x, y); });
}
inline Expr bits(const std::string &op, Expr a, Expr c) {
  return binary("arith." + op, "i32", a, c, [=](int32_t x, int32_t y) {
    return op == "andi" ? x & y : op == "ori" ? x | y : x ^ y;
  });
}
inline Expr shiftRight(Expr a, int32_t by) {
  return binary("arith.shrsi", "i32", a, number(by),
                [](int32_t x, int32_t y) { return x >> y; });
}
inline Expr floorDiv(Expr a, int32_t d) {
  return binary("arith.floordivsi", "i32", a, number(d),
                [](int64_t x, int64_t y) { return wrap(floorDivide(x, y)); });
}

/// a mod d by way of the truncating remainder, with the sign test written as
/// number `form`.
inline Expr floorMod(Expr a, int32_t d, int form = 0) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n), y = number(d)->print(t, n);
        std::string zero = number(0)->print(t, n);
        auto op = [&](std::string o) { return emit(t, n, o); };
        if (form == 3) {
          std::string q = op("arith.floordivsi " + x + ", " + y + " : i32");
          std::string m = op("arith.muli " + q + ", " + y + " : i32");
          return op("arith.subi " + x + ", " + m + " : i32");
        }
        std::string r = op("arith.remsi " + x + ", " + y + " : i32");
        std::string s = op("arith.addi " + r + ", " + y + " : i32");
        std::string c = op("arith.cmpi slt, " + r + ", " + zero + " : i32");
        if (form > 0) {
          std::string nz = op("arith.cmpi ne, " + r + ", " + zero + " : i32");
          std::string ds = op("arith.cmpi slt, " + y + ", " + zero + " : i32");
          std::string diff =
              form == 1 ? op("arith.cmpi ne, " + c + ", " + ds + " : i1")
                        : op("arith.xori " + c + ", " + ds + " : i1");
          c = op("arith.andi " + nz + ", " + diff + " : i1");
        }
        return op("arith.select " + c + ", " + s + ", " + r + " : i32");
      },
      [=](auto &w, auto &p) {
        int64_t x = a->value(w, p);
        return wrap(x - floorDivide(x, d) * d);
      });
}

/// |a|, wrapping at the smallest integer, in one of three forms.
inline Expr absolute(Expr a, int form = 0) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n);
        if (form == 0)
          return emit(t, n, "math.absi " + x + " : i32");
        std::string zero = number(0)->print(t, n);
        std::string m = emit(t, n, "arith.subi " + zero + ", " + x + " : i32");
        if (form == 1)
          return emit(t, n, "arith.maxsi " + x + ", " + m + " : i32");
        std::string c =
            emit(t, n, "arith.cmpi slt, " + x + ", " + zero + " : i32");
        return emit(t, n, "arith.select " + c + ", " + m + ", " + x + " : i32");
      },
      [=](auto &w, auto &p) {
        int64_t x = a->value(w, p);
        return wrap(x < 0 ? -x : x);
      });
}

inline int64_t clampIndex(int64_t index, int64_t size) {
  return std::clamp<int64_t>(index, 0, size - 1);
}

inline Expr docAt(Expr index) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = index->print(t, n);
        return emit(t, n,
                    "attn.read %doc[%b, " + x + "] : " + kCaptures[1].second +
                        ", i32, i32 -> i32");
      },
      [=](auto &w, auto &p) {
        int64_t size = w.positions();
        if (size == 0)
          return 0;
        return w.doc[p.b * size + clampIndex(index->value(w, p), size)];
      });
}
inline Expr tableAt(Expr index) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = index->print(t, n);
        return emit(t, n,
                    "attn.read %table[" + x + "] : memref<?xi32>, i32 -> i32");
      },
      [=](auto &w, auto &p) {
        return w.table[clampIndex(index->value(w, p), w.table.size())];
      });
}
inline Expr flagAt(Expr row, Expr column) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = row->print(t, n), y = column->print(t, n);
        std::string r = emit(t, n,
                             "attn.read %flags[" + x + ", " + y +
                                 "] : memref<?x?xi8>, i32, i32 -> i8");
        return emit(t, n, "arith.trunci " + r + " : i8 to i1");
      },
      [=](auto &w, auto &p) -> int32_t {
        if (w.queries == 0 || w.keys == 0)
          return 0;
        return w.flags[clampIndex(row->value(w, p), w.queries) * w.keys +
                       clampIndex(column->value(w, p), w.keys)] &
               1;
      });
}
/// a < len[b], compared on 64 bits.
inline Expr beforeLength(Expr a) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n);
        std::string y =
            emit(t, n, "attn.read %len[%b] : memref<?xi64>, i32 -> i64");
        x = emit(t, n, "arith.extsi " + x + " : i32 to i64");
        return emit(t, n, "arith.cmpi slt, " + x + ", " + y + " : i64");
      },
      [=](auto &w, auto &p) { return a->value(w, p) < w.len[p.b]; });
}

inline Expr compare(const std::string &predicate, Expr a, Expr c) {
  return binary("arith.cmpi " + predicate + ",", "i32", a, c,
                [=](int32_t x, int32_t y) {
                  if (predicate == "eq")
                    return x == y;
                  if (predicate == "ne")
                    return x != y;
                  if (predicate == "slt")
                    return x < y;
                  if (predicate == "sle")
                    return x <= y;
                  if (predicate == "sgt")
                    return x > y;
                  if (predicate == "sge")
                    return x >= y;
                  return static_cast<uint32_t>(x) < static_cast<uint32_t>(y);
                });
}
inline Expr le(Expr a, Expr c) { return compare("sle", a, c); }
inline Expr lt(Expr a, Expr c) { return compare("slt", a, c); }
inline Expr eq(Expr a, Expr c) { return compare("eq", a, c); }
inline Expr both(Expr a, Expr c) {
  return binary("arith.andi", "i1", a, c,
                [](int32_t x, int32_t y) { return x & y; });
}
inline Expr either(Expr a, Expr c) {
  return binary("arith.ori", "i1", a, c,
                [](int32_t x, int32_t y) { return x | y; });
}
inline Expr differ(Expr a, Expr c) {
  return binary("arith.xori", "i1", a, c,
                [](int32_t x, int32_t y) { return x ^ y; });
}
inline Expr negation(Expr a) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n), one = emit(t, n, "arith.constant true");
        return emit(t, n, "arith.xori " + x + ", " + one + " : i1");
      },
      [=](auto &w, auto &p) { return a->value(w, p) ^ 1; });
}
inline Expr choose(Expr c, Expr x, Expr y, const std::string &type) {
  return make(
      [=](std::string &t, int &n) {
        std::string s = c->print(t, n), a = x->print(t, n), d = y->print(t, n);
        return emit(t, n,
                    "arith.select " + s + ", " + a + ", " + d + " : " + type);
      },
      [=](auto &w, auto &p) {
        return c->value(w, p) ? x->value(w, p) : y->value(w, p);
      });
}

inline std::string maskText(const Expr &mask) {
  std::string text;
  int next = 0;
  std::string result = mask->print(text, next);
  return text + "tile.yield " + result + " : i1\n";
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

using Class = VisitedBlock::Class;

/// What the schedule did with each key of one query tile.
struct TileTrace {
  int64_t batch, head, firstQuery, queries;
  std::vector<Class> keys; ///< Empty: in a skipped block or never visited.
  std::vector<VisitedBlock> blocks;
};

/// Documents in any order: their numbers change places, some become negative,
/// and no two of 64 are equal modulo 64. With a `factor` of 64, all are.
inline void renumberDocuments(World &world, std::mt19937 &random,
                              int32_t factor = 1) {
  std::vector<int32_t> numbers(64);
  for (int32_t n = 0; n < 64; ++n)
    numbers[n] = (n - 20) * factor;
  std::shuffle(numbers.begin(), numbers.end(), random);
  for (int32_t &document : world.doc)
    document = numbers[document % 64];
}

/// Documents are numbered in ascending order.
inline World makeWorld(std::mt19937 &random, int64_t queries, int64_t keys) {
  auto pick = [&](int low, int high) {
    return static_cast<int32_t>(low + random() % (high - low + 1));
  };
  World world;
  world.queries = queries;
  world.keys = keys;
  world.w = pick(0, 9) == 0   ? std::numeric_limits<int32_t>::min() + pick(0, 3)
            : pick(0, 9) == 0 ? std::numeric_limits<int32_t>::max() - pick(0, 3)
                              : pick(-3, 12);
  for (int64_t batch = 0; batch < world.batches; ++batch) {
    int32_t document = 0;
    for (int64_t n = 0; n < world.positions(); ++n)
      world.doc.push_back(document += pick(0, 5) == 0);
    world.len.push_back(pick(0, 9) == 0   ? std::numeric_limits<int64_t>::max()
                        : pick(0, 9) == 0 ? std::numeric_limits<int64_t>::min()
                                          : pick(0, static_cast<int>(keys)));
  }
  for (int n = 0; n < 7; ++n)
    world.table.push_back(pick(0, 20) == 0 ? std::numeric_limits<int32_t>::min()
                                           : pick(-5, 15));
  for (int64_t n = 0; n < queries * keys; ++n)
    world.flags.push_back(pick(0, 3) == 0);
  return world;
}

inline std::vector<TileTrace> trace(mlir::func::FuncOp function, World &world,
                                    TileShape shape,
                                    bool grantOptionalMemory = true) {
  std::vector<TileTrace> tiles;
  for (int64_t batch = 0; batch < world.batches; ++batch)
    for (int64_t head = 0; head < 2; ++head)
      for (int64_t first = 0; first < world.queries; first += shape.rows)
        tiles.push_back({batch,
                         head,
                         first,
                         std::min<int64_t>(shape.rows, world.queries - first),
                         std::vector<Class>(world.keys, Class::Empty),
                         {}});
  InterpreterOptions options;
  options.evaluateTiles = false;
  options.grantOptionalMemory = grantOptionalMemory;
  options.observer = [&](const VisitedBlock &block) {
    for (TileTrace &tile : tiles) {
      if (tile.batch != block.batch || tile.head != block.head ||
          tile.firstQuery != block.firstQuery)
        continue;
      EXPECT_EQ(tile.queries, block.queries);
      tile.blocks.push_back(block);
      for (int64_t n = 0; n < block.keys; ++n) {
        ASSERT_LT(block.firstKey + n, world.keys);
        Class &key = tile.keys[block.firstKey + n];
        if (block.kind != Class::Empty) {
          EXPECT_EQ(key, Class::Empty) << "a key is visited twice";
          key = block.kind;
        }
      }
    }
  };
  Heads q(world.batches, world.queries), k(world.batches, world.keys),
      v(world.batches, world.keys), out(world.batches, world.queries);
  auto error =
      interpret(function,
                {q.buffer(), k.buffer(), v.buffer(), int64_t(world.w),
                 InterpreterBuffer::dense(world.doc.data(),
                                          {world.batches, world.positions()}),
                 InterpreterBuffer::dense(world.table.data(), {7}),
                 InterpreterBuffer::dense(world.len.data(), {world.batches}),
                 InterpreterBuffer::dense(world.flags.data(),
                                          {world.queries, world.keys}),
                 out.buffer()},
                options);
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
  return tiles;
}

/// How many rows of a tile see key `j`.
inline int64_t rowsThatSee(const Expr &mask, const World &world,
                           const TileTrace &tile, int64_t key) {
  int64_t rows = 0;
  for (int64_t row = 0; row < tile.queries; ++row)
    rows += mask->value(world, {static_cast<int32_t>(tile.batch),
                                static_cast<int32_t>(tile.head),
                                static_cast<int32_t>(tile.firstQuery + row),
                                static_cast<int32_t>(key)});
  return rows;
}

/// Nothing that a row sees is skipped; nothing hidden is left unmasked.
inline void expectSound(const Expr &mask, const World &world,
                        const std::vector<TileTrace> &tiles) {
  for (const TileTrace &tile : tiles)
    for (int64_t key = 0; key < world.keys; ++key) {
      int64_t rows = rowsThatSee(mask, world, tile, key);
      Class kind = tile.keys[key];
      if (kind == Class::Empty) {
        EXPECT_EQ(rows, 0) << "tile " << tile.firstQuery << " skips key "
                           << key;
      }
      if (kind == Class::Full) {
        EXPECT_EQ(rows, tile.queries) << "tile " << tile.firstQuery
                                      << " leaves key " << key << " unmasked";
      }
    }
}

/// Numbers of queries and keys.
inline const std::pair<int64_t, int64_t> kSizes[] = {
    {1, 1}, {5, 8}, {13, 13}, {24, 40}, {40, 17}, {0, 9}, {9, 0}, {33, 64}};

} // namespace ladon::test

#endif // LADON_TEST_UNIT_MASK_TREE_H
