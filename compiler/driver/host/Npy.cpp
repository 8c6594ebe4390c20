//===- Npy.cpp - NumPy files ----------------------------------------------===//
//
// Formats: numpy.lib.format, and APPNOTE.TXT of PKWARE for the archive.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/host/Npy.h"
#include "compiler/support/Files.h"

#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"

#include <zlib.h>

#include <cstring>

using namespace ladon;
using namespace ladon::ast;
using llvm::StringRef;

/// No array of a test or a model is larger; it keeps a broken header from
/// asking for all memory.
static constexpr int64_t maxBytes = int64_t(1) << 40;

/// NumPy writes some hundred bytes.
static constexpr uint64_t maxHeader = 1 << 20;

/// An archive has 32 bits for places and sizes.
static constexpr uint64_t maxArchive = uint64_t(1) << 32;

static llvm::Error fail(StringRef name, const llvm::Twine &what) {
  return llvm::createStringError(name + ": " + what);
}

//===--- Arrays ----------------------------------------------------------===//

static std::optional<ScalarType> elementOf(StringRef descr) {
  if (descr == "?" || descr == "<b1" || descr == "b1")
    return ScalarType::Bool;
  if (descr == "<u1" || descr == "u1")
    return ScalarType::U8;
  if (descr == "<i1" || descr == "i1")
    return ScalarType::I8;
  // What NumPy writes for two bytes whose type it has forgotten.
  if (descr == "|V2" || descr == "bfloat16")
    return ScalarType::BF16;
  for (const ScalarTypeInfo &info : scalarTypes())
    if (descr == info.numpy)
      return info.type;
  return std::nullopt;
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

namespace {

/// What stands in front of the elements.
struct NpyHeader {
  ScalarType element;
  Extents shape;
  bool isFortran;
  uint64_t begin; ///< of the elements
  uint64_t size;  ///< of the elements in bytes
};

} // namespace

static constexpr StringRef npyMagic = "\x93NUMPY";

/// Magic, version, and the length of the text that follows.
static constexpr size_t longestPrefix = 12;

/// Where the elements begin, from the first `longestPrefix` bytes.
static llvm::Expected<uint64_t> headerEnd(StringRef bytes, StringRef name) {
  if (!bytes.starts_with(npyMagic) || bytes.size() < 10)
    return fail(name, "not a NumPy array");
  unsigned version = static_cast<unsigned char>(bytes[6]);
  bool isLong = version >= 2;
  if (version < 1 || version > 3 || bytes.size() < (isLong ? 12u : 10u))
    return fail(name, "NumPy format version " + llvm::Twine(version) +
                          " is not supported");
  using namespace llvm::support::endian;
  uint64_t length =
      isLong ? read32le(bytes.data() + 8) : read16le(bytes.data() + 8);
  if (length > maxHeader)
    return fail(name, "the header is too long");
  return length + (isLong ? 12 : 10);
}

static llvm::Expected<NpyHeader> parseHeader(StringRef bytes, StringRef name) {
  auto end = headerEnd(bytes.take_front(longestPrefix), name);
  if (!end)
    return end.takeError();
  if (bytes.size() < *end)
    return fail(name, "the header is cut off");
  StringRef header = bytes.take_front(*end);

  StringRef descr = headerField(header, "descr");
  descr = descr.consume_front("'") ? descr.split('\'').first : "";
  std::optional<ScalarType> element = elementOf(descr);
  if (!element)
    return fail(name, "expected elements of type " + listTypes(nullptr, "or") +
                          " (little-endian), found '" + descr + "'");
  Extents shape;
  if (!parseShape(headerField(header, "shape"), shape))
    return fail(name, "the header has no valid shape");
  bool isEmpty = llvm::is_contained(shape, 0);
  int64_t size = isEmpty ? 0 : byteSize(*element);
  for (int64_t extent : shape) {
    std::optional<int64_t> product = llvm::checkedMul(size, extent);
    if (!product || *product > maxBytes)
      return fail(name, "the array is too large");
    size = *product;
  }
  bool isFortran = headerField(header, "fortran_order").starts_with("True");
  return NpyHeader{*element, shape, isFortran, *end,
                   static_cast<uint64_t>(size)};
}

llvm::Expected<HostTensor> ladon::parseNpy(StringRef bytes, StringRef name) {
  auto header = parseHeader(bytes, name);
  if (!header)
    return header.takeError();
  StringRef data = bytes.drop_front(header->begin);
  if (data.size() < header->size)
    return fail(name, "expected " + llvm::Twine(header->size) +
                          " bytes of elements, found " +
                          llvm::Twine(data.size()));

  HostTensor tensor = HostTensor::zeros(header->element, header->shape);
  if (header->size > 0)
    std::memcpy(tensor.data, data.data(), header->size);
  if (header->isFortran) {
    Extents reversed(header->shape.rbegin(), header->shape.rend());
    Extents strides = denseStrides(reversed);
    tensor.strides.assign(strides.rbegin(), strides.rend());
  }
  return tensor;
}

std::string ladon::formatNpy(const HostTensor &tensor) {
  HostTensor dense = tensor.dense();
  std::string header = ("{'descr': '" + infoOf(tensor.element).numpy +
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

llvm::Expected<HostTensor> ladon::readNpy(StringRef path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  // No more than the header announces: a device may have no end.
  auto bytes = file->peek(longestPrefix);
  if (!bytes)
    return bytes.takeError();
  auto end = headerEnd(*bytes, path);
  if (!end)
    return end.takeError();
  bytes = file->peek(*end);
  if (!bytes)
    return bytes.takeError();
  auto header = parseHeader(*bytes, path);
  if (!header)
    return header.takeError();
  bytes = file->peek(header->begin + header->size);
  if (!bytes)
    return bytes.takeError();
  return parseNpy(*bytes, path);
}

llvm::Error ladon::writeNpy(StringRef path, const HostTensor &tensor) {
  return writeFile(path, formatNpy(tensor));
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
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  auto magic = file->peek(2);
  if (!magic)
    return magic.takeError();
  if (*magic != "PK")
    return fail(path, "not a NumPy archive");
  auto bytes = file->peek(maxArchive);
  if (!bytes)
    return bytes.takeError();
  StringRef archive = *bytes;
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
    llvm::Expected<std::string> array = unpack(archive, entry, place);
    if (!array)
      return array.takeError();
    llvm::Expected<HostTensor> tensor = parseNpy(*array, place);
    if (!tensor)
      return tensor.takeError();
    name.consume_back(".npy");
    arrays[name] = std::move(*tensor);
  }
  return arrays;
}
