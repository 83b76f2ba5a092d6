"""The room in which templates run: without calls but of macros, without powers, with an end to every loop and to all growth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: Steps of one page: so many for any page, and so many for each value that it is given. Our own templates need one for four
#: values, however many tasks there are; 10 000 rounds of a loop take about 25 ms.
_STEPS, _STEPS_PER_VALUE = 10_000, 10
#: What the call of a macro counts as, since it takes so much longer than a round.
_CALL_STEPS = 20
#: Characters, or items of a list, that are made for one step.
_CHARS, _ITEMS = 16, 8
#: The names of the filters that count what a template makes; no template can write them.
_COUNTED, _JOINED, _FLAT = "counted rounds", "joined texts", "flat list"


def _weight(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_weight, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + len(value) // _CHARS if isinstance(value, str) else 1


class Budget:
    """The steps that one page may take, in proportion to what it is given; every method that counts raises ValueError when they are gone."""

    def __init__(self) -> None:
        self._left = 0

    def begin(self, values: Any) -> None:
        """Begin a page that shows these plain values."""
        self._left = _STEPS + _STEPS_PER_VALUE * _weight(values)

    def spend(self, steps: int) -> None:
        """Count steps."""
        self._left -= steps
        if self._left < 0:
            raise ValueError("the page takes more rounds, calls and text than what it shows could need")

    def counted(self, values: Iterable[Any]) -> Iterable[Any]:
        """Yield the values, each counted."""
        for value in values:
            self.spend(1)
            yield value

    def made(self, value: Any) -> Any:
        """Count a value that goes into another one, or onto the page, and return it."""
        if isinstance(value, str):
            self.spend(len(value) // _CHARS)
        elif isinstance(value, list | tuple):
            self.spend(len(value) // _ITEMS)
        return value

    def joined(self, values: Iterable[Any]) -> Any:
        """Do what `~` does."""
        from markupsafe import Markup

        parts = [self.made(value) for value in values]
        if any(isinstance(part, list | tuple | dict) for part in parts):
            raise ValueError("a list is no text; show it with a loop or with join")
        marked = any(hasattr(part, "__html__") for part in parts)
        return Markup("").join(parts) if marked else "".join(map(str, parts))


def _flat(values: Any) -> Any:
    """Return a list that holds no other: such could be shown, or compared, as more than the memory holds."""
    if any(isinstance(value, list | tuple | dict) for value in values):
        raise ValueError("a template can't make a list of lists")
    return values


def _counting() -> Any:
    """Return what puts a filter round everything in a template that can take long, or make much out of little."""
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    def filtered(node: Any, name: str) -> Any:
        return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)

    class Counting(NodeTransformer):
        def visit_For(self, node: Any) -> Any:  # noqa: N802 - the name of the node
            self.generic_visit(node)
            node.iter = filtered(node.iter, _COUNTED)
            return node

        def visit_Concat(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            return filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

        def visit_List(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            return filtered(node, _FLAT)

        def visit_Tuple(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            return filtered(node, _FLAT) if node.ctx == "load" else node

        def visit_Dict(self, _: Any) -> Any:  # noqa: N802
            raise ValueError("a template can't make a mapping")

    return Counting()


def sandbox(budget: Budget) -> type[Any]:
    """Return the environment's class, whose templates live on this budget."""
    from jinja2 import nodes
    from jinja2.runtime import LoopContext, Macro
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        # A product or power of small constants can fill the memory, at compile time even; so can a sum of sums.
        intercepted_binops = frozenset({"**", "*", "%", "+"})

        def allow(self, filters: dict[str, Any]) -> None:
            """Take these filters in, and those that count."""
            self.globals.clear()
            self.filters.clear()
            self.filters.update({**filters, _COUNTED: budget.counted, _JOINED: budget.joined, _FLAT: _flat})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = all(isinstance(v, int | float) and abs(v) < 1e12 for v in (left, right))
            if operator == "**" or (operator != "+" and not numbers):
                raise ValueError(f"{operator} is not possible here")
            for value in (left, right):
                budget.made(value)
            return super().call_binop(context, operator, left, right)

        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            # Loops in loops can run for years and write nothing; a text that is joined to itself forty times fills the memory.
            tree: nodes.Template = _counting().visit(super()._parse(source, name, filename))
            return tree

        def is_safe_callable(self, obj: Any) -> bool:
            budget.spend(_CALL_STEPS)
            return isinstance(obj, Macro | LoopContext)

    return Sandbox
