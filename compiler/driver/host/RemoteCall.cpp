//===- RemoteCall.cpp - Code for another kind of CPU ----------------------===//

#include "compiler/driver/host/RemoteCall.h"

#include "compiler/driver/host/HostCall.h"
#include "runtime/remote/remote.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/StringSaver.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <map>

using namespace ladon;

namespace {

/// A directory of its own, gone with the object.
class TemporaryFolder {
public:
  llvm::Error create() {
    return llvm::errorCodeToError(
        llvm::sys::fs::createUniqueDirectory("ladon-call", path));
  }
  TemporaryFolder() = default;
  TemporaryFolder(const TemporaryFolder &) = delete;
  ~TemporaryFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }

  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> whole(path);
    llvm::sys::path::append(whole, name);
    return std::string(whole);
  }
  llvm::Error write(llvm::StringRef name, llvm::StringRef bytes) const {
    std::error_code failed;
    llvm::raw_fd_ostream os(file(name), failed);
    if (failed)
      return llvm::errorCodeToError(failed);
    os << bytes;
    os.close();
    std::error_code error = os.error();
    os.clear_error();
    return llvm::errorCodeToError(error);
  }

private:
  llvm::SmallString<128> path;
};

/// The file of one call.
class Request {
public:
  Request(llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<HostTensor> outputs,
          int threads, bool checkIndices);

  llvm::StringRef bytes() const { return {file.data(), file.size()}; }
  /// Takes the memory of the tensors out of what has become of the file.
  llvm::Error finish(llvm::StringRef after) const;
  bool fits() const { return rankFits; }

private:
  void add(const HostTensor &tensor, bool isOutput);
  int64_t place(const HostTensor &tensor);

  bool rankFits = true;
  std::vector<ladon_remote_argument> arguments;
  /// Memory of the host, and where it is in the file. Tensors that share memory
  /// share it there, too.
  std::map<char *, std::pair<size_t, size_t>> blocks;
  std::string memory, file;
  size_t start = 0; ///< Of `memory` in the file.
};

} // namespace

Request::Request(llvm::ArrayRef<HostTensor> inputs,
                 llvm::ArrayRef<HostTensor> outputs, int threads,
                 bool checkIndices) {
  ladon_remote_call call = {};
  call.num_arguments = static_cast<int32_t>(inputs.size() + outputs.size());
  call.threads = threads;
  call.check_indices = checkIndices;
  call.status = -1;
  start = llvm::alignTo(
      sizeof call + call.num_arguments * sizeof(ladon_remote_argument), 64);
  for (const HostTensor &input : inputs)
    add(input, /*isOutput=*/false);
  for (const HostTensor &output : outputs)
    add(output, /*isOutput=*/true);
  file.append(reinterpret_cast<const char *>(&call), sizeof call);
  file.append(reinterpret_cast<const char *>(arguments.data()),
              arguments.size() * sizeof(ladon_remote_argument));
  file.resize(start);
  file += memory;
}

/// Where element zero of a tensor is in the file.
int64_t Request::place(const HostTensor &tensor) {
  auto [host, bytes] = memoryOf(tensor);
  auto [known, isNew] = blocks.try_emplace(host, memory.size(), bytes);
  if (isNew) {
    memory.append(host, bytes);
    memory.resize(llvm::alignTo(memory.size(), 64));
  }
  return int64_t(start + known->second.first) + (tensor.data - host);
}

void Request::add(const HostTensor &tensor, bool isOutput) {
  ladon_remote_argument &argument = arguments.emplace_back();
  argument = {};
  DLDataType type = dataType(tensor.element);
  argument.code = type.code;
  argument.bits = type.bits;
  if (!isOutput && tensor.shape.empty()) {
    argument.rank = -1;
    if (isFloat(tensor.element))
      std::memcpy(&argument.data, tensor.data, byteSize(tensor.element));
    else
      argument.data = tensor.getInteger({});
    return;
  }
  argument.rank = static_cast<int32_t>(tensor.shape.size());
  if (argument.rank > LADON_REMOTE_RANK) {
    rankFits = false;
    return;
  }
  llvm::copy(tensor.shape, argument.shape);
  llvm::copy(tensor.strides, argument.strides);
  argument.data = place(tensor);
}

