/*===- remote.h - A call as a file ----------------------------------------===*\
 *
 * How the driver has a library for another machine called: it writes this file,
 * starts ladon-call there, and reads what has become of the tensors. One
 * ladon_remote_call, its arguments, and the memory of the tensors.
 *
\*===----------------------------------------------------------------------===*/

#ifndef LADON_RUNTIME_REMOTE_H
#define LADON_RUNTIME_REMOTE_H

#include <stdint.h>

#define LADON_REMOTE_RANK 8

typedef struct ladon_remote_call {
  int32_t num_arguments;
  int32_t threads;        /**< ladon_options.threads */
  int32_t status;         /**< out: a ladon_status; -1 before the call */
  uint32_t check_indices; /**< ladon_options.check_indices */
  char message[1008];     /**< out: the sentence for it */
} ladon_remote_call;

/** A tensor, or a single value. */
typedef struct ladon_remote_argument {
  int32_t rank; /**< -1 for a single value */
  int32_t code; /**< DLPack's type code and bits */
  int32_t bits;
  int32_t unused;
  int64_t data; /**< where element zero is in the file; the value itself,
                     widened to 64 bits if an integer */
  int64_t shape[LADON_REMOTE_RANK], strides[LADON_REMOTE_RANK];
} ladon_remote_argument;

#endif /* LADON_RUNTIME_REMOTE_H */
