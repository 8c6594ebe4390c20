// Every clause of the verifiers, once.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

func.func @split_uneven(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{'attn.split_heads' op 512 features do not split into 7 heads}}
  attn.split_heads %x heads 7 : tensor<?x?x512xf32> -> tensor<?x7x?x73xf32>
  return
}

// -----

func.func @split_no_heads(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{expected at least one head, found 0}}
  attn.split_heads %x heads 0 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf32>
  return
}

// -----

func.func @split_result_heads(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{expected 8 heads in the result, found 4}}
  attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x4x?x64xf32>
  return
}

// -----

func.func @split_result_features(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{expected 512 features in all heads together, found 8 heads of 32}}
  attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x32xf32>
  return
}

// -----

func.func @split_source_rank(%x: tensor<?x512xf32>) {
  // expected-error@+1 {{expected [batch, positions, features] of rank 3, found rank 2}}
  attn.split_heads %x heads 8 : tensor<?x512xf32> -> tensor<?x8x?x64xf32>
  return
}

// -----

func.func @split_result_rank(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{expected [batch, heads, positions, features] of rank 4, found rank 3}}
  attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x64xf32>
  return
}

// -----

func.func @split_element(%x: tensor<?x?x512xf32>) {
  // expected-error@+1 {{expected one element type, found 'f32' and 'f64'}}
  attn.split_heads %x heads 8 : tensor<?x?x512xf32> -> tensor<?x8x?x64xf64>
  return
}

// -----

func.func @split_dynamic(%x: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected known numbers of heads and features}}
  attn.split_heads %x heads 8 : tensor<?x?x?xf32> -> tensor<?x8x?x64xf32>
  return
}

// -----

func.func @split_batch(%x: tensor<2x?x512xf32>) {
  // expected-error@+1 {{expected the same batch size on both sides}}
  attn.split_heads %x heads 8 : tensor<2x?x512xf32> -> tensor<3x8x?x64xf32>
  return
}

// -----

func.func @concat_positions(%o: tensor<?x8x5x64xf32>) {
  // expected-error@+1 {{expected the same number of positions on both sides}}
  attn.concat_heads %o : tensor<?x8x5x64xf32> -> tensor<?x6x512xf32>
  return
}

// -----

func.func @read_indices(%x: tensor<?x?xi32>, %i: i32) {
  // expected-error@+1 {{expected 2 indices, found 1}}
  attn.read %x[%i] : tensor<?x?xi32>, i32 -> i32
  return
}

// -----

func.func @read_result(%x: tensor<?xi32>, %i: i32) {
  // expected-error@+1 {{expected a result of 'i32', found 'i64'}}
  attn.read %x[%i] : tensor<?xi32>, i32 -> i64
  return
}

// -----

func.func @read_index_type(%x: tensor<?xi32>, %i: i8) {
  // expected-error@+1 {{expected indices of i32 or i64, found 'i8'}}
  attn.read %x[%i] : tensor<?xi32>, i8 -> i32
  return
}

// -----

func.func @check_arguments(%n: index) {
  // expected-error@+1 {{'attn.check_indices' op expected arguments of types 'i32', 'i32', 'i32', 'i32', found 'i32', 'i32'}}
  attn.check_indices over(%n, %n, %n, %n) {
  ^bb0(%b: i32, %h: i32):
  }
  return
}

// -----

func.func @expect_outside(%x: tensor<?xf32>, %at: i32, %when: i1) {
  // expected-error@+1 {{'attn.expect_index' op expected to be in attn.check_indices}}
  attn.expect_index %at in %x axis 0 name "x" if %when : i32, tensor<?xf32>
  return
}

// -----

func.func @expect_axis(%n: index, %x: tensor<?xf32>) {
  attn.check_indices over(%n, %n, %n, %n) captures(%x : tensor<?xf32>) {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32, %t: tensor<?xf32>):
    %when = arith.constant true
    // expected-error@+1 {{'attn.expect_index' op expected an axis below 1, found 1}}
    attn.expect_index %j in %t axis 1 name "x" if %when : i32, tensor<?xf32>
  }
  return
}
