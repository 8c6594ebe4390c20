//===- artifact_text_test.cpp - Header, names and manifest ----------------===//

#include "artifact_support.h"
#include "compiler/support/ReservedNames.h"

#include "ladon/ladon.h"

#include "llvm/Support/JSON.h"

#include <cstdlib>

using namespace ladon;
using namespace ladon::test;

namespace {

/// Runs a shell command; expects success.
void expectRuns(const std::string &command) {
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

} // namespace

//===--- The header -------------------------------------------------------===//

TEST(ArtifactHeader, twoLibrariesInOneProgramInCAndCxx) {
  TemporaryDirectory directory;
  for (std::string name : {"first", "second"}) {
    ProgramSpec spec = scaledSpec(name);
    writeFile(directory / ("lib" + name + ".so"), buildLibrary(spec));
    writeFile(directory / (name + ".h"), emitHeader(spec));
  }
  std::string program = R"(
#include "first.h"
#include "second.h"
#include "first.h"
#include <string.h>
int main(void) {
  float in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
  int64_t shape[2] = {1, 8};
  DLTensor q, o;
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = 2;
  memset(&q, 0, sizeof q);
  q.data = in;
  q.device.device_type = kDLCPU;
  q.ndim = 2;
  q.dtype.code = kDLFloat;
  q.dtype.bits = 32;
  q.dtype.lanes = 1;
  q.shape = shape;
  o = q;
  o.data = out;
  if (first(&q, 2.0f, 0, 0, 1, 0, &o, &options) != LADON_OK || out[7] != 16)
    return 1;
  if (second(&q, 3.0f, 0, 0, 1, 0, &o, NULL) != LADON_OK || out[7] != 24)
    return 2;
  o.ndim = 1;
  if (first(&q, 2.0f, 0, 0, 1, 0, &o, NULL) != LADON_RANK)
    return 3;
  if (strcmp(first_last_error(), "out: expected 2 axes, found 1") != 0)
    return 4;
  return second_last_error()[0] != '\0';
}
)";
  writeFile(directory / "main.c", program);
  writeFile(directory / "main.cpp", program);
  std::string common = " -Wall -Wextra -Wdocumentation -Werror -pedantic -I " +
                       directory.path.str().str() + " -L " +
                       directory.path.str().str() + " -Wl,-rpath," +
                       directory.path.str().str() + " -lfirst -lsecond -o " +
                       (directory / "program");
  for (std::string language : {"-x c -std=c99 ", "-x c -std=c11 ",
                               "-x c++ -std=c++11 ", "-x c++ -std=c++20 "}) {
    expectRuns(LADON_CLANG " " + language + (directory / "main.c") + common);
    expectRuns(directory / "program");
  }
}

TEST(ArtifactHeader, declaresDlpackWhereThereIsNone) {
  TemporaryDirectory directory;
  std::string header = emitHeader(scaledSpec("scaled"));
  size_t found = 0;
  for (StringRef name = "dlpack/dlpack.h";
       (found = header.find(name, found)) != std::string::npos;)
    header.replace(found, name.size(), "dlpack/absent.h");
  writeFile(directory / "scaled.h", header);
  writeFile(directory / "main.c", R"(
#include "scaled.h"
#define SAME(name, condition) typedef char name[(condition) ? 1 : -1]
SAME(size, sizeof(DLTensor) == 48);
SAME(device, offsetof(DLTensor, device) == 8);
SAME(ndim, offsetof(DLTensor, ndim) == 16 && sizeof(DLDevice) == 8);
SAME(dtype, offsetof(DLTensor, dtype) == 20 && sizeof(DLDataType) == 4);
SAME(shape, offsetof(DLTensor, shape) == 24);
SAME(strides, offsetof(DLTensor, strides) == 32);
SAME(byte_offset, offsetof(DLTensor, byte_offset) == 40);
)");
  for (std::string language : {"-x c -std=c99 ", "-x c++ -std=c++11 "})
    expectRuns(LADON_CLANG " -fsyntax-only -Wall -Wextra -Werror -pedantic " +
               language + (directory / "main.c"));
  static_assert(sizeof(DLTensor) == 48, "the layout of DLPack");
}

TEST(ArtifactHeader, quotesTheSpecInsideItsComment) {
  ProgramSpec spec = scaledSpec("scaled");
  spec.source += "*//* */ \x01 \xff \xe2\x80\xae\n";
  std::string header = emitHeader(spec);
  StringRef comment = header;
  comment = comment.substr(comment.rfind("/**\n * scaled: a fused"));
  comment = comment.substr(0, comment.find("*/"));
  EXPECT_NE(comment.find("/ * that * / tries"), StringRef::npos);
  EXPECT_NE(comment.find("* // * * / ?"), StringRef::npos) << comment.str();
  EXPECT_EQ(comment.find("\xe2\x80\xae"), StringRef::npos);
  EXPECT_NE(comment.find("out out    f32[B, 8]"), StringRef::npos);
  EXPECT_NE(comment.find("cap    f32  the factor"), StringRef::npos);
  EXPECT_EQ(emitPrototype(spec),
            "int32_t scaled(const DLTensor *q, float cap, double extra, "
            "int64_t new_, uint8_t keep, int32_t step, DLTensor *out, "
            "const ladon_options *opts)");
}

