//===- scalar_type_test.cpp - Elements in memory and their values ---------===//
//
// The table of element types, and the rounding to types of storage: by rule,
// for every number of 16 bits and for what lies between two of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/HostTensor.h"
#include "compiler/support/ScalarType.h"

#include "llvm/ADT/StringSet.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace ladon;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(ScalarTypes, ATypeHasANameOfItsOwnAndIsComputedInAWiderOne) {
  llvm::StringSet<> names, inFiles;
  for (const ScalarTypeInfo &info : scalarTypes()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name.str();
    EXPECT_TRUE(inFiles.insert(info.numpy).second) << info.name.str();
    EXPECT_EQ(findScalarType(info.name), info.type);
    EXPECT_EQ(info.kind == ScalarKind::Float, info.format != nullptr);
    EXPECT_EQ(infoOf(info.computed).kind, info.kind);
    EXPECT_FALSE(isStorageOnly(info.computed)) << info.name.str();
    // A single value has no type of storage.
    EXPECT_EQ(info.inC.empty(), isStorageOnly(info.type)) << info.name.str();
  }
  EXPECT_EQ(findScalarType("f8"), std::nullopt);
  EXPECT_EQ(listTypes(isStorageOnly), "u8, i8, i16, f16 and bf16");
}

/// A type of storage, its largest and its smallest positive number.
struct Format {
  ScalarType type;
  double largest, normal, smallest;
  int digits; ///< Of a mantissa, the first one included.
};
const Format formats[] = {
    {ScalarType::F16, 65504, 0x1p-14, 0x1p-24, 11},
    {ScalarType::BF16, 0x1.fep127, 0x1p-126, 0x1p-133, 8},
};

TEST(Storage, EveryNumberOfSixteenBitsIsItsOwnRounding) {
  for (const Format &format : formats)
    for (uint64_t bits = 0; bits < 1 << 16; ++bits) {
      double value = decodeFloat(format.type, bits);
      uint64_t again = encodeFloat(format.type, value);
      if (std::isnan(value))
        EXPECT_TRUE(std::isnan(decodeFloat(format.type, again))) << bits;
      else
        EXPECT_EQ(again, bits);
    }
}

TEST(Storage, BetweenTwoNumbersTheNearerOneIsTakenAndOfEqualsTheEvenOne) {
  for (const Format &format : formats) {
    auto rounded = [&](double x) {
      return decodeFloat(format.type, encodeFloat(format.type, x));
    };
    // Positive numbers are in the order of their bits.
    uint64_t last = encodeFloat(format.type, format.largest);
    for (uint64_t bits = 0; bits < last; ++bits) {
      double low = decodeFloat(format.type, bits);
      double high = decodeFloat(format.type, bits + 1);
      double middle = low + (high - low) / 2, beside = (high - low) / 8;
      EXPECT_EQ(rounded(middle), bits % 2 == 0 ? low : high);
      EXPECT_EQ(rounded(middle - beside), low);
      EXPECT_EQ(rounded(middle + beside), high);
      EXPECT_EQ(rounded(-middle), -rounded(middle));
    }
  }
}

TEST(Storage, EndsOfTheTypes) {
  for (const Format &format : formats) {
    auto rounded = [&](double x) {
      return decodeFloat(format.type, encodeFloat(format.type, x));
    };
    double unit = std::ldexp(1, std::ilogb(format.largest) + 1 - format.digits);
    EXPECT_EQ(rounded(format.largest + 0.49 * unit), format.largest);
    EXPECT_EQ(rounded(format.largest + 0.5 * unit), inf);
    EXPECT_EQ(rounded(-1e300), -inf);
    EXPECT_EQ(rounded(inf), inf);
    EXPECT_EQ(rounded(format.smallest), format.smallest);
    EXPECT_EQ(rounded(format.normal - format.smallest),
              format.normal - format.smallest);
    EXPECT_EQ(rounded(0.5 * format.smallest), 0);
    EXPECT_EQ(rounded(0.51 * format.smallest), format.smallest);
    EXPECT_TRUE(std::signbit(rounded(-0.25 * format.smallest)));
    EXPECT_TRUE(std::isnan(rounded(std::nan("1"))));
  }
}

TEST(Storage, ATensorRoundsWhatIsStoredInIt) {
  for (const Format &format : formats) {
    HostTensor tensor = HostTensor::zeros(format.type, {3});
    EXPECT_EQ(tensor.getFloat({0}), 0);
    double step = std::ldexp(1, 1 - format.digits);
    tensor.setFloat({1}, 1 + 1.5 * step);
    tensor.setInteger({2}, -3);
    EXPECT_EQ(tensor.getFloat({0}), 0);
    EXPECT_EQ(tensor.getFloat({1}), 1 + 2 * step);
    EXPECT_EQ(tensor.getFloat({2}), -3);
  }
}

} // namespace
