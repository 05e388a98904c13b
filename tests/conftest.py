"""Makes the fixtures of lib/fixtures.py known to every suite below tests/."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["lib.fixtures"]

# At least 100 cases a property; MILLRACE_PROPERTY_CASES asks for more.
settings.register_profile(
    "millrace", max_examples=int(os.environ.get("MILLRACE_PROPERTY_CASES", "100")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True)
settings.load_profile("millrace")
