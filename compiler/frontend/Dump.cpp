//===- Dump.cpp - Prints the checked tree ---------------------------------===//

#include "compiler/frontend/Builtins.h"
#include "compiler/frontend/Fold.h"
#include "compiler/frontend/Frontend.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace ladon;
using namespace ladon::ast;
using Kind = ast::Expr::Kind;

namespace {

class Dumper {
public:
  explicit Dumper(llvm::raw_ostream &os) : os(os) {}

  void dump(const Attention &attention) {
    line(0) << "attention " << attention.name << '\n';
    for (const auto &param : attention.params)
      line(1) << (param->isInout ? "inout " : "param ") << param->name << ": "
              << param->type.str() << '\n';
    for (const auto &let : attention.lets) {
      line(1) << "let " << let->name << ": " << let->value->type.str() << '\n';
      dump(let->value, 2);
    }
    for (const Result &result : attention.results) {
      line(1) << "result " << result.name << ": " << result.type.str() << '\n';
      dump(result.value, 2);
    }
  }

private:
  llvm::raw_ostream &line(unsigned depth) { return os.indent(2 * depth); }

  std::string label(const Expr *expr) {
    switch (expr->kind) {
    case Kind::IntLit:
      return "int " + std::to_string(expr->intValue);
    case Kind::FloatLit:
      return "float " + numberText(expr->floatValue);
    case Kind::BoolLit:
      return expr->intValue ? "true" : "false";
    case Kind::Name:
      return (expr->param      ? "param "
              : expr->let      ? "let "
              : expr->indexVar ? "position "
              : expr->isOffset ? ""
                               : "size ") +
             expr->name;
    case Kind::Unary:
      return "unary " + spelling(expr->unaryOp).str();
    case Kind::Binary:
      return "binary " + spelling(expr->binaryOp).str();
    case Kind::If:
      return "if";
    case Kind::Call:
      return "call " + expr->name;
    case Kind::Mask:
      return "mask " + maskFormName(expr->maskForm).str();
    case Kind::Index:
      return "index";
    case Kind::Member:
      return "member " + expr->name;
    case Kind::Attend:
      return "attend scale=" + numberText(expr->attend->scaleValue) +
             (expr->attend->keptHeads.empty() ? "" : " keep=") +
             llvm::join(llvm::map_range(
                            expr->attend->keptHeads,
                            [](int64_t head) { return std::to_string(head); }),
                        ",");
    case Kind::Split:
      return "split heads=" + std::to_string(expr->headCount);
    case Kind::Concat:
      return "concat";
    case Kind::Transpose:
      return "transpose " + std::to_string(expr->intValue) + " " +
             std::to_string(expr->other);
    case Kind::Slice:
      return "slice axis=" + std::to_string(expr->intValue) +
             " from=" + std::to_string(expr->other);
    case Kind::Repeat:
      return "repeat";
    case Kind::Along:
      return spelling(expr->reduction).str() +
             " axis=" + std::to_string(expr->intValue);
    case Kind::Join:
      return "concat axis=" + std::to_string(expr->intValue);
    case Kind::Append:
      return "append axis=" + std::to_string(expr->intValue);
    case Kind::Iota:
      return "iota";
    case Kind::Reduce:
      return "reduce " + expr->name + " over " + expr->variable->name;
    case Kind::Rotate:
      return expr->intValue ? "rotate neighbours" : "rotate halves";
    }
    return "";
  }

  void dump(const Expr *expr, unsigned depth) {
    line(depth) << label(expr) << ": " << expr->type.str() << '\n';
    for (const Expr *arg : expr->args)
      dump(arg, depth + 1);
    // What a block names stands below its first mention.
    if (expr->let && !expr->type.isTensor() && locals.insert(expr->let).second)
      dump(expr->let->value, depth + 1);
    if (expr->kind != Kind::Attend)
      return;
    const AttendArgs &attend = *expr->attend;
    const std::pair<llvm::StringRef, const Expr *> parts[] = {
#define ATTEND_ARGUMENT(name, use) {#name, attend.name},
#include "compiler/frontend/Builtins.def"
    };
    for (auto [name, part] : parts)
      if (part && name != "scale") { // Its value is in the label.
        line(depth + 1) << name << '\n';
        dump(part, depth + 2);
      }
  }

  llvm::raw_ostream &os;
  llvm::DenseSet<const Let *> locals;
};

} // namespace

void ladon::dumpAST(const Attention &attention, llvm::raw_ostream &os) {
  Dumper(os).dump(attention);
}
