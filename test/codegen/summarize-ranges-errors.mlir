// RUN: ladon-opt %s --cpu-summarize-ranges="positions=0" --verify-diagnostics

// expected-error@+1 {{options of the pass: expected blocks of at least 1 position, found 0}}
func.func @none() {
  return
}
