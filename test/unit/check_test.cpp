//===- check_test.cpp - Files, inputs and the numeric gate ----------------===//

#include "compiler/driver/check/InputGenerator.h"
#include "compiler/driver/check/NumericGate.h"
#include "compiler/driver/host/Npy.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace ladon;
using ast::ScalarType;
using llvm::ArrayRef;

//===--- NumPy files -----------------------------------------------------===//

/// A file as NumPy writes it, with the given header and elements.
static std::string npy(llvm::StringRef header, llvm::StringRef elements) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += char(header.size());
  bytes += '\0';
  return bytes + header.str() + elements.str();
}

TEST(Npy, RoundTripsEveryElementType) {
  for (const ScalarTypeInfo &info : scalarTypes())
    for (Extents shape :
         {Extents{}, Extents{3}, Extents{2, 0}, Extents{2, 3}}) {
      ScalarType element = info.type;
      HostTensor tensor = HostTensor::zeros(element, shape);
      int64_t next = -1;
      forEachPosition(shape, [&](ArrayRef<int64_t> position) {
        tensor.setInteger(position, next++);
      });
      auto read = parseNpy(formatNpy(tensor), "x");
      ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
      EXPECT_EQ(read->element, element);
      EXPECT_EQ(read->shape, shape);
      forEachPosition(shape, [&](ArrayRef<int64_t> position) {
        EXPECT_EQ(read->getInteger(position), tensor.getInteger(position));
      });
    }
}

TEST(Npy, WritesViewsDensely) {
  HostTensor view = makeView(ScalarType::F32, {2, 3, 4}, ViewKind::Transposed);
  forEachPosition(view.shape, [&](ArrayRef<int64_t> at) {
    view.setFloat(at, 100 * at[0] + 10 * at[1] + at[2]);
  });
  auto read = parseNpy(formatNpy(view), "x");
  ASSERT_TRUE(bool(read));
  EXPECT_EQ(read->getFloat({1, 2, 3}), 123);
}

TEST(Npy, ReadsFortranOrder) {
  float elements[] = {0, 10, 1, 11, 2, 12};
  auto read = parseNpy(
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n",
          {reinterpret_cast<char *>(elements), sizeof(elements)}),
      "x");
  ASSERT_TRUE(bool(read));
  EXPECT_EQ(read->getFloat({1, 2}), 12);
  EXPECT_EQ(read->getFloat({0, 1}), 1);
}

TEST(Npy, TwoBytesWithoutATypeAreBf16) {
  // NumPy knows no bf16; with or without ml_dtypes, this is what it writes.
  for (const char *descr : {"<V2", "|V2", "bfloat16"}) {
    std::string header = std::string("{'descr': '") + descr +
                         "', 'fortran_order': False, 'shape': (2,), }\n";
    auto read =
        parseNpy(npy(header, llvm::StringRef("\x80\x3f\x20\xc0", 4)), "x");
    ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->element, ScalarType::BF16);
    EXPECT_EQ(read->getFloat({0}), 1);
    EXPECT_EQ(read->getFloat({1}), -2.5);
  }
}

TEST(Npy, BrokenFilesAreErrors) {
  auto message = [](llvm::StringRef bytes) {
    auto read = parseNpy(bytes, "x");
    return read ? std::string() : llvm::toString(read.takeError());
  };
  auto header = [](llvm::StringRef descr, llvm::StringRef shape) {
    return npy(("{'descr': '" + descr +
                "', 'fortran_order': False, 'shape': " + shape + ", }\n")
                   .str(),
               "1234");
  };
  EXPECT_EQ(message(header("<f4", "(1,)")), "");
  EXPECT_EQ(message(""), "x: not a NumPy array");
  EXPECT_EQ(message("\x93NUMPY\x01"), "x: not a NumPy array");
  EXPECT_EQ(message(header("<f4", "(2,)")),
            "x: expected 8 bytes of elements, found 4");
  EXPECT_EQ(
      message(header("<c8", "(1,)")),
      "x: expected elements of type bool, i32, i64, f16, bf16, f32 or f64 "
      "(little-endian), found '<c8'");
  EXPECT_EQ(message(header("<f4", "(-1,)")),
            "x: the header has no valid shape");
  EXPECT_EQ(message(header("<f4", "(4611686018427387904, 4)")),
            "x: the array is too large");
  std::string cut = header("<f4", "(1,)").substr(0, 40);
  EXPECT_EQ(message(cut), "x: the header is cut off");
}

