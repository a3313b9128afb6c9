"""Where work is done: on this machine, or on those of a cluster."""

import argparse


def add_executor(group: argparse._ActionsContainer, what: str) -> None:
    """The executor, and where its cluster is.

    Args:
        group: Of options, or a parser.
        what: Is done there, for the help: ``jobs run``.
    """
    group.add_argument("--executor", choices=("local", "ray"), default="local", help=f"where {what} (default: here)")
    group.add_argument(
        "--address", metavar="HOST:PORT", help="of the Ray cluster's head (default: one on this machine)"
    )


def check_executor(args: argparse.Namespace) -> None:
    """An address without a cluster cannot be meant."""
    if args.address is not None and args.executor == "local":
        args.usage_error("--address is that of a cluster: add --executor ray")
