//===- Sema.h - Syntax tree to checked tree --------------------*- C++ -*-===//
//
// Resolves names, expands macros, gives every expression a type and checks
// shapes. The checked tree is in `AST.h`; nothing of the syntax tree stays in
// it but source ranges. A function that returns an expression returns null
// after it has reported why; callers then go on with what else they can check.
//
// Sema.cpp        declarations, params, the attention as a whole
// SemaNames.cpp   scopes, suggestions, bodies of macros
// SemaBlocks.cpp  blocks and the names that they define
// SemaScalar.cpp  operators, conversions
// SemaIndex.cpp   captured tensors
// SemaCalls.cpp   functions, macros, masks
// SemaTensor.cpp  concat, transpose, matmul
// SemaParts.cpp   split, slices
// SemaCaches.cpp  inout parameters and append
// SemaElementwise.cpp  arithmetic of tensors, element by element
// SemaNorms.cpp   norms and rotary positions, made of the former
// SemaAttend.cpp  attend
// SemaNormalize.cpp  weights other than those of a softmax
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_FRONTEND_SEMA_H
#define LADON_COMPILER_FRONTEND_SEMA_H

#include "compiler/frontend/CheckedSpec.h"
#include "compiler/frontend/Diagnostics.h"
#include "compiler/frontend/Syntax.h"
#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Limits.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace ladon {

/// Operations a spec may expand to, and the depth of one expression.
constexpr unsigned maxOperations = 100000;
constexpr unsigned maxDepth = 1000;
constexpr int64_t maxDim = kPositionLimit - 1;

/// What positions of an attend mean: how many query heads and key heads there
/// are, and the append that the keys come from, if they do.
struct AttendShape {
  ast::Dim heads, kvHeads;
  const ast::Expr *append = nullptr;
};

/// Names that are visible at a place, the innermost last; found in constant
/// time, for a block may define as many as a spec has room for.
class VisibleNames {
public:
  size_t size() const { return names.size(); }
  const syntax::Name &operator[](size_t at) const { return names[at]; }
  void push(const syntax::Name &name) {
    places[name.text].push_back(names.size());
    names.push_back(name);
  }
  /// Leaves the outer `size`.
  void shrink(size_t size) {
    for (; names.size() > size; names.pop_back())
      places[names.back().text].pop_back();
  }
  /// The innermost of this name; null for none.
  const syntax::Name *find(llvm::StringRef text) const {
    auto found = places.find(text);
    return found == places.end() || found->second.empty()
               ? nullptr
               : &names[found->second.back()];
  }

private:
  std::vector<syntax::Name> names;
  llvm::StringMap<llvm::SmallVector<size_t, 1>> places;
};

class Sema {
public:
  Sema(const syntax::File &file, CheckedSpec &spec,
       const ParamOverrides &overrides, DiagnosticEngine &diagnostics)
      : file(file), spec(spec), overrides(overrides), diagnostics(diagnostics) {
  }

  /// Fills `spec`. It is complete only if no error was reported.
  void run();

  /// Has `run` write down the types of what is written.
  void recordTypes(syntax::Types &into) { types = &into; }

private:
  /// A name that a block defines.
  struct Local {
    llvm::StringRef name;
    const ast::Let *let; ///< Null after an error.
    unsigned depth = 0;  ///< Of its value, lets in it expanded.
    /// A position that the value depends on and a side of `window` may not.
    std::optional<ast::IndexVar> position;
    /// Of a reduction whose range is known at run time only; then no let.
    const ast::RangeVariable *variable = nullptr;
  };

  /// One macro call, whose arguments belong to the scope of the caller, or a
  /// block, which sees all that its outer scope sees. The outermost scope is
  /// null.
  struct Scope {
    const syntax::Fn *fn; ///< Null: a block.
    const Scope *outer;   ///< Of the caller, or around the block.
    const syntax::Expr *call;
    llvm::SMRange outermost; ///< The call in the attention itself, if any.
    std::vector<Local> locals;
  };

  /// What a name stands for in a macro or block.
  struct Binding {
    const syntax::Expr *argument = nullptr; ///< Of a macro,
    const Scope *scope = nullptr;           ///< and where it is evaluated.
    const Local *local = nullptr;
    explicit operator bool() const { return argument || local; }
  };

