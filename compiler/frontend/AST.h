//===- AST.h - The checked syntax tree of an attention spec ----*- C++ -*-===//
//
// What a spec says, after parsing and (where a comment says so) after semantic
// analysis. The parser fills shape and names; `Sema` resolves names, expands
// `fn` macros and fills `type`. Two clients walk the checked tree: the importer
// into the attn dialect, and the fp64 reference, which shares nothing else with
// the compiler. That is why `causal`, `window` and `scale` stay in the tree as
// written: each client gives them their meaning by itself.
//
// Conversions. In a checked tree integers and f32 values that meet an f64 or
// f32 one stand inside a `float` call, and constants have their final type.
// One conversion stays implicit: where operands of a Binary, arguments of a
// Call or branches of an If are i32 and i64, the i32 side is sign-extended. The
// type of such a Call or If is i64; so is that of a Binary other than a
// comparison. A shift has the type of its left side whatever the right is; an
// index of a captured tensor may be i32 or i64. Integer and bool constants are
// folded to literals; constant floats are not. At tensor level an operand of
// Add, Sub, Mul or Div and an argument of a Call is a tensor or a single value
// of its element type. A tensor may lack leading axes, and have one entry where
// the others have more; one that lacks trailing axes stands inside a Repeat.
//
// Ownership: an `ASTContext` owns every node; raw pointers are non-null unless
// said otherwise and live as long as the context.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_AST_H
#define LADON_COMPILER_FRONTEND_AST_H

#include "compiler/support/ScalarType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ladon::ast {

using ladon::ScalarType;

/// One extent of a tensor: a known size, or a size bound at run time under an
/// upper-case name (`name` is empty for a known size).
struct Dim {
  int64_t size = -1; ///< >= 0 when known at compile time, else -1.
  std::string name;  ///< The symbol when unknown, e.g. "S".

  bool isStatic() const { return size >= 0; }
  bool operator==(const Dim &o) const {
    return size == o.size && name == o.name;
  }
};

/// A scalar (`dims` absent) or a tensor (`dims` present).
struct Type {
  ScalarType element = ScalarType::F32;
  std::optional<llvm::SmallVector<Dim, 4>> dims;

  bool isTensor() const { return dims.has_value(); }
  bool isInteger() const { return ladon::isInteger(element); }
  bool isFloat() const { return ladon::isFloat(element); }
  /// As written in a spec: "f32[B, 8, S, 64]".
  std::string str() const;
};

/// The position variables of a score or mask expression. All are i32 except
/// `Score`, which has the element type of the queries.
///   Batch b, Head h, KvHead hk, Query i, Key j, Score s.
enum class IndexVar { Batch, Head, KvHead, Query, Key, Score };

enum class UnaryOp { Neg, Not, BitNot };
enum class BinaryOp {
  Add,
  Sub,
  Mul,
  Div,      ///< Real division; integers are converted to float first.
  FloorDiv, ///< `//` on integers, rounding to minus infinity.
  Mod,      ///< `%` on integers, with the sign of the divisor.
  BitAnd,
  BitOr,
  BitXor,
  Shl,
  Shr,
  Lt,
  Le,
  Gt,
  Ge,
  Eq,
  Ne,
  And,
  Or,
  MatMul ///< `@` on tensors.
};

/// Functions of an expression: the rows of Builtins.def. Sema also inserts
/// Float where a number meets a float: from bool and integers as written, from
/// integers and f32 (to f64) by itself.
enum class Builtin {
#define BUILTIN(id, ...) id,
#include "compiler/frontend/Builtins.def"
};

/// Whether a function gives another type than that of its arguments, which then
/// stay as they are: `float(x)`, `isnan(x)`.
constexpr bool changesType(Builtin builtin) {
  switch (builtin) {
#define BUILTIN(id, ...)
#define PREDICATE(id, ...)                                                     \
  case Builtin::id:                                                            \
    return true;
#define CONVERSION(id, ...)                                                    \
  case Builtin::id:                                                            \
    return true;
#include "compiler/frontend/Builtins.def"
  default:
    return false;
  }
}

