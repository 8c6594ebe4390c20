//===- Safetensors.cpp - Files of named tensors ---------------------------===//
//
// Format: 8 bytes with the length of the header (little-endian), the header,
// {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...},
// and the elements, to which the offsets count.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/host/Safetensors.h"
#include "compiler/support/Files.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

#include <cstring>

using namespace ladon;
using namespace ladon::ast;
using llvm::StringRef;

/// The most that the format allows.
static constexpr uint64_t maxHeader = 100'000'000;
/// Of a whole file; more is a broken header.
static constexpr uint64_t maxFile = uint64_t(1) << 40;

static llvm::Error fail(const llvm::Twine &name, const llvm::Twine &what) {
  return llvm::createStringError(name + ": " + what);
}

static std::optional<ScalarType> elementOf(StringRef dtype) {
  return dtype == dtype.upper() ? findScalarType(dtype.lower()) : std::nullopt;
}

/// Whether brackets lie in each other no deeper than in a header: the parser
/// calls itself for each.
static bool isShallow(StringRef text) {
  int depth = 0;
  bool isString = false;
  for (size_t at = 0; at < text.size(); ++at) {
    char letter = text[at];
    if (letter == '"')
      isString = !isString;
    else if (letter == '\\' && isString)
      ++at;
    else if (!isString && (letter == '{' || letter == '['))
      ++depth;
    else if (!isString && (letter == '}' || letter == ']'))
      --depth;
    if (depth > 16)
      return false;
  }
  return true;
}

/// One entry of the header, with its elements out of `data`.
static llvm::Expected<HostTensor> readTensor(const llvm::json::Value &entry,
                                             StringRef data,
                                             const std::string &name) {
  const llvm::json::Object *fields = entry.getAsObject();
  const llvm::json::Array *dims = fields ? fields->getArray("shape") : nullptr;
  const llvm::json::Array *offsets =
      fields ? fields->getArray("data_offsets") : nullptr;
  std::optional<StringRef> dtype =
      fields ? fields->getString("dtype") : std::nullopt;
  if (!dims || !offsets || !dtype || offsets->size() != 2)
    return fail(name, "the header has no dtype, shape and data_offsets");
  std::optional<ScalarType> element = elementOf(*dtype);
  if (!element)
    return fail(name, "expected elements of type " + listTypes(nullptr, "or") +
                          ", found " + *dtype);
  Extents shape;
  int64_t size = byteSize(*element);
  for (const llvm::json::Value &dim : *dims) {
    std::optional<int64_t> extent = dim.getAsInteger();
    std::optional<int64_t> product =
        extent && *extent >= 0 ? llvm::checkedMul(size, *extent) : std::nullopt;
    if (!product)
      return fail(name, "the header has no valid shape");
    shape.push_back(*extent);
    size = *product;
  }
  std::optional<int64_t> begin = (*offsets)[0].getAsInteger();
  std::optional<int64_t> end = (*offsets)[1].getAsInteger();
  if (!begin || !end || *begin < 0 || *end < *begin ||
      uint64_t(*end) > data.size())
    return fail(name, "its elements are not in the file");
  if (*end - *begin != size)
    return fail(name, "expected " + llvm::Twine(size) +
                          " bytes of elements, found " +
                          llvm::Twine(*end - *begin));
  HostTensor tensor = HostTensor::zeros(*element, shape);
  if (size > 0)
    std::memcpy(tensor.data, data.data() + *begin, size);
  return tensor;
}

llvm::Expected<llvm::StringMap<HostTensor>>
ladon::readSafetensors(StringRef path,
                       llvm::function_ref<bool(StringRef)> isWanted) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  auto bytes = file->peek(8);
  if (!bytes)
    return bytes.takeError();
  uint64_t length = bytes->size() == 8
                        ? llvm::support::endian::read64le(bytes->data())
                        : UINT64_MAX;
  if (length > maxHeader)
    return fail(path, "not a safetensors file");
  bytes = file->peek(maxFile);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() < 8 + length)
    return fail(path, "the header is cut off");
  StringRef text = bytes->substr(8, length);
  if (!isShallow(text))
    return fail(path, "not a safetensors file");
  llvm::Expected<llvm::json::Value> header = llvm::json::parse(text);
  if (!header) {
    llvm::consumeError(header.takeError());
    return fail(path, "not a safetensors file");
  }
  const llvm::json::Object *entries = header->getAsObject();
  if (!entries)
    return fail(path, "not a safetensors file");
  llvm::StringMap<HostTensor> tensors;
  for (const auto &[key, entry] : *entries) {
    StringRef name = key;
    if (!isWanted(name))
      continue;
    auto tensor = readTensor(entry, bytes->drop_front(8 + length),
                             (path + ": " + name).str());
    if (!tensor)
      return tensor.takeError();
    tensors[name] = std::move(*tensor);
  }
  return tensors;
}