  /// Where an expression stands, which decides what it may read.
  struct Place {
    enum Kind {
      Constant, ///< Literals and params.
      Tensor,   ///< The right side of a let, a result.
      Uniform,  ///< A single value that is combined with tensors.
      Score,
      Mask
    };
    Kind kind;
    ast::ScalarType floatType = ast::ScalarType::F64;
    const AttendShape *shape = nullptr; ///< Score, Mask: null after errors.
    bool inWindow = false;              ///< An argument of `window`.
    bool guarded = false;               ///< Not evaluated for every position.
    bool inExpansion() const { return kind == Score || kind == Mask; }
  };

  struct ConstValue {
    ast::ScalarType type;
    int64_t integer = 0; ///< Also bool.
    double number = 0;
  };

  using Expr = ast::Expr;
  /// The arguments of a call of a tensor operation, by name.
  using Arguments = llvm::StringMap<const syntax::Expr *>;

  //===--- Sema.cpp ------------------------------------------------------===//
  void declareNames();
  void declare(const syntax::Name &name, llvm::StringMap<llvm::SMRange> &in);
  void checkOverrides();
  void evaluateParam(const syntax::ConstParam &param);
  std::optional<ConstValue> overrideValue(const syntax::ConstParam &param);
  std::optional<ConstValue> defaultValue(const syntax::ConstParam &param);
  void checkAttention(const syntax::Attention &attention);
  void collectSizes(const syntax::Attention &attention);
  void checkForeignName(const syntax::Name &name, llvm::StringRef where);
  void checkFunctionName(const syntax::Name &name);
  std::optional<ast::Type> checkType(const syntax::TypeExpr &type,
                                     llvm::StringRef what);
  bool mentionsSize(const syntax::Expr *dim);
  /// A size that is bound at run time, or computed from some; `isAlone` when
  /// nothing stands around it.
  std::optional<SizeExpr> sizeOf(const syntax::Expr *dim, bool isAlone);
  std::optional<ast::Dim> checkDim(const syntax::Expr *dim);
  void checkLet(const syntax::Let &let);
  void checkResults(const syntax::Attention &attention);
  void warnUnused(const syntax::Attention &attention);

  //===--- SemaNames.cpp -------------------------------------------------===//
  void checkFns();
  void checkFnBody(size_t index);
  void checkFnName(size_t index, const syntax::Expr *expr);
  void checkFnCall(size_t index, const syntax::Expr *expr);
  /// Reports a fn that refers to itself or to one below it.
  void checkFnOrder(size_t index, size_t other, llvm::SMRange range);
  Diagnostic &reportUndefined(const syntax::Name &name, const Scope *scope,
                              llvm::ArrayRef<llvm::StringRef> more = {});
  std::optional<std::string> suggestion(llvm::StringRef name,
                                        llvm::ArrayRef<llvm::StringRef> more);
  static Binding bindingOf(llvm::StringRef name, const Scope *scope);
  /// The call whose body `scope` is in, or null for the attention itself.
  static const Scope *callOf(const Scope *scope);
  Expr *elaborateName(const syntax::Expr *expr, const Scope *scope,
                      const Place &place);
  Expr *elaboratePosition(const syntax::Expr *expr, const Scope *scope,
                          const Place &place, ast::IndexVar var);
  Expr *elaborateParamName(const syntax::Expr *expr, const Scope *scope,
                           const Place &place, const ast::Param *param);

  //===--- SemaBlocks.cpp ------------------------------------------------===//
  /// The names of the blocks in an expression, by the text alone: each once,
  /// none that is visible already, none that is not used. `visible` are names
  /// around the expression that are neither of the file nor of the attention.
  void checkBlocks(const syntax::Expr *expr, VisibleNames &visible);
  void checkBlock(const syntax::Expr *block, VisibleNames &visible);
  Expr *elaborateBlock(const syntax::Expr *expr, const Scope *scope,
                       const Place &place);
  Expr *elaborateLocal(const syntax::Expr *expr, const Scope *scope,
                       const Place &place, const Local &local);
  /// A reduction over a compile-time range, as the operations of all its terms.
  Expr *elaborateReduce(const syntax::Expr *expr, const Scope *scope,
                        const Place &place);
  /// The term of a reduction, where `variable` has a value: of bools or
  /// numbers.
  Expr *elaborateTerm(const syntax::Expr *expr, const Scope *scope,
                      const Place &place, const Local &variable, bool isLogic);
  /// A reduction over a range whose ends are known at run time.
  Expr *elaborateLoop(const syntax::Expr *expr, const Scope *scope,
                      const Place &place, llvm::ArrayRef<Expr *> bounds);
  std::optional<ast::IndexVar> positionOf(const Expr *value) const;
  Expr *joinTerms(const syntax::Expr *expr, const Scope *scope,
                  const Place &place, llvm::ArrayRef<Expr *> terms);
  Local localOf(const syntax::Name &name, Expr *value);

