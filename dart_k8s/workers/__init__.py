"""What runs in the pods: doors that glue pure rooms to edges."""
