"""The crash matrix: whatever is killed whenever, every acknowledged write is there exactly once.

OPSKIT_CRASH_RUNS=1000 ./scripts/test tests/crash    # as many seeds
OPSKIT_CRASH_SEED=17 ./scripts/test tests/crash      # one run again
"""
