// Where rows fill registers, as many of the last tiles as there are registers
// too many have one less. 24 rows are 3 registers, of one head or of 2 that
// share the lanes. Heads that do not divide a register leave tiles full.
// RUN: ladon-opt %s --tile-attention="query-tile=24 lanes=8" --cse | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#out = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!heads = memref<2x3x?x4xf32>

// CHECK-LABEL: func.func @one_head(
// CHECK-SAME: %[[Q:[^:]*]]:
// CHECK: %[[S:.*]] = memref.dim %[[Q]], %c2
// CHECK: %[[TILES:.*]] = arith.ceildivsi %[[S]], %c24
// CHECK: %[[REGISTERS:.*]] = arith.ceildivsi %[[S]], %c8
// CHECK: %[[PLACES:.*]] = arith.muli %[[TILES]], %c3
// CHECK: %[[SPARE:.*]] = arith.subi %[[PLACES]], %[[REGISTERS]]
// CHECK: %[[SMALL:.*]] = arith.minsi %[[SPARE]], %[[TILES]]
// CHECK: %[[LARGE:.*]] = arith.subi %[[TILES]], %[[SMALL]]
// CHECK: tile.grid(%{{.*}}, %c3, %[[TILES]])
// CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %[[TILE:.*]]: index):
// CHECK: %[[FULL:.*]] = arith.muli %[[TILE]], %c24
// CHECK: %[[AFTER:.*]] = arith.subi %[[TILE]], %[[LARGE]]
// CHECK: %[[BEFORE:.*]] = arith.maxsi %[[AFTER]], %c0
// CHECK: %[[LESS:.*]] = arith.muli %[[BEFORE]], %c8
// CHECK: %[[I0:.*]] = arith.subi %[[FULL]], %[[LESS]]
// CHECK: %[[IS_LARGE:.*]] = arith.cmpi slt, %[[TILE]], %[[LARGE]]
// CHECK: %[[MOST:.*]] = arith.select %[[IS_LARGE]], %c24, %c16
// CHECK: %[[REST:.*]] = arith.subi %[[S]], %[[I0]]
// CHECK: %[[ROWS:.*]] = arith.minsi %[[REST]], %[[MOST]]
// CHECK: tile.load %[[Q]][%{{.*}}, %{{.*}}, %[[I0]]] rows %[[ROWS]]
func.func @one_head(%q: !heads, %k: !heads, %v: !heads, %o: !heads) {
  attn.attend heads 3 key_value_heads 3 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !heads, !heads, !heads)
      outs(%o : !heads) maps [#q, #k, #v, #out]
  return
}

#shared_k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, d)>
#shared_v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, j, e)>
#three_k = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 3, j, d)>
#three_v = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 3, j, e)>
!two = memref<2x4x?x4xf32>
!cache = memref<2x2x?x4xf32>
!six = memref<2x6x?x4xf32>

// CHECK-LABEL: func.func @two_heads(
// CHECK: arith.ceildivsi %{{.*}}, %c12
// CHECK: arith.ceildivsi %{{.*}}, %c4
// CHECK: arith.select %{{.*}}, %c12, %c8
func.func @two_heads(%q: !two, %k: !cache, %v: !cache, %o: !two) {
  attn.attend heads 4 key_value_heads 2 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !two, !cache, !cache)
      outs(%o : !two) maps [#q, #shared_k, #shared_v, #out]
  return
}

// CHECK-LABEL: func.func @three_heads(
// CHECK: %[[TILES:.*]] = arith.ceildivsi %{{.*}}, %c8
// CHECK: tile.grid(%{{.*}}, %{{.*}}, %[[TILES]])
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.muli %{{.*}}, %c8
// CHECK-NOT: arith.select
func.func @three_heads(%q: !six, %k: !cache, %v: !cache, %o: !six) {
  attn.attend heads 6 key_value_heads 2 head_dim 4 value_dim 4 scale 0.5
      ins(%q, %k, %v : !six, !cache, !cache)
      outs(%o : !six) maps [#q, #three_k, #three_v, #out]
  return
}
