//===- Npy.cpp - NumPy files ----------------------------------------------===//
//
// Formats: numpy.lib.format, and APPNOTE.TXT of PKWARE for the archive.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/host/Npy.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <zlib.h>

#include <cstring>

using namespace ladon;
using namespace ladon::ast;
using llvm::StringRef;

/// No array of a test or a model is larger; it keeps a broken header from
/// asking for all memory.
static constexpr int64_t maxBytes = int64_t(1) << 40;

static llvm::Error fail(StringRef name, const llvm::Twine &what) {
  return llvm::createStringError(name + ": " + what);
}

//===--- Arrays ----------------------------------------------------------===//

static std::optional<ScalarType> elementOf(StringRef descr) {
  if (descr == "|b1" || descr == "?" || descr == "<b1" || descr == "b1")
    return ScalarType::Bool;
  if (descr == "<i4")
    return ScalarType::I32;
  if (descr == "<i8")
    return ScalarType::I64;
  if (descr == "<f4")
    return ScalarType::F32;
  if (descr == "<f8")
    return ScalarType::F64;
  return std::nullopt;
}

static StringRef descrOf(ScalarType element) {
  switch (element) {
  case ScalarType::Bool:
    return "|b1";
  case ScalarType::I32:
    return "<i4";
  case ScalarType::I64:
    return "<i8";
  case ScalarType::F32:
    return "<f4";
  case ScalarType::F64:
    return "<f8";
  }
  return "";
}

/// What follows `'key':` in the header, a Python dictionary.
static StringRef headerField(StringRef header, StringRef key) {
  std::string quoted = ("'" + key + "'").str();
  size_t at = header.find(quoted);
  if (at == StringRef::npos)
    return "";
  StringRef rest = header.drop_front(at + quoted.size()).ltrim();
  return rest.consume_front(":") ? rest.ltrim() : "";
}

static bool parseShape(StringRef field, Extents &shape) {
  if (!field.consume_front("("))
    return false;
  field = field.split(')').first;
  while (!(field = field.ltrim()).empty()) {
    auto [number, rest] = field.split(',');
    int64_t extent;
    if (number.trim().getAsInteger(10, extent) || extent < 0)
      return false;
    shape.push_back(extent);
    field = rest;
  }
  return true;
}

llvm::Expected<HostTensor> ladon::parseNpy(StringRef bytes, StringRef name) {
  if (!bytes.consume_front("\x93NUMPY") || bytes.size() < 4)
    return fail(name, "not a NumPy array");
  unsigned version = static_cast<unsigned char>(bytes[0]);
  bool isLong = version >= 2;
  if (version < 1 || version > 3 || bytes.size() < (isLong ? 6u : 4u))
    return fail(name, "NumPy format version " + llvm::Twine(version) +
                          " is not supported");
  using namespace llvm::support::endian;
  size_t length =
      isLong ? read32le(bytes.data() + 2) : read16le(bytes.data() + 2);
  bytes = bytes.drop_front(isLong ? 6 : 4);
  if (bytes.size() < length)
    return fail(name, "the header is cut off");
  StringRef header = bytes.take_front(length), data = bytes.drop_front(length);

  StringRef descr = headerField(header, "descr");
  descr = descr.consume_front("'") ? descr.split('\'').first : "";
  std::optional<ScalarType> element = elementOf(descr);
  if (!element)
    return fail(name, "expected elements of type f32, f64, i32, i64 or bool "
                      "(little-endian), found '" +
                          descr + "'");
  Extents shape;
  if (!parseShape(headerField(header, "shape"), shape))
    return fail(name, "the header has no valid shape");
  int64_t size = byteSize(*element);
  for (int64_t extent : shape) {
    std::optional<int64_t> product = llvm::checkedMul(size, extent);
    if (!product || *product > maxBytes)
      return fail(name, "the array is too large");
    size = *product;
  }
  if (data.size() < static_cast<uint64_t>(size))
    return fail(name, "expected " + llvm::Twine(size) +
                          " bytes of elements, found " +
                          llvm::Twine(data.size()));

  HostTensor tensor = HostTensor::zeros(*element, shape);
  if (size > 0)
    std::memcpy(tensor.data, data.data(), size);
  if (headerField(header, "fortran_order").starts_with("True")) {
    Extents reversed(shape.rbegin(), shape.rend());
    Extents strides = denseStrides(reversed);
    tensor.strides.assign(strides.rbegin(), strides.rend());
  }
  return tensor;
}

