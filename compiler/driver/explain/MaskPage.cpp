//===- MaskPage.cpp - Schedules as a page for a browser -------------------===//

#include "compiler/driver/explain/MaskPage.h"

#include "compiler/support/EmbedFile.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace ladon;
using llvm::StringRef;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

LADON_EMBED_FILE(ladon_mask_page, LADON_MASK_PAGE)

/// A page of more is slow in a browser, and its file megabytes.
static constexpr size_t mostBlocks = 200000;

//===--- Data ------------------------------------------------------------===//

/// The computed blocks of a tile: [first query, queries, class, first key,
/// keys, class, ...], where class is 1 for partial and 2 for full.
static Value tileData(const PlannedTile &tile) {
  Array data{tile.firstQuery, tile.queries};
  for (const PlannedBlock &block : tile.blocks)
    if (block.kind != VisitedBlock::Class::Empty) {
      data.push_back(block.kind == VisitedBlock::Class::Full ? 2 : 1);
      data.push_back(block.firstKey);
      data.push_back(block.keys);
    }
  return data;
}

/// The attend with its different maps, and which of them each batch and head
/// has: most masks are the same for all.
static Value attendData(const AttendPlan &plan,
                        llvm::ArrayRef<Message> remarks) {
  std::map<std::pair<int64_t, int64_t>, Array> tiles;
  for (const PlannedTile &tile : plan.tiles)
    for (int64_t head = tile.head; head < tile.head + tile.heads; ++head)
      tiles[{tile.batch, head}].push_back(tileData(tile));
  Array maps, choice;
  std::map<std::string, int64_t> known;
  for (int64_t batch = 0; batch < plan.batches; ++batch) {
    Array ofBatch;
    for (int64_t head = 0; head < plan.heads; ++head) {
      Value map = std::move(tiles[{batch, head}]);
      std::string text;
      llvm::raw_string_ostream(text) << map;
      auto [it, isNew] = known.try_emplace(text, known.size());
      if (isNew)
        maps.push_back(std::move(map));
      ofBatch.push_back(it->second);
    }
    choice.push_back(std::move(ofBatch));
  }
  Array reasons;
  for (const Message &remark : remarks)
    if (remark.place == plan.place)
      reasons.push_back(llvm::json::fixUTF8(remark.text));
  return Object{{"place", llvm::json::fixUTF8(plan.place)},
                {"queries", plan.queries},
                {"keys", plan.keys},
                {"queryTile", plan.queryTile},
                {"keyTile", plan.keyTile},
                {"maps", std::move(maps)},
                {"choice", std::move(choice)},
                {"reasons", std::move(reasons)}};
}

static Value specData(const PageSpec &spec) {
  Array attends, remarks, facts;
  for (const AttendPlan &plan : spec.plans)
    if (plan.pairs() > 0)
      attends.push_back(attendData(plan, spec.remarks));
  for (const Message &remark : spec.remarks)
    remarks.push_back(llvm::json::fixUTF8(remark.str()));
  for (const std::string &fact : spec.facts)
    facts.push_back(llvm::json::fixUTF8(fact));
  return Object{{"name", llvm::json::fixUTF8(spec.name)},
                {"file", llvm::json::fixUTF8(spec.file)},
                {"source", llvm::json::fixUTF8(spec.source)},
                {"sizes", spec.sizes},
                {"target", spec.target},
                {"facts", std::move(facts)},
                {"attends", std::move(attends)},
                {"remarks", std::move(remarks)}};
}

//===--- The page --------------------------------------------------------===//

/// Text between tags.
static std::string escape(StringRef text) {
  std::string result;
  for (char c : llvm::json::fixUTF8(text))
    result += c == '<'   ? "&lt;"
              : c == '>' ? "&gt;"
              : c == '&' ? "&amp;"
              : c == '"' ? "&quot;"
                         : std::string(1, c);
  return result;
}

/// JSON between <script> and </script>, where no escapes are known: nothing may
/// look like a tag. Such letters occur in strings only.
static std::string scriptText(const Value &value) {
  std::string text, result;
  llvm::raw_string_ostream(text) << value;
  for (char c : text)
    result += c == '<' ? "\\u003c" : c == '>' ? "\\u003e" : std::string(1, c);
  return result;
}

llvm::Expected<std::string>
ladon::makeMaskPage(llvm::ArrayRef<PageSpec> specs) {
  size_t blocks = 0;
  Array data;
  std::string title;
  for (const PageSpec &spec : specs) {
    for (const AttendPlan &plan : spec.plans)
      for (const PlannedTile &tile : plan.tiles)
        blocks += size_t(tile.heads) * (1 + tile.blocks.size());
    title += (title.empty() ? "" : " beside ") + spec.name;
  }
  if (blocks > mostBlocks)
    return llvm::createStringError(
        "--html: the page would have %zu blocks, at most %zu are drawn: give "
        "smaller sizes",
        blocks, mostBlocks);
  for (const PageSpec &spec : specs)
    data.push_back(specData(spec));
  auto [head, rest] = LADON_EMBEDDED_FILE(ladon_mask_page).split("@TITLE@");
  auto [body, end] = rest.split("@DATA@");
  return (head + escape(title) + body + scriptText(std::move(data)) + end)
      .str();
}
