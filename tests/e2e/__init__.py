"""What a user gets, on a real node: images, the chart by Helm, and a Synthesis whose pods are containers.

`images`    the images of a test: this machine's Python and what .ci/constraints.txt pins
`platform`  the node with the images, a real S3 server, and releases of the chart by Helm
`runs`      a Synthesis from `kubectl apply` to its end, and what must be true of the end
`faults`    what befalls its pods
`endpoint`  an engine on this machine, asked by samplers in pods
`pods`      pods of a test's own
"""
