//===- SemaParts.cpp - Parts of tensors -----------------------------------===//

#include "compiler/frontend/Sema.h"
#include "compiler/frontend/TreeBuilder.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

#include <numeric>

using namespace ladon;
using ast::Dim;
using llvm::StringRef;
using Kind = ast::Expr::Kind;
using SyntaxKind = syntax::Expr::Kind;

std::optional<int64_t> Sema::constantCount(const syntax::Expr *expr,
                                           const Scope *scope, StringRef what) {
  Expr *count = elaborateScalar(expr, scope, {Place::Constant});
  if (!count)
    return std::nullopt;
  if (count->kind == Kind::IntLit && count->intValue >= 1 &&
      count->intValue <= maxDim)
    return count->intValue;
  report(DiagId::PositiveCount, expr->range, scope, what,
         count->kind == Kind::IntLit ? std::to_string(count->intValue)
                                     : describe(count->type));
  return std::nullopt;
}

std::optional<int64_t> Sema::constantAxis(const syntax::Expr *expr,
                                          const Scope *scope, StringRef call,
                                          int64_t rank) {
  Expr *axis = elaborateScalar(expr, scope, {Place::Constant});
  if (!axis)
    return std::nullopt;
  if (axis->kind == Kind::IntLit && axis->intValue >= 0 &&
      axis->intValue < rank)
    return axis->intValue;
  report(DiagId::AxisRange, expr->range, scope, call, rank - 1,
         axis->kind == Kind::IntLit ? std::to_string(axis->intValue)
                                    : describe(axis->type));
  return std::nullopt;
}

//===--- Split ------------------------------------------------------------===//

/// Whether `split` gives several parts, each of which needs a name.
static bool givesParts(const llvm::StringMap<const syntax::Expr *> &given) {
  const syntax::Expr *heads = given.lookup("heads");
  return !heads || heads->kind == SyntaxKind::List;
}

ast::Expr *Sema::heads(const syntax::Expr *call, const Scope *scope,
                       Expr *value, int64_t count) {
  const auto &dims = *value->type.dims;
  Expr *result = create(Kind::Split, call, scope, value->type.element);
  result->args = {value};
  result->headCount = count;
  result->type.dims = {dims[0], Dim{count, ""}, dims[1],
                       Dim{dims[2].size / count, ""}};
  return result;
}

ast::Expr *Sema::elaborateSplit(const syntax::Expr *expr, const Scope *scope,
                                const Arguments &given) {
  const syntax::Expr *tensor = given.lookup("tensor");
  const syntax::Expr *heads = given.lookup("heads");
  if (!heads && !given.contains("sizes") && !given.contains("parts")) {
    report(DiagId::MissingArgument, expr->range, scope, "split",
           "'heads = ...', 'sizes = ...' or 'parts = ...'");
    return nullptr;
  }
  if (givesParts(given)) {
    report(DiagId::PartCount, expr->range, scope, "several parts", "one name")
        .note({}, "each part has a name: 'let (a, b) = split(...)'");
    return nullptr;
  }
  Expr *value = elaborateTensor(tensor, scope);
  std::optional<int64_t> count = constantCount(heads, scope, "number of heads");
  if (!value || !count)
    return nullptr;
  for (StringRef other : {"sizes", "parts", "axis"})
    if (const syntax::Expr *at = given.lookup(other)) {
      report(DiagId::NamedArgument, at->range, scope, "split", other)
          .note(heads->range, "features are split into these heads");
      return nullptr;
    }
  if (value->type.dims->size() != 3) {
    report(DiagId::SplitRank, tensor->range, scope, describe(value->type));
    return nullptr;
  }
  const Dim &features = (*value->type.dims)[2];
  if (!isStatic(features, "number of features", tensor, scope))
    return nullptr;
  if (features.size % *count) {
    report(DiagId::SplitDivides, heads->range, scope, features.size, *count);
    return nullptr;
  }
  return this->heads(expr, scope, value, *count);
}

