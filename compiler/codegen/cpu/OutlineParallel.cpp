//===- OutlineParallel.cpp - Parallel loops to runtime tasks --------------===//
//
// See Passes.td. Constants are copied into the task rather than captured, so
// that its code is as specialised as it was in the loop, and views, so that
// less is to be passed.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/cpu/Passes.h"

#include "dialects/attn/Attn.h"
#include "dialects/cpu/Cpu.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "cpu-outline-parallel"

namespace ladon::cpu {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "compiler/codegen/cpu/Passes.h.inc"
} // namespace ladon::cpu

using namespace mlir;
using namespace ladon::cpu;

//===----------------------------------------------------------------------===//
// Scratch
//===----------------------------------------------------------------------===//

/// Cache line of every supported CPU; also keeps vector loads of a scratch
/// buffer from straddling lines.
static constexpr int64_t scratchAlignment = 64;

namespace {
/// A buffer of a task and where it lies in the scratch.
struct ScratchBuffer {
  memref::AllocOp alloc;
  int64_t offset;
};
} // namespace

/// Places the allocations of `block` from `offset` on, and raises `size` to
/// what they take. A buffer lives until the end of its block, so loops and
/// branches that follow one another share their place; where an operation hands
/// on a buffer, those inside it live as long as it does.
static LogicalResult placeBuffers(Block &block, int64_t offset, int64_t &size,
                                  SmallVectorImpl<ScratchBuffer> &out) {
  for (Operation &op : block) {
    if (auto alloc = dyn_cast<memref::AllocOp>(op)) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape())
        return alloc.emitOpError("expected a static shape inside a parallel "
                                 "loop");
      out.push_back({alloc, offset});
      int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8) *
                      type.getNumElements();
      offset = llvm::alignTo(offset + bytes, scratchAlignment);
      size = std::max(size, offset);
      continue;
    }
    int64_t inner = offset;
    for (Region &region : op.getRegions())
      for (Block &nested : region)
        if (failed(placeBuffers(nested, offset, inner, out)))
          return failure();
    size = std::max(size, inner);
    if (llvm::any_of(op.getResultTypes(), llvm::IsaPred<BaseMemRefType>))
      offset = inner;
  }
  return success();
}

/// The number of iterations along each axis of `loop`.
static SmallVector<Value> tripCounts(ImplicitLocOpBuilder &b,
                                     scf::ForallOp loop) {
  SmallVector<Value> counts;
  for (auto [lower, upper, step] : llvm::zip(
           loop.getLowerBound(b), loop.getUpperBound(b), loop.getStep(b))) {
    Value length = b.createOrFold<arith::SubIOp>(upper, lower);
    Value zero = arith::ConstantIndexOp::create(b, 0);
    length = b.createOrFold<arith::MaxSIOp>(length, zero);
    counts.push_back(b.createOrFold<arith::CeilDivSIOp>(length, step));
  }
  return counts;
}

/// Whether a task may as well make the results of `op` itself: constants, views
/// of memory, and what is read off one value.
static bool isCheap(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return true;
  if (!isMemoryEffectFree(op) || op->getNumRegions() > 0)
    return false;
  if (isa<ViewLikeOpInterface, memref::TransposeOp, memref::DimOp,
          memref::ExtractStridedMetadataOp>(op))
    return true;
  return isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::count_if(op->getOperands(), [](Value operand) {
           return !matchPattern(operand, m_Constant());
         }) <= 1;
}

/// Copies cheap operations used in `loop` but defined outside into it, until
/// what is left has to be passed.
static void sinkCheap(scf::ForallOp loop) {
  llvm::SetVector<Value> captured;
  do {
    captured.clear();
    getUsedValuesDefinedAbove(loop.getRegion(), captured);
    captured.remove_if([](Value value) {
      return !value.getDefiningOp() || !isCheap(value.getDefiningOp());
    });
    for (Value value : captured) {
      // In front of its users, which may be copies themselves.
      OpBuilder b(loop.getBody(), loop.getBody()->begin());
      Operation *copy = b.clone(*value.getDefiningOp());
      Value made = copy->getResult(cast<OpResult>(value).getResultNumber());
      value.replaceUsesWithIf(made, [&](OpOperand &use) {
        return loop->isProperAncestor(use.getOwner());
      });
    }
  } while (!captured.empty());
}

//===----------------------------------------------------------------------===//
// Aliasing
//===----------------------------------------------------------------------===//

namespace {

/// The memory that a loop reaches, by the value that it comes from: an
/// allocation or an argument of the function.
class MemoryOfLoop {
public:
  MemoryOfLoop(scf::ForallOp loop, ArrayRef<Value> captures) {
    for (Value capture : captures)
      roots.push_back(isa<MemRefType>(capture.getType()) ? rootOf(capture)
                                                         : Value());
    loop.walk([&](Operation *op) { noteWrites(op); });
  }

