// What is here is what cpu-outline-parallel and the upstream conversions leave
// of a function with a memref of rank 1, a scalar and one parallel loop.
// RUN: ladon-opt %s --cpu-emit-entry | FileCheck %s

// CHECK-NOT: llvm.func @_mlir_memref_to_llvm_alloc

// The entry function is internal, under another name; its buffers come from
// the runtime and are never freed one by one.
// CHECK: llvm.func internal @entry.main(%[[CONTEXT:[^:]*]]: !llvm.ptr,
// CHECK-NOT: ladon.ranks
// CHECK: %[[BYTES:.*]] = llvm.mlir.constant(256 : index) : i64
// CHECK: %[[BUFFER:.*]] = llvm.call @ladon_rt_alloc(%[[CONTEXT]], %[[BYTES]]) : (!llvm.ptr, i64) -> !llvm.ptr
// CHECK: llvm.call @entry.launch0(%[[CONTEXT]], %{{.*}}, %{{.*}}, %[[BUFFER]])
// CHECK-NOT: llvm.call
// CHECK: llvm.return

// A task's pointers do not alias.
// CHECK: llvm.func internal @entry.task0(%{{.*}}: f32, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: i64, %{{.*}}: !llvm.ptr {llvm.noalias}, %{{.*}}: !llvm.ptr {llvm.noalias},

// The launch stores what is captured where its task's trampoline finds it.
// CHECK: llvm.func internal @entry.launch0(%[[C:[^:]*]]: !llvm.ptr, %[[N:[^:]*]]: i64, %[[SCALE:[^:]*]]: f32, %[[MEMORY:[^:]*]]: !llvm.ptr)
// CHECK-NOT: ladon.
// CHECK: %[[ENV:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32, ptr)>
// CHECK: %[[AT0:.*]] = llvm.getelementptr %[[ENV]][0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(f32, ptr)>
// CHECK: llvm.store %[[SCALE]], %[[AT0]]
// CHECK: %[[AT1:.*]] = llvm.getelementptr %[[ENV]][0, 1]
// CHECK: llvm.store %[[MEMORY]], %[[AT1]]
// CHECK: %[[CALL:.*]] = llvm.mlir.addressof @entry.task0.call
// CHECK: %[[SCRATCH:.*]] = llvm.mlir.constant(384 : i64) : i64
// CHECK: llvm.call @ladon_rt_parallel_for(%[[C]], %[[N]], %[[SCRATCH]], %[[CALL]], %[[ENV]])

// NAME.run takes apart a memref of rank 1 (five words) and a scalar.
// CHECK: llvm.func @entry.run(%[[RC:[^:]*]]: !llvm.ptr, %[[ARGS:[^:]*]]: !llvm.ptr)
// CHECK: %[[P0:.*]] = llvm.getelementptr %[[ARGS]][0]
// CHECK: %[[X:.*]] = llvm.load %[[P0]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[X]][0] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK-NEXT: llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[X]][1] : (!llvm.ptr) -> !llvm.ptr, i64
// CHECK-NEXT: llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.getelementptr %[[X]][2]
// CHECK-NEXT: llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: llvm.getelementptr %[[X]][3]
// CHECK-NEXT: llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: llvm.getelementptr %[[X]][4]
// CHECK-NEXT: llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK-NOT: llvm.getelementptr %[[X]]
// CHECK: %[[P1:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK: %[[Y:.*]] = llvm.load %[[P1]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[SCALAR:.*]] = llvm.load %[[Y]] : !llvm.ptr -> f32
// CHECK: llvm.call @entry.main(%[[RC]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[SCALAR]])

// CHECK: llvm.func internal @entry.task0.call(%[[E:[^:]*]]: !llvm.ptr, %[[ID:[^:]*]]: i64, %[[S:[^:]*]]: !llvm.ptr)
// CHECK: %[[F0:.*]] = llvm.getelementptr %[[E]][0, 0]
// CHECK: %[[V0:.*]] = llvm.load %[[F0]] : !llvm.ptr -> f32
// CHECK: %[[F1:.*]] = llvm.getelementptr %[[E]][0, 1]
// CHECK: %[[V1:.*]] = llvm.load %[[F1]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.call @entry.task0(%[[V0]], %[[V1]], %[[ID]], %[[S]], %[[S]],
// CHECK: llvm.func @ladon_rt_parallel_for(!llvm.ptr, i64, i64, !llvm.ptr, !llvm.ptr)

llvm.func @_mlir_memref_to_llvm_alloc(i64) -> !llvm.ptr
llvm.func @_mlir_memref_to_llvm_free(!llvm.ptr)

llvm.func @entry(%context: !llvm.ptr, %base: !llvm.ptr, %x: !llvm.ptr, %offset: i64,
    %size: i64, %stride: i64, %scale: f32) attributes {ladon.ranks = [1, -1]} {
  %bytes = llvm.mlir.constant(256 : index) : i64
  %buffer = llvm.call @_mlir_memref_to_llvm_alloc(%bytes) : (i64) -> !llvm.ptr
  llvm.call @entry.launch0(%context, %size, %scale, %buffer) : (!llvm.ptr, i64, f32, !llvm.ptr) -> ()
  llvm.call @_mlir_memref_to_llvm_free(%buffer) : (!llvm.ptr) -> ()
  llvm.return
}

llvm.func @entry.task0(%scale: f32, %buffer: !llvm.ptr, %id: i64, %base: !llvm.ptr,
    %scratch: !llvm.ptr, %offset: i64, %size: i64, %stride: i64) attributes {sym_visibility = "private"} {
  llvm.store %scale, %buffer : f32, !llvm.ptr
  llvm.return
}

llvm.func @entry.launch0(!llvm.ptr, i64, f32, !llvm.ptr)
    attributes {ladon.scratch = 384 : i64, ladon.task = @entry.task0, sym_visibility = "private"}
