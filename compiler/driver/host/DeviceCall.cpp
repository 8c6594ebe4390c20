//===- DeviceCall.cpp - Compiled code for a GPU, on host tensors ----------===//

#include "compiler/driver/host/DeviceCall.h"

#include "compiler/driver/host/HostCall.h"
#include "runtime/cuda/cuda.h"

#include <dlfcn.h>
#include <map>
#include <optional>

using namespace ladon;

namespace {

/// The driver, with a context of GPU 0.
class Device {
public:
  static llvm::Expected<const Device *> open(const std::string &driver);

#define LADON_MEMBER(result, name, parameters) result(*name) parameters;
  LADON_CUDA_FUNCTIONS(LADON_MEMBER)
#undef LADON_MEMBER

  llvm::Error check(CUresult status, const char *what) const {
    if (status == CUDA_SUCCESS)
      return llvm::Error::success();
    const char *text = nullptr;
    cuGetErrorString(status, &text);
    return llvm::createStringError(std::string(what) + ": CUDA error " +
                                   std::to_string(status) + ": " +
                                   (text ? text : "unknown error"));
  }

  CUdevice gpu;
  CUcontext context;

private:
  llvm::Error start(const std::string &driver);
};

/// Memory of the GPU that mirrors memory of the host.
struct Mirror {
  const Device &device;
  char *host;
  size_t bytes;
  CUdeviceptr memory = 0;

  Mirror(const Device &device, char *host, size_t bytes)
      : device(device), host(host), bytes(bytes) {}
  Mirror(const Mirror &) = delete;
  ~Mirror() {
    if (memory)
      device.cuMemFree_v2(memory);
  }

  llvm::Error allocate() {
    return device.check(
        device.cuMemAlloc_v2(&memory, std::max<size_t>(bytes, 1)),
        "cannot allocate memory of the GPU");
  }
  llvm::Error upload() {
    if (llvm::Error error = allocate())
      return error;
    return bytes == 0
               ? llvm::Error::success()
               : device.check(device.cuMemcpyHtoD_v2(memory, host, bytes),
                              "cannot copy to the GPU");
  }
  llvm::Error download() {
    return bytes == 0
               ? llvm::Error::success()
               : device.check(device.cuMemcpyDtoH_v2(host, memory, bytes),
                              "cannot copy from the GPU");
  }
};

/// The thread has the device's context while this lives.
class Current {
public:
  explicit Current(const Device &device) : device(device) {
    device.cuCtxPushCurrent_v2(device.context);
  }
  Current(const Current &) = delete;
  ~Current() {
    CUcontext popped;
    device.cuCtxPopCurrent_v2(&popped);
  }

private:
  const Device &device;
};

} // namespace

