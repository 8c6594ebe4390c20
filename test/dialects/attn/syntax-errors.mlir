// What the parser of attn.attend expects, in order.
// RUN: ladon-opt %s --split-input-file --verify-diagnostics

func.func @heads(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+1 {{expected 'heads'}}
  %r = attn.attend 8
  return
}

// -----

func.func @key_value_heads(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+1 {{expected 'key_value_heads'}}
  %r = attn.attend heads 8 head_dim 64
  return
}

// -----

func.func @head_dim(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+1 {{expected 'head_dim'}}
  %r = attn.attend heads 8 key_value_heads 8 value_dim 64
  return
}

// -----

func.func @value_dim(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+1 {{expected 'value_dim'}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 scale 0.125
  return
}

// -----

func.func @scale(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+2 {{expected 'scale'}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
  return
}

// -----

func.func @number(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+1 {{expected integer value}}
  %r = attn.attend heads many
  return
}

// -----

func.func @ins(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+2 {{expected 'ins'}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      outs(%x : tensor<?x8x?x64xf32>)
  return
}

// -----

func.func @two_inputs(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+2 {{expected query, key and value, found 2 operands}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
  return
}

// -----

func.func @types_of_inputs(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+2 {{expected 3 types, found 1}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
  return
}

// -----

func.func @types_of_captures(%x: tensor<?x8x?x64xf32>, %n: i32) {
  // expected-error@+3 {{expected 1 types, found 2}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      captures(%n : i32, i32)
      outs(%x : tensor<?x8x?x64xf32>)
  return
}

// -----

func.func @outs(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+3 {{expected 'outs'}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      maps []
  return
}

// -----

func.func @maps(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+4 {{expected 'maps'}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
      -> tensor<?x8x?x64xf32>
  return
}

// -----

func.func @unknown_operand(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+2 {{use of undeclared SSA value name}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %y, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
      maps [] -> tensor<?x8x?x64xf32>
  return
}

// -----

func.func @body_arguments(%x: tensor<?x8x?x64xf32>) {
  // expected-error@+5 {{expected '('}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
      maps []
      mask { }
  return
}

// -----

func.func @mask_before_score(%x: tensor<?x8x?x64xf32>) {
  attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      outs(%x : tensor<?x8x?x64xf32>)
      maps []
      mask(%b: i32, %h: i32, %i: i32, %j: i32) {
        %visible = arith.cmpi sle, %j, %i : i32
        attn.yield %visible : i1
      }
      // expected-error@+1 {{custom op 'score' is unknown}}
      score(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32) {
        attn.yield %s : f32
      }
  return
}

// -----

func.func @two_sinks(%x: tensor<?x8x?x64xf32>, %s: tensor<8xf32>) {
  // expected-error@+3 {{expected one operand of sinks, found 2}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      sinks(%s, %s : tensor<8xf32>, tensor<8xf32>) outs(%x : tensor<?x8x?x64xf32>) maps []
  return
}

// -----

func.func @two_tables(%x: tensor<?x8x?x64xf32>, %p: tensor<?x?xi32>) {
  // expected-error@+3 {{expected one table of pages, found 2}}
  %r = attn.attend heads 8 key_value_heads 8 head_dim 64 value_dim 64 scale 0.125
      ins(%x, %x, %x : tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>, tensor<?x8x?x64xf32>)
      pages(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%x : tensor<?x8x?x64xf32>) maps []
  return
}