/// The bytes of a file of another version, whose header says that it has
/// `length` bytes.
static std::string npyOfVersion(int version, uint32_t length,
                                llvm::StringRef header) {
  std::string bytes("\x93NUMPY", 6);
  bytes += char(version);
  bytes += '\0';
  for (int byte = 0; byte < (version >= 2 ? 4 : 2); ++byte)
    bytes += char(length >> (8 * byte));
  return bytes + header.str();
}

TEST(Npy, VersionsDifferInTheLengthOfTheirHeader) {
  llvm::StringRef header =
      "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";
  for (int version : {1, 2, 3}) {
    auto read = parseNpy(npyOfVersion(version, header.size(), header) +
                             std::string("\x05\0\0\0\xff\xff\xff\xff", 8),
                         "x");
    ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->getInteger({0}), 5);
    EXPECT_EQ(read->getInteger({1}), -1);
  }
  auto message = [](llvm::StringRef bytes) {
    auto read = parseNpy(bytes, "x");
    return read ? std::string() : llvm::toString(read.takeError());
  };
  for (int version : {0, 4, 255})
    EXPECT_EQ(message(npyOfVersion(version, header.size(), header)),
              "x: NumPy format version " + std::to_string(version) +
                  " is not supported");
  // No header of NumPy's is that long: nothing is allocated for it.
  EXPECT_EQ(message(npyOfVersion(2, (1 << 20) + 1, header)),
            "x: the header is too long");
  EXPECT_EQ(message(npyOfVersion(2, 1 << 20, header)),
            "x: the header is cut off");
}

TEST(Npy, HeadersMayBeWrittenInManyWays) {
  const std::pair<const char *, Extents> headers[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}", {}},
      {"{'descr':'<f4','fortran_order':False,'shape':(1,)}", {1}},
      {"{'shape': (1, 1), 'fortran_order': False, 'descr': '<f4'}", {1, 1}},
      {"{ 'descr' : '<f4' , 'shape' : ( 1 ,1, 1 , ) , }", {1, 1, 1}},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", {1, 1}},
  };
  for (auto &[header, shape] : headers) {
    auto read = parseNpy(npy(header, std::string("\0\0\x80\x3f", 4)), "x");
    ASSERT_TRUE(bool(read)) << header << llvm::toString(read.takeError());
    EXPECT_EQ(read->shape, shape) << header;
    EXPECT_EQ(read->getFloat(Extents(shape.size(), 0)), 1) << header;
  }
  for (const char *shape : {"1", "(x,)", "(1,,2)", "(1.5,)", "[1]", ""}) {
    std::string header = std::string("{'descr': '<f4', 'shape': ") + shape;
    auto read = parseNpy(npy(header, "1234"), "x");
    ASSERT_FALSE(bool(read)) << shape;
    EXPECT_EQ(llvm::toString(read.takeError()),
              "x: the header has no valid shape")
        << shape;
  }
}

/// What a memory map of the file needs.
TEST(Npy, ElementsAreAligned) {
  for (int64_t extent = 1; extent < 1000000000000; extent *= 10) {
    HostTensor empty = HostTensor::zeros(ScalarType::F32, {0, extent});
    std::string bytes = formatNpy(empty);
    EXPECT_EQ(bytes.size() % 64, 0u) << extent;
    EXPECT_EQ(bytes.back(), '\n');
    auto read = parseNpy(bytes, "x");
    ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
    EXPECT_EQ(read->shape, empty.shape);
  }
}

