"""`python -m charts.dashboards`: write them anew."""

from . import write

write()
