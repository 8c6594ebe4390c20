//===- npy_test.cpp - NumPy files -----------------------------------------===//

#include "compiler/driver/check/InputGenerator.h"
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
  EXPECT_EQ(message(header("<c8", "(1,)")),
            "x: expected elements of type bool, u8, i8, i16, i32, i64, f16, "
            "bf16, f32 or f64 "
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
  // The product of the other axes has more than 64 bits.
  for (const char *shape :
       {"(0, 777777777, 777777777777773)", "(777777777, 777777777777773, 0)",
        "(777777777, 0, 777777777777773)"}) {
    auto array = read(shape);
    ASSERT_TRUE(bool(array)) << llvm::toString(array.takeError());
    EXPECT_EQ(array->size(), 0);
    for (int64_t stride : array->strides)
      EXPECT_GE(stride, 0);
    EXPECT_EQ(array->dense().shape, array->shape);
  }
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
