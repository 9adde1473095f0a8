"""Settings of every test run."""

import os

# Set before anything imports matplotlib; the processes that tests start inherit it.
os.environ["MPLBACKEND"] = "Agg"
