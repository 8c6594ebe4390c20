/*===- call.c - ladon-call: calls a library on behalf of another machine --===*\
 *
 *     ladon-call LIBRARY ENTRY FILE
 *
 * Calls ENTRY of LIBRARY as FILE says (remote.h), whose tensors are used where
 * they lie in it. Exits with 0 when the call was made, whatever its status.
 *
\*===----------------------------------------------------------------------===*/

#include "ladon/ladon.h"
#include "remote.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef __aarch64__
#error "expected AArch64: the call below follows its procedure call standard"
#endif

/** Calls a function with arguments in registers x and d and on the stack, as
 *  the procedure call standard (AAPCS64) has them. */
int32_t ladon_invoke(void *function, const uint64_t *x, const uint64_t *d,
                     const uint64_t *stack, uint64_t on_stack);

__asm__(".text\n.globl ladon_invoke\n.hidden ladon_invoke\n"
        ".type ladon_invoke, %function\nladon_invoke:\n"
        "  stp x29, x30, [sp, #-16]!\n"
        "  mov x29, sp\n"
        "  mov x16, x0\n"
        "  mov x9, x1\n"
        "  add x11, x4, #1\n"
        "  and x11, x11, #-2\n" /* the stack is a multiple of 16 bytes */
        "  sub sp, sp, x11, lsl #3\n"
        "  mov x12, #0\n"
        "1:\n"
        "  cmp x12, x4\n"
        "  b.ge 2f\n"
        "  ldr x13, [x3, x12, lsl #3]\n"
        "  str x13, [sp, x12, lsl #3]\n"
        "  add x12, x12, #1\n"
        "  b 1b\n"
        "2:\n"
        "  ldp d0, d1, [x2]\n"
        "  ldp d2, d3, [x2, #16]\n"
        "  ldp d4, d5, [x2, #32]\n"
        "  ldp d6, d7, [x2, #48]\n"
        "  ldp x0, x1, [x9]\n"
        "  ldp x2, x3, [x9, #16]\n"
        "  ldp x4, x5, [x9, #32]\n"
        "  ldp x6, x7, [x9, #48]\n"
        "  blr x16\n"
        "  mov sp, x29\n"
        "  ldp x29, x30, [sp], #16\n"
        "  ret\n");

/** Where the arguments go, one after the other. */
typedef struct places {
  uint64_t x[8], d[8], *stack;
  uint64_t in_x, in_d, on_stack;
} places;

static void add(places *to, uint64_t value, int is_float) {
  if (is_float && to->in_d < 8)
    to->d[to->in_d++] = value;
  else if (!is_float && to->in_x < 8)
    to->x[to->in_x++] = value;
  else
    to->stack[to->on_stack++] = value;
}

static int fail(const char *what, const char *why) {
  fprintf(stderr, "ladon-call: %s: %s\n", what, why);
  return 1;
}

static void call(void *entry, const char *(*last_error)(void), char *file) {
  ladon_remote_call *request = (ladon_remote_call *)file;
  ladon_remote_argument *arguments = (ladon_remote_argument *)(request + 1);
  const int32_t count = request->num_arguments;
  DLTensor *tensors = calloc((size_t)count + 1, sizeof *tensors);
  places to = {.stack = calloc((size_t)count + 1, sizeof *to.stack)};
  for (int32_t i = 0; i < count; ++i) {
    ladon_remote_argument *argument = &arguments[i];
    if (argument->rank < 0) {
      add(&to, (uint64_t)argument->data, argument->code == kDLFloat);
      continue;
    }
    DLTensor *tensor = &tensors[i];
    tensor->data = file + argument->data;
    tensor->device.device_type = kDLCPU;
    tensor->ndim = argument->rank;
    tensor->dtype.code = (uint8_t)argument->code;
    tensor->dtype.bits = (uint8_t)argument->bits;
    tensor->dtype.lanes = 1;
    tensor->shape = argument->shape;
    tensor->strides = argument->strides;
    add(&to, (uint64_t)(uintptr_t)tensor, 0);
  }
  ladon_options options = LADON_OPTIONS_INIT;
  options.threads = request->threads;
  options.check_indices = request->check_indices;
  add(&to, (uint64_t)(uintptr_t)&options, 0);
  request->status = ladon_invoke(entry, to.x, to.d, to.stack, to.on_stack);
  snprintf(request->message, sizeof request->message, "%s", last_error());
  free(tensors);
  free(to.stack);
}

int main(int argc, char **argv) {
  if (argc != 4)
    return fail("expected", "LIBRARY ENTRY FILE");
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail("cannot load the library", dlerror());
  char name[512];
  snprintf(name, sizeof name, "%s_last_error", argv[2]);
  void *entry = dlsym(library, argv[2]);
  const char *(*last_error)(void) = (const char *(*)(void))dlsym(library, name);
  if (!entry || !last_error)
    return fail(argv[2], "no such entry point");
  const int descriptor = open(argv[3], O_RDWR);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0)
    return fail("cannot open the file", argv[3]);
  char *file = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
                    MAP_SHARED, descriptor, 0);
  if (file == MAP_FAILED)
    return fail("cannot map the file", argv[3]);
  call(entry, last_error, file);
  munmap(file, (size_t)status.st_size);
  close(descriptor);
  dlclose(library);
  return 0;
}
