"""What records show without a comparison: predictions, timings, whether networks trained."""
