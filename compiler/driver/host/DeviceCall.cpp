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

  llvm::Error upload() {
    if (llvm::Error error = device.check(
            device.cuMemAlloc_v2(&memory, std::max<size_t>(bytes, 1)),
            "cannot allocate memory of the GPU"))
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
  CUdevice gpu;
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

llvm::Error ladon::callOnDevice(const LoadedAttention &attention,
                                llvm::ArrayRef<HostTensor> inputs,
                                llvm::ArrayRef<HostTensor> outputs) {
  auto device = Device::open(attention.getDriver());
  if (!device)
    return device.takeError();
  Current current(**device);
  // Tensors that share memory share it on the GPU, too.
  std::map<char *, std::unique_ptr<Mirror>> mirrors;
  std::vector<HostTensor> moved[2];
  for (auto [set, tensors] : llvm::enumerate(std::array{inputs, outputs}))
    for (const HostTensor &tensor : tensors) {
      HostTensor &copy = moved[set].emplace_back(tensor);
      if (set == 0 && tensor.shape.empty())
        continue; // a scalar
      auto [host, bytes] = memoryOf(tensor);
      std::unique_ptr<Mirror> &mirror = mirrors[host];
      if (!mirror) {
        mirror = std::make_unique<Mirror>(**device, host, bytes);
        if (llvm::Error error = mirror->upload())
          return error;
      }
      copy.data =
          reinterpret_cast<char *>(mirror->memory) + (tensor.data - host);
    }
  ladon_options options = LADON_OPTIONS_INIT;
  HostArguments arguments(moved[0], moved[1], kDLCUDA);
  if (llvm::Error error = arguments.call(attention, options))
    return error;
  if (llvm::Error error =
          (*device)->check((*device)->cuCtxSynchronize(), "the kernel failed"))
    return error;
  for (auto &[host, mirror] : mirrors)
    if (llvm::Error error = mirror->download())
      return error;
  return llvm::Error::success();
}