  //===--- SemaScalar.cpp ------------------------------------------------===//
  Expr *elaborate(const syntax::Expr *expr, const Scope *scope,
                  const Place &place);
  Expr *elaborateKind(const syntax::Expr *expr, const Scope *scope,
                      const Place &place);
  Expr *elaborateUnary(const syntax::Expr *expr, const Scope *scope,
                       const Place &place);
  Expr *elaborateBinary(const syntax::Expr *expr, const Scope *scope,
                        const Place &place);
  Expr *elaborateIf(const syntax::Expr *expr, const Scope *scope,
                    const Place &place);
  Expr *integerBinary(const syntax::Expr *expr, const Scope *scope,
                      const Place &place, Expr *left, Expr *right);
  Expr *foldedBinary(const syntax::Expr *expr, const Scope *scope,
                     ast::ScalarType type, const Expr *left, const Expr *right);
  Expr *create(Expr::Kind kind, const syntax::Expr *expr, const Scope *scope,
               ast::ScalarType type);
  Expr *integerLiteral(const syntax::Expr *expr, const Scope *scope,
                       int64_t value, ast::ScalarType type);
  Expr *boolLiteral(const syntax::Expr *expr, const Scope *scope, bool value);
  /// Reports a tensor where a scalar is needed, or passes `value` on.
  Expr *asScalar(Expr *value, const syntax::Expr *expr, const Scope *scope);
  Expr *elaborateScalar(const syntax::Expr *expr, const Scope *scope,
                        const Place &place);
  /// An int-to-float or widening conversion; literals change in place.
  Expr *toFloat(Expr *value, ast::ScalarType type);
  /// The common type of numbers, to which literals and floats are converted.
  std::optional<ast::ScalarType> unify(llvm::MutableArrayRef<Expr *> values,
                                       const Place &place);

  //===--- SemaIndex.cpp -------------------------------------------------===//
  Expr *elaborateIndex(const syntax::Expr *expr, const Scope *scope,
                       const Place &place);
  bool isSlice(const syntax::Expr *expr, const Scope *scope) const;
  void checkIndexRange(const syntax::Expr *at, const Expr *index,
                       const Expr &tensor, llvm::SMRange declared,
                       unsigned axis, const Scope *scope, const Place &place);

  //===--- SemaCalls.cpp -------------------------------------------------===//
  /// `call` with the function that its name stands for, where that is a
  /// parameter of a macro; null after an error.
  const syntax::Expr *resolveCallee(const syntax::Expr *call,
                                    const Scope *scope);
  Expr *elaborateCall(const syntax::Expr *expr, const Scope *scope,
                      const Place &place);
  Expr *elaborateBuiltin(const syntax::Expr *expr, const Scope *scope,
                         const Place &place);
  Expr *foldedBuiltin(const syntax::Expr *expr, const Scope *scope,
                      const Expr *call);
  Expr *elaborateTensorCall(const syntax::Expr *expr, const Scope *scope);
  Expr *expandFn(const syntax::Expr *expr, const Scope *scope,
                 const Place &place, const syntax::Fn &fn);
  Expr *elaborateMaskForm(const syntax::Expr *expr, const Scope *scope,
                          const Place &place, ast::MaskForm form);
  bool checkArgCount(const syntax::Expr *call, const Scope *scope,
                     unsigned least, unsigned most);
  /// Fills `given` after the table of arguments; false after an error.
  bool matchArguments(const syntax::Expr *call, const Scope *scope,
                      Arguments &given);
  bool rejectNamed(const syntax::Expr *call, const Scope *scope);

  //===--- SemaTensor.cpp ------------------------------------------------===//
  Expr *elaborateConcat(const syntax::Expr *expr, const Scope *scope,
                        const Arguments &given);
  Expr *elaborateJoin(const syntax::Expr *expr, const Scope *scope,
                      const Arguments &given);
  Expr *elaborateMember(const syntax::Expr *expr, const Scope *scope,
                        const Place &place);
  Expr *elaborateTranspose(const syntax::Expr *expr, const Scope *scope,
                           const Arguments &given);
  Expr *matmul(const syntax::Expr *expr, const Scope *scope, Expr *left,
               Expr *right);
  /// A tensor that is computed on, or null.
  Expr *elaborateTensor(const syntax::Expr *expr, const Scope *scope);

