//===- RandomSpecs.cpp - Specs from a grammar, by seed --------------------===//
//
// Writes specs at random, compiles them, and puts them through the numeric gate
// at sizes around the edges of tiles. The numbers of a run are consecutive: the
// one that fails is printed with its spec, and `ladon-e2e --random 1 --seed N`
// makes it again.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/check/NumericTrial.h"
#include "test/e2e/Suites.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace ladon;
using namespace ladon::e2e;

namespace {

/// Writes one spec.
class SpecWriter {
public:
  explicit SpecWriter(uint64_t seed) : random(seed) {}

  std::string write();

private:
  int64_t pick(llvm::ArrayRef<int64_t> from) {
    return from[random.integer(0, from.size() - 1)];
  }
  bool chance(int percent) { return random.integer(1, 100) <= percent; }
  std::string number(int64_t low, int64_t high) {
    return std::to_string(random.integer(low, high));
  }
  /// A captured parameter, declared where it is used.
  std::string capture(const std::string &name, const std::string &type) {
    captured.insert(name + ": " + type);
    return name;
  }

  std::string mask(int depth);
  std::string test();
  std::string comparison();
  std::string integer(int depth);
  std::string score(int depth);
  std::string term();

  Random random;
  std::string element, queries = "S", keys = "T";
  std::set<std::string> captured;
};

} // namespace

/// An integer expression of the positions.
std::string SpecWriter::integer(int depth) {
  static const char *const leaves[] = {"i", "j", "i - j", "j - i", "i + offset",
                                       "h", "b", "hk",    "i + j"};
  if (depth == 0)
    return chance(25) ? number(-9, 40)
                      : leaves[random.integer(0, std::size(leaves) - 1)];
  std::string inner = "(" + integer(depth - 1) + ")";
  switch (random.integer(0, 9)) {
  case 0:
    return inner + " // " + number(1, 70);
  case 1:
    return inner + " % " + number(1, 70);
  case 2:
    return "abs" + inner;
  case 3:
    return "min(" + inner + ", " + integer(0) + ")";
  case 4:
    return "max(" + inner + ", " + integer(0) + ")";
  case 5:
    return inner + " * " + number(-3, 5);
  case 6:
    return inner + " >> " + number(0, 6);
  case 7:
    return inner + (chance(50) ? " & " : " ^ ") + number(0, 63);
  case 8:
    return capture("ints", "i32[40]") + "[" + inner + "]";
  default:
    return "(" + inner + " + " + integer(0) + ")";
  }
}

/// A comparison of integers.
std::string SpecWriter::comparison() {
  static const char *const comparisons[] = {" < ",  " <= ", " > ",
                                            " >= ", " == ", " != "};
  return integer(random.integer(0, 2)) +
         comparisons[random.integer(0, std::size(comparisons) - 1)] +
         (chance(50) ? number(-2, 70) : "(" + integer(1) + ")");
}

/// What a mask is made of.
std::string SpecWriter::test() {
  switch (random.integer(0, 11)) {
  case 0:
  case 1:
    return "causal";
  case 2:
    return "causal_top_left";
  case 3:
    return "window(" + number(-5, 90) + ", " + number(-5, 90) + ")";
  case 4:
    return "j < " + capture("len", "i32[B]") + "[b]";
  case 5:
    return capture("docq", "i32[B, " + queries + "]") +
           "[b, i] == " + capture("dock", "i32[B, " + keys + "]") + "[b, j]";
  case 6:
    return capture("flags", "bool[" + keys + "]") + "[j]";
  case 7:
    return capture("seen", "bool[" + queries + ", " + keys + "]") + "[i, j]";
  case 8:
    return capture("slope", element + "[8]") + "[h] * float(j - i) < " +
           number(-4, 9);
  default:
    return comparison();
  }
}

std::string SpecWriter::mask(int depth) {
  if (depth == 0)
    return test();
  switch (random.integer(0, 5)) {
  case 0:
  case 1:
    return "(" + mask(depth - 1) + " and " + mask(depth - 1) + ")";
  case 2:
  case 3:
    return "(" + mask(depth - 1) + " or " + mask(depth - 1) + ")";
  case 4:
    return "not (" + mask(depth - 1) + ")";
  default:
    return "(if " + mask(0) + " then " + mask(depth - 1) + " else " +
           mask(depth - 1) + ")";
  }
}

