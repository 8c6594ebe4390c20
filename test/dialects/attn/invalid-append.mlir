// Every clause of the verifier of attn.append, once.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

func.func @axis(%k: memref<?x64xf32>, %at: i32, %cache: memref<?x64xf32>) {
  // expected-error@+1 {{'attn.append' op expected axis 1 or 2 for positions, found 0}}
  attn.append %k at %at : i32 into %cache axis 0 : memref<?x64xf32>, memref<?x64xf32>
  return
}

// -----

func.func @rank(%k: memref<?x64xf32>, %at: i32, %cache: memref<?x64xf32>) {
  // expected-error@+1 {{expected a cache of 3 or 4 axes, with positions along axis 2, found 2}}
  attn.append %k at %at : i32 into %cache axis 2 : memref<?x64xf32>, memref<?x64xf32>
  return
}

// -----

func.func @ranks(%k: memref<?x2x?x64xf32>, %at: i32, %cache: memref<?x?x64xf32>) {
  // expected-error@+1 {{expected a source of 3 axes, as the cache has, found 4}}
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x2x?x64xf32>, memref<?x?x64xf32>
  return
}

// -----

func.func @elements(%k: memref<?x?x64xf64>, %at: i32, %cache: memref<?x?x64xf32>) {
  // expected-error@+1 {{expected elements that are computed in one type, found 'f64' and 'f32'}}
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x?x64xf64>, memref<?x?x64xf32>
  return
}

// -----

func.func @bytes(%k: memref<?x?x64xf64>, %at: i32, %cache: memref<?x?x64xi8>) {
  // expected-error@+1 {{expected elements that are computed in one type, found 'f64' and 'i8'}}
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x?x64xf64>, memref<?x?x64xi8>
  return
}

// -----

func.func @features(%k: memref<?x?x?xf32>, %at: i32, %cache: memref<?x?x?xf32>) {
  // expected-error@+1 {{expected a known number of features}}
  attn.append %k at %at : i32 into %cache axis 1 : memref<?x?x?xf32>, memref<?x?x?xf32>
  return
}

// -----

func.func @heads(%k: memref<?x4x?x64xf32>, %at: i32, %cache: memref<?x2x?x64xf32>) {
  // expected-error@+1 {{expected the extent of the cache on axis 1 of the source}}
  attn.append %k at %at : i32 into %cache axis 2 : memref<?x4x?x64xf32>, memref<?x2x?x64xf32>
  return
}

// -----

func.func @places(%k: memref<?x?x64xf32>, %at: memref<?x?xi32>, %cache: memref<?x?x64xf32>) {
  // expected-error@+1 {{expected places of one axis, found 2}}
  attn.append %k at %at : memref<?x?xi32> into %cache axis 1 : memref<?x?x64xf32>, memref<?x?x64xf32>
  return
}

// -----

func.func @pool(%k: memref<?x?x64xf32>, %at: i32, %table: memref<?x?xi32>, %cache: memref<?x8x64xf32>) {
  // expected-error@+1 {{expected pages with heads, and positions along axis 2, found axis 1}}
  attn.append %k at %at : i32 pages %table : memref<?x?xi32> into %cache axis 1 : memref<?x?x64xf32>, memref<?x8x64xf32>
  return
}

// -----

func.func @page(%k: memref<?x2x?x64xf32>, %at: i32, %table: memref<?x?xi32>, %cache: memref<?x2x?x64xf32>) {
  // expected-error@+1 {{expected a known size of a page that is not 0}}
  attn.append %k at %at : i32 pages %table : memref<?x?xi32> into %cache axis 2 : memref<?x2x?x64xf32>, memref<?x2x?x64xf32>
  return
}

// -----

func.func @table(%k: memref<?x2x?x64xf32>, %at: i32, %table: memref<?xi32>, %cache: memref<?x2x8x64xf32>) {
  // expected-error@+1 {{expected a table of two axes}}
  attn.append %k at %at : i32 pages %table : memref<?xi32> into %cache axis 2 : memref<?x2x?x64xf32>, memref<?x2x8x64xf32>
  return
}

// -----

func.func @both(%k: tensor<?x?x64xf32>, %at: i32, %cache: memref<?x?x64xf32>) {
  // expected-error@+1 {{expected tensors or memrefs, found both}}
  attn.append %k at %at : i32 into %cache axis 1 : tensor<?x?x64xf32>, memref<?x?x64xf32>
  return
}

// -----

func.func @result(%k: tensor<?x?x64xf32>, %at: i32, %cache: tensor<?x?x64xf16>) -> tensor<?x?x64xf32> {
  // expected-error@+1 {{expected the type of the cache as that of the result}}
  %r = attn.append %k at %at : i32 into %cache axis 1 : tensor<?x?x64xf32>, tensor<?x?x64xf16> -> tensor<?x?x64xf32>
  return %r : tensor<?x?x64xf32>
}