TEST(Npy, ArraysAreLimitedByTheirBytes) {
  auto message = [](const char *descr, int64_t extent) {
    auto read = parseNpy(npy("{'descr': '" + std::string(descr) +
                                 "', 'fortran_order': False, 'shape': (" +
                                 std::to_string(extent) + ",), }\n",
                             ""),
                         "x");
    return read ? std::string() : llvm::toString(read.takeError());
  };
  constexpr int64_t limit = int64_t(1) << 40;
  EXPECT_EQ(message("|b1", limit + 1), "x: the array is too large");
  EXPECT_EQ(message("<f8", limit / 8 + 1), "x: the array is too large");
  EXPECT_EQ(message("<f8", limit / 8),
            "x: expected 1099511627776 bytes of elements, found 0");
}

TEST(Npy, TheBytesOfAllAxesCount) {
  auto read = [](const char *shape) {
    return parseNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': " +
                            std::string(shape) + ", }\n",
                        ""),
                    "x");
  };
  auto message = [&](const char *shape) {
    auto array = read(shape);
    return array ? std::string() : llvm::toString(array.takeError());
  };
  // 2^21 * 2^17 numbers of 4 bytes are as many as there may be.
  EXPECT_EQ(message("(2097152, 131072)"),
            "x: expected 1099511627776 bytes of elements, found 0");
  EXPECT_EQ(message("(2097152, 131073)"), "x: the array is too large");
  EXPECT_EQ(message("(131073, 2097152)"), "x: the array is too large");
  EXPECT_EQ(message("(3, 5, 7)"), "x: expected 420 bytes of elements, found 0");
  // Without elements there are no bytes, however long the other axis is.
  auto empty = read("(0, 4611686018427387904)");
  ASSERT_TRUE(bool(empty)) << llvm::toString(empty.takeError());
  EXPECT_EQ(empty->shape, (Extents{0, INT64_C(4611686018427387904)}));
  EXPECT_EQ(empty->size(), 0);
}

TEST(Npy, OnlyTrueIsFortranOrder) {
  float elements[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  auto strides = [&](const char *order) {
    auto array =
        parseNpy(npy("{'descr': '<f4', " + std::string(order) +
                         "'shape': (2, 3, 2), }\n",
                     {reinterpret_cast<char *>(elements), sizeof(elements)}),
                 "x");
    return array ? array->strides : Extents();
  };
  EXPECT_EQ(strides("'fortran_order': True, "), (Extents{1, 2, 6}));
  EXPECT_EQ(strides("'fortran_order': False, "), (Extents{6, 2, 1}));
  EXPECT_EQ(strides(""), (Extents{6, 2, 1}));
}

TEST(Npy, BytesBehindTheElementsAreNotRead) {
  auto read = parseNpy(
      npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n",
          std::string("\x01\x00\x01\x01", 4)),
      "x");
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->size(), 2);
  EXPECT_EQ(read->getInteger({0}), 1);
  EXPECT_EQ(read->getInteger({1}), 0);
}

TEST(Npy, DamagedArchivesAreErrors) {
  std::string path =
      LADON_SOURCE_DIR "/test/e2e/onnx/test_attention_bidirectional_window.npz";
  auto arrays = readNpz(path);
  ASSERT_TRUE(bool(arrays)) << llvm::toString(arrays.takeError());
  EXPECT_EQ(arrays->lookup("in_Q").shape, (Extents{1, 1, 5, 1}));

  // No flip of a byte and no cut crashes; only flips of unread bytes pass.
  std::string bytes;
  {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    ASSERT_TRUE(bool(buffer));
    bytes = (*buffer)->getBuffer().str();
  }
  llvm::SmallString<64> copy;
  int fd;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("ladon", "npz", fd, copy));
  llvm::raw_fd_ostream(fd, /*shouldClose=*/true);
  auto readChanged = [&](const std::string &changed) {
    std::error_code error;
    llvm::raw_fd_ostream(copy, error) << changed;
    auto read = readNpz(copy);
    if (read)
      return true;
    llvm::consumeError(read.takeError());
    return false;
  };
  EXPECT_TRUE(readChanged(bytes));
  for (size_t at = 0; at < bytes.size(); at += 3) {
    std::string changed = bytes;
    changed[at] ^= 0x41;
    readChanged(changed);
    EXPECT_FALSE(readChanged(bytes.substr(0, at)));
  }
  llvm::sys::fs::remove(copy);
}

