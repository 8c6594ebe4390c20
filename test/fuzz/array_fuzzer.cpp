//===- array_fuzzer.cpp - Any bytes as a NumPy file -----------------------===//
//
// Bytes are an array or an error. An array is written and read back as itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/host/Npy.h"

#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace ladon;
using llvm::StringRef;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  StringRef bytes(reinterpret_cast<const char *>(data), size);
  llvm::Expected<HostTensor> tensor = parseNpy(bytes, "fuzzed.npy");
  if (!tensor) {
    if (llvm::toString(tensor.takeError()).empty())
      std::abort();
    return 0;
  }
  std::string written = formatNpy(*tensor);
  HostTensor again = llvm::cantFail(parseNpy(written, "written.npy"));
  if (again.element != tensor->element || again.shape != tensor->shape ||
      formatNpy(again) != written) {
    llvm::errs() << "what is written is read as something else\n";
    std::abort();
  }
  return 0;
}
