"""A model service that follows a script: real agents talk to it on the loopback, and every request is kept to be searched."""

from tests.agents.stub_model.scripts import CONTENT, FILE, Scenario, hang_number, marker
from tests.agents.stub_model.server import Seen, StubModel, dead_port

__all__ = ["CONTENT", "FILE", "Scenario", "Seen", "StubModel", "dead_port", "hang_number", "marker"]
