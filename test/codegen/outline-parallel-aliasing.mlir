// What the launch of a loop says of the memory that it captures.
// RUN: ladon-opt %s --cpu-outline-parallel | FileCheck %s

// An output overlaps nothing, and inputs are not written.
// CHECK-LABEL: func.func @output_and_inputs(
// CHECK: cpu.launch @output_and_inputs.task0{{.*}} disjoint [0, 1, 2]
func.func @output_and_inputs(%a: memref<?xf32>, %b: memref<?xf32>,
                             %out: memref<?xf32> {attn.param = #attn.param<output out: f32[N]>}, %n: index) {
  scf.forall (%i) in (%n) {
    %x = memref.load %a[%i] : memref<?xf32>
    %y = memref.load %b[%i] : memref<?xf32>
    %z = arith.addf %x, %y : f32
    memref.store %z, %out[%i] : memref<?xf32>
  }
  return
}

// Views are made in the task; what is captured is what they show.
// CHECK-LABEL: func.func @packed_inputs(
// CHECK: cpu.launch @packed_inputs.task0{{.*}}(%arg0, %arg1 : {{.*}} disjoint [0, 1]
func.func @packed_inputs(%a: memref<8xf32>, %out: memref<8xf32> {attn.param = #attn.param<output out: f32[8]>},
                         %n: index) {
  %q = memref.subview %a[0] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1]>>
  %k = memref.subview %a[4] [4] [1]
     : memref<8xf32> to memref<4xf32, strided<[1], offset: 4>>
  scf.forall (%i) in (%n) {
    %x = memref.load %q[%i] : memref<4xf32, strided<[1]>>
    %y = memref.load %k[%i] : memref<4xf32, strided<[1], offset: 4>>
    %z = arith.addf %x, %y : f32
    memref.store %z, %out[%i] : memref<8xf32>
  }
  return
}

// Views of every kind.
// CHECK-LABEL: func.func @views(
// CHECK: cpu.launch @views.task0{{.*}}({{%arg[01]}}, {{%arg[01]}} : {{.*}} disjoint [0, 1]
func.func @views(%a: memref<4x8xf32>, %out: memref<4x8xf32> {attn.param = #attn.param<output out: f32[4, 8]>},
                 %n: index) {
  %t = memref.transpose %a (d0, d1) -> (d1, d0)
     : memref<4x8xf32> to memref<8x4xf32, strided<[1, 8]>>
  %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %out
     : memref<4x8xf32> -> memref<f32>, index, index, index, index, index
  %o = memref.reinterpret_cast %base to offset: [0], sizes: [32], strides: [1]
     : memref<f32> to memref<32xf32, strided<[1]>>
  scf.forall (%i) in (%n) {
    %x = memref.load %t[%i, %i] : memref<8x4xf32, strided<[1, 8]>>
    memref.store %x, %o[%i] : memref<32xf32, strided<[1]>>
  }
  return
}

// Two views of one output may meet, and are made of one pointer; the input does
// not meet them.
// CHECK-LABEL: func.func @two_views_of_an_output(
// CHECK: cpu.launch @two_views_of_an_output.task0{{.*}}({{%arg[01]}}, {{%arg[01]}} : {{.*}}) disjoint [0, 1]
func.func @two_views_of_an_output(%a: memref<8xf32>,
                                  %out: memref<8xf32> {attn.param = #attn.param<output out: f32[8]>},
                                  %n: index) {
  %low = memref.subview %out[0] [4] [1]
     : memref<8xf32> to memref<4xf32, strided<[1]>>
  %high = memref.cast %low
     : memref<4xf32, strided<[1]>> to memref<?xf32, strided<[1]>>
  scf.forall (%i) in (%n) {
    %x = memref.load %a[%i] : memref<8xf32>
    memref.store %x, %low[%i] : memref<4xf32, strided<[1]>>
    memref.store %x, %high[%i] : memref<?xf32, strided<[1]>>
  }
  return
}

// Arguments of a function that says nothing of them may meet: only memory of
// the call is known to be apart.
// CHECK-LABEL: func.func @in_place(
// CHECK: cpu.launch @in_place.task0{{.*}}(%{{[^,]*}}, %[[A:[^,]*]], %{{[^,]*}}, {{.*}}) disjoint [1]
func.func @in_place(%a: memref<?xf32>, %b: memref<?xf32>, %n: index) {
  %partial = memref.alloc(%n) : memref<?xf32>
  scf.forall (%i) in (%n) {
    %x = memref.load %a[%i] : memref<?xf32>
    memref.store %x, %partial[%i] : memref<?xf32>
    memref.store %x, %b[%i] : memref<?xf32>
  }
  return
}

// Memory that may be one or the other.
// CHECK-LABEL: func.func @unknown(
// CHECK: cpu.launch @unknown.task0
// CHECK-NOT: disjoint
// CHECK: return
func.func @unknown(%a: memref<?xf32>, %out: memref<?xf32> {attn.param = #attn.param<output out: f32[N]>},
                   %n: index, %which: i1) {
  %some = arith.select %which, %a, %out : memref<?xf32>
  scf.forall (%i) in (%n) {
    %x = memref.load %some[%i] : memref<?xf32>
    memref.store %x, %out[%i] : memref<?xf32>
  }
  return
}

// An operation of unknown effects may write any of it.
// CHECK-LABEL: func.func @unknown_effects(
// CHECK: cpu.launch @unknown_effects.task0{{.*}}({{.*}}) disjoint [2]
func.func private @other(memref<?xf32>, memref<?xf32>, memref<?xf32>)
func.func @unknown_effects(%a: memref<?xf32>, %b: memref<?xf32>,
                           %out: memref<?xf32> {attn.param = #attn.param<output out: f32[N]>}, %n: index) {
  scf.forall (%i) in (%n) {
    func.call @other(%a, %b, %out)
       : (memref<?xf32>, memref<?xf32>, memref<?xf32>) -> ()
  }
  return
}

// A call of a function that only reads changes nothing.
// CHECK-LABEL: func.func @reading_call(
// CHECK: cpu.launch @reading_call.task0{{.*}} disjoint [0, 1]
func.func @reading_call(%a: memref<?xf32>, %out: memref<?xf32> {attn.param = #attn.param<output out: f32[N]>}, %n: index) {
  scf.forall (%i) in (%n) {
    %x = func.call @read(%a, %i) : (memref<?xf32>, index) -> f32
    memref.store %x, %out[%i] : memref<?xf32>
  }
  return
}
func.func private @read(%a: memref<?xf32>, %i: index) -> f32 {
  %c0 = arith.constant 0 : index
  %isFirst = arith.cmpi eq, %i, %c0 : index
  %x = scf.if %isFirst -> f32 {
    %zero = arith.constant 0.0 : f32
    scf.yield %zero : f32
  } else {
    %y = memref.load %a[%i] : memref<?xf32>
    scf.yield %y : f32
  }
  return %x : f32
}

// One that writes may write to either input.
// CHECK-LABEL: func.func @writing_call(
// CHECK: cpu.launch @writing_call.task0
// CHECK-NOT: disjoint
// CHECK: return
func.func @writing_call(%a: memref<?xf32>, %b: memref<?xf32>, %n: index) {
  scf.forall (%i) in (%n) {
    func.call @write(%a, %b, %i) : (memref<?xf32>, memref<?xf32>, index) -> ()
  }
  return
}
func.func private @write(%a: memref<?xf32>, %b: memref<?xf32>, %i: index) {
  %x = memref.load %b[%i] : memref<?xf32>
  memref.store %x, %a[%i] : memref<?xf32>
  return
}

// So may one whose body is not known.
// CHECK-LABEL: func.func @unresolved_call(
// CHECK: cpu.launch @unresolved_call.task0
// CHECK-NOT: disjoint
// CHECK: return
func.func @unresolved_call(%a: memref<?xf32>, %b: memref<?xf32>, %n: index) {
  scf.forall (%i) in (%n) {
    func.call @unresolved(%a, %b) : (memref<?xf32>, memref<?xf32>) -> ()
  }
  return
}
func.func private @unresolved(memref<?xf32>, memref<?xf32>)