llvm::Error Device::start(const std::string &driver) {
  void *library = dlopen(driver.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return llvm::createStringError(std::string("no CUDA driver: ") + dlerror());
#define LADON_FIND(result, name, parameters)                                   \
  name = reinterpret_cast<result(*) parameters>(dlsym(library, #name));        \
  if (!name)                                                                   \
    return llvm::createStringError("the CUDA driver has no " #name);
  LADON_CUDA_FUNCTIONS(LADON_FIND)
#undef LADON_FIND
  if (llvm::Error error = check(cuInit(0), "cannot start the CUDA driver"))
    return error;
  if (llvm::Error error = check(cuDeviceGet(&gpu, 0), "cannot find a GPU"))
    return error;
  return check(cuDevicePrimaryCtxRetain(&context, gpu), "cannot open the GPU");
}

/// One for each driver, for the life of the process.
llvm::Expected<const Device *> Device::open(const std::string &driver) {
  static std::map<std::string, std::unique_ptr<Device>> devices;
  std::unique_ptr<Device> &device = devices[driver];
  if (device)
    return device.get();
  auto started = std::make_unique<Device>();
  if (llvm::Error error = started->start(driver))
    return std::move(error);
  device = std::move(started);
  return device.get();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {
/// The arguments of calls, copied to the GPU.
class DeviceArguments {
public:
  explicit DeviceArguments(const Device &device) : device(device) {}

  llvm::Error upload(const LoadedAttention &attention,
                     llvm::ArrayRef<HostTensor> inputs,
                     llvm::ArrayRef<HostTensor> outputs);
  /// Does not wait.
  llvm::Error call(const LoadedAttention &attention) const {
    return arguments->call(attention, options);
  }
  llvm::Error wait() const {
    return device.check(device.cuCtxSynchronize(), "the kernel failed");
  }
  llvm::Error download() const {
    for (auto &[host, mirror] : mirrors)
      if (llvm::Error error = mirror->download())
        return error;
    return llvm::Error::success();
  }
  uint64_t getWorkspace() const { return options.workspace_bytes; }

private:
  llvm::Error addWorkspace(const LoadedAttention &attention);

  const Device &device;
  std::map<char *, std::unique_ptr<Mirror>> mirrors;
  std::unique_ptr<Mirror> workspace;
  std::vector<HostTensor> moved[2];
  std::optional<HostArguments> arguments;
  ladon_options options = LADON_OPTIONS_INIT;
};
} // namespace

llvm::Error DeviceArguments::upload(const LoadedAttention &attention,
                                    llvm::ArrayRef<HostTensor> inputs,
                                    llvm::ArrayRef<HostTensor> outputs) {
  // Tensors that share memory share it on the GPU, too.
  for (auto [set, tensors] : llvm::enumerate(std::array{inputs, outputs}))
    for (const HostTensor &tensor : tensors) {
      HostTensor &copy = moved[set].emplace_back(tensor);
      if (set == 0 && tensor.shape.empty())
        continue; // a scalar
      auto [host, bytes] = memoryOf(tensor);
      std::unique_ptr<Mirror> &mirror = mirrors[host];
      if (!mirror) {
        mirror = std::make_unique<Mirror>(device, host, bytes);
        if (llvm::Error error = mirror->upload())
          return error;
      }
      copy.data =
          reinterpret_cast<char *>(mirror->memory) + (tensor.data - host);
    }
  arguments.emplace(moved[0], moved[1], kDLCUDA);
  return addWorkspace(attention);
}

/// Exactly as much working memory as the call asks for.
llvm::Error DeviceArguments::addWorkspace(const LoadedAttention &attention) {
  uint64_t needed = 0;
  ladon_options query = LADON_OPTIONS_INIT;
  query.workspace_needed = &needed;
  if (llvm::Error error = arguments->call(attention, query))
    return error;
  if (needed == 0)
    return llvm::Error::success();
  workspace = std::make_unique<Mirror>(device, nullptr, needed);
  if (llvm::Error error = workspace->allocate())
    return error;
  options.workspace = reinterpret_cast<void *>(workspace->memory);
  options.workspace_bytes = needed;
  return llvm::Error::success();
}

llvm::Error ladon::callOnDevice(const LoadedAttention &attention,
                                llvm::ArrayRef<HostTensor> inputs,
                                llvm::ArrayRef<HostTensor> outputs) {
  auto device = Device::open(attention.getDriver());
  if (!device)
    return device.takeError();
  Current current(**device);
  DeviceArguments arguments(**device);
  if (llvm::Error error = arguments.upload(attention, inputs, outputs))
    return error;
  if (llvm::Error error = arguments.call(attention))
    return error;
  if (llvm::Error error = arguments.wait())
    return error;
  return arguments.download();
}

//===----------------------------------------------------------------------===//
// Times
//===----------------------------------------------------------------------===//

namespace {
/// Two moments of the default stream.
class Stopwatch {
public:
  explicit Stopwatch(const Device &device) : device(device) {}
  Stopwatch(const Stopwatch &) = delete;
  ~Stopwatch() {
    for (CUevent event : events)
      if (event)
        device.cuEventDestroy_v2(event);
  }

  llvm::Error create() {
    for (CUevent &event : events)
      if (llvm::Error error = device.check(device.cuEventCreate(&event, 0),
                                           "cannot time on this driver"))
        return error;
    return llvm::Error::success();
  }
  /// The seconds that the GPU takes for what `work` starts.
  llvm::Expected<double> time(llvm::function_ref<llvm::Error()> work) {
    if (llvm::Error error = device.check(
            device.cuEventRecord(events[0], nullptr), "cannot time"))
      return std::move(error);
    if (llvm::Error error = work())
      return std::move(error);
    if (llvm::Error error = device.check(
            device.cuEventRecord(events[1], nullptr), "cannot time"))
      return std::move(error);
    float milliseconds = 0;
    if (llvm::Error error =
            device.check(device.cuCtxSynchronize(), "the kernel failed"))
      return std::move(error);
    if (llvm::Error error = device.check(
            device.cuEventElapsedTime(&milliseconds, events[0], events[1]),
            "cannot time"))
      return std::move(error);
    return milliseconds * 1e-3;
  }

private:
  const Device &device;
  CUevent events[2] = {};
};
} // namespace

llvm::Expected<DeviceTimes>
ladon::timeOnDevice(const LoadedAttention &attention,
                    llvm::ArrayRef<HostTensor> inputs,
                    llvm::ArrayRef<HostTensor> outputs, int runs) {
  auto opened = Device::open(attention.getDriver());
  if (!opened)
    return opened.takeError();
  const Device &device = **opened;
  Current current(device);
  Stopwatch stopwatch(device);
  if (llvm::Error error = stopwatch.create())
    return std::move(error);
  DeviceTimes result;
  char name[128] = {};
  if (device.cuDeviceGetName(name, sizeof name - 1, device.gpu) == CUDA_SUCCESS)
    result.gpu = name;
  DeviceArguments arguments(device);
  if (llvm::Error error = arguments.upload(attention, inputs, outputs))
    return std::move(error);
  result.workspace = arguments.getWorkspace();
  // Copying these writes over whatever the cache holds.
  constexpr size_t half = size_t(256) << 20;
  Mirror from(device, nullptr, half), to(device, nullptr, half);
  for (Mirror *one : {&from, &to})
    if (llvm::Error error = one->allocate())
      return std::move(error);
  auto copy = [&] {
    return device.check(
        device.cuMemcpyDtoDAsync_v2(to.memory, from.memory, half, nullptr),
        "cannot copy on the GPU");
  };
  auto call = [&] { return arguments.call(attention); };
  auto first = stopwatch.time(call);
  if (!first)
    return first.takeError();
  constexpr double enough = 0.5;
  constexpr size_t fewest = 20;
  double total = 0;
  auto wantsMore = [&] {
    size_t done = result.seconds.size();
    return runs > 0 ? done < size_t(runs) : done < fewest || total < enough;
  };
  while (wantsMore()) {
    auto copied = stopwatch.time(copy);
    if (!copied)
      return copied.takeError();
    result.copied = std::max(result.copied, 2 * double(half) / *copied);
    auto seconds = stopwatch.time(call);
    if (!seconds)
      return seconds.takeError();
    result.seconds.push_back(*seconds);
    total += *copied + *seconds;
  }
  llvm::sort(result.seconds);
  return result;
}