std::string ladon::formatNpy(const HostTensor &tensor) {
  HostTensor dense = tensor.dense();
  std::string header = ("{'descr': '" + descrOf(tensor.element) +
                        "', 'fortran_order': False, 'shape': (")
                           .str();
  for (int64_t extent : tensor.shape)
    header += std::to_string(extent) + ",";
  header += "), }";
  // The elements start at a multiple of 64 bytes.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(dense.data, dense.size() * byteSize(dense.element));
  return bytes;
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readBytes(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail(path, buffer.getError().message());
  return std::move(*buffer);
}

llvm::Expected<HostTensor> ladon::readNpy(StringRef path) {
  auto buffer = readBytes(path);
  if (!buffer)
    return buffer.takeError();
  return parseNpy((*buffer)->getBuffer(), path);
}

llvm::Error ladon::writeNpy(StringRef path, const HostTensor &tensor) {
  std::string bytes = formatNpy(tensor);
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << bytes;
    return llvm::Error::success();
  });
  if (error)
    return fail(path, llvm::errorToErrorCode(std::move(error)).message());
  return llvm::Error::success();
}

//===--- Archives --------------------------------------------------------===//

/// Expands a raw deflate stream of known size.
static bool inflateInto(StringRef packed, std::string &bytes) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = packed.size();
  stream.next_out = reinterpret_cast<Bytef *>(bytes.data());
  stream.avail_out = bytes.size();
  int status = inflate(&stream, Z_FINISH);
  bool complete = status == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  return complete;
}

/// One file of an archive, from its entry in the central directory.
static llvm::Expected<std::string> unpack(StringRef archive, StringRef entry,
                                          StringRef name) {
  using namespace llvm::support::endian;
  uint16_t method = read16le(entry.data() + 10);
  uint32_t crc = read32le(entry.data() + 16);
  uint32_t packedSize = read32le(entry.data() + 20);
  uint32_t size = read32le(entry.data() + 24);
  uint64_t at = read32le(entry.data() + 42);
  if (size == UINT32_MAX || packedSize == UINT32_MAX)
    return fail(name, "archives over 4 GB are not supported");
  if (at + 30 > archive.size())
    return fail(name, "the archive is damaged");
  at += 30 + read16le(archive.data() + at + 26) +
        read16le(archive.data() + at + 28);
  if (at + packedSize > archive.size())
    return fail(name, "the archive is damaged");
  StringRef packed = archive.substr(at, packedSize);
  std::string bytes;
  if (method == 0) {
    bytes = packed.str();
  } else if (method == 8 && size / 1100 <= packedSize) {
    bytes.resize(size); // Deflate packs at most 1032 : 1.
    if (!inflateInto(packed, bytes))
      return fail(name, "the archive is damaged");
  } else {
    return fail(name, "the archive is damaged or packed in an unknown way");
  }
  if (crc32(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()) !=
      crc)
    return fail(name, "the archive is damaged");
  return bytes;
}

llvm::Expected<llvm::StringMap<HostTensor>> ladon::readNpz(StringRef path) {
  using namespace llvm::support::endian;
  auto buffer = readBytes(path);
  if (!buffer)
    return buffer.takeError();
  StringRef archive = (*buffer)->getBuffer();
  size_t end = archive.rfind("PK\x05\x06");
  if (end == StringRef::npos || archive.size() - end < 22)
    return fail(path, "not a NumPy archive");
  unsigned count = read16le(archive.data() + end + 10);
  uint64_t at = read32le(archive.data() + end + 16);
  llvm::StringMap<HostTensor> arrays;
  for (unsigned index = 0; index < count; ++index) {
    if (at + 46 > archive.size() ||
        !archive.drop_front(at).starts_with("PK\x01\x02"))
      return fail(path, "the archive is damaged");
    StringRef entry = archive.drop_front(at);
    unsigned nameLength = read16le(entry.data() + 28);
    at += 46 + nameLength + read16le(entry.data() + 30) +
          read16le(entry.data() + 32);
    StringRef name = entry.substr(46, nameLength);
    std::string place = (path + ": " + name).str();
    llvm::Expected<std::string> bytes = unpack(archive, entry, place);
    if (!bytes)
      return bytes.takeError();
    llvm::Expected<HostTensor> tensor = parseNpy(*bytes, place);
    if (!tensor)
      return tensor.takeError();
    name.consume_back(".npy");
    arrays[name] = std::move(*tensor);
  }
  return arrays;
}
