// What has no use goes; memory and loops that are used stay, each its own.
// RUN: ladon-opt %s --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%n: index) {
  %x = cpu.argument 0 : memref<?xf32>
  %a = cpu.alloc(%n) : memref<?xf32>
  %s, %granted = cpu.try_alloc(%n) : memref<?xf32>
  return
}

// CHECK-LABEL: func.func @used
// CHECK-COUNT-1: cpu.argument 0
// CHECK-COUNT-2: cpu.alloc
// CHECK-COUNT-2: cpu.try_alloc
// CHECK-COUNT-2: cpu.launch
func.func @used(%n: index) -> (i1, i1) {
  %x = cpu.argument 0 : memref<?xf32>
  %y = cpu.argument 0 : memref<?xf32>
  %a = cpu.alloc(%n) : memref<?xf32>
  %b = cpu.alloc(%n) : memref<?xf32>
  %s, %s_granted = cpu.try_alloc(%n) : memref<?xf32>
  %t, %t_granted = cpu.try_alloc(%n) : memref<?xf32>
  cpu.launch @task[%n] scratch 0 (%x, %a : memref<?xf32>, memref<?xf32>)
  cpu.launch @task[%n] scratch 0 (%y, %b : memref<?xf32>, memref<?xf32>)
  return %s_granted, %t_granted : i1, i1
}
func.func private @task(memref<?xf32>, memref<?xf32>, index, memref<0xi8>)
