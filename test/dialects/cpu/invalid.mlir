// RUN: ladon-opt %s --split-input-file --verify-diagnostics

func.func @number() {
  // expected-error@+1 {{'cpu.argument' op attribute 'number' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %x = cpu.argument -1 : f32
  return
}

// -----

func.func @rank() {
  // expected-error@+1 {{'cpu.argument' op expected at most 64 axes, found 65}}
  %x = cpu.argument 0 : memref<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>
  return
}

// -----

func.func @kind() {
  // expected-error@+1 {{'cpu.argument' op result #0 must be memref of any type values or integer or index or floating-point, but got 'tensor<4xf32>'}}
  %x = cpu.argument 0 : tensor<4xf32>
  return
}

// -----

func.func @layout(%n: index) {
  // expected-error@+1 {{'cpu.alloc' op expected memory in row-major order, found 'memref<4x?xf32, strided<[1, 4]>>'}}
  %a = cpu.alloc(%n) : memref<4x?xf32, strided<[1, 4]>>
  return
}

// -----

func.func @sizes(%n: index) {
  // expected-error@+1 {{'cpu.alloc' op expected 2 sizes, found 1}}
  %a = cpu.alloc(%n) : memref<?x?xf32>
  return
}

// -----

func.func @memory_space() {
  // expected-error@+1 {{'cpu.alloc' op expected the default memory space, found 1}}
  %a = cpu.alloc() : memref<4xf32, 1>
  return
}

// -----

func.func @elements() {
  // expected-error@+1 {{'cpu.alloc' op expected numbers as elements, found 'vector<4xf32>'}}
  %a = cpu.alloc() : memref<4xvector<4xf32>>
  return
}

// -----

func.func @too_many(%n: index) {
  // expected-error@+1 {{'cpu.try_alloc' op expected at most 2^48 elements, found 'memref<4294967296x?x4294967296xf32>'}}
  %a, %granted = cpu.try_alloc(%n) : memref<4294967296x?x4294967296xf32>
  return
}

// -----

func.func @try_sizes(%n: index) {
  // expected-error@+1 {{'cpu.try_alloc' op expected 0 sizes, found 1}}
  %a, %granted = cpu.try_alloc(%n) : memref<4xf32>
  return
}

// -----

func.func @no_task(%n: index) {
  // expected-error@+1 {{'cpu.launch' op expected a function, found no 'nobody'}}
  cpu.launch @nobody[%n] scratch 0 ()
  return
}

// -----

func.func @wrong_captures(%n: index, %x: f32) {
  // expected-error@+1 {{'cpu.launch' op expected 'task' to have type '(f32, index, memref<0xi8>) -> ()', found '(f64, index, memref<0xi8>) -> ()'}}
  cpu.launch @task[%n] scratch 0 (%x : f32)
  return
}
func.func private @task(f64, index, memref<0xi8>)

// -----

func.func @wrong_scratch(%n: index) {
  // expected-error@+1 {{'cpu.launch' op expected 'task' to have type '(index, memref<64xi8>) -> ()', found '(index, memref<32xi8>) -> ()'}}
  cpu.launch @task[%n] scratch 64 ()
  return
}
func.func private @task(index, memref<32xi8>)

// -----

func.func @negative_scratch(%n: index) {
  // expected-error@+1 {{'cpu.launch' op attribute 'scratch' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  cpu.launch @task[%n] scratch -1 ()
  return
}
func.func private @task(index, memref<0xi8>)

// -----

func.func @disjoint_scalar(%n: index) {
  // expected-error@+1 {{'cpu.launch' op expected memrefs only in disjoint, found 'index' as capture 0}}
  cpu.launch @task[%n] scratch 0 (%n : index) disjoint [0]
  return
}
func.func private @task(index, index, memref<0xi8>)

// -----

func.func @disjoint_order(%n: index, %x: memref<4xf32>) {
  // expected-error@+1 {{'cpu.launch' op expected ascending numbers below 2 in disjoint, found 0 after 1}}
  cpu.launch @task[%n] scratch 0 (%x, %x : memref<4xf32>, memref<4xf32>) disjoint [1, 0]
  return
}
func.func private @task(memref<4xf32>, memref<4xf32>, index, memref<0xi8>)

// -----

func.func @disjoint_beyond(%n: index, %x: memref<4xf32>) {
  // expected-error@+1 {{'cpu.launch' op expected ascending numbers below 1 in disjoint, found 1 after -1}}
  cpu.launch @task[%n] scratch 0 (%x : memref<4xf32>) disjoint [1]
  return
}
func.func private @task(memref<4xf32>, index, memref<0xi8>)

// -----

func.func @dot_of_other_width(%x: vector<16xbf16>, %s: vector<16xf32>) {
  // expected-error@+1 {{'cpu.dot_pairs' op expected pairs of 32 elements beside 'vector<16xf32>', found 16}}
  %r = cpu.dot_pairs %x, %x, %s : vector<16xbf16>, vector<16xf32>
  return
}

// -----

func.func @rounded_to_other_width(%x: vector<8xf32>) {
  // expected-error@+1 {{'cpu.round_pairs' op expected pairs of 16 elements beside 'vector<8xf32>', found 32}}
  %r = cpu.round_pairs %x, %x : vector<8xf32> -> vector<32xbf16>
  return
}

// -----

func.func @dot_of_half(%x: vector<32xf16>, %s: vector<16xf32>) {
  // expected-error@+1 {{'cpu.dot_pairs' op operand #0 must be vector of bfloat16 type values of ranks 1}}
  %r = cpu.dot_pairs %x, %x, %s : vector<32xf16>, vector<16xf32>
  return
}

// -----

func.func @position(%x: i64) {
  // expected-error@+1 {{'cpu.refuse_index' op expected a position of 4 numbers, found 3}}
  cpu.refuse_index %x of %x at(%x, %x, %x) name "bias" axis 1
  return
}
