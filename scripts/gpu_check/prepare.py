"""On a machine with Ladon: libraries, inputs and expected results of all cases."""

import json, pathlib, shutil, subprocess, sys

from cases import CASES, MAKERS
from tensors import make, shape_of, write_npy

HERE = pathlib.Path(__file__).parent


def run(*command):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(
            f"gpu-check: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        )


def prepare(options):
    ladon = shutil.which(options.ladon)
    if not ladon:
        sys.exit(
            f"gpu-check: cannot find '{options.ladon}'; build it, or name it with --ladon"
        )
    directory = pathlib.Path(options.prepare)
    tiles = [""] + [t for t in options.tiles.split(":") if t]
    wanted = [c for c in CASES if not options.only or c.name in options.only]
    if not wanted:
        sys.exit(f"gpu-check: --only {','.join(options.only)}: no such case")
    for case in wanted:
        folder = directory / "cases" / case.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        source = folder / f"{case.name}.attn"
        source.write_text(case.text)
        libraries = []
        for number, tile in enumerate(tiles):
            if number and not case.timed:
                continue
            out = folder / f"tile{number}"
            run(
                ladon, "build", source, "--target", options.target, "-o", out,
                *(["--cuda-tile", tile] if tile else []),
                *(["--simulate"] if options.simulate else []),
            )  # fmt: skip
            libraries.append({"tile": tile or "default", "folder": out.name})
        manifest = json.loads(
            (folder / "tile0" / f"{case.name}.json").read_text()
        )
        given = []
        for param in manifest["params"]:
            if param["kind"] == "input":
                path = folder / f"{param['name']}.npy"
                data = make(param, case.sizes, MAKERS, case.name)
                write_npy(
                    path, data, shape_of(param, case.sizes), param["dtype"]
                )
                given += ["--input", f"{param['name']}={path}"]
        run(
            ladon, "run", source, "--reference", *given,
            "--output", f"out={folder / 'expected.npy'}",
        )  # fmt: skip
        (folder / "case.json").write_text(
            json.dumps(
                {
                    "sizes": case.sizes,
                    "timed": list(case.timed),
                    "peer": case.peer,
                    "libraries": libraries,
                }
            )
        )
        print(f"prepared {case.name}")
    shutil.copytree(
        HERE,
        directory / "gpu_check",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(HERE.parent / "gpu-check", directory / "gpu-check")
    print(f"carry {directory} along, and run gpu-check in it")