/// The named masks. Meaning: docs/semantics.md.
enum class MaskForm {
  Causal,        ///< j <= i + offset
  CausalTopLeft, ///< j <= i
  Window         ///< i + offset - left <= j <= i + offset + right
};

struct Param;
struct Let;

/// What a reduction joins its terms by.
enum class Reduction { Sum, Min, Max, Any, All };

inline constexpr llvm::StringLiteral reductionNames[] = {"sum", "min", "max",
                                                         "any", "all"};
inline llvm::StringRef spelling(Reduction reduction) {
  return reductionNames[static_cast<size_t>(reduction)];
}
inline std::optional<Reduction> findReduction(llvm::StringRef name) {
  for (size_t at = 0; at < std::size(reductionNames); ++at)
    if (reductionNames[at] == name)
      return static_cast<Reduction>(at);
  return std::nullopt;
}

/// What runs over the range of a reduction.
struct RangeVariable {
  std::string name;
  ScalarType type = ScalarType::I32;
};

/// An expression node. One struct with a kind keeps every client a switch.
struct Expr {
  enum class Kind {
    IntLit,    ///< intValue
    FloatLit,  ///< floatValue
    BoolLit,   ///< intValue is 0 or 1
    Name,      ///< name; after Sema exactly one of the Ref fields below is set
    Unary,     ///< unaryOp, args[0]
    Binary,    ///< binaryOp, args[0], args[1]
    If,        ///< args = condition, then, else (both sides of one type)
    Call,      ///< name; after Sema `builtin` is set, args are the arguments
    Mask,      ///< maskForm; Window: args = left, right
    Index,     ///< args[0] = the name of a captured tensor, rest = indices
    Member,    ///< args[0] . name   (only `.out` and `.lse` of an attend)
    Attend,    ///< `attend`
    Split,     ///< args[0], headCount
    Concat,    ///< args[0]
    Transpose, ///< args[0] with axes `intValue` and `other` exchanged
    Slice,     ///< args[0] along axis `intValue` from position `other` on; at
               ///< that position alone where the type lacks the axis
    Repeat,    ///< args[0] for every position of the last axes, which it lacks
    Along,     ///< args[0] joined along axis `intValue`, which it loses, by
               ///< `reduction`: a sum, minimum or maximum
    Join,      ///< args one after the other along axis `intValue`
    Append,    ///< args[0], an inout parameter, with args[1] at positions from
               ///< args[2] on, along axis `intValue`: `len[b]` or one integer
               ///< for all; args[3]: pages
    Iota,      ///< 0, 1, 2, ... along its one axis
    Reduce,    ///< args = beginning and end of a range, and the value that
               ///< `reduction` joins over `variable`
    Rotate     ///< args = x, cosines, sines; intValue: a pair is two neighbours
  };
  Kind kind;
  llvm::SMRange range; ///< In the source buffer; of the call for an expansion.
  llvm::SmallVector<Expr *, 3> args;
  std::string name;
  int64_t intValue = 0, other = 0;
  double floatValue = 0;
  UnaryOp unaryOp{};
  BinaryOp binaryOp{};
  Builtin builtin{};
  MaskForm maskForm{};
  int64_t headCount = 0; ///< Split, after Sema.

  //===-- Filled by Sema -------------------------------------------------===//
  Type type;
  std::optional<IndexVar> indexVar;    ///< Name: b h hk i j s
  const Param *param = nullptr;        ///< Name: a tensor or run-time scalar
  const Let *let = nullptr;            ///< Name: an earlier `let`, or a value
                                       ///< that a block names
  std::optional<Dim> size;             ///< Name: a size, as an i32 value
  bool isOffset = false;               ///< Name: `offset` (= T - S), i32
  struct AttendArgs *attend = nullptr; ///< Attend
  Reduction reduction{};               ///< Reduce, Along
  /// Reduce: what runs over the range; Name: that.
  const RangeVariable *variable = nullptr;
};

/// The parameter that says where an append begins, in each batch entry or in
/// all.
inline const Param *placesOf(const Expr &append) {
  const Expr &at = *append.args[2];
  return at.kind == Expr::Kind::Index ? at.args[0]->param : at.param;
}

