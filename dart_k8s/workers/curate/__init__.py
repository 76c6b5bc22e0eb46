"""From a sealed run to data sets, their card, statistics and figures."""
