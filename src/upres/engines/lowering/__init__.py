"""From graphs of operators to what the native module runs."""
