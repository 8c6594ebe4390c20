// RUN: ladon-opt %s --cpu-to-llvm --split-input-file --verify-diagnostics

func.func @not_lowered(%context: !llvm.ptr, %arguments: !llvm.ptr) {
  // expected-error@+1 {{'cpu.alloc' op expected an entry function around it; run cpu-emit-entry and convert-func-to-llvm before}}
  %a = cpu.alloc() : memref<4xf32>
  return
}

// -----

llvm.func @no_entry(%context: !llvm.ptr) {
  // expected-error@+1 {{'cpu.argument' op expected an entry function around it; run cpu-emit-entry and convert-func-to-llvm before}}
  %a = cpu.argument 0 : f32
  llvm.return
}

// -----

// A task runs on any thread and has no call to ask.
llvm.func @task(%context: !llvm.ptr, %arguments: !llvm.ptr) attributes {sym_visibility = "private"} {
  // expected-error@+1 {{'cpu.try_alloc' op expected an entry function around it; run cpu-emit-entry and convert-func-to-llvm before}}
  %a, %granted = cpu.try_alloc() : memref<4xf32>
  llvm.return
}

// -----

llvm.func @entry(%context: !llvm.ptr, %arguments: !llvm.ptr) {
  %n = cpu.argument 0 : index
  // expected-error@+1 {{'cpu.launch' op expected a task and captures that are lowered to LLVM}}
  cpu.launch @task[%n] scratch 0 ()
  llvm.return
}
func.func private @task(index, memref<0xi8>)
