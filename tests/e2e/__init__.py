"""What a user gets, on a real node: images, the chart by Helm, and a Synthesis whose pods are containers.

`images`    the images of a test: this machine's Python and what .ci/constraints.txt pins
"""
