"""Which small faults can be put into a module: places of its source, each with another text.

Left out by rule, because no behaviour hangs on them or only the words of a message: annotations, docstrings, decorators, imports, asserts,
`__all__` and `__slots__`, f-strings, which end is stripped where only the truth counts or split from
where all is split, the arguments of what is raised, prose (strings of three words and more) and `strict` of `zip`.
"""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault: the bytes `start` to `end` of a file replaced by `text`."""

    path: str
    #: Class and function, the outermost one; empty at the level of the module.
    function: str
    line: int
    kind: str
    #: The mutated piece of source and what takes its place, in one line each.
    before: str
    after: str
    start: int
    end: int
    text: str
    #: Counts the mutants of a function that read the same.
    nth: int = 0

    @property
    def identity(self) -> str:
        """What stays the same when lines above change."""
        return "\n".join((self.path, self.function, self.kind, self.before, self.after, str(self.nth)))

    def applied(self, source: bytes) -> bytes:
        """Return the source with the fault in it; lines below stay where they are."""
        gone = source[self.start : self.end].count(b"\n")
        rest, newline, below = source[self.end :].partition(b"\n")
        return source[: self.start] + self.text.encode() + rest + newline + b"\n" * gone + below


_COMPARE: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_BINARY: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_METHODS: Final = {
    "startswith": "endswith",
    "endswith": "startswith",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "strip": "lstrip",
    "lower": "upper",
    "casefold": "upper",
    "find": "rfind",
    "rfind": "find",
    "index": "rindex",
    "partition": "rpartition",
    "rpartition": "partition",
    "split": "rsplit",
    "rsplit": "split",
    "match": "search",
    "fullmatch": "match",
    "search": "match",
    "union": "intersection",
    "intersection": "union",
    "issubset": "issuperset",
}
_NAMES: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_Scope = ast.FunctionDef | ast.AsyncFunctionDef


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return every fault that can be put into a module, in the order of the source."""
    finder = _Finder(path, source)
    finder.body(ast.parse(source).body)
    found, seen = [], dict[str, int]()
    for one in sorted(finder.found, key=lambda mutant: (mutant.start, mutant.end, mutant.kind, mutant.text)):
        nth = seen.get(one.identity, 0)
        seen[one.identity] = nth + 1
        found.append(replace(one, nth=nth))
    return found


def prose(text: str) -> bool:
    """Return whether a string is words to people."""
    return len(text.split()) > 2 and len(_WORD.findall(text)) > 2


