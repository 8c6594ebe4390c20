/*===- support.h - Calling generated libraries from tests -----------------===*\
 *
 * Tensors in memory of which every byte outside of them is known: between
 * pages that fault, with a pattern in every gap that strides leave.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_TEST_ARTEFACTS_SUPPORT_H
#define LADON_TEST_ARTEFACTS_SUPPORT_H

#include "ladon/ladon.h"

#include <stdbool.h>
#include <stdint.h>

enum { MAX_RANK = 4, MAX_TENSORS = 28 };

/** Where a tensor's bytes lie. */
typedef enum {
  /** The last byte is the last of a page; the next page faults. */
  FLUSH_END,
  /** The first byte is the first of a page; the page before faults. */
  FLUSH_START,
  /** Ordinary memory of exactly the right size. */
  FROM_MALLOC
} Placement;

/** What the strides of a tensor are. */
typedef enum {
  /** Row-major. */
  DENSE,
  /** Positions outermost, then batch and heads: views of packed inputs. */
  POSITION_MAJOR,
  /** Row-major with every second element unused. */
  SPACED,
  /** Stride 0 along every axis of an input: one element for all. */
  CONSTANT,
  /** Stride 0 along the first axis of an input. */
  SHARED_BATCH
} Layout;

/** A tensor and the memory that it lies in. */
typedef struct {
  DLTensor tensor;
  int64_t shape[MAX_RANK], strides[MAX_RANK];
  /** Bytes from the first to the last element. */
  size_t span;
  /** What to give back: a mapping, or what malloc returned. */
  void *memory;
  size_t mapped;
} Tensor;

/** A library and its entry. */
typedef struct {
  const char *name;
  void *handle;
  void (*entry)(void);
  const char *(*lastError)(void);
} Library;

/** Opens DIRECTORY/libNAME.so; ends the program if that fails. */
Library openLibrary(const char *directory, const char *name);

/** Calls the entry with `count` tensors. */
int32_t callLibrary(const Library *library, Tensor *const *tensors, int count,
                    const ladon_options *options);

/** A tensor of zero bits whose gaps hold a pattern. `type` is 'f' for f32, 'i'
 *  for i32 and 'b' for bool. */
Tensor makeTensor(char type, int rank, const int64_t *shape, Layout layout,
                  Placement placement);
void freeTensor(Tensor *tensor);

/** The element at an index of four numbers, of which the first rank count. */
void *element(const Tensor *tensor, int64_t a, int64_t b, int64_t c, int64_t d);
float *f32(const Tensor *tensor, int64_t a, int64_t b, int64_t c, int64_t d);

/** Fills with floats in [-1, 1), the same ones for the same seed whatever the
 *  strides are. */
void fillRandom(Tensor *tensor, uint64_t seed);

/** Whether the gaps between the elements still hold the pattern. */
bool gapsIntact(const Tensor *tensor);

/** Whether two tensors of one shape have the same bits. */
bool sameBits(const Tensor *x, const Tensor *y);

/** Counts a check; prints it if it failed. */
void check(bool passed, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Prints 'N passed, N failed' and returns the exit code. */
int finish(void);

/** Which keys a query sees, in a reference. */
typedef bool (*Visible)(int64_t query, int64_t key, int64_t queries,
                        int64_t keys);
bool seesAll(int64_t query, int64_t key, int64_t queries, int64_t keys);
bool seesCausal(int64_t query, int64_t key, int64_t queries, int64_t keys);

/** One row of attention in double precision, from plain loops. Returns the
 *  logarithm of the sum of exponentials; `out` gets the row. */
double referenceRow(const Tensor *q, const Tensor *k, const Tensor *v,
                    int64_t batch, int64_t head, int64_t query, Visible visible,
                    double *out);

/** The largest difference between `out` and the reference; infinity when one
 *  of them is NaN. */
double largestError(const Tensor *q, const Tensor *k, const Tensor *v,
                    const Tensor *out, Visible visible);

#endif
