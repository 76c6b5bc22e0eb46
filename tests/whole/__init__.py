"""Whole runs on a real control plane: a real operator, and in pods the real code of workers.

`warm`       a process that has imported everything and forks what is to run: each start costs no imports
`warmed`     how a test asks it to
`client`     what the operator starts as its folding child: it asks too
`kubelet`    a node whose pods are processes; probes, termination messages, SIGTERM, restarts
`wire`       a way to a server that numbers what is written through it and can kill before or after a write
`runs`       a run from apply to its end, and what is compared of two of them
"""
