// RUN: ladon-opt %s --cpu-lower-index-checks --verify-diagnostics

func.func @tensors(%B: index, %x: tensor<?xi32>) {
  // expected-error@+1 {{expected buffers; run attn-bufferize before}}
  attn.check_indices over(%B, %B, %B, %B) captures(%x : tensor<?xi32>) {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<?xi32>):
  }
  return
}
