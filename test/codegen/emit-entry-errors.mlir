// RUN: ladon-opt %s --cpu-emit-entry --split-input-file --verify-diagnostics

// expected-error@+1 {{'func.func' op expected results as arguments; run attn-bufferize before}}
func.func @result(%x: memref<4xf32>) -> f32 {
  %c0 = arith.constant 0 : index
  %y = memref.load %x[%c0] : memref<4xf32>
  return %y : f32
}

// -----

// expected-error@+1 {{'func.func' op expected memrefs and scalars, found 'tensor<4xf32>' as argument 1}}
func.func @tensor(%x: memref<4xf32>, %y: tensor<4xf32>) {
  return
}

// -----

// expected-error@+1 {{'cpu.argument' op expected at most 64 axes, found 65}}
func.func @rank(%x: memref<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>) {
  return
}

// -----

func.func @alignment(%n: index) {
  // expected-error@+1 {{'memref.alloc' op expected an alignment of at most 64, found 128}}
  %a = memref.alloc(%n) {alignment = 128 : i64} : memref<?xf32>
  return
}

// -----

// expected-error@+1 {{'func.func' op expected no other function named 'twice.run'}}
func.func @twice() {
  return
}
func.func private @twice.run()
