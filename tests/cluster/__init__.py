"""The harness of a real Kubernetes control plane. docs/contributing.md, "A real Kubernetes", says how tests use it.

`fixtures`      cluster, plane, namespace
`access`        what a test does with any cluster
`plane`         a control plane of our own, and its faults; made of `components`, `certificates`, `processes`, `etcd`,
                `folders`
`pods`          nodes and pods that pretend, by `stages.yaml`
`proxy`         a network that fails
`sources`       where the cluster comes from; `controlplane` is the Go module that is built
`python -m tests.cluster` starts one for a developer
"""
