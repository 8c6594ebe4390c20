//===- schedule_plan_test.cpp - What ladon explain knows and draws --------===//

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/compile/Compile.h"
#include "compiler/driver/explain/SchedulePlan.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

using namespace ladon;
using Class = VisitedBlock::Class;

namespace {

/// A spec at the tile level, for tiles of 24 queries and 128 keys.
class Scheduled {
public:
  Scheduled(const std::string &mask, SizeMap sizes) {
    std::string text = "attention a(q: f32[B, 2, S, 64], k: f32[B, 2, T, 64], "
                       "v: f32[B, 2, T, 64]" +
                       std::string(mask.find("doc") == std::string::npos
                                       ? ""
                                       : ", doc: i32[B, T]") +
                       ") -> f32[B, 2, S, 64] { return attend(q, k, v" +
                       (mask.empty() ? "" : ", mask = " + mask) + ") }\n";
    unsigned id = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBufferCopy(text, "a.attn"), {});
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, id, {}, diagnostics);
    if (!checked) {
      diagnostics.print(llvm::errs());
      ADD_FAILURE() << text;
      return;
    }
    target = llvm::cantFail(findBackend("cpu")->createTarget("x86-64-v3"));
    compilation.emplace(*checked, sources, *target);
    if (llvm::Error error = compilation->run(Stage::Tile))
      ADD_FAILURE() << llvm::toString(std::move(error));
    InputOptions options;
    options.sizes = std::move(sizes);
    options.shapesOnly = true;
    options.typical = true;
    auto inputs = generateInputs(*checked->attention, options);
    if (!inputs) {
      ADD_FAILURE() << llvm::toString(inputs.takeError());
      return;
    }
    arguments = std::move(*inputs);
    HostTensor output = arguments.front();
    output.owner.reset();
    output.data = nullptr;
    arguments.push_back(output);
  }

  llvm::Expected<std::vector<AttendPlan>> plans(PlanOptions options = {}) {
    return planSchedule(compilation->getModule(), arguments, options);
  }
  AttendPlan plan(PlanOptions options = {}) {
    auto all = plans(options);
    if (!all) {
      ADD_FAILURE() << llvm::toString(all.takeError());
      return {};
    }
    EXPECT_EQ(all->size(), 1u);
    return all->empty() ? AttendPlan() : all->front();
  }

  std::vector<HostTensor> arguments;

private:
  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
  std::unique_ptr<Target> target;
  std::optional<Compilation> compilation;
};

/// "full 0..127, partial 128..151": the computed blocks of a tile.
std::string blocksOf(const PlannedTile &tile) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const PlannedBlock &block : tile.blocks) {
    if (block.kind == Class::Empty)
      continue;
    os << (text.empty() ? "" : ", ")
       << (block.kind == Class::Full ? "full " : "partial ") << block.firstKey
       << ".." << block.firstKey + block.keys - 1;
  }
  return text;
}

TEST(SchedulePlan, KnowsTheSizesOfTheAttend) {
  AttendPlan plan = Scheduled("", {{"B", 3}, {"S", 50}, {"T", 200}}).plan();
  EXPECT_EQ(plan.batches, 3);
  EXPECT_EQ(plan.heads, 2);
  EXPECT_EQ(plan.queries, 50);
  EXPECT_EQ(plan.keys, 200);
  EXPECT_EQ(plan.headDim, 64);
  EXPECT_EQ(plan.valueDim, 64);
  EXPECT_EQ(plan.queryTile, 24);
  EXPECT_EQ(plan.keyTile, 128);
  EXPECT_EQ(plan.pairs(), 3 * 2 * 50 * 200);
  EXPECT_EQ(plan.flopsPerPair(), 256);
}

TEST(SchedulePlan, WithoutAMaskEverythingIsFull) {
  AttendPlan plan = Scheduled("", {{"B", 1}, {"S", 50}, {"T", 300}}).plan();
  ASSERT_EQ(plan.tiles.size(), 3u);
  for (const PlannedTile &tile : plan.tiles) {
    // Three blocks of one class are one stretch.
    EXPECT_EQ(blocksOf(tile), "full 0..299");
    EXPECT_EQ(tile.blocks.size(), 1u);
    EXPECT_EQ(tile.keyRange(), std::make_pair(int64_t(0), int64_t(300)));
  }
  // 24, 16 and 10 queries: seven registers of 8.
  EXPECT_EQ(plan.tiles.back().firstQuery, 40);
  EXPECT_EQ(plan.tiles.back().queries, 10);
  EXPECT_EQ(plan.fullPairs, 2 * 50 * 300);
  EXPECT_EQ(plan.partialPairs, 0);
}

