//===- named_inputs_test.cpp - Inputs and sizes on the command line -------===//

#include "compiler/driver/host/NamedInputs.h"
#include "compiler/driver/host/Npy.h"
#include "compiler/driver/host/Sizes.h"
#include "compiler/frontend/Frontend.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace ladon;
using ast::ScalarType;

namespace {

constexpr char spec[] = R"(attention inputs(
    q: f64[B, 2, S, 8],
    k: f64[B, 2, T, 8],
    flag: bool,
    near: i32,
    far: i64,
    cap: f32,
    slope: f64,
    lens: i32[B],
) -> f64[B, 2, S, 8] {
  return attend(q, k, k,
    score = cap * s + slope,
    mask = flag and j < near + far + lens[b])
}
)";

class NamedInputsTest : public testing::Test {
protected:
  NamedInputsTest() {
    unsigned buffer = sources.AddNewSourceBuffer(
        llvm::MemoryBuffer::getMemBuffer(spec, "inputs.attn"), llvm::SMLoc());
    DiagnosticEngine diagnostics(sources);
    checked = parseAndCheck(sources, buffer, {}, diagnostics);
    if (!checked)
      diagnostics.print(llvm::errs());
    EXPECT_TRUE(checked);
  }

  /// Reads `texts`; what is wrong with them, or nothing.
  std::string read(std::vector<std::string> texts) {
    inputs.assign(checked->attention->params.size(), {});
    given.assign(inputs.size(), false);
    return llvm::toString(
        readNamedInputs(*checked->attention, texts, inputs, given));
  }

  const ast::Attention &attention() const { return *checked->attention; }

  llvm::SourceMgr sources;
  std::unique_ptr<CheckedSpec> checked;
  std::vector<HostTensor> inputs;
  std::vector<bool> given;
};

/// The places of the parameters of `spec`.
enum { Flag = 2, Near = 3, Far = 4, Cap = 5, Slope = 6, Lens = 7 };

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

TEST_F(NamedInputsTest, scalarsAreNumbersOfTheirType) {
  ASSERT_EQ(read({"flag=true", "near=-3", "far=9223372036854775807", "cap=0.1",
                  "slope=0.1"}),
            "");
  EXPECT_EQ(inputs[Flag].getInteger({}), 1);
  EXPECT_EQ(inputs[Near].getInteger({}), -3);
  EXPECT_EQ(inputs[Far].getInteger({}), INT64_MAX);
  EXPECT_EQ(inputs[Cap].getFloat({}), double(0.1f));
  EXPECT_EQ(inputs[Slope].getFloat({}), 0.1);
  for (int place : {Flag, Near, Far, Cap, Slope}) {
    EXPECT_TRUE(given[place]);
    EXPECT_EQ(inputs[place].element, attention().params[place]->type.element);
    EXPECT_TRUE(inputs[place].shape.empty());
  }
  EXPECT_FALSE(given[Lens]);
}

TEST_F(NamedInputsTest, theEndsOfI32AreTaken) {
  EXPECT_EQ(read({"near=2147483647"}), "");
  EXPECT_EQ(inputs[Near].getInteger({}), INT32_MAX);
  EXPECT_EQ(read({"near=-2147483648"}), "");
  EXPECT_EQ(inputs[Near].getInteger({}), INT32_MIN);
  for (const char *beyond : {"2147483648", "-2147483649"})
    EXPECT_EQ(read({std::string("near=") + beyond}),
              std::string("near: expected a value of type i32, found '") +
                  beyond + "'");
}

TEST_F(NamedInputsTest, aBoolIsTrueOrFalse) {
  EXPECT_EQ(read({"flag=false"}), "");
  EXPECT_EQ(inputs[Flag].getInteger({}), 0);
  for (const char *text : {"1", "0", "True", "yes"})
    EXPECT_EQ(read({std::string("flag=") + text}),
              std::string("flag: expected true or false, found '") + text +
                  "'");
}

TEST_F(NamedInputsTest, whatIsNoNumberIsAnError) {
  for (const char *text : {"3.5", "0x10", "three", "3 ", " 3", "true", "--3"})
    EXPECT_EQ(read({std::string("far=") + text}),
              std::string("far: expected a value of type i64, found '") + text +
                  "'");
  for (const char *text : {"true", "1,5", "1.5f"})
    EXPECT_EQ(read({std::string("cap=") + text}),
              std::string("cap: expected a value of type f32, found '") + text +
                  "'");
}

TEST_F(NamedInputsTest, infinityHasToBeMeant) {
  EXPECT_EQ(read({"cap=inf", "slope=-inf"}), "");
  EXPECT_EQ(inputs[Cap].getFloat({}), HUGE_VAL);
  EXPECT_EQ(inputs[Slope].getFloat({}), -HUGE_VAL);
  EXPECT_EQ(read({"cap=nan"}), "");
  EXPECT_TRUE(std::isnan(inputs[Cap].getFloat({})));
  // Too large for f32, not for f64.
  EXPECT_EQ(read({"cap=1e39"}), "cap: 1e39 is too large for f32");
  EXPECT_EQ(read({"slope=1e39"}), "");
  EXPECT_EQ(inputs[Slope].getFloat({}), 1e39);
  EXPECT_EQ(read({"slope=1e400"}), "slope: 1e400 is too large for f64");
}

