// What the plugin and its operations and pipelines refuse in a tool of others.
// RUN: mlir-opt --load-dialect-plugin=%plugin %s --split-input-file --verify-diagnostics
// RUN: not mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin /dev/null \
// RUN:   --pass-pipeline='builtin.module(ladon-llvm-pipeline{cpu=z80})' 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin /dev/null \
// RUN:   --pass-pipeline='builtin.module(ladon-loop-pipeline{cpu=sm_80})' 2>&1 | FileCheck %s --check-prefix=GPU
// RUN: not mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin /dev/null \
// RUN:   --pass-pipeline='builtin.module(ladon-loop-pipeline{tile=8})' 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not mlir-opt --load-dialect-plugin=%plugin --load-pass-plugin=%plugin /dev/null \
// RUN:   --pass-pipeline='builtin.module(attn-fuse-tails)' 2>&1 | FileCheck %s --check-prefix=PASS

// LEVEL: error: --cpu z80: expected native, or one of x86-64-v2, x86-64-v3
// GPU: error: expected a level of a CPU, found sm_80
// OPTION: no such option tile
// PASS: 'attn-fuse-tails' does not refer to a registered pass or pass pipeline

func.func @heads(%x: tensor<1x8x64xf32>) -> tensor<1x3x8x21xf32> {
  // expected-error@+1 {{'attn.split_heads' op 64 features do not split into 3 heads}}
  %s = attn.split_heads %x heads 3 : tensor<1x8x64xf32> -> tensor<1x3x8x21xf32>
  return %s : tensor<1x3x8x21xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>) {
  // expected-error@+1 {{unregistered operation 'attn.attention' found in dialect ('attn') that does not allow unknown operations}}
  "attn.attention"(%x) : (tensor<4xf32>) -> ()
  return
}
