//===- roofline_test.cpp - Calls under the ceilings of the machine --------===//

#include "compiler/driver/bench/Roofline.h"

#include "llvm/ADT/StringRef.h"

#include <gtest/gtest.h>

using namespace ladon;
using llvm::StringRef;

namespace {

/// A machine whose ridge is at 10 operations per byte.
Roofline machine() {
  Roofline roofline;
  roofline.title = "a S=8";
  roofline.fmaPeak = 100;
  roofline.readBandwidth = 10;
  return roofline;
}

} // namespace

TEST(Roofline, points_are_under_the_roof_that_they_are_measured_by) {
  Roofline roofline = machine();
  roofline.points = {{"llvm", 100e9, 1e9, 2},  // 100 per byte, 50 GFLOP/s
                     {"halide", 1e9, 1e9, 1}}; // 1 per byte, 1 GFLOP/s
  std::string svg = drawRoofline(roofline);
  EXPECT_NE(svg.find("llvm: 50 GFLOP/s, 0.50 of the roof"), std::string::npos);
  EXPECT_NE(svg.find("halide: 1 GFLOP/s, 0.10 of the roof"), std::string::npos);
  EXPECT_EQ(StringRef(svg).count("<circle"), 2u);
  EXPECT_EQ(StringRef(svg).count("<polyline"), 1u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Roofline, the_ridge_is_where_the_roofs_meet) {
  std::string svg = drawRoofline(machine());
  // Decades 0.1 to 1000 across, 1 to 1000 up: 10 is in the middle, 100 at two
  // thirds of the height.
  EXPECT_NE(svg.find(" 350.00,176.67 "), std::string::npos) << svg;
  EXPECT_EQ(StringRef(svg).count("<circle"), 0u);
}

TEST(Roofline, what_is_not_known_is_left_out) {
  for (double peak : {0., 100.})
    for (double bandwidth : {0., 10.})
      for (double work : {0., 1e9}) {
        Roofline roofline;
        roofline.fmaPeak = peak;
        roofline.readBandwidth = bandwidth;
        roofline.points = {{"llvm", work, work, 1}};
        std::string svg = drawRoofline(roofline);
        EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
        EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
        EXPECT_TRUE(StringRef(svg).ends_with("</svg>\n"));
      }
}