llvm::Error Request::finish(llvm::StringRef after) const {
  ladon_remote_call call;
  if (after.size() != file.size())
    return llvm::createStringError("the launcher has changed the size of the "
                                   "file of the call");
  std::memcpy(&call, after.data(), sizeof call);
  if (call.status < 0)
    return llvm::createStringError("the launcher has not made the call");
  for (auto &[host, block] : blocks)
    std::memcpy(host, after.data() + start + block.first, block.second);
  if (call.status == LADON_OK)
    return llvm::Error::success();
  call.message[sizeof call.message - 1] = 0;
  return llvm::createStringError(std::string(call.message) + " (status " +
                                 std::to_string(call.status) + ")");
}

/// The command of LADON_LAUNCHER, its program found, in words.
static llvm::Expected<std::vector<std::string>> findLauncher() {
  const char *launcher = std::getenv("LADON_LAUNCHER");
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver saver(allocator);
  llvm::SmallVector<const char *> words;
  if (launcher)
    llvm::cl::TokenizeGNUCommandLine(launcher, saver, words);
  if (words.empty())
    return llvm::createStringError(
        "this machine cannot run the code: set LADON_LAUNCHER to a command "
        "that does, such as 'qemu-aarch64-static -L /usr/aarch64-linux-gnu "
        "ladon-call-aarch64'");
  auto program = llvm::sys::findProgramByName(words[0]);
  if (!program)
    return llvm::createStringError(llvm::Twine("LADON_LAUNCHER: there is no "
                                               "program ") +
                                   words[0]);
  std::vector<std::string> command(words.begin(), words.end());
  command[0] = *program;
  return command;
}

llvm::Error ladon::checkLauncher() { return findLauncher().takeError(); }

/// Runs that command with more arguments.
static llvm::Error launch(llvm::ArrayRef<std::string> more) {
  auto command = findLauncher();
  if (!command)
    return command.takeError();
  llvm::SmallVector<llvm::StringRef> arguments(command->begin(),
                                               command->end());
  llvm::append_range(arguments, more);
  std::string message;
  int status = llvm::sys::ExecuteAndWait(arguments[0], arguments, std::nullopt,
                                         {}, 0, 0, &message);
  if (status == 0)
    return llvm::Error::success();
  llvm::StringRef name = llvm::sys::path::filename(arguments[0]);
  return llvm::createStringError("LADON_LAUNCHER: " + name.str() +
                                 (message.empty()
                                      ? " exits with " + std::to_string(status)
                                      : ": " + message));
}

llvm::Error ladon::callElsewhere(const LoadedAttention &attention,
                                 llvm::ArrayRef<HostTensor> inputs,
                                 llvm::ArrayRef<HostTensor> outputs,
                                 int threads, bool checkIndices) {
  Request request(inputs, outputs, threads, checkIndices);
  if (!request.fits())
    return llvm::createStringError(
        "a tensor has more than %d axes, which a launcher does not take",
        LADON_REMOTE_RANK);
  TemporaryFolder folder;
  if (llvm::Error error = folder.create())
    return error;
  if (llvm::Error error =
          folder.write("library.so", attention.getForeignLibrary()))
    return error;
  if (llvm::Error error = folder.write("call", request.bytes()))
    return error;
  if (llvm::Error error = launch({folder.file("library.so"),
                                  attention.getName(), folder.file("call")}))
    return error;
  auto after = llvm::MemoryBuffer::getFile(folder.file("call"));
  if (!after)
    return llvm::errorCodeToError(after.getError());
  return request.finish((*after)->getBuffer());
}
