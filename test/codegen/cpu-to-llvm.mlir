// What is here is what the upstream conversions leave of an entry function.
// RUN: ladon-opt %s --cpu-to-llvm --reconcile-unrealized-casts | FileCheck %s

// CHECK-LABEL: llvm.func @entry.run(
// CHECK-SAME: %[[CONTEXT:[^:]*]]: !llvm.ptr, %[[ARGS:[^:]*]]: !llvm.ptr)
// What the launches capture lies on the stack of the function; of a tensor that
// is an argument in all launches of a task it is a pointer.
// CHECK-DAG: llvm.alloca %{{.*}} x !llvm.struct<(struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
// CHECK-DAG: llvm.alloca %{{.*}} x !llvm.struct<(struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
// CHECK-DAG: %[[ENV0:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr, f32)>
// CHECK-DAG: llvm.alloca %{{.*}} x !llvm.struct<(ptr, f32)>
// A tensor is the descriptor that its argument points at.
// CHECK: %[[AT0:.*]] = llvm.getelementptr %[[ARGS]][0] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: %[[P0:.*]] = llvm.load %[[AT0]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[X:.*]] = llvm.load %[[P0]] : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
// CHECK: llvm.getelementptr %[[ARGS]][1]
// CHECK: %[[SCALE:.*]] = llvm.load %{{.*}} : !llvm.ptr -> f32
// A bool is a byte of any value.
// CHECK: llvm.getelementptr %[[ARGS]][2]
// CHECK: %[[BYTE:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i8
// CHECK: %[[FLAG:.*]] = llvm.icmp "ne" %[[BYTE]], %{{.*}} : i8
// CHECK: %[[N:.*]] = llvm.extractvalue %[[X]][3, 0]

// The number of bytes does not wrap, and is 0 where an extent is.
// CHECK: %[[FOUR:.*]] = llvm.mlir.constant(32 : i64)
// CHECK: %[[BOTH:.*]] = "llvm.intr.umul.with.overflow"(%[[FOUR]], %[[N]])
// CHECK: %[[PRODUCT:.*]] = llvm.extractvalue %[[BOTH]][0]
// CHECK: %[[BEYOND:.*]] = llvm.extractvalue %[[BOTH]][1]
// CHECK: %[[EMPTY:.*]] = llvm.icmp "eq" %[[N]],
// CHECK: %[[MOST:.*]] = llvm.mlir.constant(9223372036854775807 : i64)
// CHECK: %[[SOME:.*]] = llvm.select %[[BEYOND]], %[[MOST]], %[[PRODUCT]]
// CHECK: %[[BYTES:.*]] = llvm.select %[[EMPTY]], %{{.*}}, %[[SOME]]
// CHECK: %[[MEMORY:.*]] = llvm.call @ladon_rt_alloc(%[[CONTEXT]], %[[BYTES]]) : (!llvm.ptr, i64) -> !llvm.ptr
// Without the memory nothing is done with it: the function returns.
// CHECK: %[[NONE:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: %[[REFUSED:.*]] = llvm.icmp "eq" %[[MEMORY]], %[[NONE]]
// CHECK: llvm.cond_br %[[REFUSED]], ^[[LEAVE:.*]], ^bb1
// CHECK: ^bb1:

// CHECK: %[[OPTIONAL:.*]] = llvm.call @ladon_rt_try_alloc(%[[CONTEXT]], %{{.*}})
// CHECK: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: %[[GRANTED:.*]] = llvm.icmp "ne" %[[OPTIONAL]], %[[NULL]]
// CHECK: llvm.cond_br %[[GRANTED]]

// CHECK: ^bb4:
// CHECK: %[[AT:.*]] = llvm.getelementptr %[[ARGS]][0] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: %[[P:.*]] = llvm.load %[[AT]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[FIELD0:.*]] = llvm.getelementptr %[[ENV0]][0, 0]
// CHECK: llvm.store %[[P]], %[[FIELD0]] : !llvm.ptr, !llvm.ptr
// CHECK: %[[FIELD1:.*]] = llvm.getelementptr %[[ENV0]][0, 1]
// CHECK: llvm.store %[[SCALE]], %[[FIELD1]]
// CHECK: %[[CALL:.*]] = llvm.mlir.addressof @entry.task0.call
// CHECK: llvm.call @ladon_rt_parallel_for(%[[CONTEXT]], %[[N]], %{{.*}}, %[[CALL]], %[[ENV0]])
// CHECK: llvm.store %[[X]], %{{.*}} : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>, !llvm.ptr
// CHECK: llvm.call @ladon_rt_parallel_for(
// CHECK: ^[[LEAVE]]:
// CHECK-NEXT: llvm.return
llvm.func @entry.run(%context: !llvm.ptr, %arguments: !llvm.ptr) {
  %c0 = llvm.mlir.constant(0 : index) : i64
  %x = cpu.argument 0 : memref<?xf32>
  %scale = cpu.argument 1 : f32
  %flag = cpu.argument 2 : i1
  %d = builtin.unrealized_conversion_cast %x : memref<?xf32> to !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %size = llvm.extractvalue %d[3, 0] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %n = builtin.unrealized_conversion_cast %size : i64 to index
  %a = cpu.alloc(%n) : memref<?x8xf32>
  %s, %granted = cpu.try_alloc(%n) : memref<?xi32>
  %other = cpu.alloc(%n) : memref<?xf32>
  llvm.cond_br %granted, ^bb1, ^bb2
^bb1:
  cpu.launch @entry.task0[%n] scratch 384 (%x, %scale : memref<?xf32>, f32) disjoint [0]
  llvm.br ^bb2
^bb2:
  cpu.launch @entry.task0[%n] scratch 384 (%x, %scale : memref<?xf32>, f32) disjoint [0]
  cpu.launch @entry.task1[%n] scratch 0 (%a, %x : memref<?x8xf32>, memref<?xf32>) disjoint [0, 1]
  cpu.launch @entry.task1[%n] scratch 0 (%a, %other : memref<?x8xf32>, memref<?xf32>) disjoint [0]
  llvm.return
}

