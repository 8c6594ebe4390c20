"""Finds small changes of source files, and writes copies that hold all of them.

Each is an expression or statement that asks a switch (Switch.h) at run time:
`a < b` becomes `(ladonMutant(17) ? a <= b : a < b)`. So one build serves for
all, and a mutant costs its tests only. libclang says where expressions begin
and end, and which changes do not compile; these are dropped. Lines stay where
they are."""

import collections
import concurrent.futures
import hashlib
import json
import pathlib
import re

from clang import cindex
from clang.cindex import CursorKind as Kind

OPERATORS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
    "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["*"], "&": ["|"], "|": ["&"],
    "+=": ["-="], "-=": ["+="], "*=": ["+="], "&=": ["|="], "|=": ["&="],
}  # fmt: skip
# The names of calls; of operations as values, for each has a type of its own.
CALLS = {
    "success()": "failure()", "failure()": "success()", "std::min": "std::max", "std::max": "std::min",
    "llvm::any_of": "llvm::all_of", "llvm::all_of": "llvm::any_of",
}  # fmt: skip
OPERATIONS = {
    "AddIOp": "SubIOp", "SubIOp": "AddIOp", "MulIOp": "AddIOp", "MinSIOp": "MaxSIOp", "MaxSIOp": "MinSIOp",
    "AddFOp": "SubFOp", "SubFOp": "AddFOp", "MulFOp": "DivFOp", "DivFOp": "MulFOp", "AndIOp": "OrIOp", "OrIOp": "AndIOp",
    "MaximumFOp": "MinimumFOp", "MinimumFOp": "MaximumFOp", "MaxNumFOp": "MinNumFOp", "MinNumFOp": "MaxNumFOp",
    "FloorDivSIOp": "CeilDivSIOp", "CeilDivSIOp": "FloorDivSIOp", "ExtSIOp": "ExtUIOp", "ExtUIOp": "ExtSIOp",
}  # fmt: skip
# Statements without an effect, or with none but on time.
EFFECTLESS = re.compile(r"assert\b|LLVM_|llvm_unreachable|\(void\)|[\w.]+(\.|->)reserve\(")
SKIPPED = {Kind.STATIC_ASSERT, Kind.ENUM_DECL, Kind.USING_DIRECTIVE, Kind.TYPE_ALIAS_DECL, Kind.TYPE_REF}

CREATE_PREAMBLE_ON_FIRST_PARSE = 0x100  # Of clang-c/Index.h, which the module does not name.

Change = collections.namedtuple("Change", "start end form replacement")
# Forms: the text of the switch around `old`, with `new` in its place.
FORMS = {
    "value": "(ladonMutant({n}) ? {new} : {old})",
    "operation": "(ladonMutant({n}) ? ::mlir::Value({new}) : ::mlir::Value({old}))",
    "condition": "(ladonMutant({n}) ? !static_cast<bool>({new}) : static_cast<bool>({old}))",
    "statement": "(ladonMutant({n}) ? (void)0 : (void)({old}))",
    "jump": "if (!ladonMutant({n})) {old}",
}


SWITCH = re.compile(r"ladonMutant\((\d+)\)")


def flat(text):
    """On one line, without comments."""
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*\n", "\n", text))