//===--- Inputs ----------------------------------------------------------===//

TEST(Random, IsTheSameOnEveryMachine) {
  Random random(1);
  EXPECT_EQ(random.next(), 12966619160104079557u);
  EXPECT_EQ(random.next(), 9600361134598540522u);
}

TEST(Random, NormalHasUnitVariance) {
  Random random(7);
  double sum = 0, squares = 0;
  for (int n = 0; n < 20000; ++n) {
    double x = random.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST(Views, GapsAreNaN) {
  HostTensor view = makeView(ScalarType::F32, {2, 3}, ViewKind::Padded);
  forEachPosition(view.shape,
                  [&](ArrayRef<int64_t> at) { view.setFloat(at, 1); });
  int ones = 0, nans = 0;
  for (size_t at = 0; at < view.owner->size(); at += 4) {
    float value;
    std::memcpy(&value, view.owner->data() + at, 4);
    ones += value == 1;
    nans += std::isnan(value);
  }
  EXPECT_EQ(ones, 6);
  EXPECT_GT(nans, 30);
  EXPECT_EQ(size_t(ones + nans), view.owner->size() / 4);
}

//===--- The gate --------------------------------------------------------===//

/// Rows of `columns` elements of one head, all with the given error bound.
static ReferenceResult expectation(std::vector<double> values, double error) {
  ReferenceResult result;
  result.shape = {1, 1, int64_t(values.size()), 1};
  result.error.assign(values.size(), error);
  result.magnitude.assign(values.size(), 1);
  result.value = std::move(values);
  result.headAxis = HeadAxis::Axis1;
  return result;
}

static GateReport gate(const ReferenceResult &expected,
                       std::vector<double> actual) {
  HostTensor tensor = HostTensor::zeros(ScalarType::F32, expected.shape);
  for (size_t at = 0; at < actual.size(); ++at)
    tensor.setFloat({0, 0, int64_t(at), 0}, actual[at]);
  return applyGate(expected, tensor);
}

TEST(NumericGate, BoundsTheErrorOfEachElement) {
  ReferenceResult expected = expectation({1, 0.5, -0.25}, 2);
  double bound = 8 * 2 * 0x1p-24;
  GateReport exact = gate(expected, {1, 0.5, -0.25});
  EXPECT_TRUE(exact.passed);
  EXPECT_EQ(exact.error, 0);
  EXPECT_DOUBLE_EQ(exact.bound, bound);
  GateReport near = gate(expected, {1, 0.5 + 0.9 * bound, -0.25});
  EXPECT_TRUE(near.passed);
  EXPECT_NEAR(near.ratio(), 0.9, 0.05);
  GateReport off = gate(expected, {1, 0.5 + 1.1 * bound, -0.25});
  EXPECT_FALSE(off.passed);
  EXPECT_EQ(off.problem.substr(0, 30), "element [0, 0, 1, 0]: expected");
}

TEST(NumericGate, DemandsThePatternOfSpecialValues) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(
      gate(expectation({nan, inf, -inf, 0}, 0), {nan, inf, -inf, 0}).passed);
  EXPECT_FALSE(gate(expectation({nan}, 1), {0}).passed);
  EXPECT_FALSE(gate(expectation({0}, 1), {nan}).passed);
  EXPECT_FALSE(gate(expectation({inf}, 1), {-inf}).passed);
  EXPECT_FALSE(gate(expectation({inf}, 1), {nan}).passed);
  EXPECT_FALSE(gate(expectation({-inf}, 1), {-3e38}).passed);
  // A row without keys is exactly zero.
  EXPECT_FALSE(gate(expectation({0}, 0), {1e-30}).passed);
  EXPECT_TRUE(gate(expectation({0}, 0), {-0.0}).passed);
}

TEST(NumericGate, DemandsCorrelationPerHead) {
  // Large scores make the bound wide; a head of noise within it still fails.
  ReferenceResult expected = expectation({1, -1, 1, -1}, 2e4);
  GateReport report = gate(expected, {1.004, -0.996, 0.996, -1.004});
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.problem.substr(0, 19), "head 0: correlation");
  // Two heads: the second one is negligible beside the first in one sum.
  ReferenceResult two = expectation({1, -1, 1e-3, -1e-3}, 1e4);
  two.shape = {1, 2, 2, 1};
  two.heads = 2;
  two.error = {1, 1, 0.01, 0.01};
  HostTensor swapped = HostTensor::zeros(ScalarType::F32, two.shape);
  swapped.setFloat({0, 0, 0, 0}, 1);
  swapped.setFloat({0, 0, 1, 0}, -1);
  swapped.setFloat({0, 1, 0, 0}, -1e-3);
  swapped.setFloat({0, 1, 1, 0}, 1e-3);
  EXPECT_NEAR(applyGate(two, swapped).correlation, -1, 1e-6);
}

