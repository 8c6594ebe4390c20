//===- EntryPoint.cpp - The exported functions of a library ---------------===//
//
// Writes the structures of runtime/lib/kernel_abi.h as LLVM constants, and the
// function of the C ABI that hands them and its arguments to the runtime.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/artifact/Artifact.h"

#include "dialects/attn/Limits.h"
#include "kernel_abi.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"

using namespace llvm;
using namespace ladon::artifact;

static_assert(LADON_MAX_EXTENT == ladon::kPositionLimit - 1,
              "the entry checks enforce what the compiler relies on");

namespace {

/// What a scalar of this type is passed as.
Type *scalarType(LLVMContext &context, ElementType type) {
  if (!ladon::isFloat(type))
    return Type::getIntNTy(context, 8 * ladon::byteSize(type));
  return Type::getFloatingPointTy(context, *ladon::infoOf(type).format);
}

/// Builds the tables and functions of one program in one module.
class EntryPointWriter {
public:
  EntryPointWriter(Module &module, const ProgramSpec &spec)
      : module(module), spec(spec), context(module.getContext()),
        ptr(PointerType::getUnqual(context)), i32(Type::getInt32Ty(context)),
        i64(Type::getInt64Ty(context)) {}

  Error build();

private:
  Constant *string(StringRef text);
  Constant *array(Type *element, ArrayRef<Constant *> values);
  Constant *global(Constant *value, const Twine &name);
  Constant *paramInfo(const ParamSpec &param);
  Constant *better();
  Constant *bounds();
  Constant *writtenPages();
  Constant *program(Function *run);
  Function *exported(FunctionType *type, const Twine &name);
  void buildEntry(Constant *program);
  void buildLastError();

  Module &module;
  const ProgramSpec &spec;
  LLVMContext &context;
  PointerType *ptr;
  Type *i32, *i64;
};

} // namespace

//===--- Tables -----------------------------------------------------------===//

Constant *EntryPointWriter::global(Constant *value, const Twine &name) {
  auto *variable = new GlobalVariable(module, value->getType(), true,
                                      GlobalValue::PrivateLinkage, value, name);
  variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return variable;
}

Constant *EntryPointWriter::string(StringRef text) {
  return global(ConstantDataArray::getString(context, text), "ladon.str");
}

/// A pointer to a constant array; null for an empty one.
Constant *EntryPointWriter::array(Type *element, ArrayRef<Constant *> values) {
  if (values.empty())
    return ConstantPointerNull::get(ptr);
  return global(
      ConstantArray::get(ArrayType::get(element, values.size()), values),
      "ladon.table");
}

Constant *EntryPointWriter::paramInfo(const ParamSpec &param) {
  bool scalar = param.kind == ParamKind::Scalar;
  int32_t kind = scalar                            ? LADON_KIND_SCALAR
                 : param.kind == ParamKind::Output ? LADON_KIND_OUTPUT
                 : param.kind == ParamKind::InOut  ? LADON_KIND_INOUT
                                                   : LADON_KIND_INPUT;
  SmallVector<Constant *> dims, axes;
  bool named = false;
  std::vector<StringRef> words = axisWords(param);
  for (auto [dim, word] : zip_equal(param.dims, words)) {
    int64_t value = dim.size >= 0 ? dim.size : -1 - int64_t(dim.symbol);
    dims.push_back(ConstantInt::getSigned(i64, value));
    named |= !word.empty();
    axes.push_back(word.empty() ? ConstantPointerNull::get(ptr) : string(word));
  }
  if (!named)
    axes.clear();
  auto number = [&](int64_t value) {
    return ConstantInt::getSigned(i32, value);
  };
  return ConstantStruct::getAnon(
      {string(param.name), number(kind),
       number(ladon::infoOf(param.element).dlpackCode),
       number(int64_t(8) * ladon::byteSize(param.element)),
       number(int64_t(param.dims.size())), array(i64, dims), array(ptr, axes)});
}

/// The code of higher levels, which other modules define.
Constant *EntryPointWriter::better() {
  if (spec.levels.empty())
    return ConstantPointerNull::get(ptr);
  SmallVector<Constant *> levels;
  auto add = [&](int cpuLevel, Constant *run) {
    levels.push_back(
        ConstantStruct::getAnon({ConstantInt::getSigned(i32, cpuLevel), run}));
  };
  for (const LevelSpec &level : reverse(drop_begin(spec.levels))) {
    auto *run = Function::Create(
        FunctionType::get(Type::getVoidTy(context), {ptr, ptr}, false),
        GlobalValue::ExternalLinkage,
        spec.name + ".run" + symbolSuffix(level.name), module);
    run->setVisibility(GlobalValue::HiddenVisibility);
    add(level.cpuLevel, run);
  }
  add(0, ConstantPointerNull::get(ptr));
  return array(levels.front()->getType(), levels);
}

/// Closed by a row without a text.
Constant *EntryPointWriter::bounds() {
  if (spec.bounds.empty())
    return ConstantPointerNull::get(ptr);
  SmallVector<Constant *> rows;
  for (const BoundSpec &bound : spec.bounds)
    rows.push_back(ConstantStruct::getAnon(
        {string(bound.most), ConstantInt::get(i32, bound.param)}));
  rows.push_back(Constant::getNullValue(rows.front()->getType()));
  return array(rows.front()->getType(), rows);
}

