// A compiler in a program: parses a function in LLVM's text form, optimizes it as -O2 does, compiles it for x86-64 to an object
// in memory, and looks there for the two instructions that are left of it.
#include <cstdio>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <optional>
#include <memory>
#include <string>

static const char text[] =
    "define i32 @answer() {\n  %place = alloca i32\n  store i32 40, ptr %place\n  %old = load i32, ptr %place\n"
    "  %sum = add i32 %old, 2\n  ret i32 %sum\n}\n";

static void optimize(llvm::Module &module, llvm::TargetMachine *machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

int main() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser();
  llvm::LLVMContext context;
  llvm::SMDiagnostic mistake;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, mistake, context);
  if (!module) return mistake.print("llvm.cc", llvm::errs()), 1;
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, "generic", "", llvm::TargetOptions(), std::nullopt));
  module->setTargetTriple(triple);
  module->setDataLayout(machine->createDataLayout());
  optimize(*module, machine.get());
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) return 2;
  passes.run(*module);
  const char code[] = {'\xb8', 42, 0, 0, 0, '\xc3'};
  bool found = llvm::StringRef(object.data(), object.size()).contains(llvm::StringRef(code, sizeof code));
  std::printf("%s %s\n", llvm::StringRef(object.data(), 4) == "\x7f" "ELF" ? "ELF" : "?", found ? "mov $42, %eax; ret" : "?");
  std::fprintf(stderr, "%zu bytes\n", object.size());
}
