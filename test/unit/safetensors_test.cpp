//===- safetensors_test.cpp - Files of named tensors ----------------------===//

#include "compiler/driver/host/Safetensors.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

using namespace ladon;
using ast::ScalarType;

namespace {

class SafetensorsTest : public testing::Test {
protected:
  void SetUp() override {
    int descriptor;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("test", "safetensors",
                                                    descriptor, path));
    llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true);
  }
  void TearDown() override { llvm::sys::fs::remove(path); }

  void write(llvm::StringRef bytes) {
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << bytes;
    ASSERT_FALSE(error);
  }

  static std::string file(llvm::StringRef header, llvm::StringRef data) {
    char length[8];
    llvm::support::endian::write64le(length, header.size());
    return std::string(length, 8) + (header + data).str();
  }

  /// Reads the tensors `a` and `b`.
  llvm::Expected<llvm::StringMap<HostTensor>> read() {
    return readSafetensors(
        path, [](llvm::StringRef name) { return name == "a" || name == "b"; });
  }

  /// What is wrong with a file, without its name.
  std::string problem(llvm::StringRef bytes) {
    write(bytes);
    auto tensors = read();
    if (tensors)
      return "nothing";
    llvm::StringRef text, all = path;
    std::string said = llvm::toString(tensors.takeError());
    text = said;
    EXPECT_TRUE(text.consume_front((all + ": ").str())) << said;
    return text.str();
  }

  llvm::SmallString<128> path;
};

TEST_F(SafetensorsTest, TensorsAreReadByName) {
  std::string header =
      R"({"__metadata__": {"format": "pt"},)"
      R"( "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [2, 10]},)"
      R"( "b": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]},)"
      R"( "other": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [1, 2]}})";
  std::string data("\x01\x7f\x00\x00\x80\x3f\x00\x00\x00\xc0", 10);
  write(file(header, data));
  auto tensors = read();
  ASSERT_TRUE(bool(tensors)) << llvm::toString(tensors.takeError());
  ASSERT_EQ(tensors->size(), 2u);
  const HostTensor &a = (*tensors)["a"], &b = (*tensors)["b"];
  EXPECT_EQ(a.element, ScalarType::F32);
  EXPECT_EQ(a.shape, (Extents{2, 1}));
  EXPECT_EQ(a.getFloat({0, 0}), 1);
  EXPECT_EQ(a.getFloat({1, 0}), -2);
  EXPECT_EQ(b.element, ScalarType::U8);
  EXPECT_TRUE(b.shape.empty());
  EXPECT_EQ(b.getInteger({}), 1);
}

TEST_F(SafetensorsTest, EveryTypeOfSpecsIsRead) {
  for (const ScalarTypeInfo &info : scalarTypes()) {
    std::string dtype = info.name.upper();
    std::string bytes(info.bytes, '\0');
    write(file(R"({"a": {"dtype": ")" + dtype +
                   R"(", "shape": [1], "data_offsets": [0, )" +
                   std::to_string(info.bytes) + "]}}",
               bytes));
    auto tensors = read();
    ASSERT_TRUE(bool(tensors)) << dtype << llvm::toString(tensors.takeError());
    EXPECT_EQ((*tensors)["a"].element, info.type) << dtype;
  }
}

TEST_F(SafetensorsTest, AnyBytesAreAnError) {
  EXPECT_EQ(problem(""), "not a safetensors file");
  EXPECT_EQ(problem("PK\x03\x04 an archive"), "not a safetensors file");
  EXPECT_EQ(problem(file("[1]", "")), "not a safetensors file");
  EXPECT_EQ(problem(file("{\"a\": ", "")), "not a safetensors file");
  EXPECT_EQ(problem(file(std::string(1 << 20, '['), "")),
            "not a safetensors file");
  EXPECT_EQ(problem(file("{}", "").substr(0, 9)), "the header is cut off");
  EXPECT_EQ(problem(file("{\"a\": 3}", "")),
            "a: the header has no dtype, shape and data_offsets");
}

TEST_F(SafetensorsTest, EntriesMustFitTheFile) {
  auto entry = [&](llvm::StringRef dtype, llvm::StringRef shape,
                   llvm::StringRef offsets) {
    return problem(file((R"({"a": {"dtype": ")" + dtype + R"(", "shape": )" +
                         shape + R"(, "data_offsets": )" + offsets + "}}")
                            .str(),
                        "12345678"));
  };
  EXPECT_EQ(entry("F32", "[2]", "[0, 8]"), "nothing");
  EXPECT_EQ(entry("F32", "[2]", "[0, 4]"),
            "a: expected 8 bytes of elements, found 4");
  EXPECT_EQ(entry("F32", "[3]", "[0, 12]"),
            "a: its elements are not in the file");
  EXPECT_EQ(entry("F32", "[1]", "[8, 4]"),
            "a: its elements are not in the file");
  EXPECT_EQ(entry("F32", "[1]", "[-4, 0]"),
            "a: its elements are not in the file");
  EXPECT_EQ(entry("F32", "[-1]", "[0, 4]"), "a: the header has no valid shape");
  EXPECT_EQ(entry("F32", "[4294967296, 4294967296]", "[0, 4]"),
            "a: the header has no valid shape");
  EXPECT_EQ(entry("F32", "[1.5]", "[0, 4]"),
            "a: the header has no valid shape");
  EXPECT_EQ(entry("F32", "[1]", "[0]"),
            "a: the header has no dtype, shape and data_offsets");
  EXPECT_EQ(entry("F8_E5M2", "[1]", "[0, 1]"),
            "a: expected elements of type bool, u8, i8, i16, i32, i64, f16, "
            "bf16, f32 or f64, found F8_E5M2");
  EXPECT_EQ(entry("f32", "[1]", "[0, 4]").substr(0, 28),
            "a: expected elements of type");
}

TEST_F(SafetensorsTest, AFileThatIsNotThereIsSaid) {
  llvm::sys::fs::remove(path);
  auto tensors = read();
  ASSERT_FALSE(bool(tensors));
  EXPECT_NE(llvm::toString(tensors.takeError()).find("No such file"),
            std::string::npos);
}

} // namespace