TEST(NumericGate, CorrelatesNumbersOfAnySize) {
  // Their squares are neither infinite nor zero.
  for (double size : {0x1p-600, 0x1p-300, 1.0, 0x1p300, 0x1p1000}) {
    ReferenceResult expected =
        expectation({size, -size, 0.5 * size, -size}, size);
    expected.element = ScalarType::F64;
    expected.magnitude.assign(4, size);
    HostTensor right = HostTensor::zeros(ScalarType::F64, expected.shape);
    HostTensor wrong = right.dense();
    for (int64_t at = 0; at < 4; ++at) {
      right.setFloat({0, 0, at, 0}, expected.value[at]);
      wrong.setFloat({0, 0, at, 0}, -expected.value[at]);
    }
    GateReport report = applyGate(expected, right);
    EXPECT_TRUE(report.passed) << size << ": " << report.problem;
    EXPECT_NEAR(report.correlation, 1, 1e-14) << size;
    EXPECT_NEAR(applyGate(expected, wrong).correlation, -1, 1e-14) << size;
  }
}

TEST(NumericGate, CountsElementsWithATightBound) {
  // 8 u 1e4 is 0.0048: half of a hundredth of 1, and all of it of 0.4.
  EXPECT_EQ(gate(expectation({1, 0, 0.5, 0.25}, 1e4), {1, 0, 0.5, 0.25}).tight,
            4);
  EXPECT_EQ(
      gate(expectation({0.4, 0, 0.1, 0.2}, 1e4), {0.4, 0, 0.1, 0.2}).tight, 0);
  // The range is that of the numbers and zero.
  EXPECT_EQ(gate(expectation({1, 1}, 1e4), {1, 1}).tight, 2);
  EXPECT_EQ(gate(expectation({-0.5, 0.5}, 1e4), {-0.5, 0.5}).tight, 2);
}

TEST(NumericGate, SaysWhenABoundIsWiderThanTheValues) {
  // 8 u 1e5 is 0.048.
  ReferenceResult small = expectation({0.01, -0.02, 0.01, 0.02}, 1e5);
  EXPECT_TRUE(gate(small, {0.01, -0.02, 0.01, 0.02}).vacuous);
  ReferenceResult large = expectation({0.1, -0.2, 0.1, 0.2}, 1e5);
  EXPECT_FALSE(gate(large, {0.1, -0.2, 0.1, 0.2}).vacuous);
  // Not of elements that nearly cancel, whose bound is small for their scale.
  ReferenceResult cancelled = expectation({1e-7, -1e-7, 1e-7, 1e-7}, 10);
  EXPECT_FALSE(gate(cancelled, {1e-7, -1e-7, 1e-7, 1e-7}).vacuous);
  // Nor if it is half of them.
  ReferenceResult half = small;
  half.error = {1e5, 1e5, 1, 1};
  EXPECT_FALSE(gate(half, {0.01, -0.02, 0.01, 0.02}).vacuous);
  half.error = {1e5, 1e5, 1e5, 1};
  EXPECT_TRUE(gate(half, {0.01, -0.02, 0.01, 0.02}).vacuous);
}

