"""`accelerate launch` as a child that ends with the supervisor, however that died."""

import sys

from dart_k8s.workers.orphan import die_with_parent


def main() -> None:
    """Launch as the arguments say."""
    die_with_parent()
    from dart_k8s.edges.training.launching import launch

    launch(sys.argv[1:])


if __name__ == "__main__":
    main()
