"""How each real agent is pointed at a model service: the variables it takes and the files it wants in its home."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: No secret: the stub takes whatever comes. Tests search for it where it must not be.
KEY = "sk-stub-canary-5d1c0ffee"
MODEL = "stub-model"


def _nothing(_url: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One agent: the model's name as it takes it, variables and home files for a service at an address."""

    model: str = MODEL
    variables: Callable[[str], Mapping[str, str]] = field(default=_nothing)
    #: Path in the home to text.
    files: Callable[[str], Mapping[str, str]] = field(default=_nothing)


def _codex(url: str) -> dict[str, str]:
    lines = [
        f'model = "{MODEL}"',
        'model_provider = "stub"',
        "[model_providers.stub]",
        'name = "Stub"',
        f'base_url = "{url}/v1"',
        'env_key = "OPENAI_API_KEY"',
        'wire_api = "responses"',
        "request_max_retries = 2",
        "stream_max_retries = 1",
        "",
    ]
    return {".codex/config.toml": "\n".join(lines)}


def _pi(url: str) -> dict[str, str]:
    model = {"id": MODEL, "contextWindow": 128_000, "maxTokens": 8_000, "cost": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}}
    provider = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": "OPENAI_API_KEY", "models": [model]}
    return {".pi/agent/models.json": json.dumps({"providers": {"stub": provider}})}


def _opencode(url: str) -> dict[str, str]:
    options = {"baseURL": f"{url}/v1", "apiKey": KEY}
    model = {"name": MODEL, "limit": {"context": 128_000, "output": 8_000}, "cost": {"input": 1, "output": 2}, "tool_call": True}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "Stub", "options": options, "models": {MODEL: model}}
    return {".config/opencode/opencode.json": json.dumps({"provider": {"stub": provider}, "share": "disabled", "autoupdate": False})}


def _openclaw(url: str) -> dict[str, str]:
    model = {
        "id": MODEL,
        "name": MODEL,
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": 128_000,
        "maxTokens": 8_000,
    }
    provider = {"baseUrl": f"{url}/v1", "apiKey": KEY, "api": "openai-completions", "models": [model]}
    return {".openclaw/openclaw.json": json.dumps({"models": {"mode": "merge", "providers": {"stub": provider}}})}


def _openai(url: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_BASE": f"{url}/v1"}


def _known(url: str) -> dict[str, str]:
    """Return the variables for a program that reads its service from a file: the address opens the port for the build."""
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1"}


def _chosen(way: str) -> str:
    return json.dumps({"security": {"auth": {"selectedType": way}}, "privacy": {"usageStatisticsEnabled": False}})


SETUPS: dict[str, Setup] = {
    "pi": Setup(model=f"stub/{MODEL}", variables=_known, files=_pi),
    "gemini": Setup(
        variables=lambda url: {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url},
        files=lambda _: {".gemini/settings.json": _chosen("gemini-api-key")},
    ),
    "codex": Setup(variables=_known, files=_codex),
    "claude": Setup(
        model="claude-stub",
        variables=lambda url: {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, "CLAUDE_CODE_MAX_RETRIES": "3"},
    ),
    "opencode": Setup(model=f"stub/{MODEL}", variables=_known, files=_opencode),
    "qwen": Setup(variables=_openai, files=lambda _: {".qwen/settings.json": _chosen("openai")}),
    "copilot": Setup(
        variables=lambda url: {"COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_PROVIDER_API_KEY": KEY, "COPILOT_MODEL": MODEL}
    ),
    "openclaw": Setup(model=f"stub/{MODEL}", variables=_known, files=_openclaw),
    "aider": Setup(model=f"openai/{MODEL}", variables=_openai),
    "mini-swe-agent": Setup(model=f"openai/{MODEL}", variables=lambda url: {**_openai(url), "MSWEA_COST_TRACKING": "ignore_errors"}),
}
