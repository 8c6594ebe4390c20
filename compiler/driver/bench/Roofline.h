//===- Roofline.h - Calls under the ceilings of the machine ----*- C++ -*-===//
//
// The roofline picture: how many operations a second a call does, over how many
// it does for each byte, under the two ceilings of the machine.
//
//===----------------------------------------------------------------------===//

#ifndef LADON_COMPILER_DRIVER_BENCH_ROOFLINE_H
#define LADON_COMPILER_DRIVER_BENCH_ROOFLINE_H

#include <string>
#include <vector>

namespace ladon {

struct RooflinePoint {
  std::string name; ///< Of the code generator.
  double flops, bytes, seconds;
};

struct Roofline {
  std::string title;
  double fmaPeak = 0;       ///< GFLOP/s
  double readBandwidth = 0; ///< GB/s
  std::vector<RooflinePoint> points;
};

/// An SVG file. Both axes are logarithmic; points without work are left out.
std::string drawRoofline(const Roofline &roofline);

} // namespace ladon

#endif // LADON_COMPILER_DRIVER_BENCH_ROOFLINE_H