  /// The captured memrefs that share no byte which the loop writes with another
  /// one, by number.
  SmallVector<int64_t> getDisjoint() const {
    SmallVector<int64_t> numbers;
    for (size_t number = 0; number < roots.size(); ++number)
      if (roots[number] && llvm::none_of(llvm::enumerate(roots), [&](auto it) {
            return it.index() != number && it.value() &&
                   mayShareWrites(roots[number], it.value());
          }))
        numbers.push_back(number);
    return numbers;
  }

private:
  /// Follows views: what is made of one memref, and of no memory, is one.
  static Value rootOf(Value memory) {
    while (Operation *op = memory.getDefiningOp()) {
      auto sources = llvm::make_filter_range(op->getOperands(), [](Value v) {
        return isa<BaseMemRefType>(v.getType());
      });
      if (!isMemoryEffectFree(op) || !llvm::hasSingleElement(sources))
        break;
      memory = *sources.begin();
    }
    return memory;
  }

  static bool isAllocation(Value root) {
    return isa_and_present<memref::AllocOp, memref::AllocaOp, AllocOp,
                           TryAllocOp>(root.getDefiningOp());
  }
  /// An argument of the function: the entry checks see to it that an output or
  /// inout overlaps nothing, while inputs may share memory.
  static bool isArgument(Value root) {
    auto arg = dyn_cast<BlockArgument>(root);
    return arg && isa<func::FuncOp>(arg.getOwner()->getParentOp());
  }
  static bool isWrittenAlone(Value root) {
    if (!isArgument(root))
      return false;
    auto arg = cast<BlockArgument>(root);
    auto param = ladon::attn::getParam(
        cast<func::FuncOp>(arg.getOwner()->getParentOp()), arg.getArgNumber());
    return param && (param.getKind() == ladon::attn::ParamKind::Output ||
                     param.getKind() == ladon::attn::ParamKind::InOut);
  }

  bool mayShareWrites(Value a, Value b) const {
    if (!mayOverlap(a, b))
      return false;
    return writesAnything || written.contains(a) || written.contains(b);
  }
  static bool mayOverlap(Value a, Value b) {
    if (a == b)
      return true;
    if (isAllocation(a) && (isAllocation(b) || isArgument(b)))
      return false;
    if (isAllocation(b) && isArgument(a))
      return false;
    return !isArgument(a) || !isArgument(b) ||
           (!isWrittenAlone(a) && !isWrittenAlone(b));
  }

  void noteWrites(Operation *op) {
    if (auto call = dyn_cast<CallOpInterface>(op)) {
      writesAnything |= mayWrite(call);
      return;
    }
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (!effects) {
      writesAnything |= !op->hasTrait<OpTrait::HasRecursiveMemoryEffects>();
      return;
    }
    SmallVector<MemoryEffects::EffectInstance> instances;
    effects.getEffects(instances);
    for (const MemoryEffects::EffectInstance &effect : instances) {
      if (!isa<MemoryEffects::Write>(effect.getEffect()))
        continue;
      if (Value memory = effect.getValue())
        written.insert(rootOf(memory));
      else
        writesAnything = true;
    }
  }

  /// Whether a call writes memory, unless it is known to only read.
  static bool mayWrite(CallOpInterface call) {
    auto callee = dyn_cast_or_null<FunctionOpInterface>(call.resolveCallable());
    if (!callee || callee.isExternal())
      return true;
    return callee.getFunctionBody()
        .walk([](Operation *op) {
          bool isKnown = isa<MemoryEffectOpInterface>(op) ||
                         op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
                         op->hasTrait<OpTrait::ReturnLike>();
          return isKnown && !hasEffect<MemoryEffects::Write>(op)
                     ? WalkResult::advance()
                     : WalkResult::interrupt();
        })
        .wasInterrupted();
  }

  /// Per capture: null for a scalar.
  SmallVector<Value> roots;
  llvm::SmallDenseSet<Value> written;
  bool writesAnything = false;
};

} // namespace

//===----------------------------------------------------------------------===//
// Outlining
//===----------------------------------------------------------------------===//

namespace {
/// How the iterations along one axis of a loop are counted. Of the first, which
/// is the slowest, the number is not needed.
struct Axis {
  Value count, lower, step;
};
} // namespace

