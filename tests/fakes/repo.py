"""A Git repository in memory: commits are whole trees, the working tree is a real folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import unified_diff
from pathlib import Path

from autobuilds.errors import GitBusy, Refused
from autobuilds.ports import CheckedMerge, Commit, DiffStat, FileStat, Head, Identity, LineOrigin, Maker
from autobuilds.store.history import trailers

Tree = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    parents: tuple[str, ...]
    tree: Tree
    message: str
    author: Identity | None
    number: int


class FakeRepo:
    """Implements ports.Repo; `busy` and `owner` can be set."""

    def __init__(self, root: Path, branch: str = "main", objects: dict[str, Made] | None = None) -> None:
        self.root = root
        self.branch: str | None = branch
        self.refs: dict[str, str] = {}
        self.objects = {} if objects is None else objects
        self.busy: str | None = None
        self.owner: Identity | None = Identity(name="Olive Owner", email="olive@example.org")

    def head(self) -> Head:
        return Head(branch=self.branch, commit=self.refs.get(self.branch or ""), busy=self.busy)

    def resolve(self, ref: str) -> str | None:
        found = self.head().commit if ref == "HEAD" else self.refs.get(ref.removeprefix("refs/heads/"), ref)
        return found if found in self.objects else None

    def contains(self, branch: str, commit: str) -> bool:
        pending = [self.resolve(branch)]
        while pending:
            found = pending.pop()
            if found == commit:
                return True
            pending += self.objects[found].parents if found else ()
        return False

    def identity(self) -> Identity | None:
        return self.owner

    def cut_off(self) -> bool:
        return False

    def read(self, commit: str, path: str) -> bytes | None:
        found = self.resolve(commit)
        return self.objects[found].tree.get(path) if found else None

    def _make(self, parents: tuple[str, ...], tree: Tree, message: str, author: Identity | None = None) -> str:
        oid = hashlib.sha1(repr((parents, sorted(tree.items()), message, len(self.objects))).encode()).hexdigest()
        self.objects[oid] = Made(parents=parents, tree=tree, message=message, author=author, number=len(self.objects))
        return oid

    def heal(self) -> None:
        """Nothing is ever left."""

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        author: Identity | None = None,
        branch: str = "current",
        texts: Mapping[str, bytes] | None = None,
    ) -> str | None:
        name = self.branch if branch == "current" else branch
        if branch == "none":
            return None
        if name is None or (self.busy and name == self.branch):
            raise GitBusy
        parent = self.refs.get(name)
        before = self.objects[parent].tree if parent else {}
        after = {**before, **{p: (self.root / p).read_bytes() for p in paths if (self.root / p).is_file()}}
        after |= texts or {}
        after = {p: data for p, data in after.items() if p not in paths or (self.root / p).is_file()}
        if after == before and not trailers(message):
            return None
        self.refs[name] = self._make((parent,) if parent else (), after, message, author)
        return self.refs[name]

    def clone(self, target: Path, commit: str, branch: str) -> None:
        for path, data in self.objects[commit].tree.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(data)

    def adopt(self, source: Path, commit: str, branch: str) -> None:
        if branch == self.branch:
            raise Refused
        self.refs[branch] = commit

    def diff(self, base: str, head: str) -> DiffStat:
        lines = [row for row in self.diff_text(base, head).split("\n") if not row.startswith(("+++", "---"))]
        one, two = (self.objects[self.resolve(c) or ""].tree for c in (base, head))
        paths = tuple(sorted(p for p in {*one, *two} if one.get(p) != two.get(p)))
        return DiffStat(paths=paths, added=sum(row[:1] == "+" for row in lines), removed=sum(row[:1] == "-" for row in lines))

    def file_stats(self, base: str, head: str) -> tuple[FileStat, ...]:
        one, two = (self.objects[self.resolve(c) or ""].tree for c in (base, head))
        found = []
        for path in sorted(p for p in {*one, *two} if one.get(p) != two.get(p)):
            a, b = (t.get(path, b"").decode(errors="replace").splitlines(True) for t in (one, two))
            rows = [row for row in unified_diff(a, b) if not row.startswith(("+++", "---"))]
            found.append(FileStat(path=path, added=sum(r[0] == "+" for r in rows), removed=sum(r[0] == "-" for r in rows)))
        return tuple(found)

    def diff_text(self, base: str, head: str, limit: int = 200_000) -> str:
        one, two = (self.objects[self.resolve(c) or ""].tree for c in (base, head))
        texts = [(p, *(t.get(p, b"").decode(errors="replace").splitlines(True) for t in (one, two))) for p in sorted({*one, *two})]
        text = "".join(row for p, a, b in texts for row in unified_diff(a, b, f"a/{p}", f"b/{p}"))
        return text if len(text) <= limit else f"{text[:limit]}\n… cut here\n"

    def _ancestors(self, commit: str) -> set[str]:
        return {commit}.union(*(self._ancestors(p) for p in self.objects[commit].parents))

    def _combine(self, base: Tree, onto: str, theirs: Tree, scratch: Path, message: str, parents: tuple[str, ...]) -> CheckedMerge:
        ours = self.objects[onto].tree
        paths = sorted({*base, *ours, *theirs})
        conflicts = tuple(p for p in paths if len({base.get(p), ours.get(p), theirs.get(p)}) == 3)
        if conflicts:
            return CheckedMerge(commit=None, onto=onto, scratch=scratch, conflicts=conflicts)
        merged = {p: ours.get(p) if theirs.get(p) == base.get(p) else theirs.get(p) for p in paths}
        commit = self._make(parents, {p: data for p, data in merged.items() if data is not None}, message)
        self.clone(scratch, commit, "")
        return CheckedMerge(commit=commit, onto=onto, scratch=scratch)

    def merge(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        onto = self.refs[base_branch]
        if commit in self._ancestors(onto):
            raise Refused
        common = max(self._ancestors(onto) & self._ancestors(commit), key=lambda c: self.objects[c].number)
        return self._combine(self.objects[common].tree, onto, self.objects[commit].tree, scratch, message, (onto, commit))

    def revert(self, base_branch: str, commit: str, scratch: Path, message: str) -> CheckedMerge:
        onto, made = self.refs[base_branch], self.objects[commit]
        return self._combine(made.tree, onto, self.objects[made.parents[0]].tree, scratch, message, (onto,))

    def revert_all(self, base_branch: str, commits: Sequence[str], scratch: Path, message: str) -> CheckedMerge:
        onto, tree = self.refs[base_branch], self.objects[self.refs[base_branch]].tree
        for commit in commits:
            made = self.objects[commit]
            before = self._make((), tree, "")
            done = self._combine(made.tree, before, self.objects[made.parents[0]].tree, scratch, message, (onto,))
            if done.commit is None:
                return CheckedMerge(commit=None, onto=onto, scratch=scratch, conflicts=done.conflicts)
            tree = self.objects[done.commit].tree
        same = tree == self.objects[onto].tree
        return CheckedMerge(commit=onto if same else self._make((onto,), tree, message), onto=onto, scratch=scratch)

    def _in_the_way(self, merged: CheckedMerge, branch: str) -> list[str]:
        before, after = (self.objects[commit or ""].tree for commit in (merged.onto, merged.commit))
        changed = sorted(p for p in {*before, *after} if before.get(p) != after.get(p)) if branch == self.branch else []
        files = {p: (self.root / p).read_bytes() if (self.root / p).is_file() else None for p in changed}
        return [p for p in changed if files[p] not in (before.get(p), after.get(p))]

    def check_delivery(self, merged: CheckedMerge, base_branch: str) -> None:
        if merged.commit is None or self.refs[base_branch] not in (merged.onto, merged.commit):
            raise Refused(f"{base_branch} moved")
        if dirty := self._in_the_way(merged, base_branch):
            raise Refused(f"your uncommitted work in {', '.join(dirty)} is in the way")

    def tag(self, name: str, commit: str) -> None:
        if not name.startswith("autobuilds/"):
            raise Refused
        self.refs[name] = commit

    def untag(self, name: str) -> None:
        if not name.startswith("autobuilds/"):
            raise Refused
        self.refs.pop(name, None)

    def loose(self) -> tuple[str, ...]:
        tree = self.objects[self.head().commit or ""].tree
        there = {p.relative_to(self.root).as_posix(): p.read_bytes() for p in self.root.rglob("*") if p.is_file() and ".git" not in p.parts}
        return tuple(sorted(p for p in {*tree, *there} if tree.get(p) != there.get(p)))

    def deliver(self, merged: CheckedMerge, base_branch: str) -> None:
        if merged.commit is None or self.refs[base_branch] != merged.onto:
            raise Refused(f"{base_branch} moved")
        before, after = self.objects[merged.onto].tree, self.objects[merged.commit].tree
        changed = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
        if base_branch == self.branch:
            files = {p: (self.root / p).read_bytes() if (self.root / p).is_file() else None for p in changed}
            dirty = [p for p in changed if files[p] not in (before.get(p), after.get(p))]
            if dirty:
                raise Refused(f"your uncommitted work in {', '.join(dirty)} is in the way")
            for p in changed:
                (self.root / p).unlink(missing_ok=True)
            self.clone(self.root, self._make((), {p: after[p] for p in changed if p in after}, ""), "")
        self.refs[base_branch] = merged.commit

    def delete_branch(self, branch: str) -> None:
        if not branch.startswith("build/"):
            raise Refused
        self.refs.pop(branch, None)

    def history(self, *, since: str | None = None) -> Iterator[Commit]:
        tip, found = self.head().commit, []
        while tip and tip != since:
            made = self.objects[tip]
            when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=made.number)
            found.append(Commit(sha=tip, when=when, subject=made.message.split("\n")[0], trailers=trailers(made.message)))
            tip = made.parents[0] if made.parents else None
        yield from (c for c in reversed(found) if "Build" in c.trailers or "Event" in c.trailers)

    def mainline(self, tip: str, *, since: str | None = None, limit: int = 100_000) -> tuple[Commit, ...]:
        at, found = self.resolve(tip), []
        hidden = self._ancestors(since) if since else set()
        while at and at not in hidden and len(found) < limit:
            made = self.objects[at]
            when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=made.number)
            subject = made.message.split("\n")[0]
            found.append(Commit(sha=at, when=when, subject=subject, trailers=trailers(made.message), parents=made.parents))
            at = made.parents[0] if made.parents else None
        return tuple(found[::-1])

    def before(self, when: datetime) -> str | None:
        found = [c.sha for c in self.mainline(self.refs.get(self.branch or "", "")) if c.when <= when]
        return found[-1] if found else None

    def scratch(self, target: Path, commit: str) -> None:
        self.clone(target, commit, "scratch")

    def made(self, commit: str) -> Maker | None:
        found = self.objects.get(commit)
        when = datetime(2026, 1, 1, tzinfo=UTC)
        return Maker(by="autobuilds@localhost", when=when + timedelta(seconds=found.number)) if found else None

    def converts(self, path: str) -> bool:
        return False

    def ignores(self, path: str) -> bool:
        ignore = self.root / ".gitignore"
        return ignore.exists() and path in ignore.read_text().split("\n")

    def line_origin(self, commit: str, path: str, line: int) -> LineOrigin | None:
        def at(data: bytes | None) -> bytes | None:
            rows = data.rstrip(b"\n").split(b"\n") if data else []
            return rows[line - 1] if 1 <= line <= len(rows) else None

        tip: str | None = commit
        wanted, last = at(self.objects[commit].tree.get(path)), ""
        while tip and wanted is not None and at(self.objects[tip].tree.get(path)) == wanted:
            last = tip
            tip = self.objects[tip].parents[0] if self.objects[tip].parents else None
        author = self.objects[last].author if last else None
        return LineOrigin(author=author.email if author else "autobuilds@localhost", commit=last) if last else None