std::string SpecWriter::term() {
  switch (random.integer(0, 6)) {
  case 0:
    return capture("slope", element + "[8]") + "[h]";
  case 1:
    return "float(j - i) / " + number(1, 50);
  case 2:
    return capture("table", element + "[33]") + "[i - j + " + number(0, 40) +
           "]";
  case 3:
    return capture("gain", element);
  case 4:
    return "0." + number(1, 99);
  default:
    return "s";
  }
}

/// A float expression, which grows slowly so that scores stay moderate.
std::string SpecWriter::score(int depth) {
  if (depth == 0)
    return term();
  std::string x = score(depth - 1);
  switch (random.integer(0, 13)) {
  case 0:
  case 1:
  case 2:
    return "(" + x + " + " + term() + ")";
  case 3:
    return "(" + x + " - " + term() + ")";
  case 4:
    return "(" + x + " * " + term() + ")";
  case 5:
    return "(" + x + " / (1 + abs(" + term() + ")))";
  case 6:
    return number(1, 30) + " * tanh(" + x + " / " + number(1, 30) + ")";
  case 7:
    return "sigmoid(" + x + ")";
  case 8:
    return "exp(min(" + x + ", 4))";
  case 9:
    return "log(1 + abs(" + x + "))";
  case 10:
    return "sqrt(abs(" + x + ") + 0.5)";
  case 11:
    return "clamp(" + x + ", -" + number(1, 20) + ", " + number(1, 20) + ")";
  case 12:
    return "(if " + comparison() + " then " + x + " else " + term() + ")";
  default:
    return "max(" + x + ", " + term() + ")";
  }
}

std::string SpecWriter::write() {
  element = chance(80) ? "f32" : "f64";
  int64_t heads = pick({1, 2, 3, 4, 8});
  int64_t shared = pick({1, 1, heads, heads % 2 == 0 ? 2 : 1});
  int64_t dims[] = {1, 2, 3, 7, 8, 16, 17, 24, 32, 64, 65};
  int64_t headDim = pick(dims), valueDim = chance(60) ? headDim : pick(dims);
  int64_t lengths[] = {1, 8, 17, 24, 48, 49, 64, 100, 128, 129};
  if (chance(20))
    queries = std::to_string(pick(lengths));
  if (chance(20))
    keys = std::to_string(pick(lengths));
  else if (chance(25))
    keys = queries;

  std::string arguments;
  if (chance(40))
    arguments += ", scale = " + std::string(chance(50) ? "0.5" : "-0.3");
  if (chance(60))
    arguments += ",\n    score = " + score(random.integer(1, 4));
  if (chance(75))
    arguments += ",\n    mask = " + mask(random.integer(0, 3));
  // What is computed in f32 may be stored in fewer bits, each tensor by itself.
  bool isStored = element == "f32" && chance(25);
  auto stored = [&] {
    int64_t type = isStored ? random.integer(0, 2) : 0;
    return type == 0 ? element : std::string(type == 1 ? "f16" : "bf16");
  };
  if (chance(15)) {
    arguments += ",\n    sinks = sinks";
    capture("sinks", stored() + "[" + std::to_string(heads) + "]");
  }
  std::string attend = "attend(q, k, v" + arguments + ")";

  std::string text;
  llvm::raw_string_ostream os(text);
  auto tensor = [&](int64_t count, const std::string &length, int64_t dim) {
    return stored() + "[B, " + std::to_string(count) + ", " + length + ", " +
           std::to_string(dim) + "]";
  };
  os << "attention generated(\n    q: " << tensor(heads, queries, headDim)
     << ",\n    k: " << tensor(heads / shared, keys, headDim)
     << ",\n    v: " << tensor(heads / shared, keys, valueDim) << ",\n";
  for (const std::string &param : captured)
    os << "    " << param << ",\n";
  std::string out = tensor(heads, queries, valueDim);
  std::string lse =
      stored() + "[B, " + std::to_string(heads) + ", " + queries + "]";
  switch (random.integer(0, 5)) {
  case 0:
    os << ") -> " << lse << " {\n  return " << attend << ".lse\n}\n";
    break;
  case 1:
  case 2:
    os << ") -> (out: " << out << ", lse: " << lse
       << ") {\n  let a = " << attend << "\n  return a.out, a.lse\n}\n";
    break;
  default:
    os << ") -> " << out << " {\n  return " << attend << "\n}\n";
    break;
  }
  return text;
}