TEST_F(NamedInputsTest, smallNumbersRoundAndDoNotFail) {
  EXPECT_EQ(read({"cap=1e-46", "slope=4.9e-324"}), "");
  EXPECT_EQ(inputs[Cap].getFloat({}), 0);
  EXPECT_EQ(inputs[Slope].getFloat({}), 4.9e-324);
}

//===----------------------------------------------------------------------===//
// Names and files
//===----------------------------------------------------------------------===//

TEST_F(NamedInputsTest, namesAreThoseOfTheSpecAndComeOnce) {
  EXPECT_EQ(read({"reach=3"}), "--input reach: the spec has no such parameter");
  EXPECT_EQ(read({"near=3", "cap=1", "near=3"}), "--input near is given twice");
  for (const char *text : {"near", "near=", "=3", "="})
    EXPECT_EQ(read({text}),
              std::string("--input ") + text + ": expected NAME=VALUE");
  // A value may have the sign.
  EXPECT_EQ(read({"near=a=b"}),
            "near: expected a value of type i32, found 'a=b'");
}

TEST_F(NamedInputsTest, tensorsAndScalarsComeFromFiles) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("ladon", folder));
  auto path = [&](const char *name) { return (folder + "/" + name).str(); };
  HostTensor lens = HostTensor::zeros(ScalarType::I32, {3});
  lens.setInteger({1}, 7);
  ASSERT_FALSE(writeNpy(path("lens.npy"), lens));
  ASSERT_FALSE(
      writeNpy(path("cap.npy"), HostTensor::scalar(ScalarType::F32, 2)));

  EXPECT_EQ(read({"lens=" + path("lens.npy"), "cap=" + path("cap.npy")}), "");
  EXPECT_EQ(inputs[Lens].getInteger({1}), 7);
  EXPECT_EQ(inputs[Lens].shape, Extents{3});
  EXPECT_EQ(inputs[Cap].getFloat({}), 2);

  // A tensor is a file whatever it is called, a scalar only by its name.
  EXPECT_NE(read({"lens=" + path("none")}).find("none"), std::string::npos);
  EXPECT_EQ(read({"near=" + path("none")}),
            "near: expected a value of type i32, found '" + path("none") + "'");
  std::string missing = read({"near=" + path("none.npy")});
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  llvm::sys::fs::remove_directories(folder);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

TEST_F(NamedInputsTest, sizesAreInTheOrderOfTheSpec) {
  EXPECT_EQ(sizeNames(attention()), (std::vector<std::string>{"B", "S", "T"}));
}

TEST(Sizes, areNumbersBelowTheLimit) {
  auto sizes = parseSizes("B=0,S=1073741823");
  ASSERT_TRUE(bool(sizes)) << llvm::toString(sizes.takeError());
  EXPECT_EQ(sizes->size(), 2u);
  EXPECT_EQ(sizes->lookup("B"), 0);
  EXPECT_EQ(sizes->lookup("S"), 1073741823);
  for (const char *text :
       {"S=1073741824", "S=-1", "S=", "S", "=3", "", "S=3,", ",S=3", "S=3.0",
        "S= 3", "S=3;T=4", "S=0x10", "S=99999999999999999999"}) {
    auto bad = parseSizes(text);
    ASSERT_FALSE(bool(bad)) << text;
    std::string message = llvm::toString(bad.takeError());
    EXPECT_NE(
        message.find(": expected NAME=SIZE with a size of 0 to 1073741823"),
        std::string::npos)
        << message;
  }
}

TEST(Sizes, comeOnce) {
  auto sizes = parseSizes("S=3,T=4,S=3");
  ASSERT_FALSE(bool(sizes));
  EXPECT_EQ(llvm::toString(sizes.takeError()), "size S is given twice");
}

TEST_F(NamedInputsTest, sizesNameWhatTheSpecHas) {
  auto problem = [&](const char *text) {
    auto sizes = parseSizes(text);
    EXPECT_TRUE(bool(sizes));
    return llvm::toString(checkSizeNames(attention(), *sizes));
  };
  EXPECT_EQ(problem("B=1,S=2,T=3"), "");
  EXPECT_EQ(problem("T=3,S=2,B=1"), "");
  EXPECT_EQ(problem("B=1,S=2"),
            "no size is given for T, the sizes of the spec are B, S, T");
  EXPECT_EQ(problem("B=1,S=2,T=3,H=8"),
            "the spec has no size H, its sizes are B, S, T");
  EXPECT_EQ(problem("b=1,S=2,T=3"),
            "the spec has no size b, its sizes are B, S, T");
}

} // namespace
