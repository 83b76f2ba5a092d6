"""YAML as text: every scalar stays the text that stands there, and what could surprise or explode is refused with its line."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontmatter.default_handlers import YAMLHandler

#: Deeper nesting than any front matter of ours has.
_MAX_DEPTH = 20


@lru_cache(maxsize=1)
def text_loader() -> type[Any]:
    """Return a PyYAML loader class: no implicit types, aliases, tags, merges or repeated keys; keys and scalars are text.

    What it refuses is raised as `yaml.YAMLError` with the place in `problem_mark`.
    """
    import yaml

    class TextLoader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own shape of a loader
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            mark: Any = event.start_mark
            if isinstance(event, yaml.AliasEvent):
                raise yaml.MarkedYAMLError(problem="aliases (*name) are not read here", problem_mark=mark)
            if getattr(event, "tag", None) is not None:
                raise yaml.MarkedYAMLError(problem="tags (!name) are not read here", problem_mark=mark)
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands here twice", problem_mark=key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

    return TextLoader


def text_handler() -> YAMLHandler:
    """Return a python-frontmatter handler that reads with `text_loader`."""
    from frontmatter.default_handlers import YAMLHandler

    class TextHandler(YAMLHandler):
        def load(self, fm: str, **kwargs: object) -> Any:
            return super().load(fm, **{**kwargs, "Loader": text_loader()})

    return TextHandler()