TEST(SchedulePlan, ACausalTileEndsAtItsDiagonal) {
  AttendPlan plan =
      Scheduled("causal", {{"B", 1}, {"S", 480}, {"T", 480}}).plan();
  ASSERT_EQ(plan.tiles.size(), 20u);
  for (const PlannedTile &tile : plan.tiles) {
    auto [first, end] = tile.keyRange();
    EXPECT_EQ(first, 0);
    EXPECT_EQ(end, tile.firstQuery + tile.queries);
    EXPECT_EQ(tile.blocks.back().kind, Class::Partial);
  }
  // What no mask touches is computed without one.
  EXPECT_GT(plan.fullPairs, plan.partialPairs);
  EXPECT_LT(plan.fullPairs + plan.partialPairs, plan.pairs() * 0.55);
}

TEST(SchedulePlan, PairsAreOfAllHeadsAndTilesOfOne) {
  SizeMap sizes = {{"B", 2}, {"S", 48}, {"T", 64}};
  Scheduled scheduled("h == 1 or j < 8", sizes);
  PlanOptions second;
  second.batch = 1;
  second.head = 1;
  AttendPlan of0 = scheduled.plan(), of1 = scheduled.plan(second);
  EXPECT_EQ(of0.fullPairs, of1.fullPairs);
  EXPECT_EQ(of0.partialPairs, of1.partialPairs);
  ASSERT_EQ(of0.tiles.size(), 2u);
  ASSERT_EQ(of1.tiles.size(), 2u);
  EXPECT_EQ(of1.tiles[0].batch, 1);
  EXPECT_EQ(of1.tiles[0].head, 1);
  EXPECT_EQ(of0.tiles[0].keyRange().second, 8);
  EXPECT_EQ(of1.tiles[0].keyRange().second, 64);
}

TEST(SchedulePlan, FollowsCapturedTensors) {
  Scheduled scheduled("doc[b, i] == doc[b, j]",
                      {{"B", 1}, {"S", 512}, {"T", 512}});
  // Documents of 128 positions.
  HostTensor &doc = scheduled.arguments[3];
  ASSERT_NE(doc.data, nullptr);
  for (int64_t j = 0; j < 512; ++j)
    doc.setInteger({0, j}, j / 128);
  AttendPlan plan = scheduled.plan();
  for (const PlannedTile &tile : plan.tiles) {
    auto [first, end] = tile.keyRange();
    EXPECT_LE(end - first, 256);
    EXPECT_LE(first, tile.firstQuery);
    EXPECT_GE(end, tile.firstQuery + tile.queries);
  }
}

TEST(SchedulePlan, NeedsNoMemoryForWhatIsNotRead) {
  Scheduled scheduled("causal and window(63, 0)",
                      {{"B", 1}, {"S", 100}, {"T", 100000000}});
  for (const HostTensor &argument : scheduled.arguments)
    EXPECT_EQ(argument.data, nullptr);
  AttendPlan plan = scheduled.plan();
  EXPECT_EQ(plan.keys, 100000000);
  EXPECT_EQ(plan.tiles[0].keyRange().first, 100000000 - 100 - 63);
}

TEST(SchedulePlan, RefusesMoreBlocksThanTheLimit) {
  Scheduled scheduled("", {{"B", 1}, {"S", 48}, {"T", 1280}});
  PlanOptions options;
  options.blockLimit = 40; // Two heads of two tiles of ten blocks.
  EXPECT_TRUE(bool(scheduled.plans(options)));
  options.blockLimit = 39;
  auto refused = scheduled.plans(options);
  ASSERT_FALSE(refused);
  llvm::Error error = refused.takeError();
  EXPECT_TRUE(error.isA<llvm::StringError>());
  EXPECT_EQ(llvm::errorToErrorCode(std::move(error)),
            std::make_error_code(std::errc::result_out_of_range));
}

TEST(SchedulePlan, RefusesOtherArguments) {
  Scheduled scheduled("", {{"B", 1}, {"S", 24}, {"T", 24}});
  scheduled.arguments.pop_back();
  auto plans = scheduled.plans();
  ASSERT_FALSE(plans);
  EXPECT_EQ(llvm::toString(plans.takeError()), "expected 4 arguments, found 3");
}