class Finder:
    """The changes of one file: lists of Change, in which all of a list belong to one mutant."""

    def __init__(self, path):
        self.path = path
        self.source = pathlib.Path(path).read_bytes()
        self.found = {}

    def text(self, cursor):
        return self.source[cursor.extent.start.offset : cursor.extent.end.offset].decode()

    def add(self, cursor, form, replacement):
        change = Change(cursor.extent.start.offset, cursor.extent.end.offset, form, flat(replacement))
        self.found[(change,)] = None

    def swap(self, left, right):
        """Puts each of two expressions in the place of the other."""
        a, b = self.text(left), self.text(right)
        if a == b or not a or not b or a[0] in "{[" or b[0] in "{[" or left.extent.end.offset > right.extent.start.offset:
            return
        if left.type.get_canonical().spelling.replace("const ", "") == right.type.get_canonical().spelling.replace("const ", ""):
            self.found[
                Change(left.extent.start.offset, left.extent.end.offset, "value", flat(b)),
                Change(right.extent.start.offset, right.extent.end.offset, "value", flat(a)),
            ] = None

    def visit(self, cursor):
        begin = cursor.extent.start.offset
        if not cursor.location.file or cursor.location.file.name != self.path:
            return
        kind, children = cursor.kind, list(cursor.get_children())
        head = self.source[begin : cursor.extent.end.offset][:200].decode(errors="ignore")
        if kind in SKIPPED or kind.is_declaration() and re.match(r"(static |inline )*constexpr ", head):
            return
        undeclared = [child for child in children if child.kind not in (Kind.DECL_STMT, Kind.VAR_DECL)]
        if kind == Kind.CASE_STMT:
            children = children[1:]
        elif kind in (Kind.VAR_DECL, Kind.FIELD_DECL):
            # Not what its type mentions.
            children = [
                child for child in children
                if child.extent.start.offset >= cursor.location.offset and self.source[child.extent.start.offset - 1] != ord("[")]
        elif kind in (Kind.IF_STMT, Kind.WHILE_STMT, Kind.CONDITIONAL_OPERATOR):
            # Not a variable where it is declared.
            if undeclared[0].extent.start.offset != children[0].location.offset or children[0] == undeclared[0]:
                self.visit_condition(undeclared[0])
        elif kind in (Kind.BINARY_OPERATOR, Kind.COMPOUND_ASSIGNMENT_OPERATOR) and len(children) == 2:
            self.visit_operator(cursor, children[0], children[1])
        elif kind == Kind.UNARY_OPERATOR and head.startswith("!"):
            self.add(cursor, "value", f"static_cast<bool>({self.text(children[0])})")
        elif kind == Kind.CALL_EXPR:
            self.visit_call(cursor, children)
        elif kind == Kind.INIT_LIST_EXPR and len(children) <= 4:
            for left, right in zip(children, children[1:]):
                self.swap(left, right)
        elif kind == Kind.INTEGER_LITERAL and head.isdigit():
            self.add(cursor, "value", str(int(head) + 1))
        elif kind == Kind.CXX_BOOL_LITERAL_EXPR and head in ("true", "false"):
            self.add(cursor, "value", "false" if head == "true" else "true")
        elif kind == Kind.DECL_REF_EXPR and cursor.referenced and cursor.referenced.kind == Kind.ENUM_CONSTANT_DECL:
            self.visit_enumerator(cursor)
        elif kind == Kind.CONTINUE_STMT:
            self.add(cursor, "jump", "")
        statements = {Kind.COMPOUND_STMT: children, Kind.IF_STMT: undeclared[1:], Kind.FOR_STMT: children[-1:], Kind.CXX_FOR_RANGE_STMT: children[-1:]}
        for child in statements.get(kind, []):
            if child.kind.is_expression() and not EFFECTLESS.match(self.text(child)):
                self.add(child, "statement", "")
        for child in children:
            if child.kind != Kind.INTEGER_LITERAL or kind not in (Kind.DECL_REF_EXPR, Kind.MEMBER_REF_EXPR):
                self.visit(child)

    def visit_condition(self, condition):
        """Comparisons, connectives and negations are changed as such."""
        text = self.text(condition)
        if condition.kind.is_expression() and not text.startswith("!") and not re.search(r" ([<>=!]=|<|>|&&|\|\|) ", text):
            self.add(condition, "condition", text)

    def visit_operator(self, cursor, left, right):
        operator = self.source[left.extent.end.offset : right.extent.start.offset].decode().strip()
        for other in OPERATORS.get(operator, []):
            self.add(cursor, "value", f"{self.text(left)} {other} {self.text(right)}")
        if operator in ("==", "!="):
            self.add(cursor, "condition", self.text(cursor))

    def visit_call(self, cursor, children):
        text = self.text(cursor)
        if cursor.spelling.startswith("operator"):
            if len(children) == 3:
                self.visit_operator(cursor, children[0], children[2])
            return
        arguments = list(cursor.get_arguments())
        for left, right in zip(arguments, arguments[1:]):
            self.swap(left, right)
        for name, other in CALLS.items():
            if text.startswith(name):
                self.add(cursor, "value", other + text[len(name) :])
        operation = re.match(r"((?:\w+::)*)(\w+)::create\(", text)
        if operation and operation[2] in OPERATIONS:
            self.add(cursor, "operation", operation[1] + OPERATIONS[operation[2]] + text[operation.end(2) :])

    def visit_enumerator(self, cursor):
        names = [child.spelling for child in cursor.referenced.semantic_parent.get_children() if child.kind == Kind.ENUM_CONSTANT_DECL]
        text, name = self.text(cursor), cursor.spelling
        if text.endswith(name) and len(names) > 1:
            other = names[(names.index(name) + 1) % len(names)]
            self.add(cursor, "value", text[: -len(name)] + other)


def render(source, mutants):
    """The file with all mutants in it: a dictionary of numbers to lists of Change."""
    nodes = collections.defaultdict(list)
    for number, changes in mutants.items():
        for change in changes:
            nodes[change.start, -change.end].append((number, change))
    spans = sorted(nodes)  # Outer ones before those in them.
    position = 0

    def span(begin, end):
        nonlocal position
        out = []
        while position < len(spans) and -spans[position][1] <= end:
            inner = start, finish = spans[position][0], -spans[position][1]
            position += 1
            out.append(source[begin:start].decode())
            old = span(start, finish)
            # The switch of a statement has no value.
            for number, change in sorted(nodes[start, -finish], key=lambda node: node[1].form == "statement"):
                old = FORMS[change.form].format(n=number, new=change.replacement, old=old)
            out.append(old)
            begin = inner[1]
        return "".join(out) + source[begin:end].decode()

    return span(0, len(source))


