//===- Backend.h - What code can be made for -------------------*- C++ -*-===//
//
// The one interface between the compiler and a kind of machine. A back end is a
// folder under compiler/codegen and a row in Backends.cpp; everything above
// asks these two classes and knows no machine. How to add one:
// docs/adding-a-back-end.md.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_BACKEND_H
#define LADON_COMPILER_CODEGEN_BACKEND_H

#include "compiler/codegen/artifact/Artifact.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace ladon {

/// Into which tiles an attend is cut; dialects/tile says it as #tile.shape.
struct TileShape {
  int64_t queries;       ///< Rows of a query tile.
  int64_t keys;          ///< Keys of a block.
  int64_t fewQueries;    ///< Up to so many the form for few is used; 0: never.
  int64_t chunkKeys;     ///< Keys of a chunk of that form.
  bool narrow = false;   ///< Operands of products keep their 16-bit type.
  int64_t fewKeys = 0;   ///< Keys of a block of the form for few; 0: `keys`.
  int64_t fewRows = 1;   ///< Its tiles have a multiple of so many rows.
  int64_t fewChunks = 0; ///< The most chunks, then longer ones; 0: any number.
  bool pairs = false;    ///< As `narrow`, in the form for many, with rows last.
  int64_t lanes = 0;     ///< Rows that fill a register there; 0: of no account.
};

/// Which output projections are computed in the nest of an attend: those for
/// which it pays, all that can be, or none.
enum class ProjectionFusion { Auto, Always, Never };

/// In which form code is wanted.
enum class CodeKind { LlvmIr, Assembly, Object };

/// The two functions that a machine is measured with: what they do once, with
/// all of its registers. The running machine must have the instructions.
struct PeakKernels {
  /// Chains of multiply-adds; `half` is 0.5. The result keeps them alive.
  double (*multiplyAdd)(double half);
  double operations; ///< Of one call; a multiply-add counts as two.
  /// Reads `bytes` bytes, a multiple of 256.
  int (*read)(const char *from, int64_t bytes);
};

/// A back end with its level chosen.
class Target {
public:
  virtual ~Target() = default;

  /// The level as on the command line: "x86-64-v3".
  virtual llvm::StringRef getName() const = 0;
  /// What it has, for people: "AVX2 + FMA".
  virtual llvm::StringRef getInstructions() const = 0;

  /// The tiles for attends that are computed in `element`, with `headDim`
  /// features, and values with `valueDim`; `heads` query heads can share the
  /// lanes of vectors. `stored` is the type of queries and keys, and of values
  /// of 16 bits; or `element` where those differ.
  virtual TileShape getTiles(mlir::Type element, mlir::Type stored,
                             int64_t headDim, int64_t valueDim,
                             int64_t heads) const = 0;

  /// Takes sizes of tiles from the command line in place of its own; an error
  /// where they are malformed, or the target has no such choice.
  virtual llvm::Error setTiles(llvm::StringRef text) {
    return llvm::createStringError(
        "--cuda-tile: expected the target of a GPU, found " + getName());
  }

  /// The same of what is asked for other than ProjectionFusion::Auto.
  virtual llvm::Error fuseProjections(ProjectionFusion which) {
    return llvm::createStringError(
        "--fuse-projection: expected the target of a CPU and its own code "
        "generator, found " +
        getName());
  }

  /// Has AddressSanitizer look after what code reads and writes, for libraries
  /// of programs that have its runtime; an error where the target cannot.
  virtual llvm::Error sanitizeAddresses() {
    return llvm::createStringError(
        "--sanitize: expected the target of a CPU and its own code generator, "
        "found " +
        getName());
  }
  /// Whether that was asked for.
  virtual bool sanitizesAddresses() const { return false; }

  /// What attends on tensors, and then on buffers, get that only this target
  /// can follow.
  virtual void buildTensorPipeline(mlir::OpPassManager &pm) const {}
  virtual void buildBufferPipeline(mlir::OpPassManager &pm) const {}
  /// From attends on buffers to classified tile loop nests, or to whatever else
  /// the next pipeline takes.
  virtual void buildTilePipeline(mlir::OpPassManager &pm) const = 0;
  /// From there to loops over native vectors, and on to the LLVM dialect with
  /// `NAME.run` as the way in.
  virtual void buildVectorPipeline(mlir::OpPassManager &pm) const = 0;
  virtual void buildCodePipeline(mlir::OpPassManager &pm) const = 0;
  /// For programs without Ladon's runtime: from attends on buffers to parallel
  /// loops in dialects of MLIR. An error where the target has no such code.
  virtual llvm::Error buildLoopPipeline(mlir::OpPassManager &pm) const {
    return llvm::createStringError("expected a level of a CPU, found " +
                                   getName());
  }

