//===- HalideBackend.h - Code of attends by Halide -------------*- C++ -*-===//

#ifndef LADON_COMPILER_CODEGEN_HALIDE_HALIDEBACKEND_H
#define LADON_COMPILER_CODEGEN_HALIDE_HALIDEBACKEND_H

#include "compiler/codegen/Backend.h"

namespace ladon::halide {

/// The back end of `--codegen halide`: attends are pipelines of Halide, and all
/// the rest is that of `--target cpu`.
const Backend &halideBackend();

} // namespace ladon::halide

#endif // LADON_COMPILER_CODEGEN_HALIDE_HALIDEBACKEND_H
