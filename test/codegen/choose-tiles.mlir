// RUN: ladon-opt %s --attn-choose-tiles | FileCheck %s --check-prefix=V3
// RUN: ladon-opt %s --attn-choose-tiles=cpu=x86-64-v4 | FileCheck %s --check-prefix=V4
// RUN: ladon-opt %s --attn-choose-tiles=cpu=sm_80 | FileCheck %s --check-prefix=GPU
// RUN: not ladon-opt %s --attn-choose-tiles=cpu=z80 2>&1 | FileCheck %s --check-prefix=ERROR

// The registers of the machine are filled; what says its tiles keeps them. How
// many queries are few depends on the heads that share lanes: two here, but one
// where each of them reads other elements of a bias.
// V3: tile.shape = #tile.shape<queries = 24, keys = 128
// V3: tile.shape = #tile.shape<queries = 7
// V4: tile.shape = #tile.shape<queries = 48, keys = 128
// V4: tile.shape = #tile.shape<queries = 7
// V4-LABEL: func.func @groups(
// V4: few = 12,
// V4: few = 24,
// GPU: tile.shape = #tile.shape<queries = 64
// ERROR: choose-tiles.mlir:[[@LINE+2]]:{{.*}} error: --cpu z80: expected native, or one of x86-64-v2

func.func @attend(%x: tensor<1x2x9x32xf32>, %o: tensor<1x2x9x32xf32>) {
  %a = attn.attend heads 2 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%x, %x, %x : tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>)
      outs(%o : tensor<1x2x9x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      -> tensor<1x2x9x32xf32>
  %b = attn.attend heads 2 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%x, %x, %x : tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>)
      outs(%a : tensor<1x2x9x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      {tile.shape = #tile.shape<queries = 7, keys = 8>}
      -> tensor<1x2x9x32xf32>
  return
}

func.func @groups(%x: tensor<1x4x9x32xf32>, %k: tensor<1x2x9x32xf32>, %bias: tensor<4x9xf32>, %o: tensor<1x4x9x32xf32>) {
  %a = attn.attend heads 4 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%x, %k, %k : tensor<1x4x9x32xf32>, tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>)
      outs(%o : tensor<1x4x9x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      -> tensor<1x4x9x32xf32>
  %b = attn.attend heads 4 key_value_heads 2 head_dim 32 value_dim 32 scale 0.25
      ins(%x, %k, %k : tensor<1x4x9x32xf32>, tensor<1x2x9x32xf32>, tensor<1x2x9x32xf32>)
      captures(%bias : tensor<4x9xf32>)
      outs(%a : tensor<1x4x9x32xf32>)
      maps [affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>,
            affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>,
            affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>]
      score(%s: f32, %n: i32, %h: i32, %i: i32, %j: i32, %table: tensor<4x9xf32>) {
        %x1 = attn.read %table[%h, %j] : tensor<4x9xf32>, i32, i32 -> f32
        %z = arith.addf %s, %x1 : f32
        attn.yield %z : f32
      } -> tensor<1x4x9x32xf32>
  return
}
