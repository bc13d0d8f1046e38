"""Who reads the API reference finds what each thing takes, of what shape, and what it refuses."""

import ast
import re
from collections.abc import Iterator

from tests import ROOT

PACKAGE = ROOT / "mnist_transformer"
# The shell commands: what each file of them holds stands in the folder's own docstring.
NO_REFERENCE = "commands"
SHAPE = re.compile(r"\([\w.+*/ -]*,[^()]*\)|scalar|same shape|any shape")
ELSEWHERE = re.compile(r"\b[Aa]s (in )?`")  # described where a docstring points to
FEW = 3  # arguments that a sentence can name
Function = ast.FunctionDef | ast.AsyncFunctionDef


def public(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every public class, function, method and property, by its name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield inside + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{inside}{node.name}.")


FOUND = {
    f"{path.relative_to(PACKAGE).with_suffix('').as_posix()}: {name}": node
    for path in sorted(PACKAGE.rglob("*.py"))
    if NO_REFERENCE not in path.parts
    for name, node in public(ast.parse(path.read_text()))
}
FUNCTIONS = {name: node for name, node in FOUND.items() if isinstance(node, Function)}


def arguments(function: Function) -> list[ast.arg]:
    """What a caller gives, `self` and `cls` aside."""
    every = function.args
    named = [*every.posonlyargs, *every.args, every.vararg, *every.kwonlyargs, every.kwarg]
    return [one for one in named if one and one.arg not in ("self", "cls")]


def described(docstring: str) -> list[str]:
    """The names in the section "Args:"; several may share a line, as in "height, width: ..."."""
    section = re.search(r"^Args:\n((?:[ ]{4}.*\n?|\n)+)", docstring + "\n", re.MULTILINE)
    entries = re.findall(r"^[ ]{4}([\w*, ]+):", section[1] if section else "", re.MULTILINE)
    return [name.strip(" *") for entry in entries for name in entry.split(",")]


def doc(node: ast.AST) -> str:
    return ast.get_docstring(node) or ""


def test_all_that_is_public_has_a_docstring():
    """Or does what a protocol of its file says that a method of its name does."""
    modules = [path for path in PACKAGE.rglob("*.py") if not doc(ast.parse(path.read_text()))]
    assert modules == []
    told = {place(name) for name, node in FOUND.items() if doc(node)}
    assert [name for name, node in FOUND.items() if not doc(node) and place(name) not in told] == []


def place(name: str) -> tuple[str, str]:
    """The file, and the last part of the name."""
    return name.partition(":")[0], re.split(r"[. ]", name)[-1]


def test_a_list_of_arguments_is_whole_and_many_arguments_have_one():
    wrong = {}
    for name, function in FUNCTIONS.items():
        takes, told = {one.arg for one in arguments(function)}, {*described(doc(function))}
        needed = takes if told or len(takes) > FEW else set()
        if told - takes or (needed - told and not ELSEWHERE.search(doc(function))):
            wrong[name] = sorted(takes ^ told)
    assert wrong == {}


def raised(node: ast.AST) -> set[str]:
    """The kinds of errors that come out of a function; not those that it catches itself."""
    if isinstance(node, ast.Raise) and node.exc:
        return {ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)}
    out: set[str] = set().union(*(raised(child) for child in ast.iter_child_nodes(node)))
    if isinstance(node, ast.Try):
        kinds = [ast.unparse(handler.type) for handler in node.handlers if handler.type]
        caught = set(re.findall(r"\w+", " ".join(kinds)))
        beyond = [*node.handlers, *node.orelse, *node.finalbody]
        out = set().union(*(raised(child) for child in node.body)) - caught
        out |= set().union(*(raised(child) for child in beyond))
    return out


def test_errors_are_named_where_they_are_raised():
    wrong = {}
    for name, function in FUNCTIONS.items():
        known = re.findall(r"\w+", doc(function))
        kinds = {kind for kind in raised(function) if kind[0].isupper()}  # not `raise error`
        if missing := kinds - {*known}:
            wrong[name] = missing
    assert wrong == {}


def test_tensors_have_shapes():
    wrong = []
    for name, function in FUNCTIONS.items():
        types = [one.annotation for one in arguments(function)] + [function.returns]
        named = [ast.unparse(kind) for kind in types if kind]
        has_tensors = any(
            re.search(r"\b(Tensor|ndarray)\b", kind) and not re.search("dict|Mapping", kind)
            for kind in named
        )
        text = doc(function)
        if has_tensors and not SHAPE.search(text) and not ELSEWHERE.search(text):
            wrong.append(name)
    assert wrong == []
