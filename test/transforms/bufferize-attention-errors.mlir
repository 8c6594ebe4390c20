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

// -----

!cache = tensor<?x?x64xf32>

func.func @not_inout(%k: !cache, %at: i32, %cache: !cache {attn.param = #attn.param<input cache: f32[B, C, 64]>})
    -> !cache {
  // expected-error@+1 {{cannot append in place: the cache is no argument of the kind inout, or something else reads it}}
  %keys = attn.append %k at %at : i32 into %cache axis 1 : !cache, !cache -> !cache
  return %keys : !cache
}

// -----

!cache = tensor<?x?x64xf32>
#id = affine_map<(a, b, c) -> (a, b, c)>

func.func @read_later(%k: !cache, %at: i32, %init: !cache,
                      %cache: !cache {attn.param = #attn.param<inout cache: f32[B, C, 64]>}) -> !cache {
  // expected-error@+1 {{cannot append in place}}
  %keys = attn.append %k at %at : i32 into %cache axis 1 : !cache, !cache -> !cache
  %o = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%keys, %cache : !cache, !cache) outs(%init : !cache) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %w = arith.addf %x, %y : f32
    linalg.yield %w : f32
  } -> !cache
  return %o : !cache
}

// -----

!cache = tensor<?x?x64xf32>
#id = affine_map<(a, b, c) -> (a, b, c)>

func.func @written_later(%k: !cache, %at: i32,
                         %cache: !cache {attn.param = #attn.param<inout cache: f32[B, C, 64]>}) -> !cache {
  // expected-error@+1 {{cannot append in place: something else writes to the result}}
  %keys = attn.append %k at %at : i32 into %cache axis 1 : !cache, !cache -> !cache
  %o = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel"]}
      outs(%keys : !cache) {
  ^bb0(%x: f32):
    %w = arith.addf %x, %x : f32
    linalg.yield %w : f32
  } -> !cache
  return %o : !cache
}

// -----

!cache = tensor<?x?x64xf32>
!part = tensor<1x8x64xf32>
#id = affine_map<(a, b, c) -> (a, b, c)>

func.func @written_in_part(%k: !cache, %at: i32,
                           %cache: !cache {attn.param = #attn.param<inout cache: f32[B, C, 64]>}) -> !part {
  // expected-error@+1 {{cannot append in place: something else writes to the result}}
  %keys = attn.append %k at %at : i32 into %cache axis 1 : !cache, !cache -> !cache
  %part = tensor.extract_slice %keys[0, 0, 0] [1, 8, 64] [1, 1, 1] : !cache to !part
  %o = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel", "parallel"]}
      outs(%part : !part) {
  ^bb0(%x: f32):
    %w = arith.addf %x, %x : f32
    linalg.yield %w : f32
  } -> !part
  return %o : !part
}