/// Sizes of the parts along `axis`, in the unit that the argument counts in.
std::vector<int64_t> Sema::partSizes(const syntax::Expr *call,
                                     const Scope *scope, const Arguments &given,
                                     const ast::Type &whole, int64_t axis) {
  const Dim &dim = (*whole.dims)[axis];
  std::string found = "axis " + std::to_string(axis) + " of " + describe(whole);
  if (const syntax::Expr *parts = given.lookup("parts")) {
    std::optional<int64_t> count =
        constantCount(parts, scope, "number of parts");
    if (!count)
      return {};
    if (dim.size % *count == 0 && *count <= dim.size)
      return std::vector<int64_t>(*count, dim.size / *count);
    report(DiagId::PartSizes, parts->range, scope, found,
           counted(*count, "equal part"));
    return {};
  }
  bool areHeads = given.contains("heads");
  const syntax::Expr *list = given.lookup(areHeads ? "heads" : "sizes");
  if (list->kind != SyntaxKind::List) {
    report(DiagId::PartSizes, list->range, scope, found, "parts of one size")
        .note({}, "write the size of each part, '[512, 128, 128]', or "
                  "'parts = 3'");
    return {};
  }
  std::vector<int64_t> sizes;
  int64_t sum = 0;
  for (const syntax::Expr *item : list->args) {
    std::optional<int64_t> size = constantCount(
        item, scope, areHeads ? "number of heads" : "size of a part");
    if (!size)
      return {};
    sizes.push_back(*size);
    sum += *size;
  }
  if (areHeads ? sum && dim.size % sum == 0 : sum == dim.size)
    return sizes;
  report(DiagId::PartSizes, list->range, scope, found,
         areHeads ? counted(sum, "head")
                  : "parts of " + std::to_string(sum) + " together");
  return {};
}

std::vector<ast::Expr *> Sema::elaborateParts(const syntax::Expr *expr,
                                              size_t names, StringRef name) {
  if (expr->kind == SyntaxKind::Error)
    return {};
  if (expr->kind != SyntaxKind::Call || expr->name.text != "split") {
    if (Expr *value = elaborate(expr, nullptr, {Place::Tensor})) {
      Diagnostic &result =
          report(DiagId::NoParts, expr->range, nullptr, describe(value->type));
      if (value->kind == Kind::Attend)
        result.note({}, "results of an attend are read by name: 'let a = "
                        "attend(...)', then 'a.lse' and 'a.weights'");
    }
    return {};
  }
  Arguments given;
  if (!matchArguments(expr, nullptr, given))
    return {};
  if (!givesParts(given)) {
    report(DiagId::NoParts, expr->range, nullptr, "one tensor with its heads")
        .note(given.lookup("heads")->range,
              "several parts have a list: 'heads = [8, 2, 2]'");
    return {};
  }
  const syntax::Expr *tensor = given.lookup("tensor");
  Expr *value = elaborateTensor(tensor, nullptr);
  bool areHeads = given.contains("heads");
  if (areHeads + given.contains("sizes") + given.contains("parts") != 1 ||
      (areHeads && given.contains("axis"))) {
    report(DiagId::MissingArgument, expr->range, nullptr, "split",
           "one of 'heads = [...]', 'sizes = [...]' and 'parts = ...'; the "
           "last two may have an axis");
    return {};
  }
  if (!value)
    return {};
  auto rank = static_cast<int64_t>(value->type.dims->size());
  int64_t axis = rank - 1;
  if (areHeads && rank != 3) {
    report(DiagId::SplitRank, tensor->range, nullptr, describe(value->type));
    return {};
  }
  if (const syntax::Expr *at = given.lookup("axis")) {
    std::optional<int64_t> chosen = constantAxis(at, nullptr, "split", rank);
    if (!chosen)
      return {};
    axis = *chosen;
  }
  const Dim whole = (*value->type.dims)[axis];
  if (!isStatic(whole, "size of the axis that is split", tensor, nullptr))
    return {};
  std::vector<int64_t> sizes =
      partSizes(expr, nullptr, given, value->type, axis);
  if (sizes.empty())
    return {};
  if (sizes.size() != names) {
    report(DiagId::PartCount, expr->range, nullptr,
           counted(sizes.size(), "part"), counted(names, "name"));
    return {};
  }
  TreeBuilder tree(spec, tensor->range);
  Expr *source = tree.named(value, name);
  int64_t unit =
      areHeads
          ? whole.size / std::accumulate(sizes.begin(), sizes.end(), int64_t(0))
          : 1;
  std::vector<Expr *> parts;
  int64_t from = 0;
  for (int64_t size : sizes) {
    Expr *part = create(Kind::Slice, expr, nullptr, value->type.element);
    part->args = {source};
    part->intValue = axis;
    part->other = from;
    part->type.dims = value->type.dims;
    (*part->type.dims)[axis] = Dim{size * unit, ""};
    from += size * unit;
    parts.push_back(areHeads ? heads(expr, nullptr, part, size) : part);
  }
  return parts;
}

//===--- Slices -----------------------------------------------------------===//