TEST(NumericGate, SubnormalNumbersAreNotZero) {
  // Of values of that size, the weights of which are relative to 1.
  ReferenceResult expected = expectation({3e-40, -2e-40, 1e-40, 2e-40}, 3e-40);
  expected.magnitude.assign(4, 3e-40);
  EXPECT_TRUE(gate(expected, {3e-40, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_TRUE(gate(expected, {3.001e-40, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_FALSE(gate(expected, {0, -2e-40, 1e-40, 2e-40}).passed);
  EXPECT_FALSE(gate(expected, {3.1e-40, -2e-40, 1e-40, 2e-40}).passed);
  // Beside values of ordinary size a weight below the normal numbers is
  // nothing.
  ReferenceResult beside = expectation({3e-40, 1}, 1);
  EXPECT_TRUE(gate(beside, {0, 1}).passed);
}

TEST(NumericGate, ASummaryDescribesHowMuchIsHeld) {
  GateSummary summary;
  GateReport tight, loose;
  tight.elements = 3, tight.tight = 3;
  loose.elements = 1, loose.vacuous = true;
  summary.add(tight);
  summary.add(loose);
  GateSummary total;
  total.add(summary);
  total.add(summary);
  EXPECT_EQ(total.results, 4);
  EXPECT_EQ(total.vacuous, 2);
  EXPECT_EQ(total.tight, 6);
  EXPECT_EQ(total.describe(),
            "75.00 % of the elements are held to 0.01 of the range or less, of "
            "4 results in 2 most to nothing");
}

/// A gate on results that are stored in f16.
static GateReport gateOfHalf(ReferenceResult expected,
                             std::vector<double> actual) {
  expected.element = ScalarType::F16;
  HostTensor tensor = HostTensor::zeros(ScalarType::F16, expected.shape);
  for (size_t at = 0; at < actual.size(); ++at)
    tensor.setFloat({0, 0, int64_t(at), 0}, actual[at]);
  return applyGate(expected, tensor);
}

TEST(NumericGate, StoredResultsAreOneRoundingFromTheComputedOnes) {
  double step = 0x1p-10; // Of f16, from 1 on.
  // In the middle between two numbers the computed one may lie on either side.
  ReferenceResult middle = expectation({1 + step / 2, -0.5}, 2);
  EXPECT_TRUE(gateOfHalf(middle, {1, -0.5}).passed);
  EXPECT_TRUE(gateOfHalf(middle, {1 + step, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(middle, {1 - step / 2, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(middle, {1 + 2 * step, -0.5}).passed);
  // Elsewhere the nearest one is the only right one.
  ReferenceResult near = expectation({1 + 0.4 * step, -0.5}, 2);
  EXPECT_TRUE(gateOfHalf(near, {1, -0.5}).passed);
  EXPECT_FALSE(gateOfHalf(near, {1 + step, -0.5}).passed);
}

TEST(NumericGate, StoredResultsBeyondTheLargestNumberAreInfinite) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(gateOfHalf(expectation({70000, -1e6}, 2), {inf, -inf}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({70000}, 2), {65504}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({65000}, 2), {inf}).passed);
  EXPECT_FALSE(gateOfHalf(expectation({1}, 2), {std::nan("")}).passed);
  // A row without keys is exactly zero, its lse exactly -inf.
  EXPECT_FALSE(gateOfHalf(expectation({0}, 0), {0x1p-24}).passed);
  EXPECT_TRUE(gateOfHalf(expectation({-inf}, 0), {-inf}).passed);
}

TEST(NumericGate, SkipsWhatRoundingDecides) {
  ReferenceResult expected =
      expectation({1, 2}, std::numeric_limits<double>::infinity());
  GateReport report = gate(expected, {5, 7});
  EXPECT_TRUE(report.passed);
  EXPECT_EQ(report.unchecked, 2);
}

TEST(NumericGate, CountsWhatABoundCannotTell) {
  // 8 u 5e5 is 0.24 of the scale: the element is still compared.
  GateReport narrow = gate(expectation({1, 1, 1, 1}, 5e5), {1, 1, 1, 1.2});
  EXPECT_TRUE(narrow.passed);
  EXPECT_EQ(narrow.unchecked, 0);
  EXPECT_FALSE(gate(expectation({1}, 5e5), {1.3}).passed);
  // Beyond a quarter of it, it is compared and counted as unchecked.
  GateReport wide = gate(expectation({1, 1, 1, 1}, 6e5), {1, 1, 1, 1.2});
  EXPECT_TRUE(wide.passed);
  EXPECT_EQ(wide.unchecked, 4);
  EXPECT_FALSE(gate(expectation({1}, 6e5), {1.4}).passed);
  // A bound that is no number allows nothing to be said.
  GateReport none = gate(expectation({1, 2}, std::nan("")), {1, 3});
  EXPECT_TRUE(none.passed);
  EXPECT_EQ(none.unchecked, 2);
}

TEST(NumericGate, ReportsTheElementNearestToItsBound) {
  ReferenceResult expected = expectation({1, 2, 3, 4}, 10);
  expected.magnitude = {1, 2, 4, 8};
  double bound = 8 * 10 * 0x1p-24;
  GateReport report = gate(expected, {1, 2 + 0.25 * bound, 3 - 0.5 * bound, 4});
  EXPECT_TRUE(report.passed);
  EXPECT_NEAR(report.ratio(), 0.5, 0.1);
  EXPECT_DOUBLE_EQ(report.bound, bound / 4);
}

TEST(NumericGate, RefusesAnotherShapeOrType) {
  ReferenceResult expected = expectation({1, 2}, 1);
  HostTensor longer = HostTensor::zeros(ScalarType::F32, {1, 1, 3, 1});
  EXPECT_FALSE(applyGate(expected, longer).passed);
  HostTensor wider = HostTensor::zeros(ScalarType::F64, expected.shape);
  EXPECT_FALSE(applyGate(expected, wider).passed);
}

TEST(NumericGate, SummaryKeepsTheWorst) {
  GateSummary summary;
  GateReport good, bad;
  good.error = 1, good.bound = 10, good.elements = 3;
  bad.error = 4, bad.bound = 8, bad.correlation = 0.9, bad.elements = 2;
  bad.unchecked = 1;
  summary.add(bad);
  summary.add(good);
  EXPECT_EQ(summary.ratio, 0.5);
  EXPECT_EQ(summary.error, 4);
  EXPECT_EQ(summary.bound, 8);
  EXPECT_EQ(summary.correlation, 0.9);
  EXPECT_EQ(summary.elements, 5);
  EXPECT_EQ(summary.unchecked, 1);
  // No bound at all: any error is over it.
  GateReport exact;
  EXPECT_EQ(exact.ratio(), 0);
  exact.error = 1e-30;
  EXPECT_EQ(exact.ratio(), 1);
}

TEST(NumericGate, AHeadOfEqualNumbersHasNoCorrelation) {
  // So many that their plain sum is off by far more than each of them.
  constexpr int64_t count = 16770;
  ReferenceResult expected = expectation(std::vector<double>(count, 0.3), 0.5);
  expected.element = ScalarType::F64;
  HostTensor actual = HostTensor::zeros(ScalarType::F64, expected.shape);
  for (int64_t at = 0; at < count; ++at)
    actual.setFloat({0, 0, at, 0}, at % 3 ? 0.3 : 0.3 + 0x1p-54);
  GateReport report = applyGate(expected, actual);
  EXPECT_TRUE(report.passed) << report.problem;
  EXPECT_EQ(report.correlation, 1);
}
