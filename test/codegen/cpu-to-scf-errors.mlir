// RUN: ladon-opt %s --cpu-to-scf --split-input-file --verify-diagnostics

func.func @argument() {
  // expected-error@+1 {{'cpu.argument' op expected arguments of the function; what cpu-emit-entry makes needs Ladon's runtime}}
  %x = cpu.argument 0 : memref<?xf32>
  return
}

// -----

func.func @lowered(%n: index) {
  // expected-error@+1 {{'cpu.launch' op expected a task with a body in the dialect func}}
  cpu.launch @task[%n] scratch 0 ()
  return
}
llvm.func @task(%i: i64, %scratch: !llvm.ptr) {
  llvm.return
}

// -----

func.func @declared(%n: index) {
  // expected-error@+1 {{'cpu.launch' op expected a task with a body in the dialect func}}
  cpu.launch @task[%n] scratch 0 ()
  return
}
func.func private @task(index, memref<0xi8>)