def faulty(unit, path, written, all_of_line):
    """The numbers of the mutants at errors: of the switch before each, or of all in its line
    or, where there are none, in the nearest line before it."""
    lines = written.split("\n")
    numbers = set()
    for error in unit.diagnostics:
        if error.severity < cindex.Diagnostic.Error:
            continue
        for place in [error.location] + [note.location for note in error.children]:
            if place.file and place.file.name == path:
                line = lines[place.line - 1]
                before = line.encode()[: place.column + len("ladonMutant(12345")].decode(errors="ignore")
                switches = SWITCH.findall(line if all_of_line else before)
                numbers.update(map(int, switches if all_of_line else switches[-1:]))
        if all_of_line and not numbers:
            numbers.update(map(int, next(filter(None, map(SWITCH.findall, lines[error.location.line - 1 :: -1])))))
    return numbers


def mutate(root, name, arguments, first):
    """The mutants of a file, numbered from `first`, and its text with them."""
    path = str(root / name)
    source = (root / name).read_bytes()
    arguments = [*arguments, "-ferror-limit=0", "-include", str(root / "test/mutants/Switch.h")]
    # Headers are read once.
    unit = cindex.TranslationUnit.from_source(
        path, arguments, options=cindex.TranslationUnit.PARSE_PRECOMPILED_PREAMBLE | CREATE_PREAMBLE_ON_FIRST_PARSE)
    finder = Finder(path)
    for cursor in unit.cursor.get_children():
        finder.visit(cursor)
    mutants = dict(enumerate(finder.found, first))
    for attempt in range(20):
        written = render(source, mutants)
        unit.reparse([(path, written)])
        errors = [d for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
        if not errors:
            break
        dropped = (faulty(unit, path, written, False) if attempt < 5 else None) or faulty(unit, path, written, True)
        mutants = {number: changes for number, changes in mutants.items() if number not in dropped}
        if not dropped:
            raise RuntimeError(f"{name}: {errors[0]}")
    return [describe(name, source, number, changes) for number, changes in mutants.items()], written


def describe(name, source, number, changes):
    start, end, form, replacement = changes[0]
    line = source.count(b"\n", 0, start) + 1
    whole = source.split(b"\n")[line - 1].decode().strip()
    before = flat(source[start:end].decode())
    after = {"condition": f"!({before})", "statement": "left out", "jump": "left out"}.get(form, replacement)
    if len(changes) == 2:
        after = "swapped with " + replacement
    shorten = lambda text: text if len(text) < 120 else text[:117] + "..."
    return {"number": number, "file": name, "line": line, "name": f"{name}: {shorten(before)} -> {shorten(after)} in {whole}"}


def write_file(root, out, name, arguments, first):
    """Writes the copy of a file to `out`/mutated, and returns its mutants. What was written
    for the same text is kept."""
    copy, listed = out / "mutated" / name, out / "mutated" / (name + ".json")
    key = [first, hashlib.sha256((root / name).read_bytes() + pathlib.Path(__file__).read_bytes()).hexdigest()]
    if listed.exists() and json.loads(listed.read_text())["key"] == key:
        return json.loads(listed.read_text())["mutants"]
    mutants, written = mutate(root, name, arguments, first)
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.exists():  # What was compiled without it does not depend on it.
        for compiled in out.rglob(copy.name + ".o"):
            compiled.unlink()
    if not copy.exists() or copy.read_text() != written:
        copy.write_text(written)
    listed.write_text(json.dumps({"key": key, "mutants": mutants}, indent=0))
    print(f"{name}: {len(mutants)} mutants", flush=True)
    return mutants


def write(root, out, names):
    """Writes the copies of files and what makes the compiler read them (overlay.yaml) to
    `out`, and returns the mutants. Each file has a thousand numbers."""
    commands = {entry["file"]: entry["command"].split() for entry in json.loads((root / "build/compile_commands.json").read_text())}
    roots = [{"name": str(root / name), "type": "file", "external-contents": str(out / "mutated" / name)} for name in names]
    (out / "overlay.yaml").write_text(json.dumps({"version": 0, "roots": roots}, indent=1))
    # Processes, for the module does not free what it reads.
    with concurrent.futures.ProcessPoolExecutor(2, max_tasks_per_child=1) as processes:
        parts = []
        for place, name in enumerate(names):
            words = commands[str(root / name)]
            arguments = words[1 : words.index("-o")]
            parts.append(processes.submit(write_file, root, out, name, arguments, 1000 * place + 1))
        return [mutant for part in parts for mutant in part.result()]
