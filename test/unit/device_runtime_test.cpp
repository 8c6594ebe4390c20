//===- device_runtime_test.cpp - Calls of code for a GPU ------------------===//
//
// Working memory of the GPU, and which image a launch takes: the runtime on the
// simulated driver, with a program written by hand.
//
//===----------------------------------------------------------------------===//

#include "kernel_abi.h"
#include "ladon/ladon.h"
#include "test/unit/simulated_gpu.h"

#include <gtest/gtest.h>

#include <functional>

using namespace ladon::simulated;

namespace {

const char notAnImage[] = "neither PTX nor machine code";

/// What the program does; set by each test.
std::function<void(ladon_ctx *, ladon_kernels *)> body;
ladon_kernels kernels;

void run(ladon_ctx *ctx, void **) { body(ctx, &kernels); }

/// A call with two tensors on the GPU.
struct DeviceCall {
  Memory<float> memory{{1, 2, 3, 4}}, other{{5, 6, 7, 8}};
  int64_t extent = 4;
  ladon_options options = LADON_OPTIONS_INIT;
  DLDevice devices[2] = {{kDLCUDA, 0}, {kDLCUDA, 0}};

  explicit DeviceCall(std::vector<ladon_image> found = {})
      : images(std::move(found)) {
    kernels = {"libladon-cuda-sim.so", images.data(),
               static_cast<int64_t>(images.size()), nullptr};
  }

  int32_t run() {
    static const int64_t dims[] = {-1};
    static const char *const symbols[] = {"N"};
    static const ladon_param_info params[] = {
        {"x", LADON_KIND_OUTPUT, 2, 32, 1, dims, nullptr},
        {"y", LADON_KIND_INPUT, 2, 32, 1, dims, nullptr}};
    static const ladon_program program = {
        "device", 2, params,  1,       symbols, 1,      ::run,
        kDLCUDA,  0, nullptr, nullptr, nullptr, nullptr};
    DLTensor tensors[2] = {};
    for (int number : {0, 1}) {
      const Memory<float> &from = number == 0 ? memory : other;
      tensors[number].data = reinterpret_cast<void *>(from.address);
      tensors[number].device = devices[number];
      tensors[number].ndim = 1;
      tensors[number].dtype = {kDLFloat, 32, 1};
      tensors[number].shape = &extent;
    }
    void *args[] = {&tensors[0], &tensors[1]};
    return ladon_rt_enter(&program, args, &options);
  }

private:
  std::vector<ladon_image> images;
};

//===----------------------------------------------------------------------===//
// Working memory
//===----------------------------------------------------------------------===//

/// Two blocks of memory, as the program of each test gets them.
struct Blocks {
  char *first = nullptr, *second = nullptr;

