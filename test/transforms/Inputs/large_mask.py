"""Prints a key loop whose mask asks for `count` elements of a captured tensor
before the causal bound: `(ids[j + 1] == 1 or ids[j + 2] == 2 or ...) and
j <= i`."""

import sys

count = int(sys.argv[1])
parts = "".join(f"""
  %n{n} = arith.constant {n} : i32
  %at{n} = arith.addi %j, %n{n} : i32
  %id{n} = attn.read %ids[%at{n}] : memref<?xi32>, i32 -> i32
  %is{n} = arith.cmpi eq, %id{n}, %n{n} : i32
  %any{n} = arith.ori %any{n - 1}, %is{n} : i1""" for n in range(1, count + 1))
print(f"""
#maps = [affine_map<(r, c, d) -> (r, d)>, affine_map<(r, c, d) -> (c, d)>, affine_map<(r, c, d) -> (r, c)>]
func.func @f(%q: memref<?x2x?x4xf32>, %k: memref<?x2x?x4xf32>, %ids_: memref<?xi32>,
    %b0: index, %h0: index, %i0: index, %rows: index, %T: index) -> tensor<24xf32> {{
  %c0 = arith.constant 0 : index
  %queries = tile.load %q[%b0, %h0, %i0] rows %rows : memref<?x2x?x4xf32> -> tensor<24x4xf32>
  %init:3 = tile.softmax_init : tensor<24xf32>, tensor<24xf32>, tensor<24x4xf32>
  %top = tile.key_loop [%c0, %T) step 128 init(%init#0 : tensor<24xf32>) -> tensor<24xf32> {{
  ^bb0(%j0: index, %n: index, %m0: tensor<24xf32>):
    %keys = tile.load %k[%b0, %h0, %j0] rows %n : memref<?x2x?x4xf32> -> tensor<128x4xf32>
    %scores = tile.contract %queries, %keys columns %n maps #maps : tensor<24x4xf32>, tensor<128x4xf32> -> tensor<24x128xf32>
    %masked = tile.mask %scores at [%b0, %h0, %i0, %j0] keys %n captures(%ids_ : memref<?xi32>) {{
    ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %ids: memref<?xi32>):
  %any0 = arith.constant false{parts}
  %before = arith.cmpi sle, %j, %i : i32
  %visible = arith.andi %any{count}, %before : i1
  tile.yield %visible : i1
    }} : tensor<24x128xf32> -> tensor<24x128xf32>
    %top = tile.row_max %masked keys %n : tensor<24x128xf32> -> tensor<24xf32>
    tile.yield %top : tensor<24xf32>
  }}
  return %top : tensor<24xf32>
}}""")
