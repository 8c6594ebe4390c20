//===- ForeignWords.cpp - Words of other languages ------------------------===//

#include "compiler/frontend/ForeignWords.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

using namespace ladon;
using llvm::StringRef;

namespace {

struct Entry {
  StringRef name;
  ForeignWord word;
};

const Entry words[] = {
    // Conditions.
    {"where", {"write 'if c then x else y'", ""}},
    {"select", {"write 'if c then x else y'", ""}},
    {"cond", {"write 'if c then x else y'", ""}},
    {"elif", {"write 'else if'", "else if"}},
    {"True", {"write 'true'", "true"}},
    {"False", {"write 'false'", "false"}},
    {"xor", {"of bools write '!=', of integers '^'", ""}},
    {"is", {"to compare write '=='", "=="}},
    // Positions.
    {"q_idx", {"the position of the query is 'i'", "i"}},
    {"query_idx", {"the position of the query is 'i'", "i"}},
    {"row", {"the position of the query is 'i'", "i"}},
    {"kv_idx", {"the position of the key is 'j'", "j"}},
    {"k_idx", {"the position of the key is 'j'", "j"}},
    {"key_idx", {"the position of the key is 'j'", "j"}},
    {"col", {"the position of the key is 'j'", "j"}},
    {"batch", {"the position in the batch is 'b'", "b"}},
    {"b_idx", {"the position in the batch is 'b'", "b"}},
    {"head", {"the query head is 'h'", "h"}},
    {"h_idx", {"the query head is 'h'", "h"}},
    {"kv_head", {"the key head is 'hk'", "hk"}},
    {"score", {"the scaled score is 's'", "s"}},
    // Numbers and functions.
    {"Inf", {"infinity is 'inf'", "inf"}},
    {"INF", {"infinity is 'inf'", "inf"}},
    {"INFINITY", {"infinity is 'inf'", "inf"}},
    {"infinity", {"infinity is 'inf'", "inf"}},
    {"fabs", {"the absolute value is 'abs'", "abs"}},
    {"ln", {"the natural logarithm is 'log'", "log"}},
    {"maximum", {"the largest is 'max'", "max"}},
    {"fmax", {"the largest is 'max'", "max"}},
    {"minimum", {"the smallest is 'min'", "min"}},
    {"fmin", {"the smallest is 'min'", "min"}},
    {"power", {"a power is 'pow'", "pow"}},
    {"clip", {"between two limits is 'clamp'", "clamp"}},
    {"mod", {"the remainder is 'x % y'", ""}},
    {"fmod", {"the remainder is 'x % y'", ""}},
    {"square", {"a square is 'pow(x, 2)'", ""}},
    {"logistic", {"1 / (1 + exp(-x)) is 'sigmoid'", "sigmoid"}},
    {"matmul", {"a product of matrices is 'x @ w'", ""}},
    {"softmax", {"'attend' takes the softmax of its scores", ""}},
};

const Entry types[] = {
    {"float", {"write 'f32'", "f32"}},      {"float32", {"write 'f32'", "f32"}},
    {"fp32", {"write 'f32'", "f32"}},       {"double", {"write 'f64'", "f64"}},
    {"float64", {"write 'f64'", "f64"}},    {"half", {"write 'f16'", "f16"}},
    {"float16", {"write 'f16'", "f16"}},    {"fp16", {"write 'f16'", "f16"}},
    {"bfloat16", {"write 'bf16'", "bf16"}}, {"int", {"write 'i32'", "i32"}},
    {"int32", {"write 'i32'", "i32"}},      {"int64", {"write 'i64'", "i64"}},
    {"boolean", {"write 'bool'", "bool"}},
};

const ForeignWord *lookUp(llvm::ArrayRef<Entry> entries, StringRef name) {
  auto *found =
      llvm::find_if(entries, [&](const Entry &it) { return it.name == name; });
  return found == entries.end() ? nullptr : &found->word;
}

} // namespace

const ForeignWord *ladon::findForeignWord(StringRef name) {
  return lookUp(words, name);
}

const ForeignWord *ladon::findForeignType(StringRef name) {
  return lookUp(types, name);
}