/// Sizes at the edges of tiles, small enough for the reference.
static SizeMap randomSizes(const ast::Attention &attention, Random &random) {
  static const int64_t lengths[] = {0,  1,  2,  7,  15,  16,  17,  23,  24,
                                    25, 31, 47, 48, 49,  63,  64,  65,  72,
                                    95, 96, 97, 97, 127, 128, 129, 130, 200};
  SizeMap sizes;
  for (const std::string &name : sizeNames(attention))
    sizes[name] = name == "B"
                      ? random.integer(1, 2)
                      : lengths[random.integer(0, std::size(lengths) - 1)];
  return sizes;
}

namespace {

struct RandomOutcome {
  Counts counts;
  std::string text;
  bool refused = false;
  GateSummary worst;
};

} // namespace

static void runSeed(uint64_t seed, Runner &runner, RandomOutcome &outcome) {
  std::string text = SpecWriter(seed).write();
  llvm::raw_string_ostream os(outcome.text);
  auto fail = [&](const llvm::Twine &what) {
    os << "FAIL random spec, seed " << seed << ": " << what << "\n" << text;
    ++outcome.counts.failed;
  };
  auto spec = parseSpec(text, "random.attn", {});
  if (!spec) {
    // The front end refuses what it can decide: a mask that hides everything,
    // an index that is surely outside of its tensor.
    outcome.refused = true;
    std::string message = llvm::toString(spec.takeError());
    if (!llvm::StringRef(message).contains("LDN0501") &&
        !llvm::StringRef(message).contains("LDN0313"))
      fail(message);
    return;
  }
  auto program = runner.prepare(**spec);
  if (!program)
    return fail(llvm::toString(program.takeError()));
  auto run = [&](llvm::ArrayRef<HostTensor> inputs,
                 llvm::ArrayRef<HostTensor> outputs, int threads) {
    return (*program)->run(inputs, outputs, threads);
  };
  const ast::Attention &attention = (*spec)->attention();
  Random random(seed ^ 0x5bd1e995);
  for (int trial = 0; trial < 4; ++trial) {
    SizeMap sizes = randomSizes(attention, random);
    Trial one = makeTrial(sizes, random.integer(0, 1 << 20));
    auto report = runTrial(attention, run, one);
    std::string problem =
        report ? report->problem() : llvm::toString(report.takeError());
    if (report)
      for (const GateReport &result : report->results)
        outcome.worst.add(result);
    if (!problem.empty())
      return fail("(" + describe(one) + ") " + problem);
    ++outcome.counts.passed;
  }
}

Counts e2e::runRandomSpecs(uint64_t seed, int count, Runner &runner) {
  llvm::outs() << "random specs: " << count << " from seed " << seed << "\n";
  llvm::outs().flush();
  std::vector<RandomOutcome> outcomes(count);
  llvm::parallelFor(0, outcomes.size(), [&](size_t index) {
    runSeed(seed + index, runner, outcomes[index]);
  });
  Counts counts;
  int refused = 0;
  double ratio = 0;
  int64_t elements = 0, unchecked = 0;
  for (const RandomOutcome &outcome : outcomes) {
    llvm::outs() << outcome.text;
    counts += outcome.counts;
    refused += outcome.refused;
    ratio = std::max(ratio, outcome.worst.ratio);
    elements += outcome.worst.elements;
    unchecked += outcome.worst.unchecked;
  }
  // A grammar that writes nonsense, or scores that nobody can check, would pass
  // unseen.
  if (refused * 4 > count || unchecked * 20 > elements) {
    llvm::outs() << "FAIL random specs: " << refused << " refused, rounding "
                 << "decides " << unchecked << " of " << elements
                 << " elements\n";
    ++counts.failed;
  }
  llvm::outs() << llvm::format(
      "random specs: %d refused, nearest to a bound at %.0f %% of it, "
      "%.2f %% of the elements decided by rounding\n",
      refused, 100 * ratio,
      elements ? 100 * double(unchecked) / double(elements) : 0);
  return counts;
}