  //===--- SemaParts.cpp --------------------------------------------------===//
  /// A `split` that gives one value.
  Expr *elaborateSplit(const syntax::Expr *expr, const Scope *scope,
                       const Arguments &given);
  /// The value of a let of several names: `split` into as many parts, which
  /// read one tensor of that `name`. Empty after an error.
  std::vector<Expr *> elaborateParts(const syntax::Expr *expr, size_t names,
                                     llvm::StringRef name);
  std::vector<int64_t> partSizes(const syntax::Expr *call, const Scope *scope,
                                 const Arguments &given, const ast::Type &whole,
                                 int64_t axis);
  Expr *heads(const syntax::Expr *call, const Scope *scope, Expr *value,
              int64_t count);
  /// A positive constant; nothing after an error.
  std::optional<int64_t> constantCount(const syntax::Expr *expr,
                                       const Scope *scope,
                                       llvm::StringRef what);
  /// The constant axis for `call` of a tensor of `rank` axes; nothing after an
  /// error.
  std::optional<int64_t> constantAxis(const syntax::Expr *expr,
                                      const Scope *scope, llvm::StringRef call,
                                      int64_t rank);
  /// `x[:, 0, 8:16]`, of any tensor.
  Expr *elaborateSlice(const syntax::Expr *expr, const Scope *scope);
  /// The part of `value` along `axis` that an index or a range says.
  Expr *sliceAlong(const syntax::Expr *at, const Scope *scope, Expr *value,
                   int64_t axis);

  /// Whether a call joins the elements of a tensor along an axis:
  /// `max(x, axis = 3)`.
  static bool isAlongAxis(const syntax::Expr &call);
  Expr *elaborateAlong(const syntax::Expr *expr, const Scope *scope,
                       const Place &place);

  //===--- SemaCaches.cpp ------------------------------------------------===//
  bool checkInout(const ast::Param &param);
  /// Reports where an inout parameter is read.
  bool isCacheRead(const ast::Param &param, const syntax::Expr *expr,
                   const Scope *scope);
  Expr *elaborateAppend(const syntax::Expr *expr, const Scope *scope,
                        const Arguments &given);
  /// The inout parameter that is appended to; null after an error.
  Expr *elaborateCache(const syntax::Expr *expr, const Scope *scope);
  Expr *elaboratePlace(const syntax::Expr *expr, const Scope *scope,
                       const ast::Dim &batch);
  Expr *elaboratePageTable(const syntax::Expr *expr, const Scope *scope,
                           const ast::Dim &batch);
  /// Says what a mask that counts from the end of a cache should say.
  void warnOfCapacity(const syntax::Expr *expr, const Scope *scope,
                      ast::MaskForm form, const Expr &append);
  /// The axis that counts the positions of a cache, as `expr` says or, without
  /// it, the last but one.
  std::optional<int64_t> positionsOfCache(const syntax::Expr *expr,
                                          const Scope *scope,
                                          const ast::Type &cache);
  bool checkAppendShape(const syntax::Expr *expr, const Scope *scope,
                        const Expr *append);
  /// Reports what can never fit.
  bool checkCapacity(const syntax::Expr *expr, const Scope *scope,
                     const Expr *append);
  /// One append for each inout parameter, in their order.
  void checkAppends();

  //===--- SemaElementwise.cpp -------------------------------------------===//
  /// Makes operands fit each other, element by element; the type of the result.
  /// Single values get its element type, what lacks trailing axes is repeated.
  std::optional<ast::Type>
  combineTensors(const syntax::Expr *expr,
                 llvm::ArrayRef<syntax::Expr *> written, const Scope *scope,
                 llvm::MutableArrayRef<Expr *> operands);
  /// A single value in a place where tensors are combined, as a float.
  Expr *uniform(const syntax::Expr *expr, const Scope *scope, Expr *value,
                ast::ScalarType element);
  Expr *tensorBinary(const syntax::Expr *expr, const Scope *scope, Expr *left,
                     Expr *right);

  //===--- SemaNorms.cpp -------------------------------------------------===//
  Expr *elaborateNorm(const syntax::Expr *expr, const Scope *scope,
                      const Arguments &given);
  Expr *elaborateRope(const syntax::Expr *expr, const Scope *scope,
                      const Arguments &given);
  /// Cosines and sines of the angles of a `rope` whose pairs are `dims` / 2.
  std::pair<Expr *, Expr *> angles(const syntax::Expr *expr, const Scope *scope,
                                   const Arguments &given, const Expr *x,
                                   int64_t dims);
  std::optional<double> constantNumber(const syntax::Expr *expr,
                                       const Scope *scope);

