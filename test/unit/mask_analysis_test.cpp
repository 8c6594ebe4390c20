//===- mask_analysis_test.cpp - Emitted block classes against brute force -===//
//
// Masks are trees that print themselves as the region of a tile.mask and that
// evaluate themselves, in 32-bit arithmetic, by code that shares nothing with
// the compiler.
//
//===----------------------------------------------------------------------===//

#include "tile_function.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <random>

using namespace ladon;
using namespace ladon::test;

namespace {

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

const std::vector<Capture> kCaptures = {
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

Expr make(decltype(Node::print) print, decltype(Node::value) value) {
  return std::make_shared<Node>(Node{std::move(print), std::move(value)});
}

std::string emit(std::string &text, int &next, const std::string &op) {
  std::string name = "%x" + std::to_string(next++);
  text += name + " = " + op + "\n";
  return name;
}

Expr argument(const std::string &name,
              std::function<int32_t(const World &, const Position &)> value) {
  return make([=](std::string &, int &) { return "%" + name; }, value);
}

Expr i() {
  return argument("i", [](auto &, auto &p) { return p.i; });
}
Expr j() {
  return argument("j", [](auto &, auto &p) { return p.j; });
}
Expr b() {
  return argument("b", [](auto &, auto &p) { return p.b; });
}
Expr h() {
  return argument("h", [](auto &, auto &p) { return p.h; });
}
Expr w() {
  return argument("w", [](auto &w, auto &) { return w.w; });
}
Expr offset() {
  return argument("off", [](auto &w, auto &) {
    return static_cast<int32_t>(w.keys - w.queries);
  });
}

Expr number(int32_t c) {
  return make(
      [=](std::string &t, int &n) {
        return emit(t, n, "arith.constant " + std::to_string(c) + " : i32");
      },
      [=](auto &, auto &) { return c; });
}

Expr binary(const std::string &op, const std::string &type, Expr a, Expr c,
            std::function<int32_t(int32_t, int32_t)> value) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n), y = c->print(t, n);
        return emit(t, n, op + " " + x + ", " + y + " : " + type);
      },
      [=](auto &w, auto &p) { return value(a->value(w, p), c->value(w, p)); });
}

int32_t wrap(int64_t v) { return static_cast<int32_t>(v); }
int64_t floorDivide(int64_t a, int64_t c) {
  return a / c - (a % c != 0 && (a < 0) != (c < 0));
}

Expr add(Expr a, Expr c) {
  return binary("arith.addi", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x + y); });
}
Expr sub(Expr a, Expr c) {
  return binary("arith.subi", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x - y); });
}
Expr mul(Expr a, Expr c) {
  return binary("arith.muli", "i32", a, c,
                [](int64_t x, int64_t y) { return wrap(x * y); });
}
Expr minimum(Expr a, Expr c) {
  return binary("arith.minsi", "i32", a, c,
                [](int32_t x, int32_t y) { return std::min(x, y); });
}
Expr maximum(Expr a, Expr c) {
  return binary("arith.maxsi", "i32", a, c,
                [](int32_t x, int32_t y) { return std::max(x, y); });
}
Expr bits(const std::string &op, Expr a, Expr c) {
  return binary("arith." + op, "i32", a, c, [=](int32_t x, int32_t y) {
    return op == "andi" ? x & y : op == "ori" ? x | y : x ^ y;
  });
}
Expr shiftRight(Expr a, int32_t by) {
  return binary("arith.shrsi", "i32", a, number(by),
                [](int32_t x, int32_t y) { return x >> y; });
}
Expr floorDiv(Expr a, int32_t d) {
  return binary("arith.floordivsi", "i32", a, number(d),
                [](int64_t x, int64_t y) { return wrap(floorDivide(x, y)); });
}

