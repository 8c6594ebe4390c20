//===- InterpreterTrial.cpp - One comparison without a reference ----------===//

#include "compiler/driver/check/InterpreterTrial.h"

#include "compiler/driver/host/InterpreterCall.h"
#include "compiler/support/SizeExpr.h"
#include "dialects/attn/Attn.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace ladon;

//===--- What is under test ----------------------------------------------===//

ast::Attention ladon::describeParameters(const artifact::ProgramSpec &program) {
  ast::Attention attention;
  attention.name = program.name;
  for (const artifact::ParamSpec &param : program.params) {
    ast::Type type;
    type.element = param.element;
    if (param.kind != artifact::ParamKind::Scalar) {
      type.dims.emplace();
      for (const artifact::DimSpec &dim : param.dims)
        type.dims->push_back(
            {dim.size, dim.size >= 0 ? "" : program.symbols[dim.symbol]});
    }
    if (param.kind == artifact::ParamKind::Output)
      attention.results.push_back({param.name, type, nullptr, {}});
    else {
      attention.params.push_back(std::make_unique<ast::Param>());
      ast::Param &described = *attention.params.back();
      described.name = param.name;
      described.type = type;
      described.isInout = param.kind == artifact::ParamKind::InOut;
    }
  }
  auto nameOf = [&](unsigned param) { return program.params[param].name; };
  auto size = [](const std::string &text) {
    std::optional<int64_t> known = SizeExpr::parse(text)->asConstant();
    return known ? ast::Dim{*known, ""} : ast::Dim{-1, text};
  };
  for (const std::unique_ptr<ast::Param> &param : attention.params) {
    for (const artifact::BoundSpec &bound : program.bounds)
      if (nameOf(bound.param) == param->name)
        param->most.push_back(bound.most);
    for (const artifact::WrittenPagesSpec &pages : program.writtenPages)
      if (nameOf(pages.table) == param->name)
        param->writes.push_back({nameOf(pages.at), size(pages.count),
                                 pages.pageSize, size(pages.pool)});
  }
  return attention;
}

std::vector<InputRole> ladon::inputRoles(mlir::func::FuncOp function) {
  std::vector<InputRole> roles(function.getNumArguments(), InputRole::Plain);
  auto mark = [&](mlir::Value value, InputRole role) {
    while (auto split = value.getDefiningOp<attn::SplitHeadsOp>())
      value = split.getSource();
    auto argument = mlir::dyn_cast<mlir::BlockArgument>(value);
    if (argument && roles[argument.getArgNumber()] == InputRole::Plain)
      roles[argument.getArgNumber()] = role;
  };
  function.walk([&](attn::AttendOp op) {
    mark(op.getQuery(), InputRole::Query);
    mark(op.getKey(), InputRole::Key);
    mark(op.getValue(), InputRole::Value);
    if (op.getPages())
      mark(op.getPages(), InputRole::Pages);
  });
  function.walk([&](attn::AppendOp op) {
    if (op.getPages())
      mark(op.getPages(), InputRole::Pages);
  });
  function.walk([&](mlir::linalg::ContractOp op) {
    mark(op.getInputs()[1], InputRole::Weight);
  });
  return roles;
}

//===--- The comparison --------------------------------------------------===//

static GateReport compare(const HostTensor &expected,
                          const HostTensor &actual) {
  constexpr double factor = 4096;
  double largest = 0;
  forEachPosition(expected.shape, [&](llvm::ArrayRef<int64_t> position) {
    double value = std::fabs(expected.getFloat(position));
    if (std::isfinite(value))
      largest = std::max(largest, value);
  });
  double allowed = factor * gateBounds(expected.element).roundoff * largest;
  GateReport report;
  forEachPosition(expected.shape, [&](llvm::ArrayRef<int64_t> position) {
    ++report.elements;
    double want = expected.getFloat(position), got = actual.getFloat(position);
    bool same = std::isnan(want) ? std::isnan(got) : want == got;
    if (same)
      return;
    double off = std::fabs(got - want);
    if (largest > 0 && std::isfinite(off))
      report.error = std::max(report.error, off / largest);
    if (off <= allowed || !report.passed)
      return;
    report.passed = false;
    llvm::raw_string_ostream os(report.problem);
    os << "element [";
    llvm::interleaveComma(position, os);
    os << llvm::format("]: expected %.9g, found %.9g", want, got);
  });
  report.bound = factor * gateBounds(expected.element).roundoff;
  return report;
}

llvm::Expected<TrialReport>
ladon::runInterpreterTrial(const InterpretedProgram &program,
                           ProgramFn compiled, const Trial &trial) {
  const ast::Attention &attention = program.attention;
  auto inputs = generateInputs(attention, program.roles, inputOptions(trial));
  if (!inputs)
    return inputs.takeError();
  auto bindings = bindInputs(attention, *inputs);
  if (!bindings)
    return bindings.takeError();
  std::vector<Extents> shapes;
  std::vector<HostTensor> expected, arguments = *inputs;
  std::vector<HostTensor> caches = copyCaches(attention, arguments);
  for (const ast::Result &result : attention.results) {
    shapes.push_back(bindings->shape(result.type));
    expected.push_back(HostTensor::zeros(result.type.element, shapes.back()));
    arguments.push_back(expected.back());
  }
  mlir::func::FuncOp function = program.tileFunction;
  if (llvm::Error error =
          interpret(function, interpreterArguments(function, arguments)))
    return std::move(error);
  auto outputs = runGuarded(attention, compiled, *inputs, shapes, trial.views);
  if (!outputs)
    return outputs.takeError();
  TrialReport report;
  llvm::append_range(expected, caches);
  report.names = attention.writtenNames();
  for (size_t index = 0; index < expected.size(); ++index) {
    report.results.push_back(compare(expected[index], (*outputs)[index]));
  }
  return report;
}
