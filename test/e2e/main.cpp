//===- main.cpp - ladon-e2e: specs through the numeric gate ---------------===//

#include "test/e2e/Suites.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon::e2e;
namespace cl = llvm::cl;

static cl::opt<std::string> onnx("onnx", cl::desc("Run the ONNX cases"),
                                 cl::value_desc("directory"));
static cl::list<std::string> specs(cl::Positional,
                                   cl::desc("<directories of specs>"));
static cl::opt<int> seeds("seeds", cl::init(2),
                          cl::desc("Rounds through the table of sizes"));
static cl::opt<std::string> options("options",
                                    cl::desc("Parameters and sizes of specs"),
                                    cl::value_desc("file"));
static cl::opt<bool> verbose("verbose",
                             cl::desc("Print a line for every spec"));
static cl::opt<bool>
    reference("reference",
              cl::desc("Test the reference in place of compiled code"));

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv);
  std::unique_ptr<Backend> backend = referenceBackend();
  Counts counts;
  if (!onnx.empty())
    counts += runOnnxCases(onnx, *backend);
  GalleryOptions gallery;
  gallery.seeds = seeds;
  gallery.verbose = verbose;
  if (!options.empty()) {
    auto table = readOptions(options);
    if (!table) {
      llvm::errs() << llvm::toString(table.takeError()) << "\n";
      return 2;
    }
    gallery.specs = std::move(*table);
  }
  for (const std::string &directory : specs)
    counts += runGallery(directory, *backend, gallery);
  llvm::outs() << counts.passed << " passed, " << counts.failed << " failed\n";
  return counts.failed != 0;
}
