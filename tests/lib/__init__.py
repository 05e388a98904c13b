"""What the test suites share: throwaway stacks (stack.py) and the pytest fixtures over them (fixtures.py)."""
