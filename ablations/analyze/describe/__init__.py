"""What single trials show: answers, timings, and whether networks trained."""
