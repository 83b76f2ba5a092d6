"""Completion for shells."""

from __future__ import annotations

import click

from autobuilds.cli.session import say

#: Where each shell looks for it.
_PLACES = {
    "bash": "autobuilds completion bash > ~/.local/share/bash-completion/completions/autobuilds",
    "zsh": "autobuilds completion zsh > a folder of your $fpath, as _autobuilds",
    "fish": "autobuilds completion fish > ~/.config/fish/completions/autobuilds.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell (bash, zsh, fish), for you to put where the shell looks."""
    from click.shell_completion import get_completion_class

    root = ctx.find_root().command
    found = get_completion_class(shell)
    assert found is not None, "the choice names the shells that click knows"
    script = found(root, {}, "autobuilds", "_AUTOBUILDS_COMPLETE").source()
    say(f"# To install: {_PLACES[shell]}\n{script}")