/// Fills `task` with the body of `loop`; `id` counts with the last axis
/// fastest. After the captures come the values of `axes` that are no constants.
static void buildTask(func::FuncOp task, scf::ForallOp loop,
                      ArrayRef<Value> captures, ArrayRef<Axis> axes,
                      ArrayRef<ScratchBuffer> buffers) {
  Block *entry = task.addEntryBlock();
  ImplicitLocOpBuilder b(loop.getLoc(), task.getContext());
  b.setInsertionPointToStart(entry);
  auto args = entry->getArguments();
  auto next = args.begin() + captures.size();
  auto inTask = [&](Value value) -> Value {
    if (!value)
      return {};
    if (matchPattern(value, m_Constant()))
      return b.clone(*value.getDefiningOp())->getResult(0);
    return *next++;
  };
  SmallVector<Axis> inner;
  for (const Axis &axis : axes) {
    Value count = inTask(axis.count), lower = inTask(axis.lower);
    inner.push_back({count, lower, inTask(axis.step)});
  }
  Value id = *next, scratch = args.back();

  SmallVector<Value> position(axes.size());
  for (size_t axis = axes.size(); axis-- > 0;) {
    Value at = id;
    if (axis > 0) {
      at = arith::RemUIOp::create(b, id, inner[axis].count);
      id = arith::DivUIOp::create(b, id, inner[axis].count);
    }
    at = arith::MulIOp::create(b, at, inner[axis].step);
    position[axis] = arith::AddIOp::create(b, at, inner[axis].lower);
  }
  for (const ScratchBuffer &buffer : buffers) {
    OpBuilder::InsertionGuard guard(b);
    memref::AllocOp alloc = buffer.alloc;
    b.setInsertionPoint(alloc);
    Value offset = arith::ConstantIndexOp::create(b, buffer.offset);
    Value view = memref::ViewOp::create(b, alloc.getType(), scratch, offset,
                                        ValueRange());
    alloc.replaceAllUsesWith(view);
    alloc.erase();
  }
  Block *body = loop.getBody();
  body->getTerminator()->erase();
  for (auto [iv, value] : llvm::zip(loop.getInductionVars(), position))
    iv.replaceAllUsesWith(value);
  entry->getOperations().splice(entry->end(), body->getOperations());
  for (auto [captured, arg] : llvm::zip(captures, args)) {
    Value value = captured;
    value.replaceUsesWithIf(arg, [&](OpOperand &use) {
      return task->isProperAncestor(use.getOwner());
    });
  }
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b);
}

static LogicalResult outline(scf::ForallOp loop, func::FuncOp parent,
                             unsigned number, SymbolTable &symbols) {
  SmallVector<ScratchBuffer> buffers;
  int64_t scratchBytes = 0;
  if (failed(placeBuffers(*loop.getBody(), 0, scratchBytes, buffers)))
    return failure();
  sinkCheap(loop);
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(loop.getRegion(), captured);
  SmallVector<Value> captures = captured.takeVector();
  SmallVector<int64_t> disjoint = MemoryOfLoop(loop, captures).getDisjoint();

  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  SmallVector<Value> counts = tripCounts(b, loop);
  SmallVector<Value> lower = loop.getLowerBound(b), step = loop.getStep(b);
  Value total = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> passed = captures;
  SmallVector<Axis> axes;
  for (auto [count, first, by] : llvm::zip_equal(counts, lower, step)) {
    total = b.createOrFold<arith::MulIOp>(total, count);
    axes.push_back({axes.empty() ? Value() : count, first, by});
    for (Value value : {axes.back().count, first, by})
      if (value && !matchPattern(value, m_Constant()))
        passed.push_back(value);
  }

  SmallVector<Type> taskTypes(ValueRange(passed).getTypes());
  taskTypes.push_back(b.getIndexType());
  taskTypes.push_back(MemRefType::get({scratchBytes}, b.getI8Type()));
  auto task = func::FuncOp::create(
      loop.getLoc(),
      (parent.getName() + ".task" + std::to_string(number)).str(),
      b.getFunctionType(taskTypes, {}));
  task.setPrivate();
  symbols.insert(task);
  LaunchOp::create(b, FlatSymbolRefAttr::get(task.getNameAttr()), total,
                   b.getI64IntegerAttr(scratchBytes), passed,
                   disjoint.empty() ? DenseI64ArrayAttr()
                                    : b.getDenseI64ArrayAttr(disjoint));

  buildTask(task, loop, captures, axes, buffers);
  loop.erase();
  return success();
}

namespace {
struct OutlineParallel
    : public ladon::cpu::impl::OutlineParallelBase<OutlineParallel> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    // Without the tasks, which are functions, too.
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : functions) {
      SmallVector<scf::ForallOp> loops;
      func.walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
        loops.push_back(loop);
        return WalkResult::skip();
      });
      unsigned number = 0;
      for (scf::ForallOp loop : loops)
        if (failed(outline(loop, func, number++, symbols)))
          return signalPassFailure();
    }
  }
};
} // namespace
