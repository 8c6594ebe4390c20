// RUN: ladon-opt %s --split-input-file --verify-diagnostics

// The attribute itself.

// expected-error@+1 {{expected a name of letters, digits and '_', found "1q"}}
func.func @name(%q: tensor<?xf32> {attn.param = #attn.param<input "1q": f32[S]>}) { return }

// -----

// expected-error@+1 {{expected a name of letters, digits and '_', found ""}}
func.func @empty_name(%q: tensor<?xf32> {attn.param = #attn.param<input "": f32[S]>}) { return }

// -----

// expected-error@+1 {{expected an element type of bool, ui8, i8, i16, i32, i64 or a float, found 'i4'}}
func.func @element(%q: tensor<?xi4> {attn.param = #attn.param<input q: i4[S]>}) { return }

// -----

// expected-error@+1 {{expected an element type of bool, ui8, i8, i16, i32, i64 or a float, found 'ui16'}}
func.func @unsigned(%q: tensor<?xi16> {attn.param = #attn.param<input q: ui16[S]>}) { return }

// -----

// expected-error@+1 {{expected sizes in 'to', of an i32 or i64 of at most one axis, found ["C - S"]}}
func.func @to_float(%q: tensor<?xf32> {attn.param = #attn.param<input q: f32[S] to ["C - S"]>}) { return }

// -----

// expected-error@+1 {{expected sizes in 'to', of an i32 or i64 of at most one axis, found ["C-S"]}}
func.func @to_text(%q: tensor<?xi32> {attn.param = #attn.param<input q: i32[S] to ["C-S"]>}) { return }

// -----

// expected-error@+1 {{expected rows [at, count, size, pool] in 'writes', of an i32 of two axes, found}}
func.func @writes(%q: tensor<?x?xi32> {attn.param = #attn.param<input q: i32[B, P] writes [["len", "S", 0, "N"]]>}) { return }

// -----

// expected-error@+1 {{expected rows [at, count, size, pool] in 'writes', of an i32 of two axes, found}}
func.func @writes_places(%q: tensor<?xi32> {attn.param = #attn.param<input q: i32[B] writes [["len", "S", 8, "N"]]>}) { return }

// -----

// A computed size has one text: that of SizeExpr.
// expected-error@+1 {{expected a size or its name, found "S*2"}}
func.func @computed(%q: tensor<?xf32> {attn.param = #attn.param<input q: f32["S*2"]>}) { return }

// -----

// expected-error@+1 {{expected a scalar without axes, found 2}}
func.func @scalar(%q: f32 {attn.param = #attn.param<scalar q: f32[S, 4]>}) { return }

// -----

// expected-error@+1 {{expected at least one axis for an input}}
func.func @input(%q: tensor<f32> {attn.param = #attn.param<input q: f32>}) { return }

// -----

// expected-error@+1 {{expected a size of 0 to 1073741823, found 1073741824}}
func.func @size(%q: tensor<1073741824xf32> {attn.param = #attn.param<input q: f32[1073741824]>}) { return }

// -----

// expected-error@+1 {{expected a size of 0 to 1073741823, found -1}}
func.func @negative(%q: tensor<?xf32> {attn.param = #attn.param<input q: f32[-1]>}) { return }

// -----

// expected-error@+1 {{expected a size or its name, found "S+1"}}
func.func @symbol(%q: tensor<?xf32> {attn.param = #attn.param<input q: f32["S+1"]>}) { return }

// -----

// expected-error@+1 {{expected one of [input, output, scalar, inout] for what a parameter is for, got: tensor}}
func.func @kind(%q: tensor<?xf32> {attn.param = #attn.param<tensor q: f32[S]>}) { return }

// -----

// Beside the type.

// expected-error@+1 {{argument 0: 'attn.param' says a scalar held in 'i8', the type is 'i1'}}
func.func @scalar_type(%flag: i1 {attn.param = #attn.param<scalar flag: bool>}) { return }

// -----

// expected-error@+1 {{argument 1: 'attn.param' says input, which is a ranked tensor or memref, the type is 'f32'}}
func.func @input_type(%x: f32, %q: f32 {attn.param = #attn.param<input q: f32[S]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says input, which is a ranked tensor or memref, the type is 'tensor<*xf32>'}}
func.func @unranked(%q: tensor<*xf32> {attn.param = #attn.param<input q: f32[S]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says elements held in 'f64', the type has 'f32'}}
func.func @element_type(%q: tensor<?xf32> {attn.param = #attn.param<input q: f64[S]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says 2 axes, the type has 1}}
func.func @rank(%q: memref<?xf32> {attn.param = #attn.param<output q: f32[S, 4]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says 4 : i64 on axis 1, the type is 'tensor<?x8xf32>'}}
func.func @known_size(%q: tensor<?x8xf32> {attn.param = #attn.param<input q: f32[S, 4]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says "S" on axis 0, the type is 'tensor<8xf32>'}}
func.func @name_of_known_size(%q: tensor<8xf32> {attn.param = #attn.param<input q: f32[S]>}) { return }

// -----

// expected-error@+1 {{argument 0: 'attn.param' says output, expected a memref, or a result of the function}}
func.func @output_tensor(%q: tensor<?xf32> {attn.param = #attn.param<output q: f32[S]>}) { return }

// -----

// expected-error@+1 {{result 0: 'attn.param' says input, expected output}}
func.func @result_kind(%q: tensor<?xf32>) -> (tensor<?xf32> {attn.param = #attn.param<input q: f32[S]>}) {
  return %q : tensor<?xf32>
}

// -----

// expected-error@+1 {{result 0: 'attn.param' says 2 axes, the type has 1}}
func.func @result_rank(%q: tensor<?xf32>) -> (tensor<?xf32> {attn.param = #attn.param<output q: f32[S, 4]>}) {
  return %q : tensor<?xf32>
}

// -----

// The attributes of the dialect.

// expected-error@+1 {{expected 'attn.param' to be an #attn.param, found "q"}}
func.func @not_a_param(%q: tensor<?xf32> {attn.param = "q"}) { return }

// -----

// expected-error@+1 {{unknown attribute "attn.parameter"}}
func.func @unknown_argument(%q: tensor<?xf32> {attn.parameter = "q"}) { return }

// -----

// expected-error@+1 {{unknown attribute "attn.parameter"}}
func.func @unknown_result(%q: tensor<?xf32>) -> (tensor<?xf32> {attn.parameter = "q"}) {
  return %q : tensor<?xf32>
}

// -----

// expected-error@+1 {{unknown attribute 'attn.text'}}
func.func @unknown() attributes {attn.text = "attention"} { return }

// -----

// expected-error@+1 {{expected 'attn.source' on a function}}
module attributes {attn.source = "attention"} {}

// -----

// expected-error@+1 {{expected 'attn.source' to be a string, found 4 : i64}}
func.func @source() attributes {attn.source = 4} { return }

// -----

// expected-error@+1 {{expected 'attn.settings' to be a dictionary of strings, found "span"}}
func.func @settings() attributes {attn.settings = "span"} { return }

// -----

// expected-error@+1 {{expected 'attn.settings' to be a dictionary of strings, found {span = 64 : i64}}}
func.func @setting() attributes {attn.settings = {span = 64}} { return }
