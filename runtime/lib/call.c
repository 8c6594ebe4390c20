/*===- call.c - The failure of a call -------------------------------------===*/

#include "call.h"

#include <stdarg.h>
#include <stdio.h>

bool ladon_fail(ladon_ctx *ctx, int32_t status, const char *format, ...) {
  pthread_mutex_lock(&ctx->mutex);
  if (ctx->report.status == LADON_OK) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ctx->report.text, sizeof ctx->report.text, format, arguments);
    va_end(arguments);
    ctx->report.status = status;
    atomic_store(&ctx->failed, true);
  }
  pthread_mutex_unlock(&ctx->mutex);
  return false;
}