/// a mod d by way of the truncating remainder, with the sign test written as
/// number `form`.
Expr floorMod(Expr a, int32_t d, int form = 0) {
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
Expr absolute(Expr a, int form = 0) {
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

int64_t clampIndex(int64_t index, int64_t size) {
  return std::clamp<int64_t>(index, 0, size - 1);
}

Expr docAt(Expr index) {
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
Expr tableAt(Expr index) {
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
Expr flagAt(Expr row, Expr column) {
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
Expr beforeLength(Expr a) {
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

Expr compare(const std::string &predicate, Expr a, Expr c) {
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
Expr le(Expr a, Expr c) { return compare("sle", a, c); }
Expr lt(Expr a, Expr c) { return compare("slt", a, c); }
Expr eq(Expr a, Expr c) { return compare("eq", a, c); }
Expr both(Expr a, Expr c) {
  return binary("arith.andi", "i1", a, c,
                [](int32_t x, int32_t y) { return x & y; });
}
Expr either(Expr a, Expr c) {
  return binary("arith.ori", "i1", a, c,
                [](int32_t x, int32_t y) { return x | y; });
}
Expr differ(Expr a, Expr c) {
  return binary("arith.xori", "i1", a, c,
                [](int32_t x, int32_t y) { return x ^ y; });
}
Expr negation(Expr a) {
  return make(
      [=](std::string &t, int &n) {
        std::string x = a->print(t, n), one = emit(t, n, "arith.constant true");
        return emit(t, n, "arith.xori " + x + ", " + one + " : i1");
      },
      [=](auto &w, auto &p) { return a->value(w, p) ^ 1; });
}
Expr choose(Expr c, Expr x, Expr y, const std::string &type) {
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

std::string maskText(const Expr &mask) {
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

World makeWorld(std::mt19937 &random, int64_t queries, int64_t keys) {
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

std::vector<TileTrace> trace(mlir::func::FuncOp function, World &world,
                             TileShape shape) {
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
int64_t rowsThatSee(const Expr &mask, const World &world, const TileTrace &tile,
                    int64_t key) {
  int64_t rows = 0;
  for (int64_t row = 0; row < tile.queries; ++row)
    rows += mask->value(world, {static_cast<int32_t>(tile.batch),
                                static_cast<int32_t>(tile.head),
                                static_cast<int32_t>(tile.firstQuery + row),
                                static_cast<int32_t>(key)});
  return rows;
}

/// Nothing that a row sees is skipped; nothing hidden is left unmasked.
void expectSound(const Expr &mask, const World &world,
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

const std::pair<int64_t, int64_t> kSizes[] = {
    {1, 1}, {5, 8}, {13, 13}, {24, 40}, {40, 17}, {0, 9}, {9, 0}, {33, 64}};

//===----------------------------------------------------------------------===//
// Random masks
//===----------------------------------------------------------------------===//

class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}

  Expr boolean(int depth) {
    if (depth == 0 || pick(4) == 0)
      return leaf();
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
      return both(boolean(depth - 1), boolean(depth - 1));
    case 3:
    case 4:
      return either(boolean(depth - 1), boolean(depth - 1));
    case 5:
      return negation(boolean(depth - 1));
    case 6:
      return differ(boolean(depth - 1), boolean(depth - 1));
    default:
      return choose(boolean(depth - 1), boolean(depth - 1), boolean(depth - 1),
                    "i1");
    }
  }

  std::mt19937 random;

private:
  int pick(int n) { return random() % n; }

  Expr leaf() {
    static const char *predicates[] = {"slt", "sle", "sgt", "sge",
                                       "eq",  "ne",  "ult"};
    switch (pick(12)) {
    case 0:
      return flagAt(i(), integer(pick(2)));
    case 1:
      return beforeLength(integer(1));
    case 2:
      return eq(docAt(i()), docAt(j()));
    default:
      return compare(predicates[pick(7)], integer(2), integer(2));
    }
  }

  Expr integer(int depth) {
    if (depth == 0 || pick(3) == 0) {
      switch (pick(10)) {
      case 0:
        return number(pick(20) - 5);
      case 1:
        return w();
      case 2:
        return offset();
      case 3:
        return b();
      case 4:
        return h();
      case 5:
      case 6:
        return i();
      default:
        return j();
      }
    }
    switch (pick(17)) {
    case 0:
    case 1:
      return add(integer(depth - 1), integer(depth - 1));
    case 2:
    case 3:
    case 4:
      return sub(integer(depth - 1), integer(depth - 1));
    case 5:
      return mul(integer(depth - 1), number(pick(9) - 4));
    case 6:
      return mul(integer(depth - 1), integer(depth - 1));
    case 7:
    case 8:
      return floorDiv(integer(depth - 1), divisor());
    case 9:
      return floorMod(integer(depth - 1), 1 + pick(9), pick(4));
    case 10:
      return absolute(integer(depth - 1), pick(3));
    case 11:
      return pick(2) ? minimum(integer(depth - 1), integer(depth - 1))
                     : maximum(integer(depth - 1), integer(depth - 1));
    case 12:
      return tableAt(integer(depth - 1));
    case 13:
      return docAt(integer(depth - 1));
    case 14: {
      static const char *ops[] = {"andi", "ori", "xori"};
      return bits(ops[pick(3)], integer(depth - 1),
                  pick(2) ? number(pick(2) ? 7 : -4) : integer(depth - 1));
    }
    case 15:
      return shiftRight(integer(depth - 1), pick(4));
    default:
      return choose(boolean(1), integer(depth - 1), integer(depth - 1), "i32");
    }
  }

  int32_t divisor() {
    int32_t d = pick(9) - 3;
    return d == 0 ? 5 : d;
  }
};

TEST(MaskAnalysis, random_masks_are_classified_soundly) {
  TileShape shape;
  int skipped = 0, unmasked = 0;
  for (unsigned seed = 0; seed < 600; ++seed) {
    Generator generator(seed);
    Expr mask = generator.boolean(3);
    std::string text = tileFunction(maskText(mask), kCaptures, shape);
    TileModule module;
    mlir::func::FuncOp function = module.parse(text);
    ASSERT_TRUE(function) << text;
    ASSERT_TRUE(module.classify()) << text;
    for (auto [queries, keys] : {kSizes[seed % 8], kSizes[(seed + 3) % 8]}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", S " +
                   std::to_string(queries) + ", T " + std::to_string(keys) +
                   "\n" + maskText(mask));
      World world = makeWorld(generator.random, queries, keys);
      std::vector<TileTrace> tiles = trace(function, world, shape);
      expectSound(mask, world, tiles);
      for (const TileTrace &tile : tiles)
        for (Class kind : tile.keys) {
          skipped += kind == Class::Empty;
          unmasked += kind == Class::Full;
        }
      if (HasFailure())
        return;
    }
  }
  // The analysis decides a good part of these positions.
  EXPECT_GT(skipped, 10000);
  EXPECT_GT(unmasked, 10000);
}

//===----------------------------------------------------------------------===//
// Exactness on the masks that people write
//===----------------------------------------------------------------------===//

struct Case {
  const char *name;
  Expr mask;
};

class Catalogue : public ::testing::Test {
protected:
  /// Calls `check` for each query tile of each size.
  void forEachTile(
      const Case &c, TileShape shape,
      const std::function<void(const World &, const TileTrace &)> &check) {
    TileModule module;
    mlir::func::FuncOp function =
        module.parse(tileFunction(maskText(c.mask), kCaptures, shape));
    ASSERT_TRUE(function);
    ASSERT_TRUE(module.classify());
    std::mt19937 random(7);
    for (auto [queries, keys] : kSizes) {
      World world = makeWorld(random, queries, keys);
      world.w = 6;
      for (int64_t &length : world.len)
        length = random() % (keys + 1);
      SCOPED_TRACE(std::string(c.name) + ", S " + std::to_string(queries) +
                   ", T " + std::to_string(keys));
      std::vector<TileTrace> tiles = trace(function, world, shape);
      expectSound(c.mask, world, tiles);
      for (const TileTrace &tile : tiles)
        check(world, tile);
      if (HasFailure())
        return;
    }
  }
};

Expr causal() { return le(j(), add(i(), offset())); }
Expr window(Expr left, Expr right) {
  Expr last = add(i(), offset());
  return both(le(sub(last, left), j()), le(j(), add(last, right)));
}

TEST_F(Catalogue, ranges_are_exact) {
  // Visited are the keys from the first to the last that some row sees, and
  // those that every row sees are unmasked when there are half a block of them.
  Case cases[] = {
      {"causal", causal()},
      {"causal_top_left", le(j(), i())},
      {"window", window(number(6), number(0))},
      {"window of a run-time width", window(w(), number(1))},
      {"causal and window", both(causal(), window(number(9), number(0)))},
      {"prefix", either(lt(j(), number(5)), le(j(), i()))},
      {"prefix of a run-time length", either(lt(j(), w()), causal())},
      {"padding", beforeLength(j())},
      {"padding and causal", both(beforeLength(j()), causal())},
      {"distance", le(absolute(sub(j(), i())), number(4))},
      {"distance by maximum", le(absolute(sub(i(), j()), 1), number(4))},
      {"distance by select", le(absolute(sub(i(), j()), 2), number(4))},
      {"blocks", eq(floorDiv(i(), 8), floorDiv(j(), 8))},
      {"block-causal", le(floorDiv(j(), 6), floorDiv(i(), 6))},
      {"shifted blocks",
       eq(shiftRight(i(), 3), shiftRight(add(j(), number(2)), 3))},
      {"only some heads", both(eq(h(), number(1)), causal())},
      {"a doubled position", le(mul(j(), number(2)), i())},
      {"after", lt(add(i(), number(3)), j())},
      {"not causal", negation(causal())},
  };
  TileShape shape;
  for (const Case &c : cases) {
    forEachTile(c, shape, [&](const World &world, const TileTrace &tile) {
      int64_t first = world.keys, last = -1, shared = 0;
      for (int64_t key = 0; key < world.keys; ++key) {
        int64_t rows = rowsThatSee(c.mask, world, tile, key);
        if (rows > 0) {
          first = std::min(first, key);
          last = key;
        }
        shared += rows == tile.queries;
      }
      for (int64_t key = 0; key < world.keys; ++key) {
        bool inside = first <= key && key <= last;
        EXPECT_EQ(tile.keys[key] != Class::Empty, inside)
            << "tile " << tile.firstQuery << " key " << key;
        bool full = rowsThatSee(c.mask, world, tile, key) == tile.queries &&
                    shared >= shape.step / 2;
        EXPECT_EQ(tile.keys[key] == Class::Full, full)
            << "tile " << tile.firstQuery << " key " << key;
      }
    });
  }
}

TEST_F(Catalogue, blocks_are_exact) {
  // Each block of `step` keys has its true class.
  TileShape shape;
  Expr distance = absolute(sub(i(), j()));
  Case cases[] = {
      {"documents", eq(docAt(i()), docAt(j()))},
      {"documents and causal", both(eq(docAt(i()), docAt(j())), le(j(), i()))},
      {"global keys", either(lt(j(), number(3)), le(distance, number(4)))},
      {"global tokens", either(either(lt(j(), number(3)), lt(i(), number(4))),
                               le(distance, number(4)))},
      {"mask tensor", flagAt(i(), j())},
      {"every second block", eq(floorMod(floorDiv(j(), 8), 2), number(0))},
      {"other keys", negation(eq(i(), j()))},
  };
  for (const Case &c : cases)
    forEachTile(c, shape, [&](const World &world, const TileTrace &tile) {
      for (const VisitedBlock &block : tile.blocks) {
        int64_t some = 0, all = 0;
        for (int64_t n = 0; n < block.keys; ++n) {
          int64_t rows = rowsThatSee(c.mask, world, tile, block.firstKey + n);
          some += rows > 0;
          all += rows == tile.queries;
        }
        Class expected = some == 0           ? Class::Empty
                         : all == block.keys ? Class::Full
                                             : Class::Partial;
        EXPECT_EQ(int(block.kind), int(expected))
            << "tile " << tile.firstQuery << " block " << block.firstKey;
      }
    });
}

TEST_F(Catalogue, neighbourhoods_visit_the_rows_of_the_grid) {
  // On a grid 8 wide, a query sees 1 row and 1 column around it. Visited are
  // the rows of the grid that some query sees.
  Case c{
      "2-D neighbourhood",
      both(le(absolute(sub(floorMod(i(), 8), floorMod(j(), 8))), number(1)),
           le(absolute(sub(floorDiv(i(), 8), floorDiv(j(), 8))), number(1)))};
  forEachTile(c, {}, [&](const World &world, const TileTrace &tile) {
    int64_t last = tile.firstQuery + tile.queries - 1;
    for (int64_t key = 0; key < world.keys; ++key) {
      bool near = key / 8 >= tile.firstQuery / 8 - 1 && key / 8 <= last / 8 + 1;
      if (!near) {
        EXPECT_EQ(tile.keys[key], Class::Empty);
      }
    }
  });
}

TEST_F(Catalogue, dilation_keeps_the_bounds_of_its_window) {
  Expr near = le(absolute(sub(i(), j())), number(9));
  Case c{"dilated", both(near, eq(floorMod(sub(i(), j()), 2, 1), number(0)))};
  forEachTile(c, {}, [&](const World &world, const TileTrace &tile) {
    for (int64_t key = 0; key < world.keys; ++key)
      EXPECT_EQ(tile.keys[key], rowsThatSee(near, world, tile, key) > 0
                                    ? Class::Partial
                                    : Class::Empty);
  });
}

TEST_F(Catalogue, a_window_visits_no_whole_blocks_around_it) {
  Case c{"window", window(number(256), number(0))};
  TileShape shape{24, 128};
  TileModule module;
  mlir::func::FuncOp function =
      module.parse(tileFunction(maskText(c.mask), kCaptures, shape));
  ASSERT_TRUE(function && module.classify());
  std::mt19937 random(1);
  World world = makeWorld(random, 960, 960);
  for (const TileTrace &tile : trace(function, world, shape)) {
    int64_t visited = 0;
    for (const VisitedBlock &block : tile.blocks)
      visited += block.keys;
    EXPECT_LE(visited, 256 + 24);
  }
}

TEST(MaskAnalysis, integers_that_wrap_are_not_taken_for_bounds) {
  // i * i * i leaves i32 from i = 1291 on.
  Expr mask = le(j(), mul(mul(i(), i()), i()));
  TileShape shape{4, 512};
  TileModule module;
  mlir::func::FuncOp function =
      module.parse(tileFunction(maskText(mask), kCaptures, shape));
  ASSERT_TRUE(function && module.classify());
  std::mt19937 random(1);
  World world = makeWorld(random, 1400, 20);
  expectSound(mask, world, trace(function, world, shape));
}

} // namespace
