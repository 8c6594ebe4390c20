//===- Artifact.h - What `ladon build` writes ------------------*- C++ -*-===//
//
// From compiled attentions to the files of their artefact: one lib<name>.so,
// and for each of them a header and a manifest. Everything is a pure function
// of its arguments, so the same spec gives the same bytes; nothing outside this
// process is run, and no file beside the loaded libc and libm is read.
//
// Order of use: codegen builds an LLVM module that defines
// `void @<name>.run(ptr %ctx, ptr %args)` (runtime/lib/kernel_abi.h);
// `addEntryPoint` completes it; the caller emits an object file;
// `linkSharedLibrary` makes the library.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_CODEGEN_ARTIFACT_ARTIFACT_H
#define LADON_COMPILER_CODEGEN_ARTIFACT_ARTIFACT_H

#include "compiler/support/ScalarType.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace llvm {
class Module;
}

namespace ladon::artifact {

using ElementType = ScalarType;

/// One extent of a tensor.
struct DimSpec {
  /// The extent when it is known, else -1.
  int64_t size = -1;
  /// Index into ProgramSpec::symbols when `size` is -1.
  int symbol = -1;
  /// What the axis counts, in the plural ("heads"), for messages. When it is
  /// empty on all axes of a parameter of rank 4 named q, k, v, query, key or
  /// value, the words sequences, heads, positions, features are used.
  std::string axis;

  bool operator==(const DimSpec &other) const {
    return size == other.size && symbol == other.symbol && axis == other.axis;
  }
};

/// InOut: a tensor that is read and written.
enum class ParamKind { Input, Output, Scalar, InOut };

/// One argument of the entry point, in its order.
struct ParamSpec {
  std::string name;
  ParamKind kind = ParamKind::Input;
  ElementType element = ElementType::F32;
  /// Empty for a scalar.
  std::vector<DimSpec> dims;
  /// One line for the header and the manifest; may be empty.
  std::string doc;

  bool operator==(const ParamSpec &other) const {
    return name == other.name && kind == other.kind &&
           element == other.element && dims == other.dims && doc == other.doc;
  }
};

/// What the entry checks demand of the values of an integer parameter: between
/// 0 and `most`.
struct BoundSpec {
  unsigned param;
  std::string most; ///< A size: "60", "C - S"; it may be negative.

  bool operator==(const BoundSpec &other) const {
    return param == other.param && most == other.most;
  }
};

/// Which entries of a table of pages are written to, and so have to be pages of
/// the pool: those of `count` positions from that of `at` on.
struct WrittenPagesSpec {
  unsigned table, at; ///< Parameters.
  std::string count, pool;
  int64_t pageSize;

  bool operator==(const WrittenPagesSpec &other) const {
    return table == other.table && at == other.at && count == other.count &&
           pool == other.pool && pageSize == other.pageSize;
  }
};

/// What each axis counts, for messages: the words of the dims, or the default
/// ones (see DimSpec::axis); empty where there is none. One entry per axis,
/// which lives as long as `param`.
std::vector<llvm::StringRef> axisWords(const ParamSpec &param);

/// Facts for the manifest, in this order ("tile.queries" -> "16").
using Facts = std::vector<std::pair<std::string, std::string>>;

/// What a library has for one level of CPU.
struct LevelSpec {
  std::string name; ///< "x86-64-v3"
  int cpuLevel = 1;
  Facts facts; ///< Beside those of the program.
};

/// A compiled attention, as its caller sees it.
struct ProgramSpec {
  /// Name of the attention and of the entry point; one that
  /// functionNameProblem has nothing against.
  std::string name;
  std::vector<ParamSpec> params;
  /// Names of the run-time sizes ("B", "S").
  std::vector<std::string> symbols;
  /// Sizes that have to be smaller than all sizes have, by their numbers: those
  /// of tables of pages, which have many positions each.
  std::map<unsigned, int64_t> limits;
  std::vector<BoundSpec> bounds;
  std::vector<WrittenPagesSpec> writtenPages;
  /// The library it is in: lib<library>.so.
  std::string library;
  /// The level of the target that the code needs at least; the runtime compares
  /// it with that of the running machine.
  int cpuLevel = 1;
  /// Where there is code for several, all of them, the lowest first.
  std::vector<LevelSpec> levels;
  /// DLPack's type of the device that its tensors lie on: 1 for a CPU.
  int device = 1;
  /// The library of its driver, where it has one.
  std::string driver;
  /// How many elements a tensor may span; 0 for any number.
  int64_t maxSpan = 0;
  /// For people and the manifest.
  std::string target;
  /// LLVM's name of a CPU whose code every machine of the target runs.
  std::string baselineCpu;
  /// The text of the spec; empty when the function was written by hand.
  std::string source;
  Facts facts;
};

/// What the names of the functions of a level end with, for those of others
/// are in the same library.
std::string symbolSuffix(llvm::StringRef level);

/// "f32[B, 8, S, 64]", or "f32" for a scalar.
std::string typeText(const ProgramSpec &spec, const ParamSpec &param);

/// `<name>.h`: a self-contained header for C99 and C++.
std::string emitHeader(const ProgramSpec &spec);

/// The C prototype of the entry point, without the semicolon.
std::string emitPrototype(const ProgramSpec &spec);

/// One result of an entry point; the values of ladon_status.
struct StatusCode {
  int value;
  llvm::StringRef name;
  llvm::StringRef meaning;
};
llvm::ArrayRef<StatusCode> statusCodes();

/// `<name>.json`.
std::string emitManifest(const ProgramSpec &spec);

/// Adds the constant tables of `spec` to `module`, and the two exported
/// functions: `i32 @<name>(...)` and `ptr @<name>_last_error()`. The module
/// must define `void @<name>.run(ptr, ptr)`, which becomes internal. Of a
/// program with several levels it has the code of the lowest; all names end
/// with their suffixes. The two functions are compiled for the baseline CPU,
/// whatever the module's target is, so that the check of the CPU runs on any
/// CPU.
llvm::Error addEntryPoint(llvm::Module &module, const ProgramSpec &spec);

/// Links object files, the runtime's among them, into the bytes of
/// `lib<name>.so`. Exported are, for every name in `entries`, `<name>` and
/// `<name>_last_error`, and nothing else. Where the code is `sanitized`, the
/// program that loads the library has the runtime of AddressSanitizer, and
/// reports name the functions of the code.
llvm::Expected<std::string>
linkSharedLibrary(llvm::ArrayRef<llvm::StringRef> objects, llvm::StringRef name,
                  llvm::ArrayRef<std::string> entries, bool sanitized = false);

/// The same with exactly the symbols of `exported`, and `needed`, the paths of
/// further libraries that the code is linked against.
llvm::Expected<std::string> linkLibrary(llvm::ArrayRef<llvm::StringRef> objects,
                                        llvm::StringRef name,
                                        llvm::ArrayRef<std::string> exported,
                                        llvm::ArrayRef<std::string> needed,
                                        bool sanitized = false);

/// The text of ladon/ladon.h.
llvm::StringRef publicHeader();

} // namespace ladon::artifact

#endif // LADON_COMPILER_CODEGEN_ARTIFACT_ARTIFACT_H