class _Finder:
    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.found: list[Mutant] = []
        self.scope: list[str] = []
        self.inside = 0
        self.answers_bool = False
        #: Expressions of which only the truth counts: there `strip` says what `lstrip` says.
        self.truths: set[ast.AST] = set()
        lines = source.split(b"\n")
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def add(self, node: ast.AST, kind: str, text: str, before: str | None = None) -> None:
        start = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        was = (before if before is not None else ast.unparse(node)).replace("\n", " ")
        function = ".".join(self.scope)
        line = node.lineno  # type: ignore[attr-defined]
        self.found.append(
            Mutant(path=self.path, function=function, line=line, kind=kind, before=was, after=text, start=start, end=end, text=text)
        )

    def changed(self, node: ast.expr, kind: str, new: ast.expr) -> None:
        self.add(node, kind, f"({ast.unparse(ast.fix_missing_locations(new))})")

    # Statements

    def body(self, statements: list[ast.stmt]) -> None:
        for number, statement in enumerate(statements):
            if number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring, or the dots of a protocol
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
            return
        for value in ast.iter_child_nodes(node):
            if isinstance(value, ast.expr):
                self.expression(value)
        for name in ("body", "orelse", "finalbody"):
            self.body(getattr(node, name, []))

    def _import(self, node: ast.Import) -> None:
        pass

    _importfrom = _assert = _global = _nonlocal = _import

    def _classdef(self, node: ast.ClassDef) -> None:
        if not self.inside:
            self.scope.append(node.name)
        self.body(node.body)
        if not self.inside:
            self.scope.pop()

    def _functiondef(self, node: _Scope) -> None:
        if not self.inside:
            self.scope.append(node.name)
        self.inside += 1
        outer, self.answers_bool = self.answers_bool, isinstance(node.returns, ast.Name) and node.returns.id == "bool"
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]:
            self.expression(default)
        self.body(node.body)
        self.answers_bool = outer
        self.inside -= 1
        if not self.inside:
            self.scope.pop()

    _asyncfunctiondef = _functiondef

    def _return(self, node: ast.Return) -> None:
        if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value in (None, True, False)):
            if node.value is not None:
                self.expression(node.value)
            return
        if self.answers_bool:
            self.add(node.value, "return", f"(not ({ast.unparse(node.value)}))")
        else:
            self.add(node.value, "return", "None")
        self.expression(node.value)

    def _expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        if isinstance(node.value, ast.Call):
            self.add(node, "statement", "pass")
        self.expression(node.value)

    def _raise(self, node: ast.Raise) -> None:
        self.add(node, "statement", "pass")

    def _delete(self, node: ast.Delete) -> None:
        self.add(node, "statement", "pass")

    def _continue(self, node: ast.Continue) -> None:
        self.add(node, "loop", "break")

    def _break(self, node: ast.Break) -> None:
        self.add(node, "loop", "continue")

    def _assign(self, node: ast.Assign) -> None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if any(name in {"__all__", "__slots__", "__match_args__"} for name in names):
            return
        if any(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            self.add(node, "statement", "pass")
        for target in node.targets:
            self.expression(target)
        self.expression(node.value)

    def _annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and ast.unparse(node.annotation).rpartition(".")[2] != "TypeAlias":
            self.expression(node.value)

    def _augassign(self, node: ast.AugAssign) -> None:
        self.add(node, "statement", "pass")
        if type(node.op) in _BINARY and not _text(node.value):
            new = copy.deepcopy(node)
            new.op = _BINARY[type(node.op)]()
            self.add(node, "arithmetic", ast.unparse(new))
        self.expression(node.value)

    def _if(self, node: ast.If | ast.While) -> None:
        if isinstance(node.test, ast.Name | ast.Attribute) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self.body(node.orelse)
            return
        if not isinstance(node.test, ast.Compare | ast.Constant) and not (
            isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        ):
            self.add(node.test, "condition", f"not ({ast.unparse(node.test)})")
        self.truth(node.test)
        self.expression(node.test)
        self.body(node.body)
        self.body(node.orelse)

    _while = _if

    def _try(self, node: ast.Try) -> None:
        self.body(node.body)
        for handler in node.handlers:
            if isinstance(handler.type, ast.Tuple):
                for number in range(len(handler.type.elts)):
                    fewer = copy.deepcopy(handler.type)
                    del fewer.elts[number]
                    self.add(handler.type, "except", ast.unparse(fewer))
            elif handler.type is not None:
                self.add(handler.type, "except", "()")
            self.body(handler.body)
        self.body(node.orelse)
        self.body(node.finalbody)

    def _match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        for case in node.cases:
            if case.guard is not None:
                self.expression(case.guard)
            self.body(case.body)

    def _with(self, node: ast.With) -> None:
        for item in node.items:
            self.expression(item.context_expr)
            call = item.context_expr
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress") and call.args:
                for number in range(len(call.args)):
                    fewer = copy.deepcopy(call)
                    del fewer.args[number]
                    self.add(call, "except", ast.unparse(fewer))
        self.body(node.body)

    # Expressions

    def truth(self, node: ast.AST) -> None:
        self.truths.add(node)
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self.truth(value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.truth(node.operand)

    def expression(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        method = getattr(self, f"_on_{type(node).__name__.lower()}", None)
        if method is not None and method(node):
            return
        for child in ast.iter_child_nodes(node):
            self.expression(child)

    def _on_compare(self, node: ast.Compare) -> None:
        for number, op in enumerate(node.ops):
            for other in _COMPARE[type(op)]:
                new = copy.deepcopy(node)
                new.ops[number] = other()
                self.changed(node, "comparison", new)

    def _on_boolop(self, node: ast.BoolOp) -> None:
        new = copy.deepcopy(node)
        new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self.changed(node, "boolean", new)

    def _on_unaryop(self, node: ast.UnaryOp) -> bool:
        if isinstance(node.op, ast.Not):
            self.truth(node.operand)
            self.changed(node, "not", node.operand)
        elif isinstance(node.op, ast.USub):
            self.changed(node, "arithmetic", node.operand)
            return isinstance(node.operand, ast.Constant)
        return False

    def _on_binop(self, node: ast.BinOp) -> None:
        if type(node.op) in _BINARY and not _text(node.left) and not _text(node.right):
            new = copy.deepcopy(node)
            new.op = _BINARY[type(node.op)]()
            self.changed(node, "arithmetic", new)

    def _on_ifexp(self, node: ast.IfExp) -> None:
        self.truth(node.test)
        new = copy.deepcopy(node)
        new.body, new.orelse = new.orelse, new.body
        self.changed(node, "condition", new)

    def _on_constant(self, node: ast.Constant) -> None:
        value = node.value
        if value is True or value is False:
            self.add(node, "constant", repr(not value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.add(node, "constant", repr(value + 1))
            if value > 1:
                self.add(node, "constant", repr(value - 1))
        elif isinstance(value, str):
            if not prose(value):
                self.add(node, "string", '""' if value else '"~"')
        elif isinstance(value, bytes):
            self.add(node, "string", 'b""' if value else 'b"~"')

    def _on_subscript(self, node: ast.Subscript) -> bool:
        """Leave out how often a text is split of which only the first piece is taken."""
        call, first = node.value, isinstance(node.slice, ast.Constant) and node.slice.value == 0
        split = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "split" and len(call.args) == 2
        if not (first and split):
            return False
        assert isinstance(call, ast.Call)
        self.expression(call.func)
        self.expression(call.args[0])
        self.expression(node.slice)
        return True

    def _on_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.truth(test)
            self.add(test, "condition", "True")

    def _on_call(self, node: ast.Call) -> bool:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        if called in {"cast", "TypeVar", "NewType"}:
            for argument in node.args[1:]:
                self.expression(argument)
            return True
        self._other_call(node, called)
        for number, keyword in enumerate(node.keywords):
            if keyword.arg is None or (called == "zip" and keyword.arg == "strict"):
                continue
            if called and not called.lstrip("_")[:1].isupper() and called not in {"field", "replace"}:
                fewer = copy.deepcopy(node)
                del fewer.keywords[number]
                self.add(node, "argument", ast.unparse(fewer))
        self.expression(node.func)
        for argument in node.args:
            self.expression(argument)
        for keyword in node.keywords:
            if not (called == "zip" and keyword.arg == "strict"):
                self.expression(keyword.value)
        return True

    def _other_call(self, node: ast.Call, called: str) -> None:
        """Note the call of the method or function that does nearly the same."""
        if called in {"any", "all"} and node.args and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp):
            self.truth(node.args[0].elt)
        other = None
        same = (called == "strip" and node in self.truths) or (called in {"split", "rsplit"} and len(node.args) + len(node.keywords) < 2)
        if isinstance(node.func, ast.Attribute) and called in _METHODS and not same:
            other = copy.deepcopy(node)
            other.func.attr = _METHODS[called]  # type: ignore[attr-defined]
        elif isinstance(node.func, ast.Name) and called in _NAMES and not (called == "sorted" and node.keywords):
            other = copy.deepcopy(node)
            other.func.id = _NAMES[called]  # type: ignore[attr-defined]
        if other is not None:
            self.changed(node, "call", other)


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def compiles(mutated: bytes) -> bool:
    """Return whether a mutated source is still Python; what isn't is no mutant."""
    try:
        compile(mutated, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def functions_of(source: bytes) -> dict[int, str]:
    """Return the outermost function that each line of a body belongs to, as `Mutant.function` names it."""
    found: dict[int, str] = {}

    def look(statements: list[ast.stmt], scope: tuple[str, ...]) -> None:
        for node in statements:
            if isinstance(node, _Scope) and node.body:
                name = ".".join((*scope, node.name))
                found.update(dict.fromkeys(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1), name))
            elif isinstance(node, ast.ClassDef):
                look(node.body, (*scope, node.name))
            elif isinstance(node, ast.If | ast.Try | ast.With):
                look([*node.body, *getattr(node, "orelse", [])], scope)

    look(ast.parse(source).body, ())
    return found
