// RUN: ladon-opt %s --attn-bufferize --split-input-file --verify-diagnostics

// expected-error@+1 {{expected ranked tensors as results, found 'f32'}}
func.func @scalar_result(%x: f32) -> f32 {
  return %x : f32
}

// -----

// expected-error@+1 {{expected ranked tensors, found 'tensor<*xf32>'}}
func.func @unranked(%x: tensor<*xf32>) {
  return
}

// -----

// expected-error@+1 {{expected one block, found 2}}
func.func @two_blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<4xf32>
}

// -----

func.func private @external(tensor<4xf32>) -> tensor<4xf32>

func.func @unknown_operation(%x: tensor<?x?x8xf32>) -> tensor<?x2x?x4xf32> {
  // expected-error@+1 {{op was not bufferized}}
  %s = attn.split_heads %x heads 2 : tensor<?x?x8xf32> -> tensor<?x2x?x4xf32>
  return %s : tensor<?x2x?x4xf32>
}
