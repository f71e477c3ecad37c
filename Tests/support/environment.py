"""Removes variables of the user that could change what the tests do."""

import os

KEPT = ("THINKWIRE_LIBRARY", "THINKWIRE_MOCK", "THINKWIRE_SLOWNESS")
REMOVED = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "openai_base_url",
    "ssl_cert_file",
    "ssl_cert_dir",
)


def clear_environment():
    """Removes API keys, addresses, proxies and certificates from the environment."""
    for name in list(os.environ):
        is_option = name.startswith("THINKWIRE_") and name not in KEPT
        if is_option or name.endswith("_API_KEY") or name.lower() in REMOVED:
            del os.environ[name]