// The pointers that do not alias: of what is disjoint in every launch, and of
// the scratch.
// CHECK: llvm.func internal @entry.task0(%{{[^:]*}}: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: f32, %{{[^:]*}}: i64, %{{[^:]*}}: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: !llvm.ptr {llvm.noalias},
llvm.func @entry.task0(!llvm.ptr, !llvm.ptr, i64, i64, i64, f32, i64, !llvm.ptr,
    !llvm.ptr, i64, i64, i64) attributes {sym_visibility = "private"} {
^bb0(%a0: !llvm.ptr, %a1: !llvm.ptr, %a2: i64, %a3: i64, %a4: i64, %a5: f32,
     %a6: i64, %a7: !llvm.ptr, %a8: !llvm.ptr, %a9: i64, %a10: i64, %a11: i64):
  llvm.return
}
// CHECK: llvm.func internal @entry.task1(%{{[^:]*}}: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: !llvm.ptr {llvm.noalias}, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: i64, %{{[^:]*}}: !llvm.ptr, %{{[^:]*}}: !llvm.ptr,
llvm.func @entry.task1(!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr,
    !llvm.ptr, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64,
    i64) attributes {sym_visibility = "private"} {
^bb0(%a0: !llvm.ptr, %a1: !llvm.ptr, %a2: i64, %a3: i64, %a4: i64, %a5: i64,
     %a6: i64, %b0: !llvm.ptr, %b1: !llvm.ptr, %b2: i64, %b3: i64, %b4: i64,
     %id: i64, %s0: !llvm.ptr, %s1: !llvm.ptr, %s2: i64, %s3: i64, %s4: i64):
  llvm.return
}

// Gathers of bf16 are those of its bits; others stay.
// CHECK-LABEL: llvm.func @gathers
// CHECK: %[[NONE:.*]] = llvm.bitcast %{{.*}} : vector<8xbf16> to vector<8xi16>
// CHECK: %[[BITS:.*]] = llvm.intr.masked.gather %{{.*}}, %{{.*}}, %[[NONE]] {alignment = 2 : i32} : ({{.*}}, vector<8xi16>) -> vector<8xi16>
// CHECK: %[[NUMBERS:.*]] = llvm.bitcast %[[BITS]] : vector<8xi16> to vector<8xbf16>
// CHECK: llvm.store %[[NUMBERS]]
// CHECK: llvm.intr.masked.gather {{.*}} -> vector<8xf16>
llvm.func @gathers(%p: vector<8x!llvm.ptr>, %m: vector<8xi1>,
                   %bf: vector<8xbf16>, %f: vector<8xf16>, %to: !llvm.ptr) {
  %x = llvm.intr.masked.gather %p, %m, %bf {alignment = 2 : i32} : (vector<8x!llvm.ptr>, vector<8xi1>, vector<8xbf16>) -> vector<8xbf16>
  llvm.store %x, %to : vector<8xbf16>, !llvm.ptr
  %y = llvm.intr.masked.gather %p, %m, %f {alignment = 2 : i32} : (vector<8x!llvm.ptr>, vector<8xi1>, vector<8xf16>) -> vector<8xf16>
  llvm.store %y, %to : vector<8xf16>, !llvm.ptr
  llvm.return
}

// The trampoline, once per task.
// CHECK: llvm.func internal @entry.task0.call(%[[E:[^:]*]]: !llvm.ptr, %[[ID:[^:]*]]: i64, %[[S:[^:]*]]: !llvm.ptr)
// CHECK: %[[F0:.*]] = llvm.getelementptr %[[E]][0, 0]
// CHECK: %[[P0:.*]] = llvm.load %[[F0]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[V0:.*]] = llvm.load %[[P0]] : !llvm.ptr -> !llvm.struct<
// CHECK: %[[FIRST:.*]] = llvm.extractvalue %[[V0]][0]
// CHECK: %[[F1:.*]] = llvm.getelementptr %[[E]][0, 1]
// CHECK: %[[V1:.*]] = llvm.load %[[F1]] : !llvm.ptr -> f32
// CHECK: llvm.call @entry.task0(%[[FIRST]], %{{.*}}, %[[V1]], %[[ID]], %[[S]], %[[S]],
// CHECK: llvm.func internal @entry.task1.call(
// CHECK: %[[F1:.*]] = llvm.getelementptr %{{.*}}[0, 1]
// CHECK: llvm.load %[[F1]] : !llvm.ptr -> !llvm.struct<
// CHECK-NOT: @entry.task0.call(
// CHECK: llvm.func @ladon_rt_parallel_for(!llvm.ptr, i64, i64, !llvm.ptr, !llvm.ptr)
// CHECK: llvm.func @ladon_rt_alloc(!llvm.ptr, i64) -> !llvm.ptr
// CHECK: llvm.func @ladon_rt_try_alloc(!llvm.ptr, i64) -> !llvm.ptr
