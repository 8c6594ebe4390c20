// RUN: ladon-opt %s --cpu-expand-half --verify-diagnostics

func.func @rounds_twice(%x: vector<4xf64>) -> vector<4xf16> {
  // expected-error@+1 {{'arith.truncf' op expected f32, found 'f64'}}
  %0 = arith.truncf %x : vector<4xf64> to vector<4xf16>
  return %0 : vector<4xf16>
}