/// Likewise.
Constant *EntryPointWriter::writtenPages() {
  if (spec.writtenPages.empty())
    return ConstantPointerNull::get(ptr);
  SmallVector<Constant *> rows;
  for (const WrittenPagesSpec &pages : spec.writtenPages)
    rows.push_back(ConstantStruct::getAnon(
        {string(pages.count), string(pages.pool),
         ConstantInt::get(i64, pages.pageSize),
         ConstantInt::get(i32, pages.table), ConstantInt::get(i32, pages.at)}));
  rows.push_back(Constant::getNullValue(rows.front()->getType()));
  return array(rows.front()->getType(), rows);
}

Constant *EntryPointWriter::program(Function *run) {
  SmallVector<Constant *> params, symbols, limits;
  for (const ParamSpec &param : spec.params)
    params.push_back(paramInfo(param));
  for (const std::string &symbol : spec.symbols)
    symbols.push_back(string(symbol));
  if (!spec.limits.empty())
    limits.assign(symbols.size(), ConstantInt::get(i64, LADON_MAX_EXTENT));
  for (auto [symbol, most] : spec.limits)
    limits[symbol] = ConstantInt::get(i64, most);
  Type *paramType = StructType::get(ptr, i32, i32, i32, i32, ptr, ptr);
  auto number = [&](int64_t value) {
    return ConstantInt::getSigned(i32, value);
  };
  return global(
      ConstantStruct::getAnon(
          {string(spec.name), number(int64_t(params.size())),
           array(paramType, params), number(int64_t(symbols.size())),
           array(ptr, symbols), number(spec.cpuLevel), run, number(spec.device),
           ConstantInt::getSigned(i64, spec.maxSpan), array(i64, limits),
           better(), bounds(), writtenPages()}),
      "ladon.program");
}

//===--- Functions --------------------------------------------------------===//

Function *EntryPointWriter::exported(FunctionType *type, const Twine &name) {
  Function *function =
      Function::Create(type, GlobalValue::ExternalLinkage, name, module);
  function->setDSOLocal(true);
  function->addFnAttr(Attribute::NoUnwind);
  function->addFnAttr("target-cpu", spec.baselineCpu);
  function->addFnAttr("target-features", "");
  return function;
}

void EntryPointWriter::buildEntry(Constant *program) {
  SmallVector<Type *> types;
  for (const ParamSpec &param : spec.params)
    types.push_back(param.kind == ParamKind::Scalar
                        ? scalarType(context, param.element)
                        : ptr);
  types.push_back(ptr);
  Function *entry = exported(FunctionType::get(i32, types, false), spec.name);
  IRBuilder<> builder(BasicBlock::Create(context, "entry", entry));

  Type *tableType = ArrayType::get(ptr, spec.params.size());
  Value *table = builder.CreateAlloca(tableType, nullptr, "args");
  for (auto [index, param] : enumerate(spec.params)) {
    Argument *argument = entry->getArg(index);
    argument->setName(param.name);
    Value *value = argument;
    if (param.kind == ParamKind::Scalar) {
      if (param.element == ElementType::Bool)
        argument->addAttr(Attribute::ZExt);
      value = builder.CreateAlloca(argument->getType(), nullptr);
      builder.CreateStore(argument, value);
    }
    builder.CreateStore(
        value, builder.CreateConstInBoundsGEP2_64(tableType, table, 0, index));
  }
  Value *options = entry->getArg(spec.params.size());
  FunctionCallee enter = module.getOrInsertFunction(
      "ladon_rt_enter", FunctionType::get(i32, {ptr, ptr, ptr}, false));
  builder.CreateRet(builder.CreateCall(enter, {program, table, options}));
}

void EntryPointWriter::buildLastError() {
  auto *type = FunctionType::get(ptr, false);
  Function *function = exported(type, spec.name + "_last_error");
  IRBuilder<> builder(BasicBlock::Create(context, "entry", function));
  builder.CreateRet(builder.CreateCall(
      module.getOrInsertFunction("ladon_rt_last_error", type)));
}

Error EntryPointWriter::build() {
  std::string name = spec.name + ".run";
  if (!spec.levels.empty())
    name += symbolSuffix(spec.levels.front().name);
  Function *run = module.getFunction(name);
  if (!run || run->isDeclaration())
    return createStringError("the module does not define @%s", name.c_str());
  if (module.getNamedValue(spec.name) ||
      module.getNamedValue(spec.name + "_last_error"))
    return createStringError("the module already has a symbol named %s",
                             spec.name.c_str());
  run->setLinkage(GlobalValue::InternalLinkage);
  buildEntry(program(run));
  buildLastError();
  std::string problem;
  raw_string_ostream stream(problem);
  if (verifyModule(module, &stream))
    return createStringError("the module is malformed: " + problem);
  return Error::success();
}

std::string ladon::artifact::symbolSuffix(StringRef level) {
  return ("." + level).str();
}

Error ladon::artifact::addEntryPoint(Module &module, const ProgramSpec &spec) {
  return EntryPointWriter(module, spec).build();
}
