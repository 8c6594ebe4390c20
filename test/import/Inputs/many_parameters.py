"""Imports specs with many parameters: the time must grow with their number, not
with its square. Processor time, so that a busy machine makes no difference."""

import os
import subprocess
import sys

ladon = sys.argv[1]


def seconds(count):
    params = "".join(f",\n    p{n}: f32[X{n % 97}]" for n in range(count))
    reads = " + ".join(f"p{n}[0]" for n in range(0, count, count // 50))
    text = (f"attention a(q: f32[B, 4, S, 8], k: f32[B, 4, T, 8], v: f32[B, 4, T, 8]{params})\n"
            f"    -> f32[B, 4, S, 8] {{ return attend(q, k, v, score = s + {reads}) }}\n")
    before = os.times()
    subprocess.run([ladon, "build", "-", "--emit", "attn"], input=text.encode(),
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


small, large = seconds(4000), seconds(32000)
print("in proportion" if large < 20 * small else f"{small:.2f} s for 4000, {large:.2f} s for 32000")
