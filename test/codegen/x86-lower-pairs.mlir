// RUN: ladon-opt %s --x86-lower-pairs | FileCheck %s

// The first operand is to be in the lower half of each lane: the instruction
// puts its second operand first, and a shuffle makes neighbours of the two.
// CHECK-LABEL: func.func @pairs
// CHECK-SAME: %[[EVEN:.*]]: vector<16xf32>, %[[ODD:.*]]: vector<16xf32>, %[[Z:.*]]: vector<32xbf16>
// CHECK: %[[HALVES:.*]] = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"(%[[ODD]], %[[EVEN]])
// CHECK: %[[PAIRS:.*]] = vector.shuffle %[[HALVES]], %[[HALVES]] [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31]
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%[[EVEN]], %[[PAIRS]], %[[Z]])
// CHECK-NOT: cpu.
func.func @pairs(%even: vector<16xf32>, %odd: vector<16xf32>, %z: vector<32xbf16>) -> vector<16xf32> {
  %pairs = cpu.round_pairs %even, %odd : vector<16xf32> -> vector<32xbf16>
  %sums = cpu.dot_pairs %pairs, %z, %even : vector<32xbf16>, vector<16xf32>
  return %sums : vector<16xf32>
}
