"""Write into every graph of the package whose weights it was made of; nothing that is computed changes.

    python .ci/stamp_graphs.py

For graphs of an upres that did not write the digest yet: the metadata grow by one entry at the end of the file, and all
bytes before it are compared with what they were.
"""

from upres.machine.atomic import atomic_file
from upres.models.card import weights_digest
from upres.models.catalog import WEIGHTS_DIR
from upres.models.graph import digest_in, stamped


def main() -> None:
    """Stamp what is not stamped, and print a line each."""
    for weights in sorted(WEIGHTS_DIR.glob("*.safetensors")):
        digest = weights_digest(weights)
        for graph in (weights.with_suffix(".onnx"), weights.with_suffix(".int8.onnx")):
            if not graph.is_file() or digest_in(before := graph.read_bytes()) == digest:
                continue
            after = stamped(before, digest)
            if not after.startswith(before) or digest_in(after) != digest:
                raise SystemExit(f"{graph}: expected the same bytes and an entry behind them; export it anew")
            with atomic_file(graph) as stream:
                stream.write(after)
            print(f"{graph.name}: made of {digest[:16]}, {len(after) - len(before)} bytes added")


if __name__ == "__main__":
    main()
