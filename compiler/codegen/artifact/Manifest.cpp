//===- Manifest.cpp - <name>.json -----------------------------------------===//
//
// For programs what the header is for people: how the library is called, and
// what its status codes mean.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

#include "ladon/ladon.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace ladon::artifact;

/// The codes of ladon.h, with its sentences.
ArrayRef<StatusCode> ladon::artifact::statusCodes() {
  static const StatusCode codes[] = {
      {LADON_OK, "LADON_OK", "the outputs are complete"},
      {LADON_NULL_TENSOR, "LADON_NULL_TENSOR",
       "a tensor argument is a null pointer"},
      {LADON_DEVICE, "LADON_DEVICE",
       "a tensor lies in memory that the code cannot address"},
      {LADON_DTYPE, "LADON_DTYPE",
       "a tensor has the wrong element type, or vector lanes"},
      {LADON_RANK, "LADON_RANK", "a tensor has the wrong number of axes"},
      {LADON_NULL_SHAPE, "LADON_NULL_SHAPE",
       "a tensor's shape is a null pointer"},
      {LADON_NEGATIVE_EXTENT, "LADON_NEGATIVE_EXTENT", "an extent is negative"},
      {LADON_EXTENT_TOO_LARGE, "LADON_EXTENT_TOO_LARGE",
       "an extent is larger than 1073741823"},
      {LADON_EXTENT_MISMATCH, "LADON_EXTENT_MISMATCH",
       "an extent is not the one that the spec fixes"},
      {LADON_SYMBOL_MISMATCH, "LADON_SYMBOL_MISMATCH",
       "an extent differs from another tensor's extent of the same name"},
      {LADON_SIZE_OVERFLOW, "LADON_SIZE_OVERFLOW",
       "the number of elements or bytes of a tensor overflows 64 bits"},
      {LADON_NULL_DATA, "LADON_NULL_DATA",
       "a tensor that is not empty has a null data pointer"},
      {LADON_NEGATIVE_STRIDE, "LADON_NEGATIVE_STRIDE", "a stride is negative"},
      {LADON_ADDRESS_OVERFLOW, "LADON_ADDRESS_OVERFLOW",
       "strides and byte offset reach beyond the address space, or beyond what "
       "the code generator can address"},
      {LADON_OUTPUT_STRIDES, "LADON_OUTPUT_STRIDES",
       "the strides of an output let two elements share memory"},
      {LADON_ALIGNMENT, "LADON_ALIGNMENT",
       "a tensor's first element is not aligned to its type"},
      {LADON_OVERLAP, "LADON_OVERLAP",
       "the memory of an output overlaps an input or another output"},
      {LADON_BAD_OPTIONS, "LADON_BAD_OPTIONS", "the options are malformed"},
      {LADON_CPU, "LADON_CPU",
       "this CPU or its operating system lacks instructions that the code "
       "uses"},
      {LADON_OUT_OF_MEMORY, "LADON_OUT_OF_MEMORY",
       "working memory could not be allocated"},
      {LADON_PARALLEL_FOR, "LADON_PARALLEL_FOR",
       "the host's parallel-for failed, or did not keep its contract"},
      {LADON_CUDA, "LADON_CUDA",
       "there is no CUDA driver, or it reported an error"},
      {LADON_VALUE_RANGE, "LADON_VALUE_RANGE",
       "a value says where to write, and that is outside of a cache"},
      {LADON_INDEX, "LADON_INDEX",
       "with check_indices, an index leaves the tensor that it is of"},
  };
  return codes;
}

namespace {

StringRef kindName(ParamKind kind) {
  switch (kind) {
  case ParamKind::Input:
    return "input";
  case ParamKind::Output:
    return "output";
  case ParamKind::Scalar:
    return "scalar";
  case ParamKind::InOut:
    return "inout";
  }
  llvm_unreachable("unknown kind of parameter");
}

/// Known extents are numbers, run-time ones are their names.
void writeParam(json::OStream &json, const ProgramSpec &spec,
                const ParamSpec &param) {
  json.object([&] {
    json.attribute("name", param.name);
    json.attribute("kind", kindName(param.kind));
    json.attribute("dtype", ladon::spelling(param.element));
    if (param.kind != ParamKind::Scalar)
      json.attributeArray("dims", [&] {
        for (const DimSpec &dim : param.dims) {
          if (dim.size >= 0)
            json.value(dim.size);
          else
            json.value(spec.symbols[dim.symbol]);
        }
      });
    auto isOfParam = [&](const BoundSpec &bound) {
      return &spec.params[bound.param] == &param;
    };
    if (any_of(spec.bounds, isOfParam))
      json.attributeArray("to", [&] {
        for (const BoundSpec &bound : spec.bounds)
          if (isOfParam(bound))
            json.value(bound.most);
      });
    if (!param.doc.empty())
      json.attribute("doc", json::fixUTF8(param.doc));
  });
}

void writeFacts(json::OStream &json, const Facts &facts) {
  json.attributeObject("facts", [&] {
    for (const auto &[key, value] : facts)
      json.attribute(key, json::fixUTF8(value));
  });
}

} // namespace

std::string ladon::artifact::emitManifest(const ProgramSpec &spec) {
  std::string text;
  raw_string_ostream stream(text);
  json::OStream json(stream, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("format", 1);
    json.attribute("name", spec.name);
    json.attribute("library", "lib" + spec.library + ".so");
    json.attribute("header", spec.name + ".h");
    json.attribute("entry", spec.name);
    json.attribute("last_error", spec.name + "_last_error");
    json.attribute("prototype", emitPrototype(spec));
    json.attribute("target", spec.target);
    json.attribute("cpu_level", spec.cpuLevel);
    json.attributeArray("params", [&] {
      for (const ParamSpec &param : spec.params)
        writeParam(json, spec, param);
    });
    json.attributeArray("symbols", [&] {
      for (const std::string &symbol : spec.symbols)
        json.value(symbol);
    });
    writeFacts(json, spec.facts);
    if (!spec.levels.empty())
      json.attributeArray("levels", [&] {
        for (const LevelSpec &level : spec.levels)
          json.object([&] {
            json.attribute("name", level.name);
            json.attribute("cpu_level", level.cpuLevel);
            writeFacts(json, level.facts);
          });
      });
    json.attributeArray("status", [&] {
      for (const StatusCode &code : statusCodes())
        json.object([&] {
          json.attribute("code", code.value);
          json.attribute("name", code.name);
          json.attribute("meaning", code.meaning);
        });
    });
    // Null: compiled from a module of MLIR.
    if (spec.source.empty())
      json.attribute("source", nullptr);
    else
      json.attribute("source", json::fixUTF8(spec.source));
  });
  return text + "\n";
}
