"""The CUDA driver and libraries of Ladon, by way of ctypes."""

import ctypes, json

CODES = {"f32": (2, 32), "f16": (2, 16), "bf16": (4, 16), "i32": (0, 32)}
CUDA = 2  # DLPack's device type


class NoGpu(Exception):
    pass


class Driver:
    """GPU 0, with its primary context on this thread."""

    def __init__(self, library="libcuda.so.1"):
        try:
            self.cuda = ctypes.CDLL(library)
        except OSError as problem:
            raise NoGpu(f"there is no CUDA driver: {problem}")
        try:
            self("cuInit", 0)
        except RuntimeError as problem:
            raise NoGpu(str(problem))
        count = ctypes.c_int()
        self("cuDeviceGetCount", ctypes.byref(count))
        if count.value == 0:
            raise NoGpu("the CUDA driver knows no GPU")
        self.device, context = ctypes.c_int(), ctypes.c_void_p()
        self("cuDeviceGet", ctypes.byref(self.device), 0)
        self("cuDevicePrimaryCtxRetain", ctypes.byref(context), self.device)
        self("cuCtxPushCurrent_v2", context)
        text = ctypes.create_string_buffer(256)
        self("cuDeviceGetName", text, 256, self.device)
        self.name = text.value.decode()
        self.capability = f"{self.attribute(75)}.{self.attribute(76)}"
        version = ctypes.c_int()
        self("cuDriverGetVersion", ctypes.byref(version))
        self.version = f"{version.value // 1000}.{version.value % 1000 // 10}"

    def __call__(self, function, *arguments):
        status = getattr(self.cuda, function)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(
                f"{function}: CUDA error {status}: {(text.value or b'').decode()}"
            )

    def attribute(self, number):
        value = ctypes.c_int()
        self("cuDeviceGetAttribute", ctypes.byref(value), number, self.device)
        return value.value

    def wait(self):
        self("cuCtxSynchronize")

    def time(self, work, runs):
        """The seconds of each run, ascending, by the clock of the GPU."""
        events = [ctypes.c_void_p() for _ in range(2)]
        for event in events:
            self("cuEventCreate", ctypes.byref(event), 0)
        seconds = []
        for _ in range(runs):
            self("cuEventRecord", events[0], None)
            work()
            self("cuEventRecord", events[1], None)
            self.wait()
            taken = ctypes.c_float()
            self("cuEventElapsedTime", ctypes.byref(taken), *events)
            seconds.append(taken.value * 1e-3)
        for event in events:
            self("cuEventDestroy_v2", event)
        return sorted(seconds)


class Memory:
    """Bytes on the GPU, until the object goes away."""

    def __init__(self, driver, size):
        self.driver, self.size, self.address = driver, size, ctypes.c_uint64()
        driver(
            "cuMemAlloc_v2",
            ctypes.byref(self.address),
            ctypes.c_size_t(max(size, 1)),
        )

    def __del__(self):
        if self.address.value:
            self.driver.cuda.cuMemFree_v2(self.address)

    def write(self, data):
        self.driver(
            "cuMemcpyHtoD_v2", self.address, data, ctypes.c_size_t(len(data))
        )
        return self

    def read(self):
        data = ctypes.create_string_buffer(self.size)
        self.driver(
            "cuMemcpyDtoH_v2", data, self.address, ctypes.c_size_t(self.size)
        )
        return data.raw

    def fill(self, word):
        """Every 16 bits become `word`."""
        self.driver(
            "cuMemsetD16_v2",
            self.address,
            ctypes.c_ushort(word),
            ctypes.c_size_t(self.size // 2),
        )
        return self

    def copy_from(self, other):
        self.driver(
            "cuMemcpyDtoDAsync_v2", self.address, other.address,
            ctypes.c_size_t(self.size), None,
        )  # fmt: skip


class Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int),
        ("device_id", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    ]


class Options(ctypes.Structure):
    """ladon_options."""

    _fields_ = [
        ("size", ctypes.c_uint64),
        ("threads", ctypes.c_int32),
        ("reserved", ctypes.c_uint32),
        ("parallel_for", ctypes.c_void_p),
        ("parallel_for_user", ctypes.c_void_p),
        ("allocate", ctypes.c_void_p),
        ("deallocate", ctypes.c_void_p),
        ("allocator_user", ctypes.c_void_p),
        ("stream", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
        ("workspace_bytes", ctypes.c_uint64),
        ("workspace_needed", ctypes.POINTER(ctypes.c_uint64)),
    ]


class Library:
    """One compiled attention, without scalars."""

    def __init__(self, folder, name):
        self.manifest = json.loads((folder / f"{name}.json").read_text())
        self.library = ctypes.CDLL(str(folder / self.manifest["library"]))
        self.entry = getattr(self.library, self.manifest["entry"])
        self.last_error = getattr(self.library, self.manifest["last_error"])
        self.last_error.restype = ctypes.c_char_p
        self.params = self.manifest["params"]

    def bind(self, driver, memories, shapes):
        """A function that calls it on these tensors, with a workspace of its own."""
        tensors = []
        for param, memory, shape in zip(self.params, memories, shapes):
            code, bits = CODES[param["dtype"]]
            extents = (ctypes.c_int64 * len(shape))(*shape)
            tensors.append(
                Tensor(
                    memory.address.value, CUDA, 0, len(shape), code, bits, 1,
                    extents, None, 0,
                )
            )  # fmt: skip

        def call(options):
            options.size = ctypes.sizeof(options)
            status = self.entry(
                *map(ctypes.byref, tensors), ctypes.byref(options)
            )
            if status:
                raise RuntimeError(
                    f"status {status}: {self.last_error().decode()}"
                )

        needed = ctypes.c_uint64()
        call(Options(workspace_needed=ctypes.pointer(needed)))
        options = Options()
        workspace = Memory(driver, needed.value) if needed.value else None
        if workspace:
            options.workspace = workspace.address.value
            options.workspace_bytes = needed.value

        def bound(keep=(workspace, memories)):
            call(options)

        bound.workspace = needed.value
        return bound
