//===- SchedulePlan.cpp - What a compiled attention will compute ----------===//

#include "compiler/driver/explain/SchedulePlan.h"

#include "compiler/driver/compile/Messages.h"
#include "compiler/driver/host/InterpreterCall.h"

#include "dialects/attn/Attn.h"
#include "dialects/tile/Tile.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace ladon;
using Class = VisitedBlock::Class;

std::pair<int64_t, int64_t> PlannedTile::keyRange() const {
  int64_t first = 0, end = 0;
  for (const PlannedBlock &block : blocks) {
    if (block.kind == Class::Empty)
      continue;
    first = end == 0 ? block.firstKey : std::min(first, block.firstKey);
    end = std::max(end, block.firstKey + block.keys);
  }
  return {first, end};
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// The sizes that are written in the types of a key loop's operations.
static void readShapes(mlir::Operation *loop, AttendPlan &plan) {
  auto dim = [](mlir::Value tile, unsigned axis) {
    return mlir::cast<mlir::ShapedType>(tile.getType()).getDimSize(axis);
  };
  loop->walk([&](tile::AccumulateOp accumulate) {
    plan.queryTile = dim(accumulate.getWeights(), accumulate.getTransposed());
    plan.valueDim = dim(accumulate.getValue(), 1);
  });
  loop->walk([&](tile::ContractOp scores) {
    plan.headDim = dim(scores.getRight(), 1);
  });
  plan.keyTile = mlir::cast<tile::KeyLoopOp>(loop).getStep();
}

/// Adds a block, to the one before it where the two are of one class.
static void append(PlannedTile &tile, const VisitedBlock &block) {
  PlannedBlock *last = tile.blocks.empty() ? nullptr : &tile.blocks.back();
  if (last && last->kind == block.kind &&
      last->firstKey + last->keys == block.firstKey)
    last->keys += block.keys;
  else
    tile.blocks.push_back({block.kind, block.firstKey, block.keys});
}

llvm::Expected<std::vector<AttendPlan>>
ladon::planSchedule(mlir::ModuleOp module, llvm::ArrayRef<HostTensor> arguments,
                    const PlanOptions &plan) {
  auto functions = module.getOps<mlir::func::FuncOp>();
  if (functions.empty())
    return llvm::createStringError("expected a function in the module");
  mlir::func::FuncOp function = *functions.begin();
  if (function.getNumArguments() != arguments.size())
    return llvm::createStringError("expected %u arguments, found %zu",
                                   function.getNumArguments(),
                                   arguments.size());
  std::vector<InterpreterArgument> converted =
      interpreterArguments(function, arguments);

  // The loops of all kernel forms of an attend are where the attend was.
  llvm::MapVector<mlir::Attribute, AttendPlan> plans;
  auto planOf = [&](mlir::Operation *loop) -> AttendPlan & {
    return plans[mlir::LocationAttr(loop->getLoc())];
  };
  function.walk([&](tile::KeyLoopOp loop) { readShapes(loop, planOf(loop)); });
  // By batch, head and first query.
  using Place = std::tuple<AttendPlan *, int64_t, int64_t, int64_t>;
  std::map<Place, size_t> tileAt;
  auto isShown = [&](auto &visit) {
    return plan.everyHead ||
           (visit.batch == plan.batch && visit.head <= plan.head &&
            plan.head < visit.head + visit.heads);
  };
  InterpreterOptions options;
  options.evaluateTiles = false;
  options.blockLimit = plan.blockLimit;
  options.loopObserver = [&](const VisitedLoop &visit) {
    readShapes(visit.loop, planOf(visit.loop));
    AttendPlan &into = planOf(visit.loop);
    into.batches = std::max(into.batches, visit.batch + 1);
    into.heads = std::max(into.heads, visit.head + visit.heads);
    into.queries = std::max(into.queries, visit.firstQuery + visit.queries);
    into.keys = visit.keys;
    if (!isShown(visit))
      return;
    int64_t head = plan.everyHead ? visit.head : plan.head;
    int64_t heads = plan.everyHead ? visit.heads : 1;
    Place place(&into, visit.batch, head, visit.firstQuery);
    if (tileAt.try_emplace(place, into.tiles.size()).second)
      into.tiles.push_back(
          {visit.batch, head, heads, visit.firstQuery, visit.queries, {}});
  };
  options.observer = [&](const VisitedBlock &block) {
    AttendPlan &into = planOf(block.loop);
    int64_t pairs = block.heads * block.queries * block.keys;
    if (block.kind == Class::Full)
      into.fullPairs += pairs;
    else if (block.kind == Class::Partial)
      into.partialPairs += pairs;
    if (isShown(block))
      append(into.tiles[tileAt.at({&into, block.batch,
                                   plan.everyHead ? block.head : plan.head,
                                   block.firstQuery})],
             block);
  };
  if (llvm::Error error = interpret(function, converted, options))
    return std::move(error);
  std::vector<AttendPlan> result;
  for (auto &[location, done] : plans) {
    llvm::sort(done.tiles, [](const PlannedTile &a, const PlannedTile &b) {
      return std::tie(a.batch, a.head, a.firstQuery) <
             std::tie(b.batch, b.head, b.firstQuery);
    });
    done.place = placeOf(mlir::cast<mlir::LocationAttr>(location));
    result.push_back(std::move(done));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Projections
//===----------------------------------------------------------------------===//

llvm::StringMap<PlannedProjection>
ladon::readProjections(mlir::ModuleOp module) {
  llvm::StringMap<PlannedProjection> found;
  module.walk([&](attn::AttendOp op) {
    using tile::TileDialect;
    auto sizes =
        op->getAttrOfType<tile::ProjectionAttr>(TileDialect::projectionName);
    auto shape = op->getAttrOfType<tile::ShapeAttr>(TileDialect::shapeName);
    if (!sizes || !shape)
      return;
    auto out = mlir::cast<mlir::ShapedType>(op.getInits()[0].getType());
    int64_t bytes = out.getElementTypeBitWidth() / 8;
    found[placeOf(op.getLoc())] = {sizes.getMostKeys(), sizes.getLeastTiles(),
                                   shape.getFew(),
                                   out.getShape().back() * bytes};
  });
  return found;
}

std::string ladon::describeProjection(const AttendPlan &plan) {
  if (!plan.projection || plan.queryTile == 0)
    return "";
  const PlannedProjection &sizes = *plan.projection;
  int64_t tiles = plan.batches * llvm::divideCeil(plan.queries, plan.queryTile);
  std::string why;
  if (plan.queries <= sizes.mostFew)
    why = "at most " + std::to_string(sizes.mostFew) + " queries";
  else if (tiles < sizes.leastTiles)
    why = "fewer than " + std::to_string(sizes.leastTiles) +
          " tiles of queries for the threads";
  else if (plan.keys > sizes.mostKeys)
    why = "keys and values of more than " + std::to_string(sizes.mostKeys) +
          " keys leave the cache from tile to tile";
  std::string text;
  llvm::raw_string_ostream os(text);
  double bytes = 2.0 * double(plan.batches) * double(plan.queries) *
                 double(sizes.rowBytes);
  os << "output projection: "
     << (why.empty() ? "with the attend, head by head"
                     : "after the attend (" + why + ")")
     << llvm::format("; %.4g MB written and read in between, %.4g otherwise\n",
                     why.empty() ? 0 : bytes / 1e6,
                     why.empty() ? bytes / 1e6 : 0);
  return text;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

llvm::StringMap<int64_t> ladon::readWeightSums(mlir::ModuleOp module) {
  llvm::StringMap<int64_t> found;
  module.walk([&](attn::AttendOp op) {
    using attn::AttendOp;
    if (op.hasScores() &&
        op.findAxis(AttendOp::Scores, AttendOp::AxisRole::Head) < 0)
      found[placeOf(op.getLoc())] = op.getElementType().getWidth() / 8;
  });
  return found;
}

std::string ladon::describeWeights(const AttendPlan &plan) {
  if (plan.summedBytes == 0)
    return "";
  double bytes = double(plan.summedBytes) * double(plan.batches) *
                 double(plan.queries) * double(plan.keys);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "weights: summed over the heads as they are made"
     << llvm::format("; %.4g MB of memory for those of a head, %.4g for those "
                     "of all\n",
                     bytes / 1e6, bytes * double(plan.heads) / 1e6);
  return text;
}

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

static std::vector<const PlannedTile *> tilesOf(const AttendPlan &plan,
                                                int64_t batch, int64_t head) {
  std::vector<const PlannedTile *> tiles;
  for (const PlannedTile &tile : plan.tiles)
    if (tile.batch == batch && tile.head <= head &&
        head < tile.head + tile.heads)
      tiles.push_back(&tile);
  return tiles;
}

/// What a cell of a text picture stands for: so many pairs, of which so many
/// are computed without and with a mask.
static llvm::StringRef glyph(double pairs, double full, double partial) {
  if (full + partial == 0)
    return "·";
  if (full >= 0.999 * pairs)
    return "█";
  return full > partial ? "▓" : "▒";
}

std::string ladon::drawText(const AttendPlan &plan, int64_t batch,
                            int64_t head) {
  constexpr int64_t maxLines = 32, maxColumns = 64;
  std::vector<const PlannedTile *> tiles = tilesOf(plan, batch, head);
  std::string text;
  llvm::raw_string_ostream os(text);
  if (tiles.empty() || plan.keys == 0)
    return "  nothing to compute\n";
  int64_t count = tiles.size(), perLine = (count + maxLines - 1) / maxLines;
  int64_t columns = std::min(plan.keys, maxColumns);
  for (int64_t first = 0; first < count; first += perLine) {
    int64_t last = std::min(first + perLine, count) - 1;
    std::vector<double> full(columns), partial(columns);
    double rows = 0;
    int64_t low = plan.keys, high = 0;
    for (int64_t t = first; t <= last; ++t) {
      const PlannedTile &tile = *tiles[t];
      rows += double(tile.queries);
      auto [begin, end] = tile.keyRange();
      if (begin < end) {
        low = std::min(low, begin);
        high = std::max(high, end);
      }
      for (const PlannedBlock &block : tile.blocks) {
        if (block.kind == Class::Empty)
          continue;
        auto &into = block.kind == Class::Full ? full : partial;
        // The cells that the block overlaps, by how much of each.
        double scale = double(columns) / double(plan.keys);
        double from = double(block.firstKey) * scale;
        double to = double(block.firstKey + block.keys) * scale;
        for (int64_t c = int64_t(from); c < columns && double(c) < to; ++c)
          into[c] += double(tile.queries) *
                     (std::min(to, double(c + 1)) - std::max(from, double(c)));
      }
    }
    const PlannedTile &end = *tiles[last];
    std::string queries = std::to_string(tiles[first]->firstQuery) + ".." +
                          std::to_string(end.firstQuery + end.queries - 1);
    std::string keys =
        low < high ? std::to_string(low) + ".." + std::to_string(high - 1)
                   : "none";
    os << llvm::format("  queries %-13s ", queries.c_str());
    for (int64_t c = 0; c < columns; ++c)
      os << glyph(rows, full[c], partial[c]);
    os << "  keys " << keys << "\n";
  }
  return text;
}

std::string ladon::drawSvg(const AttendPlan &plan, int64_t batch, int64_t head,
                           llvm::StringRef title) {
  constexpr double side = 640, margin = 40;
  std::string text;
  llvm::raw_string_ostream os(text);
  double scale =
      side / double(std::max<int64_t>({plan.queries, plan.keys, int64_t(1)}));
  double width = double(plan.keys) * scale;
  double height = double(plan.queries) * scale;
  auto place = [&](double v) { return llvm::format("%.2f", v); };
  auto rect = [&](double x, double y, double w, double h,
                  llvm::StringRef style) {
    os << "<rect x=\"" << place(margin + x) << "\" y=\"" << place(margin + y)
       << "\" width=\"" << place(w) << "\" height=\"" << place(h)
       << "\" class=\"" << style << "\"/>\n";
  };
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\""
     << place(width + 2 * margin) << "\" height=\""
     << place(height + 3 * margin) << "\" font-family=\"sans-serif\" "
     << "font-size=\"13\">\n<style>.empty{fill:#eef1f5}.full{fill:#2b6cb0}"
     << ".partial{fill:#f0a04b}.full,.partial{stroke:#fff;stroke-width:.4}"
     << "</style>\n<text x=\"" << place(margin) << "\" y=\"26\">" << title
     << ", batch " << batch << ", head " << head << ": " << plan.queries
     << " queries (down), " << plan.keys << " keys (across)</text>\n";
  rect(0, 0, width, height, "empty");
  for (const PlannedTile *tile : tilesOf(plan, batch, head))
    for (const PlannedBlock &block : tile->blocks)
      if (block.kind != Class::Empty)
        rect(double(block.firstKey) * scale, double(tile->firstQuery) * scale,
             double(block.keys) * scale, double(tile->queries) * scale,
             block.kind == Class::Full ? "full" : "partial");
  double x = 0;
  for (auto [style, label] : {std::pair("full", "full: no mask"),
                              std::pair("partial", "partial: masked"),
                              std::pair("empty", "empty: skipped")}) {
    rect(x, height + margin / 2, 14, 14, style);
    os << "<text x=\"" << place(margin + x + 20) << "\" y=\""
       << place(margin + height + margin / 2 + 12) << "\">" << label
       << "</text>\n";
    x += 150;
  }
  os << "</svg>\n";
  return text;
}
