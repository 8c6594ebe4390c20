// RUN: ladon-opt %s --x86-lower-pairs --split-input-file --verify-diagnostics

func.func @narrow(%x: vector<16xbf16>, %s: vector<8xf32>) -> vector<8xf32> {
  // expected-error@+1 {{'cpu.dot_pairs' op expected vectors of 16 sums for AVX512-BF16, found 8}}
  %r = cpu.dot_pairs %x, %x, %s : vector<16xbf16>, vector<8xf32>
  return %r : vector<8xf32>
}

// -----

func.func @wide(%x: vector<32xf32>) -> vector<64xbf16> {
  // expected-error@+1 {{'cpu.round_pairs' op expected vectors of 16 sums for AVX512-BF16, found 32}}
  %r = cpu.round_pairs %x, %x : vector<32xf32> -> vector<64xbf16>
  return %r : vector<64xbf16>
}
