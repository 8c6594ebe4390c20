//===- ForeignWords.cpp - Words of other languages ------------------------===//

#include "compiler/frontend/ForeignWords.h"

#include "llvm/ADT/STLExtras.h"

using namespace ladon;
using llvm::StringRef;

namespace {

struct Entry {
  StringRef name;
  ForeignWord word;
};

constexpr StringRef choice = "(if $0 then $1 else $2)";

const Entry words[] = {
    // Conditions.
    {"where", {"write 'if c then x else y'", "", choice}},
    {"select", {"write 'if c then x else y'", "", choice}},
    {"cond", {"write 'if c then x else y'", "", choice}},
    {"ifelse", {"write 'if c then x else y'", "", choice}},
    {"elif", {"write 'else if'", "else if"}},
    {"True", {"write 'true'", "true"}},
    {"False", {"write 'false'", "false"}},
    {"xor", {"of bools write '!=', of integers '^'", ""}},
    {"is", {"to compare write '=='", "=="}},
    {"AND", {"bools are joined by 'and'", ""}},
    {"OR", {"bools are joined by 'or'", ""}},
    {"NOT", {"the other bool is 'not x'", ""}},
    {"logical_and", {"bools are joined by 'and'", ""}},
    {"logical_or", {"bools are joined by 'or'", ""}},
    {"logical_not", {"the other bool is 'not x'", ""}},
    {"None", {"leave out what there is not", ""}},
    {"null", {"leave out what there is not", ""}},
    {"is_causal", {"the mask of the past is 'causal'", "causal"}},
    {"tril", {"the mask of the past is 'causal'", ""}},
    {"triu", {"the mask of the past is 'causal'", ""}},
    // Positions.
    {"q_idx", {"the position of the query is 'i'", "i"}},
    {"query_idx", {"the position of the query is 'i'", "i"}},
    {"row", {"the position of the query is 'i'", "i"}},
    {"kv_idx", {"the position of the key is 'j'", "j"}},
    {"k_idx", {"the position of the key is 'j'", "j"}},
    {"key_idx", {"the position of the key is 'j'", "j"}},
    {"col", {"the position of the key is 'j'", "j"}},
    {"kv", {"the position of the key is 'j'", "j"}},
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
    {"square", {"a square is 'pow(x, 2)'", "", "pow($0, 2)"}},
    {"pi", {"write 3.141592653589793", "3.141592653589793"}},
    {"nan", {"there is no name for NaN; to hide a key give it '-inf'", ""}},
    {"arange", {"the positions are 'i' and 'j'", ""}},
    {"iota", {"the positions are 'i' and 'j'", ""}},
    {"len", {"a length is the name of its axis, such as 'S'", ""}},
    {"math", {"functions have no prefix, write 'exp(...)'", ""}},
    {"np", {"functions have no prefix, write 'exp(...)'", ""}},
    {"torch", {"functions have no prefix, write 'exp(...)'", ""}},
    {"lambda", {"a function is a fn above the attention: 'fn f(x) = ...'", ""}},
    {"logistic", {"1 / (1 + exp(-x)) is 'sigmoid'", "sigmoid"}},
    // Tensors.
    {"matmul", {"a product of matrices is 'x @ w'", ""}},
    {"bmm", {"a product of matrices is 'x @ w'", ""}},
    {"einsum", {"a product of matrices is 'x @ w'", ""}},
    {"chunk", {"write 'let (a, b, c) = split(x, parts = 3)'", ""}},
    {"unbind", {"write 'let (a, b, c) = split(x, parts = 3)'", ""}},
    {"split3", {"write 'let (q, k, v) = split(x, heads = [8, 2, 2])'", ""}},
    {"unpack", {"write 'let (q, k, v) = split(x, heads = [8, 2, 2])'", ""}},
    {"narrow", {"a part of a tensor is 'x[:, 0:64]'", ""}},
    {"index_select", {"a part of a tensor is 'x[:, 0:64]'", ""}},
    {"permute", {"two axes are exchanged by 'transpose(x, 1, 2)'", ""}},
    {"swapaxes",
     {"two axes are exchanged by 'transpose(x, 1, 2)'", "transpose"}},
    {"reshape", {"'split(x, heads = 8)' splits heads, 'concat(x)' joins", ""}},
    {"view", {"'split(x, heads = 8)' splits heads, 'concat(x)' joins", ""}},
    {"rearrange",
     {"'split(x, heads = 8)' splits heads, 'concat(x)' joins", ""}},
    {"unflatten", {"features are split by 'split(x, heads = 8)'", ""}},
    {"flatten", {"heads are joined by 'concat(x)'", ""}},
    {"cat", {"two tensors are joined by 'concat(x, y)'", "concat"}},
    {"concatenate", {"two tensors are joined by 'concat(x, y)'", "concat"}},
    {"repeat_kv", {"heads are shared where keys have fewer of them", ""}},
    {"repeat_interleave",
     {"heads are shared where keys have fewer of them", ""}},
    {"expand", {"an axis of 1 fits any other, and nothing is copied", ""}},
    {"unsqueeze", {"what lacks axes combines as it is", ""}},
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

/// What other languages have behind a point.
const Entry members[] = {
    {"masked_fill", {"write 'if c then x else y'", ""}},
    {"shape", {"a length is the name of its axis, such as 'S'", ""}},
    {"size", {"a length is the name of its axis, such as 'S'", ""}},
    {"T", {"a matrix is turned by 'transpose(w)'", ""}},
    {"mT", {"a matrix is turned by 'transpose(w)'", ""}},
    {"t", {"a matrix is turned by 'transpose(w)'", ""}},
    {"to", {"a number is converted by 'float(x)' and 'int(x)'", ""}},
    {"astype", {"a number is converted by 'float(x)' and 'int(x)'", ""}},
    {"type", {"a number is converted by 'float(x)' and 'int(x)'", ""}},
};

/// Arguments of the functions that other libraries call attention.
const Entry arguments[] = {
    {"is_causal", {"write 'mask = causal'", ""}},
    {"causal", {"write 'mask = causal'", ""}},
    {"attn_mask", {"a mask is an expression: 'mask = seen[b, j]'", ""}},
    {"attention_mask", {"a mask is an expression: 'mask = seen[b, j]'", ""}},
    {"key_padding_mask", {"a mask is an expression: 'mask = seen[b, j]'", ""}},
    {"block_mask", {"a mask is an expression: 'mask = seen[b, j]'", ""}},
    {"mask_mod", {"a mask is an expression: 'mask = j <= i'", ""}},
    {"score_mod",
     {"a score is an expression: 'score = s + bias[h, i, j]'", ""}},
    {"bias", {"it is added to the score: 'score = s + bias[h, i, j]'", ""}},
    {"attn_bias",
     {"it is added to the score: 'score = s + bias[h, i, j]'", ""}},
    {"alibi_slopes", {"write 'score = s + slopes[h] * (j - i - offset)'", ""}},
    {"softcap", {"write 'score = cap * tanh(s / cap)'", ""}},
    {"logits_soft_cap", {"write 'score = cap * tanh(s / cap)'", ""}},
    {"window", {"write 'mask = window(left, right)'", ""}},
    {"window_size", {"write 'mask = window(left, right)'", ""}},
    {"sliding_window", {"write 'mask = window(left, right)'", ""}},
    {"softmax_scale", {"it is called 'scale'", "scale"}},
    {"sm_scale", {"it is called 'scale'", "scale"}},
    {"s_aux", {"they are called 'sinks'", "sinks"}},
    {"sink", {"they are called 'sinks'", "sinks"}},
    {"block_table", {"it is called 'pages'", "pages"}},
    {"page_table", {"it is called 'pages'", "pages"}},
    {"dropout_p", {"it is called 'dropout'", "dropout"}},
    {"p_dropout", {"it is called 'dropout'", "dropout"}},
    {"philox_seed", {"it is called 'seed'", "seed"}},
    {"enable_gqa", {"heads are shared where keys have fewer of them", ""}},
    {"num_heads", {"the heads are the second axis: 'split(x, heads = 8)'", ""}},
    {"heads",
     {"the heads are the second axis: 'split(x, heads = 8)'; those that are "
      "computed 'keep_heads = [0, 2]'",
      ""}},
    {"keep",
     {"the heads that are computed are called 'keep_heads'", "keep_heads"}},
    {"prune_heads", {"what is left is written: 'keep_heads = [0, 2]'", ""}},
    {"head_mask",
     {"write 'keep_heads = [0, 2]', or multiply the output by a weight for "
      "each head",
      ""}},
};

/// A place where the grammar stops. An empty text fits any.
struct Phrase {
  StringRef expected, previous, found, advice;
};

const Phrase phrases[] = {
    {"'fn', 'param' or 'attention'", "", "def",
     "write 'attention name(q: f32[B, 8, S, 64], ...) -> f32[B, 8, S, 64] {'"},
    {"", "lambda", "",
     "a function is a fn above the attention: 'fn f(x) = ...'"},
    {"'then'", "", "", "write 'if c then x else y'"},
    {"'else'", "", "", "every 'if' has two sides: 'if c then x else y'"},
    {"", "", "in", "to look for a value write 'any(p in 0..8, x[b, p] == i)'"},
    {"an index", "", "", "a tensor is read with one index for each axis"},
    {"an expression", "", "..",
     "an index is one position, a part of an axis 'x[0:8]', all of it ':'"},
    {"',' or ']'", "", "..", "a part of an axis is 'x[0:8]'"},
    {"',' or ']'", "", ":", "a part of an axis has no step: 'x[0:8]'"},
    {"the name of the let", "", "(", "here each 'let' names one value"},
    {"')'", "", ",", "a list stands in brackets: '[0, 2]'"},
    {"'='", "", ",",
     "several names stand in parentheses: 'let (a, b) = split(...)'"},
    {"an expression", "==", "=", "to compare write '=='"},
    {"an expression", "<", ">", "what differs is compared by '!='"},
    {"an expression", "", "=", "a value is named once: 'let x = ...'"},
    {"'let', 'return' or '}'", "", "",
     "a statement is 'let x = ...' or 'return x'"},
    {"':' and a type", "", "[", "the name stands first: 'q: f32[B, 8, S, 64]'"},
    {"':' and a type", "", "",
     "the type follows the name: 'q: f32[B, 8, S, 64]'"},
    {"'='", "", ":", "what follows is a value: '= x', its type is known"},
    {"'='", "", "{", "the body of a fn is a value: 'fn f(x) = x + 1'"},
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

const ForeignWord *ladon::findForeignMember(StringRef name) {
  const ForeignWord *member = lookUp(members, name);
  return member ? member : findForeignWord(name);
}

const ForeignWord *ladon::findForeignArgument(StringRef name) {
  return lookUp(arguments, name);
}

StringRef ladon::findForeignPhrase(StringRef expected, StringRef previous,
                                   StringRef found) {
  auto fits = [](StringRef row, StringRef text) {
    return row.empty() || row == text;
  };
  for (const Phrase &row : phrases)
    if ((row.expected.empty() || expected.starts_with(row.expected)) &&
        fits(row.previous, previous) && fits(row.found, found))
      return row.advice;
  return {};
}

StringRef ladon::findForeignCharacter(char c) {
  switch (c) {
  case ';':
    return "a statement ends without a sign";
  case '"':
  case '\'':
    return "a spec holds no text; infinity is 'inf'";
  case '/':
    return "a comment starts with '#'";
  case '?':
    return "a size known at run time has a name: 'f32[B, 8, S, 64]'";
  default:
    return {};
  }
}

std::string ladon::expandCall(StringRef pattern,
                              llvm::ArrayRef<StringRef> arguments) {
  std::string text;
  unsigned most = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '$') {
      text += pattern[at];
      continue;
    }
    unsigned number = pattern[++at] - '0';
    most = std::max(most, number + 1);
    if (number < arguments.size())
      text += arguments[number];
  }
  return most == arguments.size() ? text : std::string();
}
