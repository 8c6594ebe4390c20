//===- Defects.h - Plausible mistakes of a compiler ------------*- C++ -*-===//
//
// Each defect is made on purpose in a module at the tile level, or in the
// vector code or kernels made of it.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_TEST_E2E_DEFECTS_H
#define LADON_TEST_E2E_DEFECTS_H

#include "compiler/driver/compile/Compile.h"

namespace ladon::e2e {

/// A defect: what it is, a spec that shows it, and how it is made. `make`
/// returns false when it found nothing to break.
struct Defect {
  const char *name;
  const char *spec;
  bool (*make)(mlir::ModuleOp module);
  Stage stage = Stage::Tile;
};

/// Those of code for a CPU.
llvm::ArrayRef<Defect> seededDefects();
/// Those of kernels, which run on the simulator.
llvm::ArrayRef<Defect> gpuDefects();

} // namespace ladon::e2e

#endif // LADON_TEST_E2E_DEFECTS_H
