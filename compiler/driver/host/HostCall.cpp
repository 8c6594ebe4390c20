//===- HostCall.cpp - Compiled code on host tensors -----------------------===//

#include "compiler/driver/host/HostCall.h"

#include "compiler/driver/host/DeviceCall.h"
#include "compiler/driver/host/RemoteCall.h"

using namespace ladon;
using ast::ScalarType;

llvm::Expected<std::unique_ptr<LoadedAttention>>
ladon::compileAndLoad(const CheckedSpec &spec, llvm::SourceMgr &sources,
                      const Target &target) {
  auto artefact = Compilation(spec, sources, target).makeArtefact();
  if (!artefact)
    return artefact.takeError();
  return LoadedAttention::load(*artefact);
}

DLDataType ladon::dataType(ScalarType element) {
  // Hosts without a bool type pass bytes.
  int code =
      element == ScalarType::Bool ? int(kDLUInt) : infoOf(element).dlpackCode;
  DLDataType type = {};
  type.code = code;
  type.bits = 8 * byteSize(element);
  type.lanes = 1;
  return type;
}

std::pair<char *, size_t> ladon::memoryOf(const HostTensor &tensor) {
  if (tensor.owner)
    return {tensor.owner->data(), tensor.owner->size()};
  int64_t last = 0;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    if (tensor.shape[axis] == 0)
      return {tensor.data, 0};
    last += (tensor.shape[axis] - 1) * tensor.strides[axis];
  }
  return {tensor.data, size_t(last + 1) * byteSize(tensor.element)};
}

HostArguments::HostArguments(llvm::ArrayRef<HostTensor> inputs,
                             llvm::ArrayRef<HostTensor> outputs,
                             DLDeviceType device)
    : device(device) {
  for (const HostTensor &input : inputs)
    add(input, /*isOutput=*/false);
  for (const HostTensor &output : outputs)
    add(output, /*isOutput=*/true);
}

void HostArguments::add(const HostTensor &tensor, bool isOutput) {
  views.push_back(tensor);
  HostTensor &view = views.back();
  if (!isOutput && view.shape.empty()) {
    pointers.push_back(view.data);
    return;
  }
  DLTensor &argument = tensors.emplace_back();
  argument = {};
  argument.data = view.data;
  argument.device.device_type = device;
  argument.ndim = static_cast<int32_t>(view.shape.size());
  argument.dtype = dataType(view.element);
  argument.shape = view.shape.data();
  argument.strides = view.strides.data();
  pointers.push_back(&argument);
}

llvm::Error HostArguments::call(const LoadedAttention &attention,
                                const ladon_options &options) const {
  if (!attention.getForeignLibrary().empty())
    return llvm::createStringError(
        "the code is for another kind of CPU than that of this machine");
  int32_t status = attention.call(pointers, &options);
  if (status == LADON_OK)
    return llvm::Error::success();
  return llvm::createStringError(attention.lastError() + " (status " +
                                 llvm::Twine(status) + ")");
}

llvm::Error ladon::callOnHost(const LoadedAttention &attention,
                              llvm::ArrayRef<HostTensor> inputs,
                              llvm::ArrayRef<HostTensor> outputs, int threads,
                              bool checkIndices) {
  if (!attention.getDriver().empty()) {
    if (checkIndices)
      return llvm::createStringError(
          "code for a GPU checks no indices: check them with that for a CPU");
    return callOnDevice(attention, inputs, outputs);
  }
  if (!attention.getForeignLibrary().empty())
    return callElsewhere(attention, inputs, outputs, threads, checkIndices);
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = threads;
  options.check_indices = checkIndices;
  return HostArguments(inputs, outputs).call(attention, options);
}
