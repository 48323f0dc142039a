"""Where records lie: the study's file, JSON lines, exports, and the past of a gate."""
