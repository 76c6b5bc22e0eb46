"""Images and the chart: what a cluster would meet, without one."""