/// The arguments of an `attend`, one for each row of Builtins.def; those that
/// need not be given may be null. q is [B, H, S, D], k [B, Hk, T, D],
/// v [B, Hk, T, Dv], where each may have a B or H of 1 for all; results are
/// out [B, H, S, Dv], lse [B, H, S], scores and weights [B, H, S, T].
struct AttendArgs {
#define ATTEND_ARGUMENT(name, use) Expr *name = nullptr;
#include "compiler/frontend/Builtins.def"
  double scaleValue = 0;   ///< Of `scale`, or 1 / sqrt(D), after Sema.
  double dropoutValue = 0; ///< The share of weights that are dropped, after
                           ///< Sema; `dropout` and `seed` are null if it is 0.
  Dim batch;               ///< B, after Sema.
  Dim heads, kvHeads;      ///< H and Hk, after Sema.
  /// The query heads that see keys, ascending; empty for all.
  llvm::SmallVector<int64_t, 0> keptHeads;

  /// How many query heads share a key head.
  int64_t headsPerKeyValueHead = 1;

  bool keepsHead(int64_t head) const {
    return keptHeads.empty() || llvm::is_contained(keptHeads, head);
  }
};

/// Which entries of a table of pages are written to: those of `count` positions
/// from the value of the parameter `at` on.
struct WrittenPages {
  std::string at;
  Dim count;
  int64_t pageSize = 1;
  Dim pool; ///< How many pages there are.
};

/// A parameter of the attention: a tensor, or a scalar given at run time.
struct Param {
  std::string name;
  Type type;
  llvm::SMRange range;
  bool isInout = false; ///< A cache: read and written, by one append.
  /// Of a place in caches, sizes: its integers are at least 0, and at most each
  /// of these, which may be negative ("C - S").
  std::vector<std::string> most;
  std::vector<WrittenPages> writes; ///< Of a table of pages.
};

/// `let name = value`.
struct Let {
  std::string name;
  Expr *value = nullptr;
  llvm::SMRange range;
};

/// One result; a single unnamed result is called "out".
struct Result {
  std::string name;
  Type type; ///< As declared.
  Expr *value = nullptr;
  llvm::SMRange range;
};

/// A checked attention: what the importer and the reference read.
struct Attention {
  std::string name;
  std::vector<std::unique_ptr<Param>> params;
  std::vector<std::unique_ptr<Let>> lets; ///< Tensors, in source order.
  std::vector<Result> results;
  std::vector<const Expr *> appends; ///< One for each inout parameter.
  llvm::SMRange range;
  std::string source; ///< The text of the whole spec, for artefacts.

  /// The inout parameters, in the order of `appends`.
  std::vector<const Param *> caches() const {
    std::vector<const Param *> found;
    for (const std::unique_ptr<Param> &param : params)
      if (param->isInout)
        found.push_back(param.get());
    return found;
  }
  /// What a call writes: the results, then the caches.
  std::vector<std::string> writtenNames() const {
    std::vector<std::string> names;
    for (const Result &result : results)
      names.push_back(result.name);
    for (const Param *cache : caches())
      names.push_back(cache->name);
    return names;
  }
};

/// Owns expression nodes.
class ASTContext {
public:
  Expr *create(Expr::Kind kind, llvm::SMRange range) {
    nodes.push_back(std::make_unique<Expr>());
    nodes.back()->kind = kind;
    nodes.back()->range = range;
    return nodes.back().get();
  }
  AttendArgs *createAttend() {
    attends.push_back(std::make_unique<AttendArgs>());
    return attends.back().get();
  }

  RangeVariable *createVariable() {
    variables.push_back(std::make_unique<RangeVariable>());
    return variables.back().get();
  }
  /// A single value that a block names.
  Let *createLocal() {
    locals.push_back(std::make_unique<Let>());
    return locals.back().get();
  }

private:
  std::vector<std::unique_ptr<RangeVariable>> variables;
  std::vector<std::unique_ptr<Let>> locals;
  std::vector<std::unique_ptr<Expr>> nodes;
  std::vector<std::unique_ptr<AttendArgs>> attends;
};

} // namespace ladon::ast

#endif // LADON_COMPILER_FRONTEND_AST_H
