//===- LinearForm.cpp - Integers as sums of atoms -------------------------===//
//
// Sums, multiples and bounds of linear forms.
//
//===----------------------------------------------------------------------===//

#include "compiler/analysis/LinearForm.h"

#include <numeric>

namespace ladon::analysis {

bool LinearForm::onSolved() const {
  return llvm::any_of(terms, [](auto &t) { return t.first->onSolved; });
}

bool LinearForm::onFixed() const {
  return llvm::any_of(terms, [](auto &t) { return t.first->onFixed; });
}

IntegerRange LinearForm::range() const {
  constexpr Wide unbounded = Wide(1) << 100;
  if (overflowed)
    return {-unbounded, unbounded};
  IntegerRange r{constant, constant};
  for (auto [atom, coefficient] : terms)
    r = r + atom->range * IntegerRange{coefficient, coefficient};
  return r;
}

bool LinearForm::isWithin(int64_t limit) const {
  if (overflowed)
    return false;
  auto point = [](Wide w) { return IntegerRange{w, w}; };
  Wide sum = abs(point(constant)).max;
  for (auto [atom, coefficient] : terms)
    sum += abs(atom->range * point(coefficient)).max;
  return sum <= limit;
}

LinearForm add(const LinearForm &a, const LinearForm &b, int64_t factor) {
  LinearForm r = a;
  int64_t product;
  auto accumulate = [&](int64_t &into, int64_t value) {
    r.overflowed |= __builtin_mul_overflow(value, factor, &product) ||
                    __builtin_add_overflow(into, product, &into);
  };
  r.overflowed |= b.overflowed;
  accumulate(r.constant, b.constant);
  for (const auto &term : b.terms) {
    const Atom *atom = term.first;
    auto *it = llvm::find_if(r.terms,
                             [&](auto &t) { return t.first->id >= atom->id; });
    if (it == r.terms.end() || it->first != atom)
      it = r.terms.insert(it, {atom, 0});
    accumulate(it->second, term.second);
  }
  llvm::erase_if(r.terms, [](auto &t) { return t.second == 0; });
  r.overflowed |= llvm::any_of(r.terms, [](auto &t) {
    return t.second > kCoefficients || t.second < -kCoefficients;
  });
  for (const Obligation *o : b.obligations)
    if (!llvm::is_contained(r.obligations, o))
      r.obligations.push_back(o);
  r.overflowed |= r.terms.size() + r.obligations.size() > kTerms;
  return r;
}

bool sameForm(const LinearForm &a, const LinearForm &b) {
  return !a.overflowed && !b.overflowed && a.constant == b.constant &&
         a.terms == b.terms;
}

int64_t commonFactor(const LinearForm &a, int64_t of) {
  for (auto [atom, coefficient] : a.terms)
    of = std::gcd(of, coefficient);
  return of;
}

} // namespace ladon::analysis
