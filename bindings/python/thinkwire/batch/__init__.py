"""`thinkwire batch`: sends a file of prompts and appends the answers to another file.

The modules, in the direction of the data: inputs (lines to send), finished (lines to skip), limits
and concurrency (when to send), runner (sends), results (lines to write), journal (writes).
retries and shared_rate are also used by thinkwire.ray.
"""