  Blocks() {
    body = [this](ladon_ctx *ctx, ladon_kernels *kernels) {
      first = static_cast<char *>(ladon_rt_device_alloc(ctx, kernels, 100));
      second = static_cast<char *>(ladon_rt_device_alloc(ctx, kernels, 0));
    };
  }
};

TEST(DeviceRuntime, TheDriverGivesMemoryAndGetsItBack) {
  Blocks blocks;
  DeviceCall call;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  ASSERT_NE(blocks.first, nullptr);
  ASSERT_NE(blocks.second, nullptr);
  EXPECT_NE(blocks.first, blocks.second);
  // The driver does not know what it has got back.
  for (char *block : {blocks.first, blocks.second})
    EXPECT_EQ(cuMemFree_v2(reinterpret_cast<CUdeviceptr>(block)),
              CUDA_ERROR_INVALID_VALUE);
}

TEST(DeviceRuntime, AQuerySaysHowMuchAndDoesNothing) {
  Blocks blocks;
  DeviceCall call;
  uint64_t needed = 7;
  call.options.workspace_needed = &needed;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  EXPECT_EQ(needed, 192u);
  // Generated code returns when there is no memory; it has to go on here.
  EXPECT_NE(blocks.first, nullptr);
  EXPECT_NE(blocks.second, nullptr);
}

TEST(DeviceRuntime, AQueryThatFailsSaysNothing) {
  body = [](ladon_ctx *ctx, ladon_kernels *kernels) {
    ladon_rt_device_alloc(ctx, kernels, INT64_MAX);
  };
  DeviceCall call;
  uint64_t needed = 7;
  call.options.workspace_needed = &needed;
  EXPECT_EQ(call.run(), LADON_OUT_OF_MEMORY);
  EXPECT_EQ(needed, 7u);
}

TEST(DeviceRuntime, AWorkspaceIsTakenInOrder) {
  Blocks blocks;
  DeviceCall call;
  alignas(64) char workspace[192];
  call.options.workspace = workspace;
  call.options.workspace_bytes = sizeof workspace;
  EXPECT_EQ(call.run(), LADON_OK) << ladon_rt_last_error();
  EXPECT_EQ(blocks.first, workspace);
  EXPECT_EQ(blocks.second, workspace + 128);
}

TEST(DeviceRuntime, AWorkspaceThatIsTooSmallIsRefused) {
  Blocks blocks;
  DeviceCall call;
  alignas(64) char workspace[192];
  call.options.workspace = workspace;
  call.options.workspace_bytes = 191;
  EXPECT_EQ(call.run(), LADON_OUT_OF_MEMORY);
  EXPECT_STREQ(ladon_rt_last_error(),
               "options: the call takes more than the 191 bytes of workspace; "
               "workspace_needed says how many");
  EXPECT_EQ(blocks.second, nullptr);
}

TEST(DeviceRuntime, IndicesAreNotChecked) {
  Blocks blocks;
  DeviceCall call;
  call.options.check_indices = 1;
  EXPECT_EQ(call.run(), LADON_BAD_OPTIONS);
  EXPECT_STREQ(ladon_rt_last_error(),
               "options: expected no check_indices for code for a GPU, where a "
               "call cannot wait for tables; code for a CPU checks them");
  EXPECT_EQ(blocks.first, nullptr);
}

TEST(DeviceRuntime, AWorkspaceIsAligned) {
  Blocks blocks;
  DeviceCall call;
  alignas(64) char workspace[256];
  call.options.workspace = workspace + 32;
  call.options.workspace_bytes = 192;
  EXPECT_EQ(call.run(), LADON_BAD_OPTIONS);
  EXPECT_STREQ(ladon_rt_last_error(),
               "options: expected a workspace aligned to 64 bytes");
  EXPECT_EQ(blocks.first, nullptr);
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

/// What a launch says on a GPU with that compute capability when these are the
/// images, none of which can be loaded.
std::string launchOn(const char *capability, std::vector<ladon_image> images) {
  body = [](ladon_ctx *ctx, ladon_kernels *kernels) {
    ladon_rt_launch(ctx, kernels, "any", 1, 32, 0, nullptr);
  };
  for (ladon_image &image : images) {
    image.bytes = notAnImage;
    image.size = sizeof notAnImage;
  }
  DeviceCall call(std::move(images));
  setenv("LADON_SIM_CAPABILITY", capability, 1);
  EXPECT_EQ(call.run(), LADON_CUDA);
  unsetenv("LADON_SIM_CAPABILITY");
  return ladon_rt_last_error();
}

ladon_image image(int32_t kind, int32_t arch) {
  return {kind, arch, nullptr, 0};
}

constexpr int32_t ptx = 0, code = 1, exact = 2;
const std::string tried =
    "device: cannot load the kernels: CUDA error 200: error of the simulated "
    "driver";

std::string noCode(const std::string &capability) {
  return "device: there is no code for a GPU of compute capability " +
         capability;
}

TEST(DeviceRuntime, PtxIsForNewerGpus) {
  EXPECT_EQ(launchOn("80", {image(ptx, 80)}), tried);
  EXPECT_EQ(launchOn("120", {image(ptx, 80)}), tried);
  EXPECT_EQ(launchOn("75", {image(ptx, 80)}), noCode("7.5"));
}

TEST(DeviceRuntime, MachineCodeIsForOneGeneration) {
  EXPECT_EQ(launchOn("80", {image(code, 80)}), tried);
  EXPECT_EQ(launchOn("89", {image(code, 80)}), tried);
  EXPECT_EQ(launchOn("90", {image(code, 80)}), noCode("9.0"));
}

TEST(DeviceRuntime, ExactImagesAreForOneArchitecture) {
  for (int32_t kind : {ptx, code}) {
    EXPECT_EQ(launchOn("90", {image(kind | exact, 90)}), tried);
    EXPECT_EQ(launchOn("80", {image(kind | exact, 90)}), noCode("8.0"));
    EXPECT_EQ(launchOn("100", {image(kind | exact, 90)}), noCode("10.0"));
  }
}

TEST(DeviceRuntime, AnyImageOfALibraryWillDo) {
  std::vector<ladon_image> images = {image(code | exact, 90), image(code, 80),
                                     image(ptx, 80)};
  for (const char *capability : {"80", "86", "90", "100"})
    EXPECT_EQ(launchOn(capability, images), tried) << capability;
  EXPECT_EQ(launchOn("70", images), noCode("7.0"));
  EXPECT_EQ(launchOn("80", {}), noCode("8.0"));
}

//===----------------------------------------------------------------------===//
// Devices and drivers
//===----------------------------------------------------------------------===//

TEST(DeviceRuntime, TensorsAreOnOneGpu) {
  body = [](ladon_ctx *, ladon_kernels *) {};
  DeviceCall call;
  call.devices[1] = {kDLCPU, 0};
  EXPECT_EQ(call.run(), LADON_DEVICE);
  EXPECT_STREQ(ladon_rt_last_error(),
               "y: expected memory of a GPU (DLPack device type 2), found "
               "device type 1");
  call.devices[1] = {kDLCUDA, 3};
  EXPECT_EQ(call.run(), LADON_DEVICE);
  EXPECT_STREQ(ladon_rt_last_error(),
               "y: expected memory of GPU 0, like the other tensors, found "
               "that of GPU 3");
}

/// What a launch of so many tiles says.
std::string launchWith(const char *driver, int64_t blocks) {
  body = [=](ladon_ctx *ctx, ladon_kernels *kernels) {
    kernels->driver = driver;
    ladon_rt_launch(ctx, kernels, "any", blocks, 32, 0, nullptr);
  };
  DeviceCall call;
  EXPECT_EQ(call.run(), LADON_CUDA);
  return ladon_rt_last_error();
}

TEST(DeviceRuntime, ADriverThatIsMissingOrOldIsNamed) {
  EXPECT_EQ(launchWith("libnothing-of-the-kind.so", 1)
                .find("device: no CUDA driver: libnothing-of-the-kind.so: "),
            0u)
      << ladon_rt_last_error();
  EXPECT_EQ(launchWith("libc.so.6", 1),
            "device: the CUDA driver has no cuInit; expected that of CUDA 12 "
            "or newer");
  // A failure is not kept.
  EXPECT_EQ(launchOn("80", {}), noCode("8.0"));
}

TEST(DeviceRuntime, AGridHasAnEnd) {
  EXPECT_EQ(launchWith("libladon-cuda-sim.so", int64_t(1) << 31),
            "device: expected at most 2147483647 tiles, found 2147483648");
}

} // namespace
