//===- LinearForm.cpp - Integers as sums of atoms -------------------------===//
//
// Sums, multiples, bounds and residue classes of linear forms.
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
  auto size = [](Wide w) { return w < 0 ? -w : w; };
  Wide sum = size(constant);
  for (auto [atom, coefficient] : terms)
    sum += size(coefficient) *
           std::max(size(atom->range.min), size(atom->range.max));
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

Congruence congruence(const LinearForm &a) {
  Congruence r{0, a.constant};
  for (auto [atom, coefficient] : a.terms) {
    // The atom is residue modulo modulus; every integer is 0 modulo 1.
    Congruence c{1, 0};
    if (atom->kind == Atom::Kind::FloorMod && atom->args[1].isConstant()) {
      Congruence inner = congruence(atom->args[0]);
      c.modulus = std::gcd(inner.modulus, atom->args[1].constant);
      c.residue = inner.residue;
    }
    int64_t m, s;
    if (__builtin_mul_overflow(c.modulus, coefficient, &m) ||
        __builtin_mul_overflow(c.residue, coefficient, &s) ||
        __builtin_add_overflow(r.residue, s, &r.residue))
      return {1, 0};
    r.modulus = std::gcd(r.modulus, m);
  }
  if (r.modulus > 0)
    r.residue = (r.residue % r.modulus + r.modulus) % r.modulus;
  return r;
}

} // namespace ladon::analysis
