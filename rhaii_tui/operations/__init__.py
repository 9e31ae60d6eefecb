"""What is done to a deployment that exists: scale, stop, wake, teardown. Plans of steps like the road's own."""