  //===--- SemaNormalize.cpp ---------------------------------------------===//
  /// `attend` with the weights that `normalize` and `divisor` ask for.
  Expr *normalized(const Arguments &given, const Scope *scope, Expr *attend);

  //===--- SemaAttend.cpp ------------------------------------------------===//
  Expr *elaborateAttend(const syntax::Expr *expr, const Scope *scope);
  std::optional<AttendShape> checkAttendShapes(const Arguments &given,
                                               const Scope *scope,
                                               ast::AttendArgs &attend);
  void checkKeptHeads(const syntax::Expr *expr, const Scope *scope,
                      ast::AttendArgs &attend);
  void checkDropout(const syntax::Expr *call, const Scope *scope,
                    const Arguments &given, ast::AttendArgs &attend);
  void checkScale(const syntax::Expr *expr, const Scope *scope,
                  ast::AttendArgs &attend);
  void checkPages(const syntax::Expr *expr, const Scope *scope,
                  ast::AttendArgs &attend);
  void checkScore(const syntax::Expr *expr, const Scope *scope,
                  const Place &place, ast::AttendArgs &attend);
  void checkMask(const syntax::Expr *expr, const Scope *scope,
                 const Place &place, ast::AttendArgs &attend);
  bool isStatic(const ast::Dim &dim, llvm::StringRef what,
                const syntax::Expr *at, const Scope *scope);

  //===--- Reports -------------------------------------------------------===//
  /// Reports at a place of the text and says through which macros it came in.
  template <typename... Args>
  Diagnostic &report(DiagId id, llvm::SMRange range, const Scope *scope,
                     Args &&...args) {
    Diagnostic &result =
        diagnostics.report(id, range, std::forward<Args>(args)...);
    noteExpansions(result, scope);
    return result;
  }
  static void noteExpansions(Diagnostic &diagnostic, const Scope *scope);
  /// Where a node for `expr` stands: the call, for what a macro expands to.
  static llvm::SMRange rangeOf(const syntax::Expr *expr, const Scope *scope) {
    return callOf(scope) ? scope->outermost : expr->range;
  }

  const syntax::File &file;
  CheckedSpec &spec;
  const ParamOverrides &overrides;
  DiagnosticEngine &diagnostics;
  syntax::Types *types = nullptr; ///< Null: nobody asks.

  llvm::StringMap<llvm::SMRange> fileNames; ///< fn and param.
  llvm::StringMap<llvm::SMRange> names;     ///< Of the attention.
  llvm::StringMap<ConstValue> constants;
  llvm::StringMap<size_t> fns;
  llvm::StringMap<const ast::Param *> params;
  llvm::StringMap<const ast::Let *> tensorLets;
  llvm::StringMap<const syntax::Expr *> scalarLets;
  llvm::StringSet<> sizes;  ///< Bound by a parameter.
  llvm::StringSet<> used;   ///< Names something refers to.
  llvm::StringSet<> broken; ///< Declared, but with an error.
  /// What stands for an attend whose weights are no softmax, and its results by
  /// name: lse, which may be null, scores and weights.
  llvm::DenseMap<const Expr *, llvm::StringMap<Expr *>> membersOfNormalized;
  std::vector<bool> fnBroken;
  std::vector<std::vector<bool>> fnArgUsed;
  llvm::DenseSet<const char *> localsUsed; ///< By where their name stands.
  std::vector<syntax::Name> unusedLocals;
  llvm::DenseMap<const ast::Let *, Local> localLets;
  std::deque<Scope> scopes;
  std::deque<syntax::Expr> resolvedCalls; ///< Of parameters of macros.
  bool inParamDefault = false;
  bool sizesKnown = false;
  struct Append {
    llvm::SMRange range;
    Expr *value = nullptr; ///< Null after an error.
  };
  llvm::DenseMap<const ast::Param *, Append> appends; ///< By their caches.
  bool isCachePlace = false; ///< Where an inout parameter may stand.
  unsigned operations = 0;
  unsigned depth = 0;
  bool exhausted = false; ///< A limit was reported; nothing more is expanded.
};

/// Whether `expr` is a parameter i32[batch, pages].
bool isPageTable(const ast::Expr &expr, const ast::Dim &batch);

/// The append that gives keys their positions; null if there is none.
const ast::Expr *findAppend(const ast::Expr &keys);
/// "bool", "f32" or "f32[B, 8]", for messages.
std::string describe(const ast::Type &type);
/// "1 argument", "3 arguments".
std::string counted(size_t count, llvm::StringRef noun);

} // namespace ladon

#endif // LADON_COMPILER_FRONTEND_SEMA_H