  /// For people, what buildTilePipeline left to something else than the tile
  /// level: how that goes about it. Empty where tiles say all there is to say.
  virtual llvm::Expected<std::string>
  explainSchedule(mlir::ModuleOp module) const {
    return std::string();
  }

  /// Fills the fields of `program` that depend on the machine.
  virtual void describe(artifact::ProgramSpec &program) const = 0;

  /// Optimised code for what buildCodePipeline left, with the entry points of
  /// `programs`.
  virtual llvm::Expected<std::string>
  emit(mlir::ModuleOp module, llvm::ArrayRef<artifact::ProgramSpec> programs,
       CodeKind kind) const = 0;
  /// The same as object files, for a linker to join. The names of functions get
  /// `suffix`, so that those of another level may be beside them; of several
  /// levels one has the entry points.
  virtual llvm::Expected<std::vector<std::string>>
  emitObjects(mlir::ModuleOp module,
              llvm::ArrayRef<artifact::ProgramSpec> programs,
              llvm::StringRef suffix) const = 0;

  /// Whether a library with code for several levels has its code called here.
  virtual bool runsHere() const { return true; }

  /// Whether there are specs that it has no code for; errors of its passes say
  /// what is missing, and are no defects.
  virtual bool refusesSpecs() const { return false; }

  /// Whether products are those of units that multiply whole matrices, which
  /// round their operands.
  virtual bool usesMatrixUnits() const { return false; }
  /// Whether products of attends on bf16 add pairs of products, which takes
  /// operands of that type.
  virtual bool multipliesPairs() const { return false; }

  /// Whether a call can have its indices checked before it runs.
  virtual bool checksIndices() const { return true; }

  /// The object file of the runtime for this machine.
  virtual llvm::StringRef getRuntimeObject() const = 0;

  /// For f32, or f64.
  virtual PeakKernels getPeakKernels(bool isDouble) const = 0;
};

/// A kind of machine.
class Backend {
public:
  virtual ~Backend() = default;

  /// As on the command line: "cpu".
  virtual llvm::StringRef getName() const = 0;
  /// What makes the code of attends, as on the command line: "llvm".
  virtual llvm::StringRef getCodegen() const = 0;
  virtual std::vector<llvm::StringRef> getLevels() const = 0;
  /// The target with that level; "native" is the best that the running machine
  /// has. Where the code of one target is for several levels they are separated
  /// by commas. The error names the levels there are.
  virtual llvm::Expected<std::unique_ptr<Target>>
  createTarget(llvm::StringRef level) const = 0;
  /// Whether a library may have the code of several targets, of which it calls
  /// the best that the running machine has.
  virtual bool joinsTargets() const { return false; }
  /// One target, or those of a list of levels that are separated by commas, the
  /// lowest first. The error says what is wrong with the list.
  llvm::Expected<std::vector<std::unique_ptr<Target>>>
  createTargets(llvm::StringRef levels) const;
  /// The same, for a simulator on this machine; an error where there is none.
  virtual llvm::Expected<std::unique_ptr<Target>>
  createSimulated(llvm::StringRef level) const;

  /// For messages: "x86-64-v3, x86-64-v4".
  std::string getLevelNames() const;
};

/// All there are.
llvm::ArrayRef<const Backend *> backends();

/// The back end with that name, or with a level of that name, and that code
/// generator; or null.
const Backend *findBackend(llvm::StringRef name,
                           llvm::StringRef codegen = "llvm");

/// The target with that level, whatever machine it is of; "native" is the CPU
/// that is running. The error names levels of CPUs.
llvm::Expected<std::unique_ptr<Target>>
createTargetOfLevel(llvm::StringRef level);

} // namespace ladon

#endif // LADON_COMPILER_CODEGEN_BACKEND_H
