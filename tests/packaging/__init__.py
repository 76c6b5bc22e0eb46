"""Images, the chart and the manifests: what a cluster would meet, without one."""
