"""A real node for the control plane: pods are containers. docs/contributing.md, "A real node", says how tests use it.

`machine`   namespaces of the kernel of its own, with an address; `first` is what runs in them first
`runtime`   containerd with runc and the network plug-ins
`node`      the control plane with kubelet, kube-proxy and CoreDNS
`archive`   images without a builder: layers and a configuration into a file that containerd imports
`pause`     the Go program that holds a pod's namespaces
"""