ast::Expr *Sema::sliceAlong(const syntax::Expr *at, const Scope *scope,
                            Expr *value, int64_t axis) {
  const Dim dim = (*value->type.dims)[axis];
  bool isRange = at->kind == SyntaxKind::Range;
  std::optional<int64_t> ends[2];
  llvm::ArrayRef<syntax::Expr *> written = at->args;
  for (size_t end = 0; end < (isRange ? written.size() : 1); ++end) {
    const syntax::Expr *one = isRange ? written[end] : at;
    Expr *number = elaborateScalar(one, scope, {Place::Constant});
    if (!number)
      return nullptr;
    if (number->kind != Kind::IntLit) {
      report(DiagId::IndexType, one->range, scope, describe(number->type));
      return nullptr;
    }
    ends[end] = number->intValue;
  }
  // Nothing is cut off by `:`.
  if (isRange && *ends[0] == 0 && !ends[1])
    return value;
  if (!isStatic(dim, "size of an axis that is cut", at, scope))
    return nullptr;
  int64_t from = *ends[0], to = isRange ? ends[1].value_or(dim.size) : from + 1;
  if (from < 0 || to > dim.size || from >= to) {
    Diagnostic &result =
        report(DiagId::SliceBounds, at->range, scope,
               isRange ? std::to_string(from) + ":" + std::to_string(to)
                       : "position " + std::to_string(from),
               axis, describe(value->type));
    if (from < 0 || to < 0)
      result.note({}, "positions are counted from the beginning, of 0 to " +
                          std::to_string(dim.size));
    return nullptr;
  }
  Expr *result = create(Kind::Slice, at, scope, value->type.element);
  result->args = {value};
  result->intValue = axis;
  result->other = from;
  result->type.dims = value->type.dims;
  if (isRange)
    (*result->type.dims)[axis] = Dim{to - from, ""};
  else
    result->type.dims->erase(result->type.dims->begin() + axis);
  return result;
}

ast::Expr *Sema::elaborateSlice(const syntax::Expr *expr, const Scope *scope) {
  Expr *value = elaborate(expr->args[0], scope, {Place::Tensor});
  if (!value)
    return nullptr;
  llvm::ArrayRef<syntax::Expr *> indices =
      llvm::ArrayRef(expr->args).drop_front();
  if (!value->type.isTensor()) {
    report(DiagId::NotIndexable, expr->args[0]->range, scope,
           ", this is a single value");
    return nullptr;
  }
  std::string type = describe(value->type);
  size_t rank = value->type.dims->size();
  bool leavesAxis =
      indices.size() < rank ||
      llvm::any_of(
          indices,
          [](auto *index) { return index->kind == SyntaxKind::Range; });
  if (indices.size() > rank || !leavesAxis) {
    report(DiagId::SliceAxes, expr->range, scope, type, counted(rank, "axis"),
           counted(indices.size(), "index"))
        .note({}, "a part of a tensor has at least one axis");
    return nullptr;
  }
  // The last first, so that axes in front of it keep their numbers.
  for (size_t axis = indices.size(); value && axis-- > 0;)
    value = sliceAlong(indices[axis], scope, value, int64_t(axis));
  return value;
}

//===--- Reductions along an axis -----------------------------------------===//

bool Sema::isAlongAxis(const syntax::Expr &call) {
  StringRef name = call.name.text;
  return (name == "sum" || name == "min" || name == "max") &&
         llvm::any_of(call.argNames, [](const syntax::Name &argument) {
           return argument.text == "axis";
         });
}

ast::Expr *Sema::elaborateAlong(const syntax::Expr *expr, const Scope *scope,
                                const Place &place) {
  StringRef name = expr->name.text;
  const syntax::Expr *tensor = nullptr, *at = nullptr;
  for (auto [argument, written] : llvm::zip(expr->args, expr->argNames)) {
    bool isAxis = written.text == "axis";
    if (!written.text.empty() && !isAxis) {
      report(DiagId::NamedArgument, written.range, scope, name, written.text)
          .note({}, "named arguments are axis");
      return nullptr;
    }
    const syntax::Expr *&slot = isAxis ? at : tensor;
    if (slot) {
      report(DiagId::ArgumentCount, expr->range, scope, name,
             "one tensor and an axis", counted(expr->args.size(), "argument"));
      return nullptr;
    }
    slot = argument;
  }
  if (!tensor) {
    report(DiagId::MissingArgument, expr->range, scope, name, "a tensor");
    return nullptr;
  }
  if (place.kind != Place::Tensor) {
    report(DiagId::TensorAsScalar, expr->range, scope, name);
    return nullptr;
  }
  Expr *value = elaborateTensor(tensor, scope);
  if (!value)
    return nullptr;
  auto rank = static_cast<int64_t>(value->type.dims->size());
  if (rank < 2) {
    report(DiagId::OperandType, tensor->range, scope, name,
           "a tensor of two axes or more", describe(value->type));
    return nullptr;
  }
  std::optional<int64_t> axis = constantAxis(at, scope, name, rank);
  if (!axis)
    return nullptr;
  return TreeBuilder(spec, rangeOf(expr, scope))
      .along(*ast::findReduction(name), value, size_t(*axis));
}
