// RUN: ladon-opt %s --cpu-outline-parallel --verify-diagnostics

func.func @dynamic_buffer(%x: memref<?xf32>, %n: index) {
  scf.forall (%i) in (%n) {
    // expected-error@+1 {{'memref.alloc' op expected a static shape inside a parallel loop}}
    %a = memref.alloc(%n) : memref<?xf32>
    %y = memref.load %a[%i] : memref<?xf32>
    memref.store %y, %x[%i] : memref<?xf32>
  }
  return
}