TEST(ArtifactNames, wordsThatACallerCouldNotUseAreRefused) {
  EXPECT_EQ(functionNameProblem("encoder"), "");
  EXPECT_EQ(functionNameProblem("gemma2_local"), "");
  EXPECT_EQ(functionNameProblem("class"), "a keyword of C or C++");
  EXPECT_EQ(functionNameProblem("ladon_x"), "a name of ladon.h");
  EXPECT_EQ(functionNameProblem("DLTensor"), "a name of ladon.h");
  EXPECT_EQ(functionNameProblem("malloc"), "a function of the C library");
  EXPECT_EQ(functionNameProblem("tanhf"), "a function of the C math library");
  EXPECT_EQ(functionNameProblem("main"), "a name of the standard headers");
  EXPECT_EQ(functionNameProblem("uint_fast8_t"),
            "a name of the standard headers");
  EXPECT_EQ(functionNameProblem("INT32_MAX"),
            "a macro of C compilers or of the standard headers");
  EXPECT_EQ(functionNameProblem("_x"), "reserved by C for its implementation");
  EXPECT_EQ(functionNameProblem("my entry"), "no identifier of C");
  EXPECT_EQ(functionNameProblem("2d"), "no identifier of C");
  EXPECT_EQ(functionNameProblem(""), "no identifier of C");
}

TEST(ArtifactNames, aParameterMayHaveTheNameOfAFunctionButNotOfAMacro) {
  EXPECT_FALSE(isReservedInC("free"));
  EXPECT_FALSE(isReservedInC("keep"));
  EXPECT_TRUE(isReservedInC("errno"));
  EXPECT_TRUE(isReservedInC("int32_t"));
  EXPECT_TRUE(isKeywordOfC("co_await"));
  EXPECT_FALSE(isKeywordOfC("errno"));
}

TEST(ArtifactNames, queriesKeysAndValuesHaveAxisWords) {
  ParamSpec k{"k",
              ParamKind::Input,
              ElementType::F32,
              {{-1, 0, ""}, {8, -1, ""}, {-1, 1, ""}, {64, -1, ""}},
              ""};
  EXPECT_EQ(axisWords(k), (std::vector<StringRef>{"sequences", "heads",
                                                  "positions", "features"}));
  ParamSpec bias = k;
  bias.name = "bias";
  EXPECT_EQ(axisWords(bias), std::vector<StringRef>(4));
}

//===--- The manifest -----------------------------------------------------===//

TEST(ArtifactManifest, saysHowToCallTheLibrary) {
  auto json = json::parse(emitManifest(scaledSpec("scaled")));
  ASSERT_TRUE(bool(json)) << toString(json.takeError());
  json::Object &root = *json->getAsObject();
  EXPECT_EQ(root.getString("name"), "scaled");
  EXPECT_EQ(root.getString("library"), "libscaled.so");
  EXPECT_EQ(root.getString("last_error"), "scaled_last_error");
  EXPECT_EQ(root.getInteger("cpu_level"), 1);
  EXPECT_EQ(root.getObject("facts")->getString("tile.queries"), "16");
  json::Object &out = *root.getArray("params")->back().getAsObject();
  EXPECT_EQ(out.getString("kind"), "output");
  EXPECT_EQ(out.getString("dtype"), "f32");
  EXPECT_EQ(*out.getArray("dims"), json::Array({"B", 8}));
  EXPECT_FALSE((*root.getArray("params"))[1].getAsObject()->getArray("dims"));
}

TEST(ArtifactManifest, saysWhatEachLevelHas) {
  ProgramSpec spec = scaledSpec("scaled");
  spec.levels = {{"low", 1, {{"isa", "few"}}}, {"high", 2, {{"isa", "many"}}}};
  auto json = json::parse(emitManifest(spec));
  ASSERT_TRUE(bool(json)) << toString(json.takeError());
  json::Array &levels = *json->getAsObject()->getArray("levels");
  ASSERT_EQ(levels.size(), 2u);
  json::Object &high = *levels[1].getAsObject();
  EXPECT_EQ(high.getString("name"), "high");
  EXPECT_EQ(high.getInteger("cpu_level"), 2);
  EXPECT_EQ(high.getObject("facts")->getString("isa"), "many");
}

/// The text of a comment of ladon.h, as the manifest has it.
static std::string sentence(StringRef comment) {
  std::string text;
  for (StringRef line : split(comment, '\n'))
    text += (text.empty() ? "" : " ") + line.trim(" */").str();
  text[0] = char(std::tolower(text[0]));
  return StringRef(text).rtrim(".").str();
}

TEST(ArtifactManifest, statusCodesAreThoseOfTheHeader) {
  StringRef header = publicHeader();
  header = header.substr(header.find("typedef enum ladon_status {"));
  header = header.substr(0, header.find("} ladon_status;"));
  for (const StatusCode &code : statusCodes()) {
    std::string line = (code.name + " = " + std::to_string(code.value)).str();
    size_t at = header.find(line);
    ASSERT_NE(at, StringRef::npos) << line;
    size_t begin = header.substr(0, at).rfind("/**");
    std::string comment = sentence(header.slice(begin, at).trim());
    std::string expected = code.meaning.str();
    expected[0] = char(std::tolower(expected[0]));
    EXPECT_EQ(comment, expected);
  }
  EXPECT_EQ(size_t(header.count(" = ")), statusCodes().size());
}

TEST(ArtifactManifest, statusCodesAreDocumented) {
  std::string page = readFile(LADON_SOURCE_DIR "/docs/abi.md");
  for (const StatusCode &code : statusCodes())
    EXPECT_NE(page.find("| " + std::to_string(code.value) + " | `" +
                        code.name.str() + "` | "),
              std::string::npos)
        << code.name.str();
}
