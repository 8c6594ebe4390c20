/*===- formulas.c - Sizes that are computed from others -------------------===*/

#include "formulas.h"

#include <string.h>

/** A size that is computed from others is a symbol whose name is the text of
 *  its formula, such as "(S + 15) // 16". */
typedef struct formula {
  const ladon_program *program;
  const int64_t *symbols;
  const char *at;
  bool good; /* no step has overflowed */
} formula;

static int64_t formula_sum(formula *f);

static bool take(formula *f, const char *token) {
  while (*f->at == ' ')
    ++f->at;
  size_t length = strlen(token);
  if (strncmp(f->at, token, length) != 0)
    return false;
  f->at += length;
  return true;
}

static int64_t formula_operand(formula *f) {
  int64_t value = 0;
  if (take(f, "(")) {
    value = formula_sum(f);
    f->good &= take(f, ")");
    return value;
  }
  while (*f->at == ' ')
    ++f->at;
  if (*f->at >= '0' && *f->at <= '9') {
    for (; *f->at >= '0' && *f->at <= '9'; ++f->at)
      f->good &= !__builtin_mul_overflow(value, 10, &value) &&
                 !__builtin_add_overflow(value, *f->at - '0', &value);
    return value;
  }
  size_t length = strcspn(f->at, " +-*/()");
  for (int32_t i = 0; i < f->program->num_symbols; ++i) {
    const char *name = f->program->symbols[i];
    if (strlen(name) == length && strncmp(name, f->at, length) == 0) {
      f->at += length;
      return f->symbols[i];
    }
  }
  f->good = false;
  return 0;
}

static int64_t formula_product(formula *f) {
  int64_t value = formula_operand(f);
  while (f->good) {
    if (take(f, "//")) {
      int64_t divisor = formula_operand(f);
      if (divisor < 1)
        f->good = false;
      else
        value = value / divisor - (value % divisor < 0);
    } else if (take(f, "*")) {
      f->good &= !__builtin_mul_overflow(value, formula_operand(f), &value);
    } else {
      break;
    }
  }
  return value;
}

static int64_t formula_sum(formula *f) {
  int64_t value = 0;
  bool negative = take(f, "-");
  do {
    int64_t term = formula_product(f);
    f->good &= negative ? !__builtin_sub_overflow(value, term, &value)
                        : !__builtin_add_overflow(value, term, &value);
    negative = take(f, "-");
  } while (f->good && (negative || take(f, "+")));
  return value;
}

bool ladon_evaluate_size(const ladon_program *program, const int64_t *symbols,
                         const char *text, int64_t *value) {
  formula f = {program, symbols, text, true};
  *value = formula_sum(&f);
  return f.good;
}

bool ladon_check_formulas(ladon_ctx *ctx, const int64_t *symbols) {
  const ladon_program *program = ctx->program;
  const int64_t *bound_by = symbols + program->num_symbols;
  for (int32_t i = 0; i < program->num_symbols; ++i) {
    const char *text = program->symbols[i];
    if (!text[strcspn(text, " +-*/()")])
      continue;
    int64_t value;
    bool good = ladon_evaluate_size(program, symbols, text, &value);
    if (good && value == symbols[i])
      continue;
    const ladon_param_info *info = &program->params[bound_by[i]];
    int32_t axis = 0;
    while (info->dims[axis] != -1 - (int64_t)i)
      ++axis;
    if (!good)
      return ladon_fail(ctx, LADON_SYMBOL_MISMATCH,
                        "%s: the value of %s on axis %d overflows 64 bits",
                        info->name, text, axis);
    return ladon_fail(ctx, LADON_SYMBOL_MISMATCH,
                      "%s: expected %s = %lld on axis %d, found %lld",
                      info->name, text, (long long)value, axis,
                      (long long)symbols[i]);
  }
  return true;
}
