"""Makes PyTorch from PyPI importable without the GPU libraries that it is linked to (2 GB and more).

Usage: torch_without_gpu.py DIRECTORY_WITH_TORCH   (needs gcc, readelf and nm)

The wheel names shared libraries that only a machine with a GPU needs. For each missing one this compiles a small
library of the same name whose functions all return an error, so that the loader is content and PyTorch finds no GPU.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ALWAYS_THERE = ("libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "libgcc_s", "libstdc++", "ld-linux")
GPU_PREFIXES = ("cu", "__cuda", "nccl", "pnccl", "_ncclD", "nvrtc", "nvshmem", "nvJit", "nvtx", "nvml")
CUDA_ERROR_INSUFFICIENT_DRIVER = 35
# These are called while the library is loaded and must return something that can be read.
SPECIAL = {
    "cudaGetErrorString": 'const char *cudaGetErrorString(int e) { return "no GPU libraries"; }',
    "cudaGetErrorName": 'const char *cudaGetErrorName(int e) { return "no GPU libraries"; }',
    "__cudaRegisterFatBinary": "void *__cudaRegisterFatBinary(void *p) { static void *handle; return &handle; }",
}


def lines_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


class Linkage:
    """What the libraries in a folder need from elsewhere."""

    def __init__(self, folder):
        self.missing = set()
        self.undefined = set()
        self.defined = set()
        self.library_of_version = {}
        present = {path.name for path in folder.iterdir()}
        for library in sorted(folder.glob("*.so*")):
            self._read_needed(library, present)
            self._read_versions(library)
            self._read_symbols(library)

    def _read_needed(self, library, present):
        for line in lines_of("readelf", "-dW", library):
            if "(NEEDED)" in line:
                name = line.split("[")[1].split("]")[0]
                if name not in present and not name.startswith(ALWAYS_THERE):
                    self.missing.add(name)

    def _read_versions(self, library):
        current = None
        for line in lines_of("readelf", "-VW", library):
            if file := re.search(r"File: (\S+)", line):
                current = file[1]
            elif current and (version := re.search(r"Name: (\S+)\s+Flags", line)):
                self.library_of_version[version[1]] = current

    def _read_symbols(self, library):
        for line in lines_of("nm", "-D", library):
            parts = line.split()
            name, _, version = parts[-1].partition("@")
            if parts[0] == "U":
                self.undefined.add((name, version.lstrip("@")))
            elif len(parts) > 2:
                self.defined.add(name)

    def symbols(self):
        """{library: {version: symbols}} for the missing libraries; '' where a symbol has no version."""
        found = defaultdict(lambda: defaultdict(set))
        runtime = next((name for name in sorted(self.missing) if name.startswith("libcudart")), None)
        for name, version in self.undefined:
            library = self.library_of_version.get(version)
            if version and library in self.missing:
                found[library][version].add(name)
            elif not version and runtime and name not in self.defined and name.startswith(GPU_PREFIXES):
                found[runtime][""].add(name)
        return found


def compile_stub(library, symbols, folder):
    source = folder / "stub.c"
    names = sorted({name for group in symbols.values() for name in group})
    error = CUDA_ERROR_INSUFFICIENT_DRIVER
    bodies = [SPECIAL.get(name, f"int {name}(void) {{ return {error}; }}") for name in names]
    source.write_text("\n".join(["int rxtinker_stub;", *bodies, ""]))
    command = ["gcc", "-w", "-fno-builtin", "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", folder / library, source]
    versions = {version: group for version, group in symbols.items() if version}
    if versions:
        script = folder / "stub.map"
        script.write_text("".join(f"{v} {{ global: {'; '.join(sorted(g))}; }};\n" for v, g in sorted(versions.items())))
        command.append(f"-Wl,--version-script={script}")
    subprocess.run(command, check=True)


def run_path(folder):
    """A folder on the libraries' search path, from where they look for what they need."""
    for library in sorted(folder.glob("libtorch_c*.so")):
        for line in lines_of("readelf", "-dW", library):
            if found := re.search(r"R(?:UN)?PATH.*\$ORIGIN/(\.\./\.\./nvidia/[^:\]]*)", line):
                return (folder / found[1]).resolve()
    raise SystemExit("torch names no folder of GPU libraries")


def main():
    libraries = Path(sys.argv[1]) / "torch" / "lib"
    linkage = Linkage(libraries)
    if not linkage.missing:
        return
    target = run_path(libraries)
    target.mkdir(parents=True, exist_ok=True)
    symbols = linkage.symbols()
    for library in sorted(linkage.missing):
        compile_stub(library, symbols[library], target)
    print(f"{len(linkage.missing)} libraries stubbed in {target}")


if __name__ == "__main__":
    main()
