"""The `dart` command, also installed as kubectl-dart."""