TEST(SchedulePlan, TilesOfEveryHeadAreThoseOfEach) {
  // Documents differ from batch to batch, the mask from head to head.
  Scheduled scheduled("doc[b, i] == doc[b, j] or h == 1",
                      {{"B", 2}, {"S", 300}, {"T", 300}});
  PlanOptions all;
  all.everyHead = true;
  AttendPlan every = scheduled.plan(all);
  for (int64_t batch = 0; batch < 2; ++batch)
    for (int64_t head = 0; head < 2; ++head) {
      PlanOptions one;
      one.batch = batch;
      one.head = head;
      AttendPlan plan = scheduled.plan(one);
      EXPECT_EQ(drawText(every, batch, head), drawText(plan, batch, head));
      EXPECT_EQ(drawSvg(every, batch, head, ""),
                drawSvg(plan, batch, head, ""));
      EXPECT_EQ(every.fullPairs, plan.fullPairs);
    }
  EXPECT_NE(drawText(every, 0, 0), drawText(every, 1, 0));
  EXPECT_NE(drawText(every, 0, 0), drawText(every, 0, 1));
  EXPECT_TRUE(llvm::StringRef(every.place).starts_with("a.attn:1:"))
      << every.place;
}

//===--- Pictures --------------------------------------------------------===//

TEST(Picture, HasALineForEachTileAndAColumnForEachKey) {
  AttendPlan plan;
  plan.batches = plan.heads = 1;
  plan.queries = 3;
  plan.keys = 4;
  plan.tiles = {{0, 0, 1, 0, 1, {{Class::Full, 0, 2}}},
                {0, 0, 1, 1, 1, {{Class::Partial, 1, 2}, {Class::Full, 3, 1}}},
                {0, 0, 1, 2, 1, {{Class::Empty, 0, 4}}}};
  EXPECT_EQ(drawText(plan, 0, 0), "  queries 0..0          ██··  keys 0..1\n"
                                  "  queries 1..1          ·▒▒█  keys 1..3\n"
                                  "  queries 2..2          ····  keys none\n");
}

TEST(Picture, JoinsTilesAndKeysWhereThereAreMany) {
  AttendPlan plan;
  plan.batches = plan.heads = 1;
  plan.queries = 6400;
  plan.keys = 6400;
  for (int64_t tile = 0; tile < 64; ++tile)
    plan.tiles.push_back({0, 0, 1, 100 * tile, 100, {{Class::Full, 0, 3200}}});
  std::string text = drawText(plan, 0, 0);
  EXPECT_EQ(llvm::StringRef(text).count('\n'), 32u);
  EXPECT_NE(text.find("queries 0..199 "), std::string::npos) << text;
  std::string line = text.substr(0, text.find('\n'));
  EXPECT_EQ(llvm::StringRef(line).count("█"), 32u);
  EXPECT_EQ(llvm::StringRef(line).count("·"), 32u);
}

TEST(Picture, SaysWhenThereIsNothing) {
  AttendPlan plan;
  plan.keys = 4;
  EXPECT_EQ(drawText(plan, 0, 0), "  nothing to compute\n");
  plan.keys = 0;
  plan.tiles = {{0, 0, 1, 0, 1, {}}};
  EXPECT_EQ(drawText(plan, 0, 0), "  nothing to compute\n");
}

TEST(Picture, TheSvgHasARectangleForEachStretch) {
  AttendPlan plan;
  plan.batches = plan.heads = 1;
  plan.queries = 2;
  plan.keys = 4;
  plan.tiles = {{0, 0, 1, 0, 1, {{Class::Full, 0, 2}, {Class::Partial, 2, 1}}},
                {0, 0, 1, 1, 1, {{Class::Empty, 0, 4}}}};
  std::string svg = drawSvg(plan, 0, 0, "name");
  auto count = [&](llvm::StringRef part) {
    return llvm::StringRef(svg).count(part);
  };
  // One of each in the legend; the background is empty.
  EXPECT_EQ(count("class=\"full\""), 2u);
  EXPECT_EQ(count("class=\"partial\""), 2u);
  EXPECT_EQ(count("class=\"empty\""), 2u);
  EXPECT_EQ(count("name, batch 0, head 0: 2 queries (down), 4 keys (across)"),
            1u);
}

} // namespace
