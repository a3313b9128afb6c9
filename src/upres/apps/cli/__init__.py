"""The `upres` command: `main` dispatches, one file a verb."""
