"""Checks what the files around the sources promise.

    check_project.py ROOT LADON

Prints what is wrong, and at the end how many files were looked at.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
LADON = sys.argv[2]

problems = []


def read(name):
    return (ROOT / name).read_text()


def check(condition, problem):
    if not condition:
        problems.append(problem)


def sections(text):
    """The (glob, {key: value}) pairs of an .editorconfig, in order."""
    result = []
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            result.append((line[1:-1], {}))
        elif line and not line.startswith("#") and result:
            key, value = (part.strip() for part in line.split("="))
            result[-1][1][key] = value
    return result


def matches(path, glob):
    braces = re.match(r"(.*)\{(.*)\}(.*)$", glob)
    if braces:
        first, choices, last = braces.groups()
        return any(matches(path, first + choice + last) for choice in choices.split(","))
    name = path if "/" in glob else path.rsplit("/", 1)[-1]
    return fnmatch.fnmatchcase(name, glob.replace("**", "*"))


def check_editorconfig():
    """Every text file that git knows keeps to .editorconfig."""
    rules = sections(read(".editorconfig"))
    check(rules and rules[0][0] == "*", ".editorconfig: expected a section for all files first")
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    count = 0
    for path in filter(None, listed.stdout.split("\0")):
        file = ROOT / path
        if not file.is_file() or file.is_symlink():
            continue
        data = file.read_bytes()
        settings = {}
        for glob, values in rules:
            if matches(path, glob):
                settings.update(values)
        if b"\0" in data[:8192] or not data:
            continue
        if settings.get("charset") != "utf-8":
            continue
        count += 1
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            problems.append(f"{path}: not UTF-8")
            continue
        check("\r" not in text, f"{path}: has carriage returns")
        if settings.get("insert_final_newline") == "true":
            check(text.endswith("\n"), f"{path}: the last line has no end")
        for number, line in enumerate(text.split("\n"), 1):
            if settings.get("trim_trailing_whitespace") == "true":
                check(line == line.rstrip(), f"{path}:{number}: ends in blanks")
            if settings.get("indent_style") == "space":
                check(not line.startswith("\t"), f"{path}:{number}: starts with a tab")
    check(count > 500, f"expected hundreds of text files, found {count}")
    return count


def check_links():
    """What the pages for people link to in this repository is there."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                check((page.parent / target).exists(),
                      f"{page.relative_to(ROOT)}: links to {target}, which is not there")
    return len(pages)


def check_version():
    """The build, the program and the newest release notes agree."""
    project = re.search(r"project\(ladon VERSION ([\d.]+)", read("CMakeLists.txt")).group(1)
    said = subprocess.run([LADON, "--version"], capture_output=True, text=True, check=True).stdout
    released = re.search(r"^## (\d[\d.]*)", read("docs/CHANGELOG.md"), re.MULTILINE).group(1)
    check(said == f"ladon {project}\n", f"CMakeLists.txt has version {project}, ladon says {said}")
    check(released == project, f"the newest release in docs/CHANGELOG.md is {released}, not {project}")


def check_licence():
    text = read("LICENSE")
    for part in ["Apache License", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS",
                 "---- LLVM Exceptions to the Apache 2.0 License ----"]:
        check(part in text, f"LICENSE: lacks '{part}'")


files = check_editorconfig()
pages = check_links()
check_version()
check_licence()
print("\n".join(problems))
print(f"{files} files, {pages} pages, {len(problems)} problems")
sys.exit(bool(problems))
