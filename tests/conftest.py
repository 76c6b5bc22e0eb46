"""What all tests share: hypothesis profiles, golden files, the table of stages, and plugins of single rooms."""

import os
from importlib.util import find_spec

import pytest_randomly
from hypothesis import HealthCheck, settings

# No deadlines: the machines that run this are shared, and a slow example is not a wrong one.
settings.register_profile("default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# DeepSpeed asks there to be seeded before each test: it would be loaded, and torch with it, for every session.
pytest_randomly.entrypoint_reseeds = []

plugins = ("tests.golden", "tests.stages", "tests.s3_server", "tests.cluster.fixtures")
pytest_plugins = [name for name in plugins if find_spec(name) is not None]
